package octopus

import (
	"errors"
	"testing"
)

func TestServer(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "GET /api", answer: `{"Application":"Octopus Deploy","Version":"2026.3.1234","ApiVersion":"3.0.0","InstallationId":"x","Links":{}}`})
	if s, err := c.Server(t.Context()); err != nil || s.Version != "2026.3.1234" {
		t.Errorf("%v, %v", s, err)
	}
	for _, answer := range []string{`{}`, `[]`, `{"Version":7}`} {
		if _, err := scripted(canned(200, answer, nil)).Server(t.Context()); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestMe(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "GET /api/users/me", answer: `{"Id":"Users-7","Username":"sshkeybot","DisplayName":"x","IsActive":true,"IsService":true,"EmailAddress":"jo@example.org"}`})
	if me, err := c.Me(t.Context()); err != nil || me != (User{"Users-7", "sshkeybot", true}) {
		t.Errorf("%v, %v", me, err)
	}
	if _, err := scripted(canned(200, `{}`, nil)).Me(t.Context()); !errors.Is(err, ErrUnexpected) {
		t.Errorf("%v", err)
	}
}
