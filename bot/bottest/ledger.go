package bottest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
)

// Accept, Handled, Hold and Leftovers make it an inbox.
func (d *domain) Accept(_ context.Context, e delivery.Envelope, until time.Time) (bool, error) {
	d.Lock()
	defer d.Unlock()
	if d.Closed != nil || d.Inbox[e.ID] != nil {
		return false, d.Closed
	}
	d.Inbox[e.ID] = &Kept{Envelope: e, Until: until}
	return true, nil
}

func (d *domain) Handled(_ context.Context, id string) error {
	d.Lock()
	defer d.Unlock()
	d.Inbox[id].Handled = true
	return nil
}

func (d *domain) Hold(_ context.Context, ids []string, until time.Time) error {
	d.Lock()
	defer d.Unlock()
	for _, id := range ids {
		d.Inbox[id].Until = until
	}
	return nil
}

func (d *domain) Leftovers(_ context.Context, now, until time.Time) ([]delivery.Envelope, error) {
	d.Lock()
	defer d.Unlock()
	var left []delivery.Envelope
	for _, id := range slices.Sorted(maps.Keys(d.Inbox)) {
		if k := d.Inbox[id]; !k.Handled && !k.Until.After(now) {
			k.Until = until
			left = append(left, k.Envelope)
		}
	}
	return left, nil
}

func (d *domain) Unhandled() (left []delivery.Envelope) {
	d.Lock()
	defer d.Unlock()
	for _, k := range d.Inbox {
		if !k.Handled {
			left = append(left, k.Envelope)
		}
	}
	return left
}

// Update and Read make it a store of what an outbox.Announcer writes.
func (d *domain) Update(_ context.Context, fn func(delivery.Tx) error) error {
	d.Lock()
	defer d.Unlock()
	return fn(ledgerTx{played: d})
}

func (d *domain) Read(ctx context.Context, fn func(delivery.Tx) error) error {
	return d.Update(ctx, fn)
}

// ledgerTx has the methods that an outbox.Announcer uses; any other panics.
type ledgerTx struct {
	delivery.Tx
	played *domain
}

func (t ledgerTx) Announce(_ context.Context, ids ...int64) error {
	for _, id := range ids {
		t.played.Views[id].Drawing.Version++
	}
	return nil
}

func (t ledgerTx) Drawing(_ context.Context, id int64) (delivery.Drawing, error) {
	if v := t.played.Views[id]; v != nil {
		return v.Drawing, nil
	}
	return delivery.Drawing{}, &access.Error{Code: access.NotFound}
}

func (t ledgerTx) Size(_ context.Context, id int64) (s delivery.Size, err error) {
	if v := t.played.Views[id]; v != nil {
		s = delivery.Size{Results: len(v.Results), EndsAccess: v.Request.Kind.EndsAccess()}
	}
	return s, nil
}

func (t ledgerTx) DueDrawings(_ context.Context, now time.Time) (due []int64, err error) {
	for _, id := range slices.Sorted(maps.Keys(t.played.Views)) {
		if d := t.played.Views[id].Drawing; d.Version > d.Shown && !d.NextAt.After(now) {
			due = append(due, id)
		}
	}
	return due, nil
}

func (t ledgerTx) DueNotices(_ context.Context, now time.Time) (due []int64, err error) {
	for _, id := range slices.Sorted(maps.Keys(t.played.Notices)) {
		if n := t.played.Notices[id]; n.SentAt.IsZero() && !n.NextAt.After(now) {
			due = append(due, id)
		}
	}
	return due, nil
}

func (t ledgerTx) Wake(_ context.Context, work ...access.Work) error {
	t.played.Woken = append(t.played.Woken, work...)
	return nil
}

func (t ledgerTx) Messages(_ context.Context, id int64) ([]delivery.Message, error) {
	if v := t.played.Views[id]; v != nil {
		return slices.Clone(v.Messages), nil
	}
	return nil, nil
}

func (t ledgerTx) SaveDrawing(_ context.Context, d delivery.Drawing) error {
	own := &t.played.Views[d.RequestID].Drawing
	own.Shown, own.NextAt, own.Attempts = d.Shown, d.NextAt, d.Attempts
	return nil
}

func (t ledgerTx) SaveMessage(_ context.Context, m delivery.Message) error {
	if t.played.OnMessage != nil {
		if err := t.played.OnMessage(m.Role); err != nil {
			return err
		}
	}
	v := t.played.Views[m.RequestID]
	v.Messages = slices.DeleteFunc(v.Messages, func(o delivery.Message) bool { return o.Role == m.Role && o.Channel == m.Channel && o.TS == m.TS })
	v.Messages = append(v.Messages, m)
	return nil
}

func (t ledgerTx) Tell(_ context.Context, rs []access.Result) error {
	if t.played.OnMessage != nil {
		if err := t.played.OnMessage("tell"); err != nil {
			return err
		}
	}
	t.played.Told = append(t.played.Told, rs)
	for _, r := range rs {
		own := t.played.Views[r.RequestID].Results
		for i := range own {
			if own[i].Phase == r.Phase && own[i].ServerID == r.ServerID && own[i].Fingerprint == r.Fingerprint {
				own[i].Told = r.State
			}
		}
	}
	return nil
}

func (t ledgerTx) Notify(_ context.Context, n access.Notice) error {
	id := 1000 + t.played.queued
	t.played.queued++
	t.played.Notices[id] = &delivery.Notice{Notice: n, ID: id}
	return nil
}

func (t ledgerTx) PersonChanged(_ context.Context, _ time.Time, ids ...access.UserID) error {
	t.played.Changed = append(t.played.Changed, ids...)
	return nil
}

func (t ledgerTx) Notice(_ context.Context, id int64) (delivery.Notice, error) {
	if n := t.played.Notices[id]; n != nil {
		return *n, nil
	}
	return delivery.Notice{}, fmt.Errorf("no notice %d", id)
}

func (t ledgerTx) SaveNotice(_ context.Context, n delivery.Notice) error {
	t.played.Notices[n.ID] = &n
	return nil
}
