package workflow

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/clock"
	"sshkeybot/internal/reconcile"
)

// watchClock keeps the mark in the ledger up to date, and notifies the team of a wall clock that
// is in doubt, and of how that came out.
func (s *Service) watchClock(ctx context.Context) error {
	if s.Engine.Clock == nil {
		return nil
	}
	var v clock.View
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		v, err = s.Engine.Clocks(ctx, tx)
		return err
	})
	if err != nil || !v.Stale && !v.News() {
		return err
	}
	var mark clock.Mark
	err = s.Store.Update(ctx, func(tx access.Tx) (err error) {
		mark, err = s.keepMark(ctx, tx, v)
		return err
	})
	if err == nil {
		s.Engine.Clock.Settle(mark)
	}
	return err
}

// keepMark writes the mark, and what is to be said. Where another replica has counted
// more time, that holds.
func (s *Service) keepMark(ctx context.Context, tx access.Tx, v clock.View) (clock.Mark, error) {
	m := v.Mark
	last, err := reconcile.ClockMark(ctx, tx)
	if err != nil {
		return m, err
	}
	if last.Steady.After(m.Steady) {
		m.Steady = last.Steady
	}
	moved := 0
	if !v.InDoubt() {
		if moved, err = s.correctEnds(ctx, tx, m.Steady); err != nil {
			return m, err
		}
	}
	if v.News() {
		m.Told = v.InDoubt()
		if err := s.sayOfClock(ctx, tx, m, sayClock(v, moved)); err != nil {
			return m, err
		}
	}
	return m, reconcile.SaveClockMark(ctx, tx, m)
}

// sayClock returns the text about a doubt, or about how it came out.
func sayClock(v clock.View, moved int) string {
	if v.InDoubt() {
		return "It is in doubt: " + v.Doubt() + ". Until that is settled I grant nothing; what has to end still ends, and keys are still removed."
	}
	text := "It is no longer in doubt, and I grant access again."
	if clock.Far(v.Jump) {
		text = "It was set: " + clock.Jumped(v.Jump) + ", and is right now. I grant access again."
	}
	switch moved {
	case 0:
		return text
	case 1:
		return text + " The end of one grant was corrected: it ends when it was approved to."
	}
	return text + " The ends of " + strconv.Itoa(moved) + " grants were corrected: they end when they were approved to."
}

func (s *Service) sayOfClock(ctx context.Context, tx access.Tx, m clock.Mark, text string) error {
	action, from, to := access.DidClockRight, "doubt", "right"
	if m.Told {
		action, from, to = access.DidClockDoubt, to, from
	}
	if err := access.Record(ctx, tx, s.Now(), "", action, access.NounClock, 0, from, to, text); err != nil {
		return err
	}
	key := fmt.Sprintf("clock:%s:%s:%d", m.Boot, to, m.Steady.UnixMilli())
	return tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeClock, Detail: text})
}

// correctEnds brings the ends of live grants forward that a jump of the wall clock has
// put off, to where they were approved to be, and returns how many.
func (s *Service) correctEnds(ctx context.Context, tx access.Tx, steady time.Time) (moved int, err error) {
	live, err := tx.Grants(ctx, access.GrantQuery{State: access.Live})
	if err != nil {
		return 0, err
	}
	ahead := s.Now().Sub(steady)
	for _, g := range live {
		right := g.SteadyEnd.Add(ahead)
		if g.EndsAt.IsZero() || g.SteadyEnd.IsZero() || g.EndsAt.Sub(right) <= clock.Tolerance {
			continue
		}
		if err := s.correctEnd(ctx, tx, g, right); err != nil {
			return 0, err
		}
		moved++
	}
	return moved, nil
}

func (s *Service) correctEnd(ctx context.Context, tx access.Tx, g access.Grant, right time.Time) error {
	detail := g.EndsAt.UTC().Format(time.RFC3339) + " to " + right.UTC().Format(time.RFC3339)
	g.EndsAt = right
	if won, err := tx.MoveGrant(ctx, g, access.Live); err != nil || !won {
		return err
	}
	if err := access.Record(ctx, tx, s.Now(), "", access.DidGrantCorrect, access.NounGrant, g.ID, string(access.Live), string(access.Live), detail); err != nil {
		return err
	}
	if err := tx.PersonChanged(ctx, s.Now(), g.Person); err != nil {
		return err
	}
	n := access.Notice{Key: access.NoticeKey("corrected:"+right.UTC().Format(time.RFC3339), g.ID), Kind: access.NoticeCorrected, To: g.Person, RequestID: g.RequestID, GrantID: g.ID}
	if err := tx.Notify(ctx, n); err != nil {
		return err
	}
	if err := s.factsChanged(ctx, tx, g.Person); err != nil { // an extension would lead to another end now
		return err
	}
	return tx.Announce(ctx, g.RequestID)
}
