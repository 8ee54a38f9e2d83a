package runcloudsim

import (
	"fmt"
	"testing"
	"time"
)

func offlineBench(t *testing.T, rules Rules) (b *bench, id, key int64, path string) {
	t.Helper()
	b = newBench(t, rules)
	id = b.AddServer(Server{})
	key = b.AddKey(id, Credential{Label: "old", User: "root", PublicKey: publicKey(t, 1), Temporary: true})
	b.SetOnline(id, false)
	return b, id, key, fmt.Sprintf("/servers/%d/ssh/", id)
}

func TestOfflineError(t *testing.T) {
	t.Parallel()
	b, id, key, path := offlineBench(t, Rules{})
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

func TestOfflineAccept(t *testing.T) {
	t.Parallel()
	b, id, key, path := offlineBench(t, Rules{Offline: OfflineAccept})
	b.want("POST", path+"credentials", keyForm(t, 2, "new"), 200, `"label":"new"`)
	b.want("DELETE", fmt.Sprintf("%scredentials/%d", path, key), nil, 200, `"label":"old"`)
	if k := b.Keys(id); len(k) != 1 || k[0].Label != "new" {
		t.Errorf("listed %v", k)
	}
	if k := b.Installed(id); len(k) != 1 || k[0].Label != "old" {
		t.Errorf("an offline server should be as it was: %v", k)
	}
	b.want("DELETE", fmt.Sprintf("%scredentials/%d", path, key), nil, 404, "")
	b.want("POST", path+"credentials", keyForm(t, 3, "old"), 200, "") // the label is free again
	b.SetOnline(id, true)
	if k := b.Installed(id); len(k) != 2 || k[0].Label != "new" || k[1].Label != "old" {
		t.Errorf("a server that is back should follow: %v", k)
	}
}

func TestOfflineHang(t *testing.T) {
	t.Parallel()
	for status, end := range map[int]func(b *bench, id int64) bool{
		200: func(b *bench, id int64) bool { return b.SetOnline(id, true) },
		404: func(b *bench, id int64) bool { return b.RemoveServer(id) },
	} {
		b, id, _, path := offlineBench(t, Rules{Offline: OfflineHang})
		done, r := make(chan reply, 1), b.request(t.Context(), "POST", path+"credentials", keyForm(t, 2, "new"))
		go func() { done <- b.send(r) }()
		b.until("hangs", func() bool { c := b.Calls(); return len(c) == 1 && c[0].Phase == Before })
		if !end(b, id) {
			t.Error("unknown server")
		}
		if got := <-done; got.status != status {
			t.Errorf("got %d %s %v, want %d", got.status, got.body, got.err, status)
		}
	}
}

func TestExpiryOfAnOfflineServer(t *testing.T) {
	t.Parallel()
	b, id, _, _ := offlineBench(t, Rules{})
	b.clock.add(13 * time.Hour)
	if len(b.Keys(id)) != 0 || len(b.Installed(id)) != 1 {
		t.Errorf("row %v, line %v", b.Keys(id), b.Installed(id))
	}
	b.SetOnline(id, true)
	if len(b.Installed(id)) != 0 {
		t.Error("the line should go when the server is back")
	}
	b.AddKey(id, Credential{Label: "seen", User: "root", PublicKey: publicKey(t, 1), Temporary: true})
	b.clock.add(13 * time.Hour)
	b.SetOnline(id, false)
	if len(b.Installed(id)) != 0 {
		t.Error("the line was gone before the server was")
	}
	if b.SetOnline(9, true) {
		t.Error("an unknown server")
	}
}
