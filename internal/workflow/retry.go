package workflow

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
)

const (
	firstRetryPause = time.Minute // between two retries of a request by hand, doubling
	lastRetryPause  = 4 * time.Hour
	retriesForget   = 24 * time.Hour // after which they begin anew
)

// flagRetried, with a request behind it, keeps its last retry by hand, as JSON.
const flagRetried = "retried:"

// retried is a retry by hand and how long it is the last.
type retried struct {
	At    time.Time
	Pause time.Duration
}

// takeRetry refuses to retry a request by hand that was retried just now, and notes that
// it is retried: each time may be a call for every server.
func (s *Service) takeRetry(ctx context.Context, tx access.Tx, id int64) error {
	name := flagRetried + strconv.FormatInt(id, 10)
	text, err := tx.Flag(ctx, name)
	if err != nil {
		return err
	}
	var last retried
	if text != "" {
		if err := json.Unmarshal([]byte(text), &last); err != nil {
			return err
		}
	}
	age := s.Now().Sub(last.At)
	if left := last.Pause - age; age >= 0 && left > 0 {
		return access.NewConflict("This was tried again just now. It can be tried again in " + duration.Format(max(time.Minute, left.Round(time.Minute))) + "; until then I try by myself what may still pass.")
	}
	next := retried{At: s.Now(), Pause: firstRetryPause}
	if age >= 0 && age < retriesForget {
		next.Pause = min(2*last.Pause, lastRetryPause)
	}
	kept, err := json.Marshal(next)
	if err != nil {
		return err
	}
	return tx.SetFlag(ctx, name, string(kept))
}
