package workflowtest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
)

// Refuses fails the test unless err has that code and a sentence with those words.
func Refuses(t *testing.T, err error, code access.Code, words string) {
	t.Helper()
	if access.CodeOf(err) != code || !strings.Contains(access.MessageOf(err), words) {
		t.Errorf("got %v (%s), want %s with «%s»", err, access.CodeOf(err), code, words)
	}
}

// Unchanged fails the test when what do does leaves a trace in the audit log or in
// what has to be told.
func (h *Harness) Unchanged(t *testing.T, do func()) {
	t.Helper()
	events, notices := len(h.VerifyAudit()), len(h.Notices())
	do()
	if e, n := len(h.VerifyAudit()), len(h.Notices()); e != events || n != notices {
		t.Errorf("%d events and %d notices more than before", e-events, n-notices)
	}
}

// Notices lists what somebody is still to be told: notices of the given kinds, or of all.
func (h *Harness) Notices(kinds ...access.NoticeKind) (list []access.Notice) {
	h.T.Helper()
	for _, n := range h.Queued() {
		if n.Kind != delivery.NoticeHome && (len(kinds) == 0 || slices.Contains(kinds, n.Kind)) {
			list = append(list, n.Notice)
		}
	}
	return list
}

// Queued lists all that the outbox has to send, now or later.
func (h *Harness) Queued() (list []delivery.Notice) {
	h.T.Helper()
	h.Must(h.Ledger.Outbox().Read(h.Ctx(), func(tx delivery.Tx) error {
		list = nil
		ids, err := tx.DueNotices(h.Ctx(), h.Clock.Now().Add(1000*time.Hour))
		for _, id := range ids {
			n, noticeErr := tx.Notice(h.Ctx(), id)
			if noticeErr != nil {
				return noticeErr
			}
			list = append(list, n)
		}
		return err
	}))
	return list
}

// IsDrawn reports whether a request is shown, or is to be.
func (h *Harness) IsDrawn(id int64) bool {
	h.T.Helper()
	err := h.Ledger.Outbox().Read(h.Ctx(), func(tx delivery.Tx) error {
		_, err := tx.Drawing(h.Ctx(), id)
		return err
	})
	if access.CodeOf(err) == access.NotFound {
		return false
	}
	h.Must(err)
	return true
}

// Announced returns how often a request was marked to be drawn anew.
func (h *Harness) Announced(id int64) int64 {
	h.T.Helper()
	var d delivery.Drawing
	h.Must(h.Ledger.Outbox().Read(h.Ctx(), func(tx delivery.Tx) (err error) {
		d, err = tx.Drawing(h.Ctx(), id)
		return err
	}))
	return d.Version
}

func (h *Harness) Read(fn func(tx access.Tx) error) {
	h.T.Helper()
	h.Must(h.Store.Read(h.Ctx(), fn))
}

// Placements lists the placements that match.
func (h *Harness) Placements(q access.PlacementQuery) (list []access.Placement) {
	h.T.Helper()
	h.Read(func(tx access.Tx) (err error) {
		list, err = tx.Placements(h.Ctx(), q)
		return err
	})
	return list
}

// Grants lists the grants that match.
func (h *Harness) Grants(q access.GrantQuery) (list []access.Grant) {
	h.T.Helper()
	h.Read(func(tx access.Tx) (err error) {
		list, err = tx.Grants(h.Ctx(), q)
		return err
	})
	return list
}

// State returns the state of a request.
func (h *Harness) State(id int64) access.RequestState {
	h.T.Helper()
	return h.MustView(id).Request.State
}

// Grouped is a directory that also knows user groups.
type Grouped struct {
	*People
	MembersOf map[string][]access.UserID
}

// Members lists the members of a known group; any other cannot be read.
func (g Grouped) Members(_ context.Context, group string, _ time.Duration) ([]access.UserID, error) {
	members, ok := g.MembersOf[group]
	if !ok {
		return nil, &access.Error{Code: access.Unavailable, Message: "The directory does not answer."}
	}
	return members, nil
}

// Picky is an account whose additions go as the test says.
type Picky struct {
	*Account
	OnAdd func(server string, c access.Credential) (access.Credential, error)
}

// Add adds a key as the test says.
func (p *Picky) Add(_ context.Context, server string, c access.Credential) (access.Credential, error) {
	return p.OnAdd(server, c)
}

// Events returns the audit events of an action.
func (h *Harness) Events(action access.Action) (found []access.Event) {
	h.T.Helper()
	for _, e := range h.VerifyAudit() {
		if e.Action == action {
			found = append(found, e)
		}
	}
	return found
}

// Halted reports whether work waits because the account refuses our credentials.
func (h *Harness) Halted() bool {
	h.T.Helper()
	halted, err := h.Engine.Halted(h.Ctx())
	h.Must(err)
	return len(halted) > 0
}
