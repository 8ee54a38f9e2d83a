package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// AuditAsk is an approver's wish to have servers compared with the ledger.
type AuditAsk struct {
	Source  string
	Asker   access.UserID
	Servers string // as written; empty is everything
	Channel string
}

// AskAudit has servers read and compared with the ledger. What that finds is decided about one
// by one.
func (s *Service) AskAudit(ctx context.Context, a AuditAsk) (access.Request, error) {
	if err := s.requireApprover(ctx, a.Asker); err != nil {
		return access.Request{}, err
	}
	servers, err := s.FindServers(ctx, a.Asker, a.Servers)
	if err != nil {
		return access.Request{}, err
	}
	r := s.newRequest(access.KindAudit, a.Source, a.Asker, "", a.Channel)
	r.Pattern = a.Servers
	return s.startAudit(ctx, r, access.Refs(servers))
}

// startAudit stores an audit, and has its servers read.
func (s *Service) startAudit(ctx context.Context, r access.Request, servers []access.ServerRef) (stored access.Request, err error) {
	r.State, r.DecidedAt = access.Approved, r.CreatedAt
	err = s.Store.Update(ctx, func(tx access.Tx) error {
		if err := refuseSecondAudit(ctx, tx, r); err != nil {
			return err
		}
		var fresh bool
		if stored, fresh, err = tx.InsertRequest(ctx, r, servers); err != nil || !fresh {
			return err
		}
		if err := access.Record(ctx, tx, s.Now(), r.Asker, access.DidAuditStart, access.NounRequest, stored.ID, "", string(r.State), fmt.Sprintf("%d places", len(servers))); err != nil {
			return err
		}
		if err := s.Engine.AuditServers(ctx, tx, stored.ID, servers); err != nil || r.Asker == "" {
			return err
		}
		return access.AnnounceNow(ctx, tx, stored.ID)
	})
	return stored, err
}

// auditWithin is how long the servers of an audit are read at most before it is reported; what
// could not be read until then is named.
const auditWithin = time.Hour

// refuseSecondAudit refuses an audit while the same servers are being read for another.
func refuseSecondAudit(ctx context.Context, tx access.Tx, r access.Request) error {
	recent, err := tx.Requests(ctx, access.RequestQuery{Kinds: []access.RequestKind{access.KindAudit}, CreatedAfter: r.CreatedAt.Add(-auditWithin)})
	if err != nil {
		return err
	}
	for _, other := range recent {
		if other.Source == r.Source || other.Pattern != r.Pattern {
			continue
		}
		results, err := tx.Results(ctx, other.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(results, isBeingRead) {
			return access.NewConflict(fmt.Sprintf("Request %d reads these servers at the moment.", other.ID))
		}
	}
	return nil
}

// Audit returns what an audit has found, for an approver.
func (s *Service) Audit(ctx context.Context, actor access.UserID, requestID int64) (RequestView, error) {
	if err := s.requireApprover(ctx, actor); err != nil {
		return RequestView{}, err
	}
	v, err := s.View(ctx, requestID)
	if err == nil && v.Audit == nil {
		err = access.NewNotFound("There is no such audit.")
	}
	return v, err
}

// isBeingRead reports whether a result is of a server that an audit has yet to read.
func isBeingRead(r access.Result) bool {
	return r.Phase == access.PhaseAudit && !r.State.Final() && r.Moving()
}

// flagAudit keeps the day of the last weekly audit.
const flagAudit = "audit"

// AuditWeekly starts the audit of everything once a week, at that time of that day in now's
// zone, or later if the bot was down then.
func (s *Service) AuditWeekly(ctx context.Context, day time.Weekday, at time.Duration) error {
	now := s.Now()
	back := (7 + int(now.Weekday()) - int(day)) % 7
	// By the clock on the wall: the day the clocks change does not have 24 hours.
	due := time.Date(now.Year(), now.Month(), now.Day()-back, 0, 0, int(at.Seconds()), 0, now.Location())
	if now.Before(due) {
		due = due.AddDate(0, 0, -7)
	}
	var last string
	err := s.Store.Update(ctx, func(tx access.Tx) (err error) {
		if last, err = tx.Flag(ctx, flagAudit); err != nil || last == due.Format(time.DateOnly) {
			return err
		}
		return tx.SetFlag(ctx, flagAudit, due.Format(time.DateOnly))
	})
	if err != nil || last == "" || last == due.Format(time.DateOnly) { // installed after that hour, or done
		return err
	}
	list, err := s.Engine.ServersToChoose(ctx, "")
	if err != nil {
		return err
	}
	r := s.newRequest(access.KindAudit, "audit:"+due.Format(time.DateOnly), "", "", "")
	_, err = s.startAudit(ctx, r, access.Refs(list.Listed()))
	if access.CodeOf(err) == access.Conflict { // somebody has just asked for it
		err = nil
	}
	return err
}

// ReadForAudits reads the next few servers that audits wait for. It shows how far an audit is
// that somebody asked for, and a weekly one once it is complete and has found something that is
// not decided yet.
func (s *Service) ReadForAudits(ctx context.Context) error {
	audits, unread := s.Engine.ReadForAudits(ctx)
	for _, id := range audits {
		v, err := s.View(ctx, id)
		if err != nil {
			return errors.Join(unread, err)
		}
		if v.Request.Asker == "" && (v.Audit.Moving > 0 || !v.Audit.HasNews(v)) {
			continue
		}
		err = s.Store.Update(ctx, func(tx access.Tx) error {
			if v.Audit.Moving > 0 {
				return tx.Announce(ctx, id)
			}
			return access.AnnounceNow(ctx, tx, id)
		})
		if err != nil {
			return errors.Join(unread, err)
		}
	}
	return unread
}
