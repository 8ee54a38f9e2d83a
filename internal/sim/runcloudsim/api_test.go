package runcloudsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadsHaveTheDocumentedForm(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.AddServer(Server{ID: 1203, Name: "web-01", Tags: []string{"eu"}})
	b.AddServer(Server{ID: 1204, Name: "new", NeverConnected: true})
	b.AddSession(1203, Session{"root", "pts/0", "198.51.100.7", "06:10", "1:23", "-bash"})
	b.AddKey(1203, Credential{Label: "jo laptop", User: "root", PublicKey: publicKey(t, 1), Temporary: true})
	shown := publicKey(t, 1)[:50] + "..."
	for path, want := range map[string]string{
		"/ping": `{"message":"pong"}`,
		"/servers/1203": `{"id":1203,"name":"web-01","provider":"Hetzner Cloud","stack":"nginx","ipAddress":"198.18.4.204",
			"country_iso_code":"DE","os":"Ubuntu","osVersion":"jammy","connected":true,"online":true,
			"agentVersion":"2.8.7-1+ubuntu22.04+11","phpCLIVersion":"php83rc","softwareUpdate":false,"securityUpdate":true,
			"transferStatus":"AVAILABLE","created_at":"2026-07-23 03:04:20","tags":[{"id":1,"name":"eu"}]}`,
		"/servers/1204": `{"id":1204,"name":"new","provider":"Hetzner Cloud","stack":"nginx","ipAddress":"198.18.4.205",
			"country_iso_code":null,"os":"Ubuntu","osVersion":null,"connected":false,"online":false,
			"agentVersion":null,"phpCLIVersion":"php83rc","softwareUpdate":false,"securityUpdate":false,
			"transferStatus":"AVAILABLE","created_at":"2026-07-23 03:04:20","tags":[]}`,
		"/servers/1203/ssh/credentials": `{"data":[{"id":4701,"label":"jo laptop","user":"root","publicKey":"` + shown + `","created_at":"2026-07-23 03:04:20"}],
			"meta":{"pagination":{"total":1,"count":1,"per_page":15,"current_page":1,"total_pages":1,"links":{}}}}`,
		"/servers/1204/ssh/credentials": `{"data":[],"meta":{"pagination":{"total":0,"count":0,"per_page":15,"current_page":1,"total_pages":1,"links":{}}}}`,
		"/servers/1203/ssh/sessions":    `[{"username":"root","tty":"pts/0","ipAddress":"198.51.100.7","loginSince":"06:10","idle":"1:23","currentRunningProcess":"-bash"}]`,
	} {
		got := b.want("GET", path, nil, 200, "")
		if diff := cmp.Diff(decode[any](t, reply{body: want}), decode[any](t, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestCreateAndDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{Name: "web-01"})
	path := fmt.Sprintf("/servers/%d/ssh/credentials", id)
	full := publicKey(t, 1)
	f := keyForm(t, 1, " jo laptop ")
	f["temporary"] = true
	got := decode[credentialJSON](t, b.want("POST", path, f, 200, ""))
	want := credentialJSON{4701, "jo laptop", "runcloud", full[:50] + "...", new(true), "2026-07-23 03:04:20"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	truth := []Credential{{4701, id, "jo laptop", "runcloud", full, true, start.UTC()}}
	if diff := cmp.Diff(truth, b.Keys(id)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	gone := decode[credentialJSON](t, b.want("DELETE", path+"/4701", nil, 200, ""))
	if diff := cmp.Diff(want, gone); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	b.want("DELETE", path+"/4701", nil, 404, "Resources not found.")
	if left := b.AllKeys(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestUnknownThings(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{})
	other := b.AddServer(Server{})
	k := b.AddKey(id, Credential{Label: "x", User: "root", PublicKey: publicKey(t, 1)})
	b.want("GET", "/servers/9", nil, 404, "Resources not found.")
	b.want("POST", "/servers/9/ssh/credentials", nil, 404, "Resources not found.")
	b.want("DELETE", fmt.Sprintf("/servers/%d/ssh/credentials/%d", other, k), nil, 404, "Resources not found.")
	b.want("GET", "/servers/shared", nil, 404, "Not Found.")
	b.want("PATCH", fmt.Sprintf("/servers/%d", id), nil, 404, "Not Found.")
	if !b.RemoveServer(id) || b.RemoveServer(id) {
		t.Error("a server can be removed once")
	}
	b.want("GET", fmt.Sprintf("/servers/%d", id), nil, 404, "")
	if len(b.AllKeys()) != 0 || b.AddKey(id, Credential{}) != 0 {
		t.Error("a removed server has no keys")
	}
}

func TestRestoredKeysKeepTheirIDs(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{})
	b.Restore(id, Credential{ID: 9000, Label: "second"}, Credential{ID: 8000, Label: "first"})
	b.Restore(id+1, Credential{ID: 9500, Label: "nowhere"})
	next := b.AddKey(id, Credential{Label: "third"})
	var labels []string
	for _, k := range b.Keys(id) {
		labels = append(labels, k.Label)
	}
	if !slices.Equal(labels, []string{"first", "second", "third"}) || next != 9001 {
		t.Errorf("%q, the last with the id %d", labels, next)
	}
}

func TestTokenAndAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	r := b.request(t.Context(), "GET", "/ping", nil)
	r.Header.Del("Authorization")
	if got := b.send(r); got.status != 401 || got.body != `{"message":"Missing API Token."}` {
		t.Errorf("no token: %d %s", got.status, got.body)
	}
	b.SetToken("other")
	b.want("GET", "/ping", nil, 401, `{"message":"Unauthenticated."}`)
	b.SetToken(DefaultToken)
	b.AllowOnly("192.0.2.1")
	b.want("GET", "/ping", nil, 401, `{"message":"Unauthenticated."}`)
	b.AllowOnly("192.0.2.1", "127.0.0.1")
	b.want("GET", "/ping", nil, 200, "pong")
	b.AllowOnly()
	b.want("GET", "/ping", nil, 200, "pong")
}

func TestTemporaryKeysEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{TemporaryLifetime: time.Hour})
	id, offline := b.AddServer(Server{}), b.AddServer(Server{Offline: true})
	f := keyForm(t, 1, "t")
	f["temporary"] = true
	b.want("POST", fmt.Sprintf("/servers/%d/ssh/credentials", id), f, 200, "")
	b.AddKey(id, Credential{Label: "for ever", User: "root", PublicKey: publicKey(t, 2)})
	b.AddKey(offline, Credential{Label: "t", User: "root", PublicKey: publicKey(t, 1), Temporary: true})
	b.clock.add(time.Hour - time.Second)
	if len(b.Keys(id)) != 2 || len(b.Keys(offline)) != 1 {
		t.Error("ended early")
	}
	b.clock.add(time.Second)
	if strings.Contains(b.get(fmt.Sprintf("/servers/%d/ssh/credentials", id)).body, `"label":"t"`) {
		t.Error("listed after its end")
	}
	if all := b.AllKeys(); len(all) != 1 || all[0].Label != "for ever" {
		t.Errorf("keys %v", all)
	}
	b.SetRules(Rules{}) // twelve hours
	b.AddKey(id, Credential{Label: "t", User: "root", PublicKey: publicKey(t, 1), Temporary: true})
	b.clock.add(12*time.Hour - time.Second)
	if len(b.Keys(id)) != 2 {
		t.Error("ended early")
	}
	b.clock.add(time.Second)
	if len(b.Keys(id)) != 1 {
		t.Error("did not end")
	}
}

func TestFullKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{FullKeys: true})
	id := b.AddServer(Server{})
	b.AddKey(id, Credential{Label: "x", User: "root", PublicKey: publicKey(t, 1)})
	b.want("GET", fmt.Sprintf("/servers/%d/ssh/credentials", id), nil, 200, `"publicKey":"`+publicKey(t, 1)+`","created_at"`)
}
