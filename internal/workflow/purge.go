package workflow

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// PurgeAsk is an approver's wish that every key of a system user goes.
type PurgeAsk struct {
	Source     string
	Asker      access.UserID
	SystemUser string
	Servers    string // as written; empty is every server
	Channel    string
}

// linuxUser matches the name of a Linux user.
var linuxUser = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// AskPurge stores an approver's wish that every key of a system user goes, whoever placed it, and
// has the servers read for them. Another approver decides about exactly those.
func (s *Service) AskPurge(ctx context.Context, a PurgeAsk) (access.Request, error) {
	if err := s.requireApprover(ctx, a.Asker); err != nil {
		return access.Request{}, err
	}
	if !linuxUser.MatchString(a.SystemUser) {
		return access.Request{}, access.NewInvalidWord(a.SystemUser, "`…` is not the name of a Linux user.")
	}
	servers, err := s.purgeable(ctx, a.Servers)
	if err != nil {
		return access.Request{}, err
	}
	r := s.newRequest(access.KindPurge, a.Source, a.Asker, "", a.Channel)
	r.SystemUser, r.Pattern = a.SystemUser, a.Servers
	if err := s.requireDeciders(ctx, r); err != nil {
		return access.Request{}, err
	}
	return s.submit(ctx, r, servers)
}

// purgeable returns the servers that a pattern names, also of those that their target does not
// list now, but no account: that has no system users.
func (s *Service) purgeable(ctx context.Context, pattern string) ([]access.ServerRef, error) {
	list, err := s.Engine.Servers(ctx, reconcile.ServersFresh, pattern)
	if err != nil {
		return nil, err
	}
	chosen, err := access.MatchServers(list.All, pattern)
	if err == nil && slices.ContainsFunc(chosen, func(server access.Server) bool { return server.Alone }) {
		err = access.NewInvalidWord(pattern, "There are no system users on `…`.")
	}
	return access.Refs(chosen), err
}

// readServersOf has the servers of a purge read for what it is about, unless somebody chose that.
func (s *Service) readServersOf(ctx context.Context, tx access.Tx, r access.Request) error {
	if r.SystemUser == "" {
		return nil
	}
	servers, err := tx.RequestServers(ctx, r.ID)
	if err != nil {
		return err
	}
	return s.Engine.InspectServers(ctx, tx, r.ID, servers)
}

// listDigest names the credentials that a purge is about: others have another digest.
func listDigest(candidates []access.Candidate) string {
	text := ""
	for _, c := range candidates {
		if c.Why == access.WhyListed {
			text += fmt.Sprintf("%d:%s\n", c.ServerID, c.Credential.ID)
		}
	}
	return access.Digest([]byte(text))
}

// approvePurge closes the request first: what it ends is reported under it. The work on each
// server removes what is on the list.
func (s *Service) approvePurge(ctx context.Context, tx access.Tx, r access.Request, actor access.UserID) (access.Request, error) {
	results, err := tx.Results(ctx, r.ID)
	if err != nil {
		return r, err
	}
	if slices.ContainsFunc(results, access.Result.Moving) {
		return r, access.NewConflict("I am still reading the servers. It can be decided once the list is complete.")
	}
	if r, err = s.close(ctx, tx, r, access.Approved, actor, r.Note); err != nil {
		return r, err
	}
	if r.SystemUser != "" {
		servers, err := tx.RequestServers(ctx, r.ID)
		if err != nil {
			return r, err
		}
		e := ending{actor: actor, reason: access.EndPurged, request: r.ID}
		if err := s.endCovers(ctx, tx, e, access.CoverQuery{SystemUser: r.SystemUser, Servers: access.IDsOf(servers), OfPersons: true}); err != nil {
			return r, err
		}
	}
	return r, s.Engine.ReadAgain(ctx, tx, r.ID)
}

// purgeClosed does what follows when a purge was decided, or expired.
func (s *Service) purgeClosed(ctx context.Context, tx access.Tx, r access.Request) error {
	if r.State != access.Approved {
		if err := s.dropReadings(ctx, tx, r); err != nil {
			return err
		}
	}
	if r.SystemUser != "" {
		return nil
	}
	return s.auditsChanged(ctx, tx)
}

// dropReadings ends the reading of servers for a request that was not approved.
func (s *Service) dropReadings(ctx context.Context, tx access.Tx, r access.Request) error {
	results, err := tx.Results(ctx, r.ID)
	if err != nil {
		return err
	}
	for _, result := range results {
		if !result.Reads() || result.State.Final() {
			continue
		}
		result.State, result.Setback, result.UpdatedAt = access.Dropped, access.Setback{}, s.Now()
		if err := s.Engine.SaveResult(ctx, tx, result); err != nil {
			return err
		}
	}
	return nil
}

// viewEnding fills in the live access that a purge would end.
func (s *Service) viewEnding(ctx context.Context, tx access.Tx, v *RequestView) error {
	if v.Request.Kind != access.KindPurge || v.Request.SystemUser == "" || !v.Request.State.Open() {
		return nil
	}
	live, err := tx.Grants(ctx, access.GrantQuery{State: access.Live})
	if err != nil {
		return err
	}
	asked := access.ServerSet(v.Servers)
	for _, g := range live {
		if g.SystemUser != v.Request.SystemUser || g.OfAccount() {
			continue
		}
		covers, err := tx.Covers(ctx, g.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(access.LiveCovers(covers), func(c access.Cover) bool { return asked[c.ServerID] }) {
			continue
		}
		view, err := s.grantView(ctx, tx, g)
		if err != nil {
			return err
		}
		v.Overlaps = append(v.Overlaps, view)
	}
	return nil
}
