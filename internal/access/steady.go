package access

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// flagClock keeps the last clockMark, as JSON. All replicas share it.
const flagClock = "clock"

func clockMarkOf(ctx context.Context, tx Tx) (m clockMark, err error) {
	text, err := tx.Flag(ctx, flagClock)
	if err != nil || text == "" {
		return m, err
	}
	return m, json.Unmarshal([]byte(text), &m)
}

func (m clockMark) save(ctx context.Context, tx Tx) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tx.SetFlag(ctx, flagClock, string(text))
}

// clocks returns what the clocks show now. A Service without a Clock believes its Now.
func (s *Service) clocks(ctx context.Context, tx Tx) (clockView, error) {
	if s.Clock == nil {
		return clockView{mark: clockMark{Steady: s.Now()}, known: true}, nil
	}
	if !s.Clock.begun() {
		last, err := clockMarkOf(ctx, tx)
		if err != nil {
			return clockView{}, err
		}
		s.Clock.begin(last)
	}
	return s.Clock.look(), nil
}

// sureOfTime refuses to give access while nobody knows what time it is, and returns the
// time of the steady clock.
func (s *Service) sureOfTime(ctx context.Context, tx Tx) (steady time.Time, err error) {
	v, err := s.clocks(ctx, tx)
	if err == nil && v.inDoubt() {
		err = conflict("My clock is in doubt: " + v.doubt() + ". Nothing is granted until that is settled; I say so in the channel. Please try again then.")
	}
	return v.mark.Steady, err
}

// mayPlace refuses to place a key while nobody knows what time it is. Renewals, which give
// nothing new, only wait while it is not known how much time has passed.
func (s *Service) mayPlace(ctx context.Context, p Placement) error {
	return s.Store.Read(ctx, func(tx Tx) error {
		v, err := s.clocks(ctx, tx)
		if err == nil && (v.mark.Lost || v.inDoubt() && !p.Urgent) {
			err = &Error{Code: Unavailable, Op: "clock", Message: "My clock is in doubt: " + v.doubt() + ". I place the key once that is settled."}
		}
		return err
	})
}

// watchClock keeps the mark in the ledger up to date, and tells of a wall clock that is in
// doubt, and of how that came out.
func (s *Service) watchClock(ctx context.Context) error {
	if s.Clock == nil {
		return nil
	}
	var v clockView
	err := s.Store.Read(ctx, func(tx Tx) (err error) {
		v, err = s.clocks(ctx, tx)
		return err
	})
	if err != nil || !v.stale && !v.news() {
		return err
	}
	var mark clockMark
	var said string
	err = s.Store.Update(ctx, func(tx Tx) (err error) {
		mark, said, err = s.keepMark(ctx, tx, v)
		return err
	})
	if err != nil {
		return err
	}
	s.Clock.settle(mark)
	if said != "" && s.Clock.Tell != nil {
		s.Clock.Tell(said)
	}
	return nil
}

// news reports whether there is something to tell.
func (v clockView) news() bool {
	if v.inDoubt() {
		return !v.mark.Told && v.certain()
	}
	return v.mark.Told || far(v.jump)
}

// keepMark writes the mark, with what is to be said. Where another replica has counted
// more time, that holds.
func (s *Service) keepMark(ctx context.Context, tx Tx, v clockView) (m clockMark, said string, err error) {
	m = v.mark
	last, err := clockMarkOf(ctx, tx)
	if err != nil {
		return m, "", err
	}
	if last.Steady.After(m.Steady) {
		m.Steady = last.Steady
	}
	moved := 0
	if !v.inDoubt() {
		if moved, err = s.correctEnds(ctx, tx, m.Steady); err != nil {
			return m, "", err
		}
	}
	if v.news() {
		m.Told = v.inDoubt()
		said = v.say(moved)
		if err := s.sayOfClock(ctx, tx, m, said); err != nil {
			return m, "", err
		}
	}
	return m, said, m.save(ctx, tx)
}

// say tells of a doubt, or of how it came out.
func (v clockView) say(moved int) string {
	if v.inDoubt() {
		return "It is in doubt: " + v.doubt() + ". Until that is settled I grant nothing; what has to end still ends, and keys are still removed."
	}
	text := "It is no longer in doubt, and I grant access again."
	if far(v.jump) {
		text = "It was set: " + jumped(v.jump) + ", and is right now. I grant access again."
	}
	switch moved {
	case 0:
		return text
	case 1:
		return text + " The end of one grant was corrected: it ends when it was approved to."
	}
	return text + " The ends of " + strconv.Itoa(moved) + " grants were corrected: they end when they were approved to."
}

func (s *Service) sayOfClock(ctx context.Context, tx Tx, m clockMark, text string) error {
	from, to := "doubt", "right"
	if m.Told {
		from, to = to, from
	}
	if err := Record(ctx, tx, s.Now(), "", "clock."+to, "clock", 0, from, to, text); err != nil {
		return err
	}
	key := fmt.Sprintf("clock:%s:%s:%d", m.Boot, to, m.Steady.UnixMilli())
	return tx.Notify(ctx, Notice{Key: key, Kind: NoticeClock, Detail: text})
}

// correctEnds brings the ends of live grants forward that a jump of the wall clock has
// put off, to where they were approved to be, and returns how many.
func (s *Service) correctEnds(ctx context.Context, tx Tx, steady time.Time) (moved int, err error) {
	live, err := tx.Grants(ctx, GrantQuery{State: Live})
	if err != nil {
		return 0, err
	}
	ahead := s.Now().Sub(steady)
	for _, g := range live {
		right := g.SteadyEnd.Add(ahead)
		if g.EndsAt.IsZero() || g.SteadyEnd.IsZero() || g.EndsAt.Sub(right) <= clockTolerance {
			continue
		}
		if err := s.correctEnd(ctx, tx, g, right); err != nil {
			return 0, err
		}
		moved++
	}
	return moved, nil
}

func (s *Service) correctEnd(ctx context.Context, tx Tx, g Grant, right time.Time) error {
	detail := g.EndsAt.UTC().Format(time.RFC3339) + " to " + right.UTC().Format(time.RFC3339)
	g.EndsAt = right
	if won, err := tx.MoveGrant(ctx, g, Live); err != nil || !won {
		return err
	}
	if err := Record(ctx, tx, s.Now(), "", "grant.correct", "grant", g.ID, string(Live), string(Live), detail); err != nil {
		return err
	}
	if err := s.redrawHome(ctx, tx, g.Person); err != nil {
		return err
	}
	n := Notice{Key: noticeKey("corrected:"+right.UTC().Format(time.RFC3339), g.ID), Kind: NoticeCorrected, To: g.Person, RequestID: g.RequestID, GrantID: g.ID}
	if err := tx.Notify(ctx, n); err != nil {
		return err
	}
	if err := s.factsChanged(ctx, tx, g.Person); err != nil { // an extension would lead to another end now
		return err
	}
	return tx.Announce(ctx, g.RequestID)
}
