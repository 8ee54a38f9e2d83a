package workflow

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/reconcile"
)

// GrantAsk is somebody's wish that a person may log in.
type GrantAsk struct {
	Source     string // identity of the command, so that a second delivery makes no second request
	Asker      access.UserID
	Person     access.UserID
	Duration   time.Duration
	Forever    bool
	Servers    string // as written; empty is every server
	SystemUser string // empty is the usual one
	Reason     string
	Channel    string
}

// AskGrant stores the wish that a person may log in, fixes the set of servers, and
// puts it before the approvers, or has it wait for the person's first key. Asking
// with the same Source again returns the same request.
func (s *Service) AskGrant(ctx context.Context, a GrantAsk) (access.Request, error) {
	if err := s.checkGrantAsk(ctx, a); err != nil {
		return access.Request{}, err
	}
	servers, err := s.chooseServers(ctx, a.Servers)
	if err != nil {
		return access.Request{}, err
	}
	if a.SystemUser, err = s.chooseUser(ctx, a.SystemUser, servers); err != nil {
		return access.Request{}, err
	}
	r := s.newRequest(access.KindGrant, a.Source, a.Asker, a.Person, a.Channel)
	r.SystemUser, r.Duration, r.Pattern, r.Reason = a.SystemUser, a.Duration, a.Servers, a.Reason
	if err := s.requireDeciders(ctx, r); err != nil {
		return access.Request{}, err
	}
	return s.submit(ctx, r, servers)
}

func (s *Service) checkGrantAsk(ctx context.Context, a GrantAsk) error {
	if err := s.Eligible(ctx, a.Asker); err != nil {
		return err
	}
	if err := s.Settings.allow(cmp.Or(a.SystemUser, s.Settings.SystemUser), a.Duration, a.Forever); err != nil {
		return err
	}
	if s.Settings.ReasonRequired && !IsReason(a.Reason) {
		return access.NewInvalid("Say what it is for: put `for` and the reason at the end, as in `/sshkey grant @user 12h for the release`.")
	}
	if a.Person == a.Asker {
		return nil
	}
	_, err := s.requireMember(ctx, a.Person, actorMaxAge)
	return err
}

// IsReason reports whether a text says anything.
func IsReason(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// chooseUser returns the system user of a grant on these servers: none on an account, which has
// to be lent.
func (s *Service) chooseUser(ctx context.Context, asked string, servers []access.ServerRef) (string, error) {
	var account *reconcile.Account
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		account, err = s.Engine.AccountAmong(ctx, tx, servers)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case account == nil:
		return cmp.Or(asked, s.Settings.SystemUser), nil
	case asked != "":
		return "", access.NewInvalid("There are no system users on " + account.Title + ". Leave out `as`.")
	}
	_, err = account.Lending()
	return "", err
}

// allow refuses a grant that the settings rule out.
func (s Settings) allow(systemUser string, d time.Duration, forever bool) error {
	if !s.MayUse(systemUser) {
		return s.notUsed(systemUser)
	}
	return s.Durations().Check(d, forever)
}

// notUsed refuses a system user that keys are not placed for.
func (s Settings) notUsed(user string) error {
	return access.NewInvalidWord(user, "Keys are not placed for the system user `…` here. Possible: "+strings.Join(s.SystemUsers, ", ")+".")
}

// Durations are the limits of what may be asked for.
type Durations struct {
	Min, Max time.Duration
	Forever  bool // whether a grant may have no end
}

// Check refuses a duration that is outside the limits.
func (l Durations) Check(d time.Duration, forever bool) error {
	switch {
	case forever && !l.Forever:
		return access.NewInvalid("Access with no end date is not allowed here; name a duration such as 12h.")
	case forever:
		return nil
	case d < l.Min:
		return tooShort(l.Min)
	case d > l.Max:
		return access.NewInvalid(fmt.Sprintf("That is too long: the longest grant is %s.", duration.Format(l.Max)))
	}
	return nil
}

func tooShort(shortest time.Duration) error {
	return access.NewInvalid("That is too short: the shortest grant is " + duration.Format(shortest) + ".")
}

// Durations returns the limits of what may be asked for here.
func (s Settings) Durations() Durations {
	return Durations{Min: s.MinDuration, Max: s.MaxDuration, Forever: s.AllowForever}
}

func (s *Service) newRequest(kind access.RequestKind, source string, asker, person access.UserID, channel string) access.Request {
	now := s.Now()
	return access.Request{
		Kind: kind, State: access.Pending, Source: source, Asker: asker, Person: person,
		Channel: channel, CreatedAt: now, ExpiresAt: now.Add(s.Settings.RequestTTL),
	}
}

// chooseServers reads the account's servers and picks those that the pattern names, of
// those that the target lists.
func (s *Service) chooseServers(ctx context.Context, pattern string) ([]access.ServerRef, error) {
	list, err := s.Engine.ServersToChoose(ctx, pattern)
	if err != nil {
		return nil, err
	}
	if err := refuseEvery(list.Listed(), pattern); err != nil {
		return nil, err
	}
	chosen, err := access.MatchServers(list.Listed(), pattern)
	if err != nil {
		return nil, err
	}
	return access.Refs(chosen), nil
}

// refuseEvery refuses access to the servers of several targets for nothing but that they were not
// named.
func refuseEvery(all []access.Server, pattern string) error {
	within := access.Withins(all)
	if strings.TrimSpace(pattern) != "" || len(within) == 0 {
		return nil
	}
	first, last := within[0], within[len(within)-1]
	return access.NewInvalid("There are several accounts here, so say on which servers: `on " + last + "/web-*` for some, `on " + first + "/*` for all of " + first + ", or `on *` for all there are.")
}

// submit stores a new request, and says what comes of it: a drawing for the
// approvers, or a message to the person whose key is missing.
func (s *Service) submit(ctx context.Context, r access.Request, servers []access.ServerRef) (access.Request, error) {
	return s.submitWith(ctx, r, servers, func(access.Tx, access.Request) error { return nil })
}

// submitWith does what submit does, with more that belongs to the new request.
func (s *Service) submitWith(ctx context.Context, r access.Request, servers []access.ServerRef, also func(access.Tx, access.Request) error) (stored access.Request, err error) {
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		if err := refuseOffboarded(ctx, tx, r); err != nil {
			return err
		}
		if r.Kind == access.KindGrant {
			keys, err := tx.KeysOf(ctx, r.Person)
			if err != nil {
				return err
			}
			r.State = access.Pending
			if len(keys) == 0 {
				r.State = access.WaitingForKey
			}
		}
		other, joined, err := s.join(ctx, tx, r)
		if err != nil || joined {
			stored = other
			return err
		}
		if err := s.refuseTooMany(ctx, tx, r); err != nil {
			return err
		}
		if err := s.refuseDuplicate(ctx, tx, r); err != nil {
			return err
		}
		var fresh bool
		if stored, fresh, err = tx.InsertRequest(ctx, r, servers); err != nil || !fresh {
			return err
		}
		if err := also(tx, stored); err != nil {
			return err
		}
		return s.submitted(ctx, tx, stored)
	})
	return stored, err
}

// refuseOffboarded refuses a request of, or access for, somebody who was offboarded while it was
// being checked.
func refuseOffboarded(ctx context.Context, tx access.Tx, r access.Request) error {
	people := []access.UserID{r.Asker}
	if r.Kind == access.KindGrant || r.Kind == access.KindExtend {
		people = append(people, r.Person)
	}
	for _, id := range people {
		out, err := isOffboarded(ctx, tx, id)
		if err != nil {
			return err
		}
		if out {
			return access.NewForbidden("An offboarding of somebody this is about has just begun.")
		}
	}
	return nil
}

func (s *Service) submitted(ctx context.Context, tx access.Tx, r access.Request) error {
	if err := access.Record(ctx, tx, s.Now(), r.Asker, access.DidRequestAsk, access.NounRequest, r.ID, "", string(r.State), string(r.Kind)+" for "+string(r.Person)); err != nil {
		return err
	}
	if r.State == access.Draft {
		return nil
	}
	if r.Kind == access.KindPurge {
		if err := s.readServersOf(ctx, tx, r); err != nil {
			return err
		}
	}
	if err := s.refreshFacts(ctx, tx, r); err != nil {
		return err
	}
	if r.State == access.WaitingForKey {
		if err := tx.Notify(ctx, access.Notice{Key: access.NoticeKey("key", r.ID), Kind: access.NoticeKeyWanted, To: r.Person, RequestID: r.ID}); err != nil {
			return err
		}
	}
	if err := s.personsChanged(ctx, tx, r); err != nil {
		return err
	}
	return access.AnnounceNow(ctx, tx, r.ID)
}

// duplicateWindow is how long a second identical wish counts as the same one typed
// again: after a slow answer the text may still be in the box.
const duplicateWindow = 2 * time.Minute

func (s *Service) refuseDuplicate(ctx context.Context, tx access.Tx, r access.Request) error {
	if r.Kind == access.KindRotate {
		return nil // there is one rotation of an account at a time
	}
	open, err := tx.Requests(ctx, access.RequestQuery{
		States: []access.RequestState{access.Pending, access.WaitingForKey}, Kinds: []access.RequestKind{r.Kind},
		Asker: r.Asker, Person: r.Person, CreatedAfter: r.CreatedAt.Add(-duplicateWindow),
	})
	if err != nil {
		return err
	}
	for _, other := range open {
		same := other.Source != r.Source && other.Duration == r.Duration && other.Pattern == r.Pattern &&
			other.SystemUser == r.SystemUser && other.Reason == r.Reason && other.Fingerprint == r.Fingerprint && other.GrantID == r.GrantID
		if same {
			return &access.Error{Code: access.Conflict, Message: fmt.Sprintf("You have just asked for the same: request %d is waiting for an approver.", other.ID)}
		}
	}
	return nil
}
