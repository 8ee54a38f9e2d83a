package workflow

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/reconcile"
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

// RetryFailed makes everything that was refused for good under a request due
// again, and returns how many results that concerns.
func (s *Service) RetryFailed(ctx context.Context, requestID int64, actor access.UserID) (int, error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return 0, err
	}
	approver, err := s.IsApprover(ctx, actor)
	if err != nil {
		return 0, err
	}
	var count int
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		count = 0
		r, err := tx.Request(ctx, requestID)
		if err != nil {
			return err
		}
		if !approver && actor != r.Asker && actor != r.Person {
			return access.NewForbidden("Only an approver, or the people this request is about, can retry it.")
		}
		results, err := tx.Results(ctx, requestID)
		if err != nil {
			return err
		}
		var again []access.Result
		for _, result := range results {
			if result.State != access.Failed || result.Problem == access.ProblemDeleted && !approver {
				continue
			}
			if err := s.retry(ctx, tx, result); err != nil {
				return err
			}
			result.State = access.Waiting
			again = append(again, result)
		}
		if count = len(again); count == 0 {
			return access.NewConflict("Nothing has failed here any more.")
		}
		if err := s.takeRetry(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := tx.Tell(ctx, again); err != nil { // a second failure is news again
			return err
		}
		return access.Record(ctx, tx, s.Now(), actor, access.DidRequestRetry, access.NounRequest, r.ID, string(r.State), string(r.State), fmt.Sprintf("%d results", count))
	})
	return count, err
}

func (s *Service) retry(ctx context.Context, tx access.Tx, r access.Result) error {
	if r.Reads() {
		return s.Engine.InspectAgain(ctx, tx, r)
	}
	stuck, err := tx.Placements(ctx, access.PlacementQuery{
		Server: r.ServerID, SystemUser: r.SystemUser, Fingerprint: r.Fingerprint, Picked: r.Picked,
		States: []access.PlacementState{access.PlacementWanted, access.PlacementUnknown, access.PlacementPlaced, access.PlacementLeaving},
	})
	if err != nil {
		return err
	}
	for _, p := range stuck {
		if p.State == access.PlacementPlaced && !p.Stuck {
			continue // it is there
		}
		p.Stuck, p.Setback, p.NextAt = false, access.Setback{}, s.Now()
		if p.State == access.PlacementPlaced {
			p.VerifyAt = s.Now()
		}
		if _, err := tx.MovePlacement(ctx, p, p.State, p.Attempts); err != nil {
			return err
		}
		if err := tx.Wake(ctx, reconcile.WorkOn(p)); err != nil {
			return err
		}
	}
	return s.Engine.UpdateResults(ctx, tx, r.On())
}
