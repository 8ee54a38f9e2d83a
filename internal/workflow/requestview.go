package workflow

import (
	"cmp"
	"context"
	"slices"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// View reads everything that a message about a request shows.
func (s *Service) View(ctx context.Context, id int64) (RequestView, error) {
	var v RequestView
	err := s.Store.Read(ctx, func(tx access.Tx) (err error) {
		v, err = s.view(ctx, tx, id)
		return err
	})
	if access.CodeOf(err) == access.NotFound {
		err = s.OrLost(ctx, access.NewNotFound("There is no such request."), id, 0)
	}
	return v, err
}

// Grant reads a grant.
func (s *Service) Grant(ctx context.Context, id int64) (g access.Grant, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		g, err = tx.Grant(ctx, id)
		return err
	})
	return g, err
}

func (s *Service) view(ctx context.Context, tx access.Tx, id int64) (v RequestView, err error) {
	if v.Request, err = tx.Request(ctx, id); err != nil {
		return v, err
	}
	v.Needed, v.TicketURL = s.Settings.needed(v.Request.Kind), s.Settings.TicketURL
	if v.Askers, err = tx.Askers(ctx, id); err != nil {
		return v, err
	}
	if v.Servers, err = tx.RequestServers(ctx, id); err != nil {
		return v, err
	}
	if v.Request.State == access.Pending {
		if v.Facts, err = s.factsOn(ctx, tx, v.Request, v.Servers); err != nil {
			return v, err
		}
	}
	if v.Approvals, err = approvalsOf(ctx, tx, v.Request, v.Facts.Digest()); err != nil {
		return v, err
	}
	if v.Deciders, err = s.stillAsked(ctx, tx, v.Request, v.Approvals); err != nil {
		return v, err
	}
	if v.Results, err = tx.Results(ctx, id); err != nil {
		return v, err
	}
	if v.Owed, err = countOwed(ctx, tx, v.Request); err != nil {
		return v, err
	}
	if v.Subject, err = tx.Person(ctx, v.Request.Person); err != nil {
		return v, err
	}
	if v.SubjectBarred, err = isOffboarded(ctx, tx, v.Request.Person); err != nil {
		return v, err
	}
	if v.Candidates, err = tx.Candidates(ctx, id); err != nil {
		return v, err
	}
	if v.Undecided() > 0 {
		if v.Deciders, err = s.candidateDeciders(ctx, tx); err != nil {
			return v, err
		}
	}
	v.Sessions, v.SessionsUnread = sessionsOf(v.Results)
	for _, fillIn := range []func(context.Context, access.Tx, *RequestView) error{
		s.viewAccess, s.viewAccount, s.viewEnding, s.viewAudit, s.viewRotation, s.viewRestored, s.viewTargets, s.viewQuiet,
	} {
		if err := fillIn(ctx, tx, &v); err != nil {
			return v, err
		}
	}
	return v, nil
}

// viewRotation fills in where a rotation stands.
func (s *Service) viewRotation(ctx context.Context, tx access.Tx, v *RequestView) error {
	if v.Request.Kind != access.KindRotate {
		return nil
	}
	r, err := tx.Rotation(ctx, v.Request.ID)
	if err != nil {
		return err
	}
	if v.Rotation = &r; s.Accounts != nil {
		v.System = s.Accounts.Title()
	}
	if r.State == access.RotationHalfway {
		v.Deciders = s.Settings.Approvers // each may press its buttons
	}
	return nil
}

// viewAccount fills in the account that a request is about, where it is one. What it means to
// hold a key there is said whether or not that is still lent.
func (s *Service) viewAccount(ctx context.Context, tx access.Tx, v *RequestView) error {
	account, err := s.Engine.AccountAmong(ctx, tx, v.Servers)
	if err != nil || account == nil {
		return err
	}
	v.Account = account.Title
	v.Lending, _ = account.Lending()
	return nil
}

// sessionsOf lists the sessions that inspections saw, and the servers where they could not
// be read, or not yet.
func sessionsOf(results []access.Result) (open []OpenSession, unread []access.ServerRef) {
	for _, r := range results {
		at := access.ServerRef{ID: r.ServerID, Name: r.ServerName}
		if r.Phase != access.PhaseInspect {
			continue
		}
		if r.Sessions == nil {
			unread = append(unread, at)
		}
		for _, session := range r.Sessions {
			open = append(open, OpenSession{Server: at, Session: session})
		}
	}
	return open, unread
}

// viewTargets fills in what holds up the targets that the request needs, and what they leave
// to be done by hand.
func (s *Service) viewTargets(ctx context.Context, tx access.Tx, v *RequestView) error {
	servers := slices.Clone(v.Servers)
	for _, r := range v.Results {
		if r.ServerID != 0 {
			servers = append(servers, access.ServerRef{ID: r.ServerID})
		}
	}
	at, err := s.Engine.Identities(ctx, tx, servers)
	if err != nil {
		return err
	}
	var targets []string
	v.ExternalIDs = make(map[int64]string, len(at))
	for id, identity := range at {
		targets = append(targets, identity.Target)
		v.ExternalIDs[id] = identity.ExternalID
	}
	for i, r := range v.Results {
		name := cmp.Or(r.Target, at[r.ServerID].Target)
		targets = append(targets, name)
		v.Results[i].TargetTitle, v.Results[i].Account = s.Engine.Title(name), s.Engine.LendsAccount(name)
	}
	halted, err := reconcile.Halted(ctx, tx)
	for _, t := range halted {
		if slices.Contains(targets, t.Name) {
			v.HaltedBy = append(v.HaltedBy, s.Engine.Title(t.Name))
		}
	}
	s.viewManualSteps(v, targets, at)
	v.Pace = s.Engine.Pace(targets)
	v.Paused, v.PausedBy = s.Engine.PausedUntil(targets)
	return err
}

// viewManualSteps fills in, for an offboarding, what its targets leave to be done by hand.
func (s *Service) viewManualSteps(v *RequestView, targets []string, at map[int64]reconcile.Identity) {
	if v.Request.Kind != access.KindOffboard {
		return
	}
	sessionless := map[string]bool{} // the targets on which nobody can be logged in
	for _, t := range s.Engine.Targets {
		if !slices.Contains(targets, t.Name()) {
			continue
		}
		if by, ok := t.(access.ManualOffboarder); ok {
			v.ManualSteps = append(v.ManualSteps, by.ManualOffboarding())
		}
		if _, ok := t.(access.SessionLister); ok {
			v.ListsSessions = true
		} else {
			sessionless[t.Name()] = true
		}
	}
	v.SessionsUnread = slices.DeleteFunc(v.SessionsUnread, func(on access.ServerRef) bool { return sessionless[at[on.ID].Target] })
}

// viewAccess fills in the keys, the grant, and what an approval would change.
func (s *Service) viewAccess(ctx context.Context, tx access.Tx, v *RequestView) error {
	if v.Request.GrantID != 0 {
		g, err := tx.Grant(ctx, v.Request.GrantID)
		if err != nil {
			return err
		}
		v.Grant = &g
		if err := s.viewChanges(ctx, tx, v); err != nil {
			return err
		}
	}
	if v.Request.Kind == access.KindExtend && v.Grant != nil {
		if err := extended(ctx, tx, v); err != nil {
			return err
		}
	}
	if err := s.viewKeys(ctx, tx, v); err != nil {
		return err
	}
	if err := viewFormerHolders(ctx, tx, v); err != nil {
		return err
	}
	if err := viewPassed(ctx, tx, v); err != nil {
		return err
	}
	if err := s.viewOverlaps(ctx, tx, v); err != nil {
		return err
	}
	var err error
	switch {
	case v.Request.Kind == access.KindGrant:
		v.Renewals, err = s.Engine.Renewals(ctx, tx, v.Request.Duration, len(v.Keys), v.Servers)
	case v.Request.Kind == access.KindExtend && v.Grant != nil:
		v.Renewals, err = s.Engine.Renewals(ctx, tx, v.Grant.EndsAt.Add(v.Request.Duration).Sub(v.Grant.StartsAt), len(v.Keys), v.Servers)
	}
	if err != nil {
		return err
	}
	return s.viewServers(ctx, tx, v)
}

// extended fills in the servers that an extension is about: those that its grant still
// covers.
func extended(ctx context.Context, tx access.Tx, v *RequestView) error {
	origin, err := tx.Request(ctx, v.Grant.RequestID)
	if err != nil {
		return err
	}
	v.GrantPattern = origin.Pattern
	if v.Servers, err = tx.RequestServers(ctx, origin.ID); err != nil || v.Grant.State != access.Live {
		return err
	}
	covers, err := tx.Covers(ctx, v.Grant.ID)
	live := coveredBy(covers)
	v.Servers = slices.DeleteFunc(v.Servers, func(ref access.ServerRef) bool { return !live[ref.ID] })
	return err
}

// coveredBy returns the servers of the covers that have not ended.
func coveredBy(covers []access.Cover) map[int64]bool {
	servers := map[int64]bool{}
	for _, c := range covers {
		if c.EndedAt.IsZero() {
			servers[c.ServerID] = true
		}
	}
	return servers
}

// viewKeys fills in the keys that are covered, or would be.
func (s *Service) viewKeys(ctx context.Context, tx access.Tx, v *RequestView) (err error) {
	if v.Request.Kind == access.KindRevoke && v.Request.Fingerprint != "" {
		holders, err := tx.Holders(ctx, v.Request.Fingerprint)
		if len(holders) > 0 {
			v.Keys, v.Refused = holders[:1], refused(holders)
		}
		return err
	}
	if v.Grant == nil {
		v.Keys, err = tx.KeysOf(ctx, v.Request.Person)
		return err
	}
	covers, err := tx.Covers(ctx, v.Grant.ID)
	if v.Grant.State == access.Live {
		covers = access.LiveCovers(covers)
	}
	seen := map[string]bool{}
	for _, c := range covers {
		if seen[c.Fingerprint] {
			continue
		}
		seen[c.Fingerprint] = true
		key, err := keyAs(ctx, tx, c.Fingerprint, v.Grant.Person)
		if err != nil {
			return err
		}
		v.Keys = append(v.Keys, key)
	}
	return err
}

// keyAs returns a key as it is, or was, that person's.
func keyAs(ctx context.Context, tx access.Tx, fingerprint string, person access.UserID) (access.Key, error) {
	holders, err := tx.Holders(ctx, fingerprint)
	if err != nil {
		return access.Key{}, err
	}
	if i := slices.IndexFunc(holders, func(k access.Key) bool { return k.Person == person }); i >= 0 {
		return holders[i], nil
	}
	return tx.Key(ctx, fingerprint)
}

// viewPassed fills in, for an offboarding, which of the person's former keys somebody else
// has registered: the person may still hold the private half.
func viewPassed(ctx context.Context, tx access.Tx, v *RequestView) error {
	if v.Request.Kind != access.KindOffboard {
		return nil
	}
	once, err := tx.AllKeysOf(ctx, v.Request.Person)
	if err != nil {
		return err
	}
	for _, k := range once {
		now, err := tx.Key(ctx, k.Fingerprint)
		if err != nil {
			return err
		}
		if now.Ended == access.KeyCounts && now.Person != v.Request.Person {
			v.Passed = append(v.Passed, now)
		}
	}
	return nil
}

// viewFormerHolders fills in which of the keys somebody else had who was offboarded.
func viewFormerHolders(ctx context.Context, tx access.Tx, v *RequestView) error {
	for _, key := range v.Keys {
		holders, err := tx.Holders(ctx, key.Fingerprint)
		if err != nil {
			return err
		}
		for _, k := range holders {
			if _, known := v.FormerHolders[k.Fingerprint]; known || k.Ended != access.KeyOffboarded || k.Person == v.Request.Person {
				continue
			}
			if v.FormerHolders == nil {
				v.FormerHolders = map[string]access.UserID{}
			}
			v.FormerHolders[k.Fingerprint] = k.Person
		}
	}
	return nil
}

// viewServers counts the servers that are offline, and those where an undecided
// grant would change nothing.
func (s *Service) viewServers(ctx context.Context, tx access.Tx, v *RequestView) error {
	away, err := tx.Away(ctx)
	if err != nil {
		return err
	}
	v.Missing = missingOf(v.Results, away)
	asked := access.ServerSet(v.Servers)
	for _, server := range away {
		if asked[server.ID] {
			v.Offline++
		}
	}
	if v.Request.Kind != access.KindGrant || !v.Request.State.Open() {
		return nil
	}
	placed, err := tx.Placements(ctx, access.PlacementQuery{Person: v.Request.Person, SystemUser: v.Request.SystemUser, States: []access.PlacementState{access.PlacementPlaced}})
	if err != nil {
		return err
	}
	keys := map[int64]int{}
	for _, p := range placed {
		keys[p.ServerID]++
	}
	for _, ref := range v.Servers {
		if len(v.Keys) > 0 && keys[ref.ID] >= len(v.Keys) {
			v.There++
		}
	}
	return nil
}
