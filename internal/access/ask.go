package access

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/duration"
)

// serversFresh is how old a reading of the servers may be when a request fixes its set.
const serversFresh = time.Minute

// AskGrant stores the wish that a person may log in, fixes the set of servers, and
// puts it before the approvers, or has it wait for the person's first key. Asking
// with the same Source again answers the same request.
func (s *Service) AskGrant(ctx context.Context, a GrantAsk) (Request, error) {
	if a.SystemUser == "" {
		a.SystemUser = s.Settings.SystemUser
	}
	if err := s.checkGrantAsk(ctx, a); err != nil {
		return Request{}, err
	}
	servers, err := s.chooseServers(ctx, a.Servers)
	if err != nil {
		return Request{}, err
	}
	r := s.newRequest(KindGrant, a.Source, a.Asker, a.Person, a.Channel)
	r.SystemUser, r.Duration, r.Pattern, r.Reason = a.SystemUser, a.Duration, a.Servers, a.Reason
	if err := s.deciders(ctx, r); err != nil {
		return Request{}, err
	}
	return s.post(ctx, r, servers)
}

func (s *Service) checkGrantAsk(ctx context.Context, a GrantAsk) error {
	if err := s.Eligible(ctx, a.Asker); err != nil {
		return err
	}
	if err := s.Settings.allow(a.SystemUser, a.Duration, a.Forever); err != nil {
		return err
	}
	if a.Person == a.Asker {
		return nil
	}
	_, err := s.member(ctx, a.Person, actorFresh)
	return err
}

// allow refuses a grant that the settings rule out.
func (s Settings) allow(systemUser string, d time.Duration, forever bool) error {
	if !s.MayUse(systemUser) {
		return strange(systemUser, "Keys are not placed for the system user `…` here. Possible: "+strings.Join(s.SystemUsers, ", ")+".")
	}
	return s.Durations().Check(d, forever)
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
		return invalid("Access for ever is not allowed here; name a duration such as 12h.")
	case forever:
		return nil
	case d < l.Min:
		return tooShort(l.Min)
	case d > l.Max:
		return invalid(fmt.Sprintf("That is too long: the longest grant is %s.", duration.Format(l.Max)))
	}
	return nil
}

func tooShort(shortest time.Duration) error {
	return invalid("That is too short: the shortest grant is " + duration.Format(shortest) + ".")
}

// Durations answers the limits of what may be asked for here.
func (s Settings) Durations() Durations {
	return Durations{Min: s.MinDuration, Max: s.MaxDuration, Forever: s.AllowForever}
}

func (s *Service) newRequest(kind RequestKind, source string, asker, person UserID, channel string) Request {
	now := s.Now()
	return Request{
		Kind: kind, State: Pending, Source: source, Asker: asker, Person: person,
		Channel: channel, CreatedAt: now, ExpiresAt: now.Add(s.Settings.RequestTTL),
	}
}

// chooseServers reads the account's servers and picks those that the pattern names, of
// those that the target lists.
func (s *Service) chooseServers(ctx context.Context, pattern string) ([]ServerRef, error) {
	list, err := s.serversToChoose(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := MatchServers(list.listed(), pattern)
	if err != nil {
		return nil, err
	}
	return refsOf(chosen), nil
}

func refsOf(servers []Server) []ServerRef {
	refs := make([]ServerRef, len(servers))
	for i, server := range servers {
		refs[i] = ServerRef{ID: server.ID, Name: server.Name}
	}
	return refs
}

// post stores a new request, and says what comes of it: a drawing for the
// approvers, or a message to the person whose key is missing.
func (s *Service) post(ctx context.Context, r Request, servers []ServerRef) (stored Request, err error) {
	err = s.Store.Update(ctx, func(tx Tx) error {
		if err := stillIn(ctx, tx, r); err != nil {
			return err
		}
		if r.Kind == KindGrant {
			keys, err := tx.KeysOf(ctx, r.Person)
			if err != nil {
				return err
			}
			r.State = Pending
			if len(keys) == 0 {
				r.State = WaitingForKey
			}
		}
		other, joined, err := s.join(ctx, tx, r)
		if err != nil || joined {
			stored = other
			return err
		}
		if err := s.refuseMore(ctx, tx, r); err != nil {
			return err
		}
		if err := s.refuseTwin(ctx, tx, r); err != nil {
			return err
		}
		var fresh bool
		if stored, fresh, err = tx.InsertRequest(ctx, r, servers); err != nil || !fresh {
			return err
		}
		return s.posted(ctx, tx, stored)
	})
	return stored, err
}

// stillIn refuses a request of, or access for, somebody who was offboarded while it was
// being checked.
func stillIn(ctx context.Context, tx Tx, r Request) error {
	people := []UserID{r.Asker}
	if r.Kind == KindGrant || r.Kind == KindExtend {
		people = append(people, r.Person)
	}
	for _, id := range people {
		out, err := isOut(ctx, tx, id)
		if err != nil {
			return err
		}
		if out {
			return forbidden("An offboarding of somebody this is about has just begun.")
		}
	}
	return nil
}

func (s *Service) posted(ctx context.Context, tx Tx, r Request) error {
	if err := Record(ctx, tx, s.Now(), r.Asker, "request.ask", "request", r.ID, "", string(r.State), string(r.Kind)+" for "+string(r.Person)); err != nil {
		return err
	}
	if r.State == Draft {
		return nil
	}
	if err := s.noteFacts(ctx, tx, r); err != nil {
		return err
	}
	if r.State == WaitingForKey {
		if err := tx.Notify(ctx, Notice{Key: noticeKey("key", r.ID), Kind: NoticeKeyWanted, To: r.Person, RequestID: r.ID}); err != nil {
			return err
		}
	}
	if err := s.redrawHomes(ctx, tx, r); err != nil {
		return err
	}
	return announceNow(ctx, tx, r.ID)
}

// announceNow has a request drawn at once, because somebody waits to see it; what
// only changes a count waits for the sweep.
func announceNow(ctx context.Context, tx Tx, id int64) error {
	if err := tx.Announce(ctx, id); err != nil {
		return err
	}
	return tx.Wake(ctx, Work{Kind: WorkAnnounce, ID: id})
}

// twinWindow is how long a second identical wish counts as the same one typed
// again: Slack leaves the text in the box after a slow answer.
const twinWindow = 2 * time.Minute

func (s *Service) refuseTwin(ctx context.Context, tx Tx, r Request) error {
	open, err := tx.Requests(ctx, RequestQuery{
		States: []RequestState{Pending, WaitingForKey}, Kinds: []RequestKind{r.Kind},
		Asker: r.Asker, Person: r.Person, CreatedAfter: r.CreatedAt.Add(-twinWindow),
	})
	if err != nil {
		return err
	}
	for _, other := range open {
		same := other.Source != r.Source && other.Duration == r.Duration && other.Pattern == r.Pattern &&
			other.SystemUser == r.SystemUser && other.Reason == r.Reason && other.Fingerprint == r.Fingerprint && other.GrantID == r.GrantID
		if same {
			return &Error{Code: Conflict, Message: fmt.Sprintf("You have just asked for the same: request %d is waiting for an approver.", other.ID)}
		}
	}
	return nil
}

func noticeKey(what string, id int64) string { return what + ":" + strconv.FormatInt(id, 10) }
