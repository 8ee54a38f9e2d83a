package runcloud

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSSHCredentials(t *testing.T) {
	t.Parallel()
	body := `{"data":[
		{"id":4711,"label":"jo laptop","user":"runcloud","publicKey":"ssh-ed25519 AAAAC3...","created_at":"2026-07-23 05:04:20"},
		{"id":4712,"label":"old","user":"root","publicKey":"ssh-ed25519 AAAAC3Nz jo","temporary":false}],
		"meta":{"pagination":{"total":2,"total_pages":1,"links":[]}}}`
	got, err := answering(t, "GET /servers/3/ssh/credentials", body).SSHCredentials(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	no := false
	want := []SSHCredential{
		{ID: 4711, Label: "jo laptop", User: "runcloud", PublicKey: "ssh-ed25519 AAAAC3...", CreatedAt: time.Date(2026, 7, 23, 5, 4, 20, 0, time.UTC)},
		{ID: 4712, Label: "old", User: "root", PublicKey: "ssh-ed25519 AAAAC3Nz jo", Temporary: &no},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreateSSHCredential(t *testing.T) {
	t.Parallel()
	var sent map[string]any
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/api/v3/servers/3/ssh/credentials" || r.URL.RawQuery != "" {
			t.Errorf("call %s %s", r.Method, r.URL)
		}
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(credential))
	})
	opts := SSHCredentialCreateOpts{Label: "a <b> & c", Username: "runcloud", PublicKey: "ssh-ed25519 AAAA jo@example.org"}
	got, err := c.CreateSSHCredential(t.Context(), 3, opts)
	if err != nil || got.ID != 7 || got.Temporary == nil || !*got.Temporary {
		t.Fatalf("%+v, err %v", got, err)
	}
	want := map[string]any{"label": opts.Label, "username": opts.Username, "publicKey": opts.PublicKey, "temporary": false}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
}

func TestDeleteSSHCredential(t *testing.T) {
	t.Parallel()
	if err := answering(t, "DELETE /servers/3/ssh/credentials/7", credential).DeleteSSHCredential(t.Context(), 3, 7); err != nil {
		t.Error(err)
	}
}
