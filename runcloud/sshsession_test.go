package runcloud

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSSHSessions(t *testing.T) {
	t.Parallel()
	body := `[{"username":"root","tty":"pts/0","ipAddress":"198.51.100.7","loginSince":"06:10","idle":"1:23","currentRunningProcess":"-bash"}]`
	got, err := answering(t, "GET /servers/3/ssh/sessions", body).SSHSessions(t.Context(), 3)
	want := []SSHSession{{Username: "root", TTY: "pts/0", IPAddress: "198.51.100.7", LoginSince: "06:10", Idle: "1:23", Process: "-bash"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestNoSSHSessions(t *testing.T) {
	t.Parallel()
	if got, err := answering(t, "GET /servers/3/ssh/sessions", `[]`).SSHSessions(t.Context(), 3); err != nil || len(got) != 0 {
		t.Errorf("%v, err %v", got, err)
	}
	if got, err := answering(t, "GET /servers/3/ssh/sessions", `{"message":"offline"}`).SSHSessions(t.Context(), 3); !errors.Is(err, ErrUnexpected) {
		t.Errorf("%v, err %v", got, err)
	}
}
