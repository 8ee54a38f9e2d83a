package access

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"
)

// leftSource begins the source of an offboarding for which nobody asked: Slack told that
// the person left.
const leftSource = "left:"

// OnSlacksWord reports whether nobody but Slack is behind an offboarding. One that a
// person ordered, approved or confirmed is not undone by what Slack says later.
func (r Request) OnSlacksWord() bool {
	return strings.HasPrefix(r.Source, leftSource) && r.DecidedBy == ""
}

// leftBecause are the reasons of offboardings for which nobody asked, by what Slack said.
var leftBecause = map[Standing]string{
	Deactivated: "The Slack account was deactivated.",
	Guest:       "The Slack account became a guest.",
	Nobody:      "The Slack account is not known to Slack any more.",
	Outsider:    "The Slack account is of another workspace now.",
}

// leaves reports whether the standing is one that ends access by itself. Who is unknown
// or foreign is asked about: that may as well be a mistake in a setting.
func (st Standing) leaves() bool { return st == Deactivated || st == Guest }

// Of more people within that time Slack hardly ever says that they left unless somebody
// made a mistake, so the approvers are asked.
const (
	fewLeavers    = 3
	leaversWithin = time.Hour
)

// Left looks at an account of which Slack told that it has changed. Of a person who
// left, it ends everything or asks the approvers to, as the team has chosen; it notes
// when somebody is back. Being told again changes nothing.
func (s *Service) Left(ctx context.Context, id UserID) error { return s.left(ctx, id, false) }

// left is Left; many tells that Slack says so of many people at once.
func (s *Service) left(ctx context.Context, id UserID, many bool) error {
	profile, err := s.Directory.Profile(ctx, id, 0)
	switch {
	case err != nil:
		return err
	case profile.Standing == Member:
		return s.back(ctx, id)
	case leftBecause[profile.Standing] == "":
		return nil
	}
	return s.Store.Update(ctx, func(tx Tx) error { return s.leave(ctx, tx, id, profile.Standing, many) })
}

func (s *Service) leave(ctx context.Context, tx Tx, id UserID, standing Standing, many bool) error {
	person, err := tx.Person(ctx, id)
	if err != nil {
		return err
	}
	known, err := isKnown(ctx, tx, id)
	if err != nil || !known && !person.Offboarded() {
		return err
	}
	if err := s.noteStanding(ctx, tx, person, standing); err != nil || person.Away() {
		return err
	}
	out, err := isOut(ctx, tx, id)
	if err != nil {
		return err
	}
	if out || !known {
		return s.goneAgain(ctx, tx, person)
	}
	asked, due, err := s.owesOffboarding(ctx, tx, id)
	if err != nil || !due {
		return err
	}
	wave, err := s.wave(ctx, tx, id)
	if err != nil {
		return err
	}
	ask := asked || many || wave || !standing.leaves() || s.Settings.OffboardDeactivated == OffboardAsks
	return s.beginLeaving(ctx, tx, id, leftBecause[standing], ask)
}

// noteStanding notes how somebody stands who is no member. What the approvers decided
// when they stood otherwise does not count any more.
func (*Service) noteStanding(ctx context.Context, tx Tx, person Person, standing Standing) error {
	if person.Standing == standing {
		return nil
	}
	if person.Standing != "" {
		if err := tx.SetFlag(ctx, flagLeft+string(person.ID), ""); err != nil {
			return err
		}
	}
	return tx.SetStanding(ctx, person.ID, standing)
}

// beginLeaving offboards a person on Slack's word, or asks the approvers to.
func (s *Service) beginLeaving(ctx context.Context, tx Tx, id UserID, reason string, ask bool) error {
	r := s.newRequest(KindOffboard, noticeKey(leftSource+string(id), s.Now().UnixNano()), "", id, "")
	r.Reason = reason
	r, _, err := tx.InsertRequest(ctx, r, nil)
	if err != nil {
		return err
	}
	if err := s.posted(ctx, tx, r); err != nil {
		return err
	}
	if ask {
		return tx.SetFlag(ctx, flagLeft+string(id), strconv.FormatInt(r.ID, 10))
	}
	_, err = s.approve(ctx, tx, r, "", "")
	return err
}

// flagLeft, with a person behind it, keeps which request asked the approvers about the
// account since it is as it is: what they denied is not asked again, and what they were
// asked is not done without them.
const flagLeft = "left:"

// owesOffboarding reports whether an offboarding is to begin for a person who left and
// whom the ledger knows, and whether the approvers were asked about that before.
func (s *Service) owesOffboarding(ctx context.Context, tx Tx, id UserID) (asked, due bool, err error) {
	if s.Settings.OffboardDeactivated == OffboardOff {
		return false, false, nil
	}
	open, err := tx.Requests(ctx, RequestQuery{States: []RequestState{Pending}, Kinds: []RequestKind{KindOffboard}, Person: id})
	if err != nil || len(open) > 0 {
		return false, false, err
	}
	flag, err := tx.Flag(ctx, flagLeft+string(id))
	if err != nil || flag == "" {
		return false, err == nil, err
	}
	number, err := strconv.ParseInt(flag, 10, 64)
	if err != nil {
		return false, false, err
	}
	last, err := tx.Request(ctx, number)
	return true, last.State != Denied || last.DecidedBy == "", err
}

// isKnown reports whether the ledger holds anything of a person.
func isKnown(ctx context.Context, tx Tx, id UserID) (bool, error) {
	keys, err := tx.AllKeysOf(ctx, id)
	if err != nil || len(keys) > 0 {
		return len(keys) > 0, err
	}
	for _, q := range []RequestQuery{{Person: id}, {Asker: id}} {
		q.States, q.Limit = []RequestState{WaitingForKey, Pending}, 1
		if open, err := tx.Requests(ctx, q); err != nil || len(open) > 0 {
			return len(open) > 0, err
		}
	}
	return false, nil
}

// wave reports whether Slack has said of several others within the hour that they left.
func (s *Service) wave(ctx context.Context, tx Tx, id UserID) (bool, error) {
	lately, err := tx.Requests(ctx, RequestQuery{Kinds: []RequestKind{KindOffboard}, CreatedAfter: s.Now().Add(-leaversWithin)})
	others := map[UserID]bool{}
	for _, r := range lately {
		if strings.HasPrefix(r.Source, leftSource) && r.Person != id {
			others[r.Person] = true
		}
	}
	return len(others) >= fewLeavers, err
}

// peopleEvery is after what time the list of all users is read again, for events that
// were missed.
const peopleEvery = 4 * time.Hour

// suspects are the people whom the list of users showed otherwise than the ledger has
// them, and whom Slack was not asked about yet. They are kept in memory: a process reads
// the list when it starts.
type suspects struct {
	mu     sync.Mutex
	readAt time.Time
	left   []UserID
	many   bool // so many that somebody may have made a mistake
}

// FindLeavers finds people who left, or are back, though the event that told so was
// missed. It reads the list of all users at the start and a few times a day, and asks
// about everybody whom that does not show as the ledger has them. One about whom Slack
// has no answer does not stand in the way of the others; only while Slack asks for
// patience it goes no further, until it is called again.
func (s *Service) FindLeavers(ctx context.Context) error {
	s.suspects.mu.Lock()
	defer s.suspects.mu.Unlock()
	if age := s.Now().Sub(s.suspects.readAt); age < 0 || age >= peopleEvery {
		if err := s.readPeople(ctx); err != nil {
			return err
		}
	}
	var trouble error
	var again []UserID
	for i, id := range s.suspects.left {
		err := s.left(ctx, id, s.suspects.many)
		trouble = errors.Join(trouble, err)
		if CodeOf(err) == RateLimited || ctx.Err() != nil {
			again = append(again, s.suspects.left[i:]...)
			break
		}
		if CodeOf(err) == Unavailable {
			again = append(again, id)
		}
	}
	s.suspects.left = again
	return trouble
}

// readPeople compares the list of all users with the people of the ledger.
func (s *Service) readPeople(ctx context.Context) error {
	people, err := s.knownPeople(ctx)
	if err != nil {
		return err
	}
	ids := make([]UserID, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	began := s.Now()
	shown, err := s.Directory.Standings(ctx, ids)
	if err != nil {
		return err
	}
	var left, absent []UserID
	news := 0
	for _, p := range people {
		standing, listed := shown[p.ID]
		switch {
		case !p.suspicious(standing, listed):
		case listed:
			left = append(left, p.ID)
		default:
			absent = append(absent, p.ID)
		}
		if !p.Away() && p.Standing == "" && standing.leaves() {
			news++
		}
	}
	s.suspects.readAt, s.suspects.left, s.suspects.many = began, append(left, absent...), news > fewLeavers
	return nil
}

// suspicious reports whether somebody whom the list of users shows like that, or not at
// all, is to be asked about.
func (p Person) suspicious(shown Standing, listed bool) bool {
	if p.Standing == "" || p.Offboarded() && listed {
		return shown != cmp.Or(p.Standing, Member)
	}
	return !p.Away() // it may have to be asked again what becomes of them
}

func (s *Service) knownPeople(ctx context.Context) (people []Person, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		known, err := tx.KnownPersons(ctx)
		people = people[:0]
		for _, id := range known {
			person, err := tx.Person(ctx, id)
			if err != nil {
				return err
			}
			people = append(people, person)
		}
		return err
	})
	return people, err
}
