package runcloudsim

import (
	"fmt"
	"testing"
)

func TestOffline(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{})
	key := b.AddKey(id, Credential{Label: "old", User: "root", PublicKey: publicKey(t, 1)})
	path := fmt.Sprintf("/servers/%d/ssh/", id)
	if !b.SetOnline(id, false) || b.SetOnline(9, true) {
		t.Error("only a known server can be switched")
	}
	b.want("GET", fmt.Sprintf("/servers/%d", id), nil, 200, `"connected":true,"online":false`)
	b.want("GET", path+"credentials", nil, 200, `"label":"old"`)
	b.want("GET", path+"sessions", nil, 500, "could not be reached")
	b.want("POST", path+"credentials", keyForm(t, 2, "new"), 500, "could not be reached")
	b.want("POST", path+"credentials", form{}, 422, "required")
	b.want("DELETE", fmt.Sprintf("%scredentials/%d", path, key), nil, 500, "could not be reached")
	if k := b.Keys(id); len(k) != 1 || k[0].ID != key {
		t.Errorf("keys %v", k)
	}
	b.SetOnline(id, true)
	b.want("GET", path+"sessions", nil, 200, "[]")
	b.want("POST", path+"credentials", keyForm(t, 2, "new"), 200, "")
}
