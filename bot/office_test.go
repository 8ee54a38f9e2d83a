package bot

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// office plays the use cases and the ledger: it keeps requests and decides races
// as the domain does, without servers.
type office struct {
	mu        sync.Mutex
	views     map[int64]*access.RequestView
	sources   map[string]int64
	keys      map[access.UserID][]access.Key
	approvers []access.UserID
	left      []access.UserID
	trouble   []error        // of the next calls that change something
	fault     func()         // runs in every look at a request
	slow      func()         // runs in every call that changes something
	grants    []access.Grant // live
	notices   map[int64]*access.Notice
	inbox     map[string]*kept
	closed    error // of Accept
	told      [][]access.Result
	queued    []access.Notice
	crash     func(role string) error // before a message is recorded
	guest     access.UserID           // who may take no part
}

type kept struct {
	access.Envelope
	until   time.Time
	handled bool
}

func newOffice() *office {
	return &office{
		views: map[int64]*access.RequestView{}, sources: map[string]int64{}, keys: map[access.UserID][]access.Key{},
		approvers: []access.UserID{"U2", "U3", "U4", "U5", "U6"}, notices: map[int64]*access.Notice{}, inbox: map[string]*kept{},
	}
}

// change runs before every use case that changes something.
func (o *office) change() (unlock func(), err error) {
	o.mu.Lock()
	if o.slow != nil {
		slow := o.slow
		o.mu.Unlock()
		slow()
		o.mu.Lock()
	}
	if len(o.trouble) > 0 {
		err, o.trouble = o.trouble[0], o.trouble[1:]
	}
	return o.mu.Unlock, err
}

func (o *office) ask(r access.Request) (access.Request, error) {
	unlock, err := o.change()
	defer unlock()
	if err != nil {
		return access.Request{}, err
	}
	if id, known := o.sources[r.Source]; known {
		return o.views[id].Request, nil
	}
	r.ID = int64(len(o.views) + 1)
	r.CreatedAt, r.ExpiresAt = time.Now(), time.Now().Add(time.Hour)
	r.State = cmp.Or(r.State, access.Pending)
	o.sources[r.Source] = r.ID
	o.views[r.ID] = &access.RequestView{Request: r, Needed: 1, Deciders: []string{"U2"}, Drawing: access.Drawing{RequestID: r.ID, Version: 1}}
	return r, nil
}

func (o *office) AskGrant(_ context.Context, a access.GrantAsk) (access.Request, error) {
	return o.ask(access.Request{
		Kind: access.KindGrant, Source: a.Source, Asker: a.Asker, Person: a.Person, Duration: a.Duration,
		Pattern: a.Servers, SystemUser: cmp.Or(a.SystemUser, "runcloud"), Reason: a.Reason, Channel: a.Channel,
	})
}

func (o *office) AskExtend(_ context.Context, a access.ExtendAsk) (access.Request, error) {
	return o.ask(access.Request{Kind: access.KindExtend, Source: a.Source, Asker: a.Asker, Person: a.Person, Duration: a.Duration, GrantID: a.GrantID, Channel: a.Channel})
}

func (o *office) AskRevoke(_ context.Context, a access.RevokeAsk) (access.Request, error) {
	return o.ask(access.Request{Kind: access.KindRevoke, State: access.Draft, Source: a.Source, Asker: a.Asker, Person: a.Person, Channel: a.Channel})
}

func (o *office) Offboard(_ context.Context, a access.OffboardAsk) (access.Request, error) {
	return o.ask(access.Request{Kind: access.KindOffboard, State: access.Draft, Source: a.Source, Asker: a.Asker, Person: a.Person, Channel: a.Channel})
}

func (o *office) Left(_ context.Context, id access.UserID) error {
	unlock, err := o.change()
	defer unlock()
	if err == nil {
		o.left = append(o.left, id)
	}
	return err
}

// move settles an open request for the first who comes.
func (o *office) move(id int64, actor access.UserID, to access.RequestState, at time.Time) (access.Request, error) {
	unlock, err := o.change()
	defer unlock()
	if err != nil {
		return access.Request{}, err
	}
	v := o.views[id]
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

func (o *office) Confirm(_ context.Context, id int64, actor access.UserID, at time.Time) (access.Request, error) {
	return o.move(id, actor, access.Approved, at)
}

func (o *office) Cancel(_ context.Context, id int64, actor access.UserID) (access.Request, error) {
	return o.move(id, actor, access.Cancelled, time.Now())
}

func (o *office) Decide(ctx context.Context, d access.Decision) (access.Request, error) {
	if is, _ := o.IsApprover(ctx, d.Actor); !is {
		return access.Request{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this."}
	}
	if d.Verdict == access.Deny {
		return o.move(d.RequestID, d.Actor, access.Denied, d.At)
	}
	return o.move(d.RequestID, d.Actor, access.Approved, d.At)
}

func (o *office) Edit(_ context.Context, e access.Edit) (access.Request, error) {
	unlock, err := o.change()
	defer unlock()
	r := &o.views[e.RequestID].Request
	if e.Duration != nil {
		r.Duration = *e.Duration
	}
	if e.Servers != nil {
		r.Pattern = *e.Servers
	}
	return *r, err
}

func (o *office) RetryFailed(context.Context, int64, access.UserID) (int, error) { return 3, nil }

func (o *office) Pick(context.Context, int64, int64, int64, access.UserID) error { return nil }

func (o *office) Leave(context.Context, int64, int64, int64, access.UserID) error { return nil }

func (o *office) LeaveRest(context.Context, int64, int, access.UserID) error { return nil }

func (o *office) Register(_ context.Context, actor access.UserID, key sshkey.Key, note string) (access.Registration, error) {
	unlock, err := o.change()
	defer unlock()
	k := access.Key{Fingerprint: key.Fingerprint(), Person: actor, Type: key.Type, Blob: key.Blob, Note: note}
	o.keys[actor] = append(o.keys[actor], k)
	return access.Registration{Key: k, Fresh: true}, err
}

func (o *office) RemoveKey(_ context.Context, actor access.UserID, _ string) error {
	unlock, err := o.change()
	defer unlock()
	delete(o.keys, actor)
	return err
}

func (o *office) GiveBack(_ context.Context, _ access.UserID, _ int64, _ string) ([]access.Grant, error) {
	unlock, err := o.change()
	defer unlock()
	given := o.grants
	o.grants = nil
	return given, err
}

func (o *office) Keys(_ context.Context, _, of access.UserID) ([]access.Key, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.keys[of], nil
}

func (o *office) Access(context.Context, access.UserID, access.UserID) (access.Overview, error) {
	return o.Overview(context.Background(), "")
}

func (o *office) Overview(context.Context, access.UserID) (access.Overview, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all access.Overview
	for _, g := range o.grants {
		all.Grants = append(all.Grants, access.GrantView{Grant: g})
	}
	return all, nil
}

func (o *office) PendingRequests(context.Context, access.UserID) (pending []access.RequestView, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(o.views)) {
		if v := o.views[id]; v.Request.State == access.Pending {
			shown := *v
			shown.MayDecide = true
			pending = append(pending, shown)
		}
	}
	return pending, nil
}

func (o *office) Home(ctx context.Context, person access.UserID) (home access.Home, err error) {
	home.Approver, _ = o.IsApprover(ctx, person)
	home.Keys, _ = o.Keys(ctx, person, person)
	home.Own, _ = o.Overview(ctx, person)
	home.Waiting, err = o.PendingRequests(ctx, person)
	return home, err
}

func (o *office) FindServers(context.Context, access.UserID, string) ([]access.Server, error) {
	return []access.Server{{ID: 1, Name: "web-1", Online: true}}, nil
}

func (o *office) View(_ context.Context, id int64) (access.RequestView, error) {
	if o.fault != nil {
		o.fault()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	v := o.views[id]
	if v == nil {
		return access.RequestView{}, &access.Error{Code: access.NotFound, Message: "There is no such request."}
	}
	out := *v
	out.Messages, out.Results = slices.Clone(v.Messages), slices.Clone(v.Results)
	return out, nil
}

func (o *office) IsApprover(_ context.Context, id access.UserID) (bool, error) {
	return slices.Contains(o.approvers, id), nil
}

func (o *office) Redraw(_ context.Context, id int64, channel, ts string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := o.views[id]
	for i, m := range v.Messages {
		if m.Channel == channel && m.TS == ts {
			v.Messages[i].Digest = ""
		}
	}
	v.Drawing.Version++
	return nil
}

func (o *office) Approvers(context.Context) ([]access.UserID, error) { return o.approvers, nil }

func (o *office) requests() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.views)
}

// Accept, Handled, Hold and Leftovers make it an inbox.
func (o *office) Accept(_ context.Context, e access.Envelope, until time.Time) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed != nil || o.inbox[e.ID] != nil {
		return false, o.closed
	}
	o.inbox[e.ID] = &kept{Envelope: e, until: until}
	return true, nil
}

func (o *office) Handled(_ context.Context, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inbox[id].handled = true
	return nil
}

func (o *office) Hold(_ context.Context, ids []string, until time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		o.inbox[id].until = until
	}
	return nil
}

func (o *office) Leftovers(_ context.Context, now, until time.Time) ([]access.Envelope, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var left []access.Envelope
	for _, id := range slices.Sorted(maps.Keys(o.inbox)) {
		if k := o.inbox[id]; !k.handled && !k.until.After(now) {
			k.until = until
			left = append(left, k.Envelope)
		}
	}
	return left, nil
}

func (o *office) unhandled() (left []access.Envelope) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.inbox {
		if !k.handled {
			left = append(left, k.Envelope)
		}
	}
	return left
}

// Update and Read make it a store of what the announcer writes.
func (o *office) Update(_ context.Context, fn func(access.Tx) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fn(ledgerTx{office: o})
}

func (o *office) Read(ctx context.Context, fn func(access.Tx) error) error { return o.Update(ctx, fn) }

// ledgerTx has the methods that the announcer uses; any other panics.
type ledgerTx struct {
	access.Tx
	*office
}

func (t ledgerTx) SaveDrawing(_ context.Context, d access.Drawing) error {
	own := &t.views[d.RequestID].Drawing
	own.Shown, own.NextAt, own.Attempts = d.Shown, d.NextAt, d.Attempts
	return nil
}

func (t ledgerTx) SaveMessage(_ context.Context, m access.Message) error {
	if t.crash != nil {
		if err := t.crash(m.Role); err != nil {
			return err
		}
	}
	v := t.views[m.RequestID]
	v.Messages = slices.DeleteFunc(v.Messages, func(o access.Message) bool { return o.Role == m.Role && o.Channel == m.Channel && o.TS == m.TS })
	v.Messages = append(v.Messages, m)
	return nil
}

func (t ledgerTx) Tell(_ context.Context, rs []access.Result) error {
	if t.crash != nil {
		if err := t.crash("tell"); err != nil {
			return err
		}
	}
	t.told = append(t.told, rs)
	t.office.told = t.told
	for _, r := range rs {
		own := t.views[r.RequestID].Results
		for i := range own {
			if own[i].Phase == r.Phase && own[i].ServerID == r.ServerID && own[i].Fingerprint == r.Fingerprint {
				own[i].Told = r.State
			}
		}
	}
	return nil
}

func (t ledgerTx) Notify(_ context.Context, n access.Notice) error {
	n.ID = int64(1000 + len(t.office.queued))
	t.office.queued = append(t.office.queued, n)
	t.notices[n.ID] = &n
	return nil
}

func (t ledgerTx) Notice(_ context.Context, id int64) (access.Notice, error) {
	if n := t.notices[id]; n != nil {
		return *n, nil
	}
	return access.Notice{}, fmt.Errorf("no notice %d", id)
}

func (t ledgerTx) SaveNotice(_ context.Context, n access.Notice) error {
	t.notices[n.ID] = &n
	return nil
}

func (t ledgerTx) Grant(_ context.Context, id int64) (access.Grant, error) {
	return access.Grant{ID: id, State: access.Live, SystemUser: "runcloud", EndsAt: time.Now().Add(time.Hour)}, nil
}
