package runcloudsim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadsHaveTheDocumentedForm(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.AddServer(Server{ID: 1203, Name: "web-01", IPAddress: "192.0.2.10", Tags: []string{"eu"}, PreventRootLogin: true})
	b.AddServer(Server{ID: 1204, Name: "new", IPAddress: "192.0.2.11", NeverConnected: true, Users: []string{"shop"}})
	b.AddSession(1203, Session{"root", "pts/0", "198.51.100.7", "06:10", "1:23", "-bash"})
	b.AddKey(1203, Credential{Label: "jo laptop", User: "root", PublicKey: publicKey(t, 1), Temporary: true})
	shown := publicKey(t, 1)[:50] + "..."
	for path, want := range map[string]string{
		"/ping": `{"message":"pong"}`,
		"/servers/1203": `{"id":1203,"name":"web-01","provider":"Hetzner Cloud","stack":"nginx","ipAddress":"192.0.2.10",
			"country_iso_code":"DE","os":"Ubuntu","osVersion":"jammy","connected":true,"online":true,
			"agentVersion":"2.8.7-1+ubuntu22.04+11","phpCLIVersion":"php83rc","softwareUpdate":false,"securityUpdate":true,
			"transferStatus":"AVAILABLE","created_at":"2026-07-23 03:04:20","tags":[{"id":1,"name":"eu"}]}`,
		"/servers/1204": `{"id":1204,"name":"new","provider":"Hetzner Cloud","stack":"nginx","ipAddress":"192.0.2.11",
			"country_iso_code":null,"os":"Ubuntu","osVersion":null,"connected":false,"online":false,
			"agentVersion":null,"phpCLIVersion":"php83rc","softwareUpdate":false,"securityUpdate":false,
			"transferStatus":"AVAILABLE","created_at":"2026-07-23 03:04:20","tags":[]}`,
		"/servers/1204/users": `{"data":[
			{"id":19,"username":"shop","deploymentKey":null,"deleteable":true,"created_at":"2026-07-23 03:04:20"},
			{"id":18,"username":"runcloud","deploymentKey":null,"deleteable":false,"created_at":"2026-07-23 03:04:20"},
			{"id":17,"username":"root","deploymentKey":null,"deleteable":false,"created_at":"2026-07-23 03:04:20"}],
			"meta":{"pagination":{"total":3,"count":3,"per_page":15,"current_page":1,"total_pages":1,"links":{}}}}`,
		"/servers/1203/ssh/credentials": `{"data":[{"id":4701,"label":"jo laptop","user":"root","publicKey":"` + shown + `","created_at":"2026-07-23 03:04:20"}],
			"meta":{"pagination":{"total":1,"count":1,"per_page":15,"current_page":1,"total_pages":1,"links":{}}}}`,
		"/servers/1204/ssh/credentials": `{"data":[],"meta":{"pagination":{"total":0,"count":0,"per_page":15,"current_page":1,"total_pages":1,"links":{}}}}`,
		"/servers/1203/ssh/credentials/4701": `{"id":4701,"label":"jo laptop","user":"root","publicKey":"` + shown +
			`","temporary":true,"created_at":"2026-07-23 03:04:20"}`,
		"/servers/1203/settings/ssh": `{"passwordlessLogin":true,"useDns":false,"preventRootLogin":true}`,
		"/servers/1203/ssh/sessions": `[{"username":"root","tty":"pts/0","ipAddress":"198.51.100.7","loginSince":"06:10","idle":"1:23","currentRunningProcess":"-bash"}]`,
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
	b.want("GET", path+"/4701", nil, 404, "Resources not found.")
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
	for _, keep := range []bool{false, true} {
		b := newBench(t, Rules{KeepExpired: keep})
		id := b.AddServer(Server{})
		f := keyForm(t, 1, "t")
		f["temporary"] = true
		b.want("POST", fmt.Sprintf("/servers/%d/ssh/credentials", id), f, 200, "")
		b.AddKey(id, Credential{Label: "for ever", User: "root", PublicKey: publicKey(t, 2)})
		b.clock.add(12*time.Hour - time.Second)
		if len(b.Keys(id)) != 2 || len(b.Installed(id)) != 2 {
			t.Errorf("keep %v: ended early", keep)
		}
		b.clock.add(time.Second)
		if got, want := strings.Contains(b.get(fmt.Sprintf("/servers/%d/ssh/credentials", id)).body, `"label":"t"`), keep; got != want {
			t.Errorf("keep %v: listed %v", keep, got)
		}
		if in := b.Installed(id); len(in) != 1 || in[0].Label != "for ever" {
			t.Errorf("keep %v: installed %v", keep, in)
		}
	}
}

func TestLenientForms(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{ListTemporary: true, FullKeys: true, TagsAsStrings: true, TemporaryLifetime: time.Hour})
	id := b.AddServer(Server{Tags: []string{"eu"}})
	b.AddKey(id, Credential{Label: "x", User: "root", PublicKey: publicKey(t, 1), Temporary: true})
	list := fmt.Sprintf("/servers/%d/ssh/credentials", id)
	b.want("GET", list, nil, 200, publicKey(t, 1)+`","temporary":true`)
	b.want("GET", "/servers", nil, 200, `"tags":["eu"]`)
	b.clock.add(time.Hour)
	b.want("GET", list, nil, 200, `"data":[]`)
	b.SetRules(Rules{})
	b.want("GET", "/servers", nil, 200, `"tags":[{`)
}

func TestOutageKeepsState(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.AddServers(3)
	addr := strings.TrimSuffix(strings.TrimPrefix(b.base, "http://"), apiPrefix)
	if _, err := b.Start(); err == nil {
		t.Error("started twice")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if r := b.get("/ping"); r.err == nil {
		t.Error("answers while closed")
	}
	if _, err := b.StartAt(addr); err != nil {
		t.Fatal(err)
	}
	b.want("GET", "/servers", nil, http.StatusOK, `"total":3`)
}
