package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/internal/sim/slacksim"
)

// patience is how long a test waits for something, while the program is being killed and the
// machine may be slow.
const patience = 3 * time.Minute

// again calls try until Slack has received an acknowledgement, as people do who are shown an
// error. It records the envelope, if there is one, for audit to look for in the inbox.
func (s stage) again(what string, try func(context.Context) (slacksim.Outcome, error)) error {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for {
		if err := s.slack.Wait(ctx, func(w *slacksim.Workspace) bool { return w.Sockets() > 0 }); err != nil {
			return fmt.Errorf("%s: never acknowledged", what)
		}
		outcome, err := try(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if outcome.Acked {
			if outcome.EnvelopeID != "" {
				s.mu.Lock()
				s.acked = append(s.acked, outcome.EnvelopeID)
				s.mu.Unlock()
			}
			return nil
		}
	}
}

// types has a user give a command until it is acknowledged.
func (s stage) types(user, text string) {
	s.Helper()
	err := s.again(text, func(ctx context.Context) (slacksim.Outcome, error) {
		result, err := s.slack.Command(ctx, user, ops, "/sshkey "+text)
		return result.Outcome, err
	})
	if err != nil {
		s.Fatal(err)
	}
}

// presses has a user press a button of a request's message until that is acknowledged.
func (s stage) presses(user, action string, r request) error {
	return s.again(action, func(ctx context.Context) (slacksim.Outcome, error) {
		return s.slack.ClickStale(ctx, user, ops, r.ts, slacksim.Pick{ActionID: action})
	})
}

// request is a request as people see it: its ID, and the timestamp of its message.
type request struct{ id, ts string }

// requestOf returns the ID of the request that a button is for, which is the first part of
// its value; the digest of the facts follows.
func requestOf(b slacksim.Button) string {
	id, _, _ := strings.Cut(b.Value, ".")
	return id
}

// sees waits for the message of the request with that reason, and returns the request.
func (s stage) sees(reason string) (r request) {
	s.Helper()
	until(s.T, patience, func() string {
		for _, m := range s.slack.Messages(ops) {
			raw, _ := json.Marshal(m.Blocks) // was unmarshaled from JSON
			if !strings.Contains(string(raw), reason) {
				continue
			}
			for _, b := range m.Buttons() {
				if b.ActionID == render.ActionApprove {
					r = request{requestOf(b), m.TS}
					return ""
				}
			}
		}
		return "nobody sees the request for " + reason
	})
	return r
}

// decided waits until the request is in that state.
func (s stage) decided(r request, state string) {
	s.Helper()
	until(s.T, patience, func() string {
		got := s.ledger.texts(s.T, "SELECT state FROM requests WHERE id = "+r.id)
		if len(got) == 1 && got[0] == state {
			return ""
		}
		return fmt.Sprintf("request %s is %v, want %s", r.id, got, state)
	})
}

// registers has a person register their key.
func (s stage) registers(p *person) {
	s.Helper()
	s.types(p.id, "register "+p.key.Line("laptop"))
	s.registered(p)
}

func (s stage) registered(p *person) {
	s.Helper()
	until(s.T, patience, func() string {
		if got := s.ledger.texts(s.T, "SELECT person FROM person_keys WHERE person = '"+p.id+"'"); len(got) != 1 {
			return fmt.Sprintf("%d keys of %s", len(got), p.name)
		}
		return ""
	})
}

// grants has a person ask for access for themself, and both approvers approve at the same time.
func (s stage) grants(p *person, what, reason string) request {
	s.Helper()
	s.types(p.id, fmt.Sprintf("grant @%s %s for %s", p.name, what, reason))
	r := s.sees(reason)
	s.approves(r)
	return r
}

func (s stage) approves(r request) {
	s.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		other := make(chan error, 1)
		go func() { other <- s.presses(second, render.ActionApprove, r) }()
		if err := errors.Join(s.presses(first, render.ActionApprove, r), <-other); err != nil {
			s.Fatal(err)
		}
		if s.approvedSoon(r) {
			return
		}
	}
	s.Fatalf("request %s is never approved", r.id)
}

// approvedSoon reports whether a request is approved within some seconds. If it is not, as
// while the clock is in doubt, the approvers press again.
func (s stage) approvedSoon(r request) bool {
	s.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for range 60 {
		if got := s.ledger.texts(s.T, "SELECT state FROM requests WHERE id = "+r.id); len(got) == 1 && got[0] == "approved" {
			return true
		}
		<-ticker.C
	}
	return false
}

// confirms has an approver give a command that is answered with a draft, and confirm that.
func (s stage) confirms(command, kind string, p *person) {
	s.Helper()
	ids := "SELECT CAST(id AS TEXT) FROM requests WHERE kind = '" + kind + "' AND person = '" + p.id + "'"
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		s.types(first, command)
		if ts, value, ok := s.draft(ids); ok {
			r := request{value, ts}
			if err := s.presses(first, render.ActionConfirm, r); err != nil {
				s.Fatal(err)
			}
			s.decided(r, "approved")
			return
		}
	}
	s.Fatalf("%s: no draft to confirm", command)
}

// ends sets the end of a person's grants.
func (s stage) ends(p *person, at time.Time) {
	s.Helper()
	s.ledger.exec(s.T, fmt.Sprintf("UPDATE grants SET ends_at = %d WHERE person = '%s'", at.UnixMilli(), p.id))
}

// draft waits a moment for a private message with a draft of one of the requests that the
// query selects.
func (s stage) draft(ids string) (ts, value string, ok bool) {
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		known := map[string]bool{}
		for _, id := range s.ledger.texts(s.T, ids) {
			known[id] = true
		}
		for _, m := range s.slack.Ephemeral(first) {
			for _, b := range m.Buttons() {
				if b.ActionID == render.ActionConfirm && known[b.Value] {
					return m.TS, b.Value, true
				}
			}
		}
	}
	return "", "", false
}

// shown waits for the message of a request, and returns the request.
func (s stage) shown(id string) (r request) {
	s.Helper()
	until(s.T, patience, func() string {
		for _, m := range s.slack.Messages(ops) {
			for _, b := range m.Buttons() {
				if b.ActionID == render.ActionApprove && requestOf(b) == id {
					r = request{id, m.TS}
					return ""
				}
			}
		}
		return "nobody sees request " + id
	})
	return r
}
