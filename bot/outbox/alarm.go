package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
)

// Alarm is a message to the team about trouble with the ledger, which cannot go through the
// ledger. It is changed when the trouble is over. It is safe for use by many goroutines.
type Alarm struct {
	API  *slackapi.Client
	Uses interface {
		Approvers(ctx context.Context) ([]access.UserID, error)
	}
	Channel string // empty: each approver gets a direct message
	Log     *slog.Logger

	mu     sync.Mutex
	posted []slackapi.Ref
	at     time.Time // when they were posted
	raised bool
}

// quietFor is how long after the message trouble that comes again only changes it.
const quietFor = 10 * time.Minute

// Raise shows a message until Clear, unless one is shown already. It returns an error when
// nobody could be shown it.
func (a *Alarm) Raise(ctx context.Context, m render.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.raised {
		return nil
	}
	if len(a.posted) > 0 && time.Since(a.at) < quietFor {
		return a.change(ctx, m, true)
	}
	places, err := a.places(ctx)
	if err != nil {
		return err
	}
	a.posted = nil
	for _, place := range places {
		at, failed := a.API.Post(ctx, place, "", m)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		a.posted, a.at, a.raised = append(a.posted, at), time.Now(), true
	}
	if a.raised && err != nil {
		a.Log.Warn("not everybody could be told of the trouble with the ledger", "error", err)
		return nil
	}
	return err
}

// Clear replaces what Raise has shown; it does nothing when that is nothing.
func (a *Alarm) Clear(ctx context.Context, m render.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.raised {
		return nil
	}
	return a.change(ctx, m, false)
}

func (a *Alarm) change(ctx context.Context, m render.Message, raised bool) (err error) {
	for _, at := range a.posted {
		if failed := a.API.Update(ctx, at, m); failed != nil && slackapi.ErrorCode(failed) != "message_not_found" {
			err = errors.Join(err, failed)
		}
	}
	if err == nil {
		a.raised = raised
	}
	return err
}

func (a *Alarm) places(ctx context.Context) (places []string, err error) {
	if a.Channel != "" {
		return []string{a.Channel}, nil
	}
	approvers, err := a.Uses.Approvers(ctx)
	for _, id := range approvers {
		places = append(places, string(id))
	}
	return places, err
}
