package bottest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

// domain plays the use cases and the ledger: it keeps requests and decides races
// as the real ones do, without servers.
type domain struct {
	sync.Mutex
	Views    map[int64]*Request
	KeysOf   map[access.UserID][]access.Key
	Deciders []access.UserID // the approvers
	Leavers  []access.UserID // who left, as was heard
	Guest    access.UserID   // who may take no part
	Grants   []access.Grant  // live
	Notices  map[int64]*delivery.Notice
	Changed  []access.UserID // by PersonChanged
	Woken    []access.Work
	Told     [][]access.Result
	Inbox    map[string]*Kept
	Events   []workflow.LogEntry // of the audit log, the latest last

	Trouble   []error                 // of the next calls that change something
	Closed    error                   // of Accept
	LogBreaks error                   // where the reading of the whole log ends
	OnView    func()                  // runs in every look at a request
	OnChange  func()                  // runs in every call that changes something
	OnMessage func(role string) error // runs before a message, or what it told, is recorded

	sources map[string]int64
	queued  int64 // by Notify
}

// Request is a request in the ledger, with what Slack shows of it.
type Request struct {
	workflow.RequestView
	Messages []delivery.Message
	Drawing  delivery.Drawing
}

// Kept is an envelope in the inbox.
type Kept struct {
	delivery.Envelope
	Until   time.Time // it is somebody's
	Handled bool
}

func newDomain() *domain {
	return &domain{
		Views: map[int64]*Request{}, sources: map[string]int64{}, KeysOf: map[access.UserID][]access.Key{},
		Deciders: []access.UserID{"U2", "U3", "U4", "U5", "U6"}, Notices: map[int64]*delivery.Notice{}, Inbox: map[string]*Kept{},
	}
}

// change runs before every use case that changes something.
func (d *domain) change() (unlock func(), err error) {
	d.Lock()
	if d.OnChange != nil {
		slow := d.OnChange
		d.Unlock()
		slow()
		d.Lock()
	}
	if len(d.Trouble) > 0 {
		err, d.Trouble = d.Trouble[0], d.Trouble[1:]
	}
	return d.Unlock, err
}

func (d *domain) Ask(r access.Request) (access.Request, error) {
	unlock, err := d.change()
	defer unlock()
	if err != nil {
		return access.Request{}, err
	}
	if id, known := d.sources[r.Source]; known {
		return d.Views[id].Request, nil
	}
	r.ID = int64(len(d.Views) + 1)
	r.CreatedAt, r.ExpiresAt = time.Now(), time.Now().Add(time.Hour)
	r.State = cmp.Or(r.State, access.Pending)
	d.sources[r.Source] = r.ID
	d.Views[r.ID] = &Request{
		RequestView: workflow.RequestView{Request: r, Needed: 1, Deciders: []string{"U2"}},
		Drawing:     delivery.Drawing{RequestID: r.ID, Version: 1},
	}
	return r, nil
}

func (d *domain) AskGrant(_ context.Context, a workflow.GrantAsk) (access.Request, error) {
	return d.Ask(access.Request{
		Kind: access.KindGrant, Source: a.Source, Asker: a.Asker, Person: a.Person, Duration: a.Duration,
		Pattern: a.Servers, SystemUser: cmp.Or(a.SystemUser, "runcloud"), Reason: a.Reason, Channel: a.Channel,
	})
}

func (d *domain) AskExtend(_ context.Context, a workflow.ExtendAsk) (access.Request, error) {
	return d.Ask(access.Request{Kind: access.KindExtend, Source: a.Source, Asker: a.Asker, Person: a.Person, Duration: a.Duration, GrantID: a.GrantID, Channel: a.Channel})
}

func (d *domain) AskRevoke(_ context.Context, a workflow.RevokeAsk) (access.Request, error) {
	return d.Ask(access.Request{Kind: access.KindRevoke, State: access.Draft, Source: a.Source, Asker: a.Asker, Person: a.Person, Channel: a.Channel})
}

func (d *domain) Offboard(_ context.Context, a workflow.OffboardAsk) (access.Request, error) {
	return d.Ask(access.Request{Kind: access.KindOffboard, State: access.Draft, Source: a.Source, Asker: a.Asker, Person: a.Person, Channel: a.Channel})
}

func (d *domain) AskAudit(_ context.Context, a workflow.AuditAsk) (access.Request, error) {
	r, err := d.Ask(access.Request{Kind: access.KindAudit, State: access.Approved, Source: a.Source, Asker: a.Asker, Pattern: a.Servers, Channel: a.Channel})
	if err == nil {
		d.Lock()
		defer d.Unlock()
		d.Views[r.ID].Audit = &workflow.AuditView{}
	}
	return r, err
}

func (d *domain) Audit(ctx context.Context, _ access.UserID, id int64) (workflow.RequestView, error) {
	return d.View(ctx, id)
}

func (d *domain) KeepFindings(context.Context, workflow.FindingChoice) (int, error) { return 2, nil }

func (d *domain) RemoveFindings(_ context.Context, c workflow.FindingChoice) (access.Request, error) {
	return d.Ask(access.Request{Kind: access.KindPurge, Source: c.Source, Asker: c.Actor, Channel: c.Channel})
}

func (d *domain) PlaceAgain(context.Context, workflow.FindingChoice) (int, error) { return 1, nil }

func (d *domain) EndThere(context.Context, workflow.FindingChoice) (int, error) { return 1, nil }

func (d *domain) AskPurge(_ context.Context, a workflow.PurgeAsk) (access.Request, error) {
	return d.Ask(access.Request{Kind: access.KindPurge, Source: a.Source, Asker: a.Asker, SystemUser: a.SystemUser, Pattern: a.Servers, Channel: a.Channel})
}

func (d *domain) AskRotate(_ context.Context, a workflow.RotateAsk) (access.Request, error) {
	r, err := d.Ask(access.Request{Kind: access.KindRotate, Source: a.Source, Asker: a.Asker, SystemUser: cmp.Or(a.SystemUser, "runcloud"), Pattern: a.Servers, Channel: a.Channel})
	if err == nil {
		d.Views[r.ID].Rotation = &access.Rotation{RequestID: r.ID, State: access.RotationAsked, AccountName: a.Account}
	}
	return r, err
}

func (d *domain) CheckAgain(_ context.Context, id int64, _ access.UserID) error {
	return d.fromHalfway(id, access.RotationChecking)
}

func (d *domain) RotateAgain(_ context.Context, id int64, _ access.UserID) error {
	return d.fromHalfway(id, access.RotationPreparing)
}

func (d *domain) fromHalfway(id int64, to access.RotationState) error {
	unlock, err := d.change()
	defer unlock()
	if err != nil {
		return err
	}
	v := d.Views[id]
	if v == nil || v.Rotation == nil || v.Rotation.State != access.RotationHalfway {
		return &access.Error{Code: access.Conflict, Message: "This is not half way any more."}
	}
	v.Rotation.State = to
	return nil
}

func (d *domain) AskReinstate(_ context.Context, a workflow.ReinstateAsk) (access.Request, error) {
	return d.Ask(access.Request{Kind: access.KindReinstate, Source: a.Source, Asker: a.Asker, Person: a.Person, Reason: a.Reason, Channel: a.Channel})
}

// move settles an open request for the first who comes.
func (d *domain) move(id int64, actor access.UserID, to access.RequestState, at time.Time) (access.Request, error) {
	unlock, err := d.change()
	defer unlock()
	if err != nil {
		return access.Request{}, err
	}
	v := d.Views[id]
	switch {
	case v == nil:
		return access.Request{}, &access.Error{Code: access.NotFound, Message: "There is no such request."}
	case !v.Request.State.Open():
		return access.Request{}, &access.Error{Code: access.Conflict, Message: "This has been decided already.", Who: v.Request.DecidedBy, When: v.Request.DecidedAt}
	}
	v.Request.State, v.Request.DecidedBy, v.Request.DecidedAt = to, actor, at
	v.Drawing.Version++
	return v.Request, nil
}

func (d *domain) Confirm(_ context.Context, id int64, actor access.UserID, at time.Time) (access.Request, error) {
	return d.move(id, actor, access.Approved, at)
}

func (d *domain) Cancel(_ context.Context, id int64, actor access.UserID) (access.Request, error) {
	return d.move(id, actor, access.Cancelled, time.Now())
}

func (d *domain) Decide(ctx context.Context, by workflow.Decision) (access.Request, error) {
	if is, _ := d.IsApprover(ctx, by.Actor); !is {
		return access.Request{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this."}
	}
	if by.Verdict == access.Deny {
		return d.move(by.RequestID, by.Actor, access.Denied, by.At)
	}
	return d.move(by.RequestID, by.Actor, access.Approved, by.At)
}

func (d *domain) Edit(_ context.Context, e workflow.Edit) (access.Request, error) {
	unlock, err := d.change()
	defer unlock()
	r := &d.Views[e.RequestID].Request
	if e.Duration != nil {
		r.Duration = *e.Duration
	}
	if e.Servers != nil {
		r.Pattern = *e.Servers
	}
	return *r, err
}

func (d *domain) RetryFailed(context.Context, int64, access.UserID) (int, error) { return 3, nil }

func (d *domain) Register(_ context.Context, actor access.UserID, key sshkey.Key, note string) (workflow.Registration, error) {
	unlock, err := d.change()
	defer unlock()
	k := access.Key{Fingerprint: key.Fingerprint(), Person: actor, Type: key.Type, Blob: key.Blob, Note: note}
	d.KeysOf[actor] = append(d.KeysOf[actor], k)
	return workflow.Registration{Key: k, Fresh: true}, err
}

func (d *domain) RemoveKey(_ context.Context, actor access.UserID, _ string) error {
	unlock, err := d.change()
	defer unlock()
	delete(d.KeysOf, actor)
	return err
}

func (d *domain) GiveBack(_ context.Context, _ access.UserID, _ int64, _ string) ([]access.Grant, error) {
	unlock, err := d.change()
	defer unlock()
	given := d.Grants
	d.Grants = nil
	return given, err
}

func (d *domain) Keys(_ context.Context, _, of access.UserID) ([]access.Key, error) {
	d.Lock()
	defer d.Unlock()
	return d.KeysOf[of], nil
}

func (d *domain) Access(context.Context, access.UserID, access.UserID) (workflow.Overview, error) {
	return d.Summary(context.Background())
}

func (d *domain) Summary(context.Context) (workflow.Overview, error) {
	d.Lock()
	defer d.Unlock()
	var all workflow.Overview
	for _, g := range d.Grants {
		all.Grants = append(all.Grants, workflow.GrantView{Grant: g})
	}
	return all, nil
}

// AccessPage returns all on one page.
func (d *domain) AccessPage(ctx context.Context, _, _ access.UserID, _ workflow.PageQuery) (workflow.AccessPage, error) {
	all, err := d.Summary(ctx)
	return workflow.AccessPage{Overview: all, Page: workflow.Page{First: 1, Last: len(all.Grants), Parts: []int{0, 0, 0, len(all.Grants)}}}, err
}

// PendingRequests returns all on one page.
func (d *domain) PendingRequests(context.Context, access.UserID, workflow.PageQuery) (workflow.PendingPage, error) {
	views := d.pending()
	return workflow.PendingPage{Views: views, Page: workflow.Page{First: 1, Last: len(views), Parts: []int{len(views), 0}}}, nil
}

func (d *domain) pending() (pending []workflow.RequestView) {
	d.Lock()
	defer d.Unlock()
	for _, id := range slices.Sorted(maps.Keys(d.Views)) {
		if v := d.Views[id]; v.Request.State == access.Pending {
			shown := v.RequestView
			shown.MayDecide = true
			pending = append(pending, shown)
		}
	}
	return pending
}

func (d *domain) PersonView(ctx context.Context, person access.UserID) (v workflow.PersonView, err error) {
	v.Approver, _ = d.IsApprover(ctx, person)
	v.Keys, _ = d.Keys(ctx, person, person)
	v.Own, _ = d.Summary(ctx)
	v.Waiting = d.pending()
	return v, nil
}

// serversOnPage is the size of the pages of the servers, of which there are two more pages.
const serversOnPage = 2

// ServersPage returns a page of five servers; the sixth is of another target.
func (d *domain) ServersPage(_ context.Context, actor access.UserID, pattern string, q workflow.PageQuery) (workflow.ServersPage, error) {
	d.Lock()
	defer d.Unlock()
	if !slices.Contains(d.Deciders, actor) {
		return workflow.ServersPage{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this."}
	}
	first := q.After.ID + 1
	if q.Before.ID > 0 {
		first = max(1, q.Before.ID-serversOnPage)
	}
	last := min(5, first+serversOnPage-1)
	page := workflow.ServersPage{Pattern: pattern, Listed: 6, Page: workflow.Page{First: int(first), Last: int(last), Parts: []int{5}, From: workflow.Mark{ID: first}, To: workflow.Mark{ID: last}}}
	for id := first; id <= last; id++ {
		page.Servers = append(page.Servers, access.Server{ID: id, Name: fmt.Sprintf("web-%d", id), Online: true})
	}
	return page, nil
}

func (*domain) OrLost(_ context.Context, err error, _, _ int64) error { return err }

func (d *domain) View(_ context.Context, id int64) (workflow.RequestView, error) {
	if d.OnView != nil {
		d.OnView()
	}
	d.Lock()
	defer d.Unlock()
	v := d.Views[id]
	if v == nil {
		return workflow.RequestView{}, &access.Error{Code: access.NotFound, Message: "There is no such request."}
	}
	out := v.RequestView
	out.Results, out.Candidates = slices.Clone(v.Results), slices.Clone(v.Candidates)
	return out, nil
}

func (*domain) Grant(_ context.Context, id int64) (access.Grant, error) {
	return access.Grant{ID: id, State: access.Live, SystemUser: "runcloud", EndsAt: time.Now().Add(time.Hour)}, nil
}

// ServerChoices offers what was typed, whatever it names, so that forms can be refused.
func (d *domain) ServerChoices(_ context.Context, _ access.UserID, typed string) ([]workflow.ServerChoice, error) {
	return []workflow.ServerChoice{{Pattern: typed, Servers: 2}}, nil
}

func (d *domain) LastDurations(context.Context, access.UserID) ([]time.Duration, error) {
	return []time.Duration{3 * time.Hour}, nil
}

func (d *domain) IsApprover(_ context.Context, id access.UserID) (bool, error) {
	return slices.Contains(d.Deciders, id), nil
}

func (d *domain) Approvers(context.Context) ([]access.UserID, error) { return d.Deciders, nil }

func (d *domain) Requests() int {
	d.Lock()
	defer d.Unlock()
	return len(d.Views)
}

func (d *domain) GoneForGood(_ context.Context, _, serverID int64, _ access.UserID) (access.Server, error) {
	return access.Server{ID: serverID, Name: fmt.Sprintf("web-%02d", serverID)}, nil
}

func (*domain) ProfileChanged(_ context.Context, _ access.UserID, standing access.Standing) (bool, error) {
	return standing != access.Member, nil
}

func (d *domain) AccountDeactivated(_ context.Context, id access.UserID) error {
	unlock, err := d.change()
	defer unlock()
	if err == nil {
		d.Leavers = append(d.Leavers, id)
	}
	return err
}

func (d *domain) Prove(context.Context, workflow.Proof) (workflow.Registration, error) {
	return workflow.Registration{Fresh: true}, nil
}

func (d *domain) FreeKey(_ context.Context, id int64, _ access.UserID) (access.Request, error) {
	return access.Request{ID: id}, nil
}
