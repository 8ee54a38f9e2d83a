package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// refuses fails the test unless err has that code and a sentence with those words.
func refuses(t *testing.T, err error, code access.Code, words string) {
	t.Helper()
	if access.CodeOf(err) != code || !strings.Contains(access.MessageOf(err), words) {
		t.Errorf("got %v (%s), want %s with «%s»", err, access.CodeOf(err), code, words)
	}
}

// unchanged fails the test when what do does leaves a trace in the audit log or in
// what Slack has to be told.
func (h *harness) unchanged(t *testing.T, do func()) {
	t.Helper()
	events, notices := len(h.verifyAudit()), len(h.notices())
	do()
	if e, n := len(h.verifyAudit()), len(h.notices()); e != events || n != notices {
		t.Errorf("%d events and %d notices more than before", e-events, n-notices)
	}
}

// notices lists what is queued for Slack, of the given kinds or of all but redraws
// of the App Home.
func (h *harness) notices(kinds ...access.NoticeKind) (list []access.Notice) {
	h.t.Helper()
	h.read(func(tx access.Tx) error {
		list = nil
		ids, err := tx.DueNotices(h.ctx(), h.clock.Now().Add(1000*time.Hour))
		for _, id := range ids {
			n, noticeErr := tx.Notice(h.ctx(), id)
			if noticeErr != nil {
				return noticeErr
			}
			wanted := len(kinds) == 0 && n.Kind != access.NoticeHome
			for _, kind := range kinds {
				wanted = wanted || n.Kind == kind
			}
			if wanted {
				list = append(list, n)
			}
		}
		return err
	})
	return list
}

func (h *harness) read(fn func(tx access.Tx) error) {
	h.t.Helper()
	h.must(h.Store.Read(h.ctx(), fn))
}

func (h *harness) placements(q access.PlacementQuery) (list []access.Placement) {
	h.t.Helper()
	h.read(func(tx access.Tx) (err error) {
		list, err = tx.Placements(h.ctx(), q)
		return err
	})
	return list
}

func (h *harness) grants(q access.GrantQuery) (list []access.Grant) {
	h.t.Helper()
	h.read(func(tx access.Tx) (err error) {
		list, err = tx.Grants(h.ctx(), q)
		return err
	})
	return list
}

func (h *harness) state(id int64) access.RequestState {
	h.t.Helper()
	return h.view(id).Request.State
}

// grouped is a directory that also knows user groups.
type grouped struct {
	*people
	members map[string][]access.UserID
}

func (g grouped) Members(_ context.Context, group string, _ time.Duration) ([]access.UserID, error) {
	members, ok := g.members[group]
	if !ok {
		return nil, &access.Error{Code: access.Unavailable, Message: "Slack does not answer."}
	}
	return members, nil
}

// picky is an account whose additions go as the test says.
type picky struct {
	*account
	add func(server int64, c access.Credential) (access.Credential, error)
}

func (p *picky) Add(_ context.Context, server int64, c access.Credential) (access.Credential, error) {
	return p.add(server, c)
}
