package workflow

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// leftBecause returns the reason of an offboarding for which nobody asked, by what the
// directory says of the account; empty if that is no reason for one.
func leftBecause(directory string, standing access.Standing) string {
	account := "The " + directory + " account "
	switch standing {
	case access.Deactivated:
		return account + "was deactivated."
	case access.Guest:
		return account + "became a guest."
	case access.Nobody:
		return account + "is not known to " + directory + " any more."
	case access.Outsider:
		return account + "is of another workspace now."
	case access.Member, access.Bot, access.Invited:
	}
	return ""
}

// Of more people within that time the directory hardly ever says that they left unless somebody
// made a mistake, so the approvers are asked.
const (
	fewDeactivations    = 3
	deactivationsWithin = time.Hour
)

// AccountDeactivated looks at an account that has changed, as the directory told. Of a person who
// left, it ends everything or asks the approvers to, as the team has chosen; it notes
// when somebody is back. Being told again changes nothing.
func (s *Service) AccountDeactivated(ctx context.Context, id access.UserID) error {
	return s.checkAccount(ctx, id, false)
}

// checkAccount is AccountDeactivated; many reports that the directory says so of many people at once.
func (s *Service) checkAccount(ctx context.Context, id access.UserID, many bool) error {
	profile, err := s.Directory.Profile(ctx, id, 0)
	switch {
	case err != nil:
		return err
	case profile.Standing == access.Member:
		return s.accountActive(ctx, id)
	case leftBecause(s.Directory.Title(), profile.Standing) == "":
		return nil
	}
	return s.Store.Update(ctx, func(tx access.Tx) error { return s.offboardDeactivated(ctx, tx, id, profile.Standing, many) })
}

func (s *Service) offboardDeactivated(ctx context.Context, tx access.Tx, id access.UserID, standing access.Standing, many bool) error {
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
	out, err := isOffboarded(ctx, tx, id)
	if err != nil {
		return err
	}
	if out || !known {
		return s.deactivatedAgain(ctx, tx, person)
	}
	asked, due, err := s.offboardingDue(ctx, tx, id)
	if err != nil || !due {
		return err
	}
	several, err := s.manyDeactivated(ctx, tx, id)
	if err != nil {
		return err
	}
	ask := asked || many || several || !standing.EndsAccess() || s.Settings.OffboardDeactivated == OffboardAsks
	return s.beginOffboarding(ctx, tx, id, standing, ask)
}

// noteStanding notes how somebody stands who is no member. What the approvers decided
// when they stood otherwise does not count any more.
func (*Service) noteStanding(ctx context.Context, tx access.Tx, person access.Person, standing access.Standing) error {
	if person.Standing == standing {
		return nil
	}
	if person.Standing != "" {
		if err := tx.SetFlag(ctx, flagDeactivated+string(person.ID), ""); err != nil {
			return err
		}
	}
	return tx.SetStanding(ctx, person.ID, standing)
}

// beginOffboarding offboards a person because of what the directory says, or asks the approvers to.
func (s *Service) beginOffboarding(ctx context.Context, tx access.Tx, id access.UserID, standing access.Standing, ask bool) error {
	r := s.newRequest(access.KindOffboard, access.NoticeKey(access.DeactivatedSource+string(id), s.Now().UnixNano()), "", id, "")
	r.Reason, r.Standing = leftBecause(s.Directory.Title(), standing), standing
	r, _, err := tx.InsertRequest(ctx, r, nil)
	if err != nil {
		return err
	}
	if err := s.submitted(ctx, tx, r); err != nil {
		return err
	}
	if ask {
		return tx.SetFlag(ctx, flagDeactivated+string(id), strconv.FormatInt(r.ID, 10))
	}
	_, err = s.approve(ctx, tx, r, "", "")
	return err
}

// flagDeactivated, with a person behind it, keeps which request asked the approvers about the
// account since it is as it is: what they denied is not asked again, and what they were
// asked is not done without them.
const flagDeactivated = "deactivated:"

// offboardingDue reports whether an offboarding is to begin for a person who left and
// whom the ledger knows, and whether the approvers were asked about that before.
func (s *Service) offboardingDue(ctx context.Context, tx access.Tx, id access.UserID) (asked, due bool, err error) {
	if s.Settings.OffboardDeactivated == OffboardOff {
		return false, false, nil
	}
	open, err := tx.Requests(ctx, access.RequestQuery{States: []access.RequestState{access.Pending}, Kinds: []access.RequestKind{access.KindOffboard}, Person: id})
	if err != nil || len(open) > 0 {
		return false, false, err
	}
	flag, err := tx.Flag(ctx, flagDeactivated+string(id))
	if err != nil || flag == "" {
		return false, err == nil, err
	}
	number, err := strconv.ParseInt(flag, 10, 64)
	if err != nil {
		return false, false, err
	}
	last, err := tx.Request(ctx, number)
	return true, last.State != access.Denied || last.DecidedBy == "", err
}

// isKnown reports whether the ledger holds anything of a person.
func isKnown(ctx context.Context, tx access.Tx, id access.UserID) (bool, error) {
	keys, err := tx.AllKeysOf(ctx, id)
	if err != nil || len(keys) > 0 {
		return len(keys) > 0, err
	}
	for _, q := range []access.RequestQuery{{Person: id}, {Asker: id}} {
		q.States, q.Limit = []access.RequestState{access.WaitingForKey, access.Pending}, 1
		if open, err := tx.Requests(ctx, q); err != nil || len(open) > 0 {
			return len(open) > 0, err
		}
	}
	return false, nil
}

// manyDeactivated reports whether the directory has said of several others within the hour that they left.
func (s *Service) manyDeactivated(ctx context.Context, tx access.Tx, id access.UserID) (bool, error) {
	lately, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindOffboard}, CreatedAfter: s.Now().Add(-deactivationsWithin)})
	others := map[access.UserID]bool{}
	for _, r := range lately {
		if strings.HasPrefix(r.Source, access.DeactivatedSource) && r.Person != id {
			others[r.Person] = true
		}
	}
	return len(others) >= fewDeactivations, err
}

// peopleEvery is after what time the list of all users is read again, for events that
// were missed.
const peopleEvery = 4 * time.Hour

// mismatches are the people whom the list of users showed otherwise than the ledger has
// them, and whom the directory was not asked about yet. They are kept in memory: a process reads
// the list when it starts.
type mismatches struct {
	mu     sync.Mutex
	readAt time.Time
	ids    []access.UserID
	many   bool // so many that somebody may have made a mistake
}

// FindDeactivated finds people who left, or are back, though the event that told so was
// missed. It reads the list of all users at the start and a few times a day, and asks
// about everybody whom that does not show as the ledger has them. One about whom it has no
// answer does not stand in the way of the others; only while it asks for patience it goes no further, until it is called again.
func (s *Service) FindDeactivated(ctx context.Context) error {
	s.mismatches.mu.Lock()
	defer s.mismatches.mu.Unlock()
	if age := s.Now().Sub(s.mismatches.readAt); age < 0 || age >= peopleEvery {
		if err := s.readPeople(ctx); err != nil {
			return err
		}
	}
	var trouble error
	var again []access.UserID
	for i, id := range s.mismatches.ids {
		err := s.checkAccount(ctx, id, s.mismatches.many)
		trouble = errors.Join(trouble, err)
		if access.CodeOf(err) == access.RateLimited || ctx.Err() != nil {
			again = append(again, s.mismatches.ids[i:]...)
			break
		}
		if access.CodeOf(err) == access.Unavailable {
			again = append(again, id)
		}
	}
	s.mismatches.ids = again
	if trouble == nil && len(again) == 0 {
		trouble = s.lookedUp(ctx)
	}
	return trouble
}

// readPeople compares the list of all users with the people of the ledger.
func (s *Service) readPeople(ctx context.Context) error {
	people, err := s.knownPeople(ctx)
	if err != nil {
		return err
	}
	ids := make([]access.UserID, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	began := s.Now()
	shown, err := s.Directory.Standings(ctx, ids)
	if err != nil {
		return err
	}
	var left, absent []access.UserID
	news := 0
	for _, p := range people {
		standing, listed := shown[p.ID]
		switch {
		case !mismatched(p, standing, listed):
		case listed:
			left = append(left, p.ID)
		default:
			absent = append(absent, p.ID)
		}
		if !p.Away() && p.Standing == "" && standing.EndsAccess() {
			news++
		}
	}
	s.mismatches.readAt, s.mismatches.ids, s.mismatches.many = began, append(left, absent...), news > fewDeactivations
	return nil
}

// mismatched reports whether somebody whom the list of users shows like that, or not at
// all, is to be asked about.
func mismatched(p access.Person, shown access.Standing, listed bool) bool {
	if p.Standing == "" || p.Offboarded() && listed {
		return shown != cmp.Or(p.Standing, access.Member)
	}
	return !p.Away() // it may have to be asked again what becomes of them
}

func (s *Service) knownPeople(ctx context.Context) (people []access.Person, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
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
