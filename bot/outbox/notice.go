package outbox

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/workflow"
)

// SendNotice sends a notice that has not been sent and records that. What Slack cannot
// take now is due again at a time that stands in the ledger; somebody whom Slack cannot
// reach at all counts as notified. An error means that even this could not be written down.
func (n *Announcer) SendNotice(ctx context.Context, noticeID int64) error {
	notice, grant, err := n.notice(ctx, noticeID)
	if err != nil || !notice.SentAt.IsZero() {
		return err
	}
	if notice.Kind == delivery.NoticeHome { // first: a change that comes meanwhile queues it again
		notice.SentAt = n.Now()
		if err := n.save(ctx, notice); err != nil {
			return err
		}
	}
	err = n.send(ctx, notice.Notice, grant)
	if err == nil {
		n.saw(ctx, notice.Key, 0, nil, "notice", notice.Key, "person", notice.To)
	}
	switch {
	case err == nil && notice.Kind == delivery.NoticeHome:
		return nil
	case err != nil && (slackapi.IsTemporary(err) || access.CodeOf(err) == access.Unauthorized):
		var wait time.Duration
		notice.Attempts, wait = backoff(notice.Attempts, err)
		notice.NextAt, notice.SentAt = n.Now().Add(wait), time.Time{}
		n.Log.Debug("a notice is not delivered yet", "notice", notice.Key, "person", notice.To, "again_in", wait, "error", err)
		n.saw(ctx, notice.Key, notice.Attempts, err, "notice", notice.Key, "person", notice.To)
	default:
		if err != nil {
			n.Log.Warn("a notice cannot be delivered", "notice", notice.Key, "person", notice.To, "error", err)
		}
		notice.SentAt = n.Now()
	}
	return n.save(ctx, notice)
}

func (n *Announcer) save(ctx context.Context, notice delivery.Notice) error {
	ctx = context.WithoutCancel(ctx)
	return n.Store.Update(ctx, func(tx delivery.Tx) error { return tx.SaveNotice(ctx, notice) })
}

func (n *Announcer) notice(ctx context.Context, id int64) (notice delivery.Notice, grant *access.Grant, err error) {
	err = n.Store.Read(ctx, func(tx delivery.Tx) error {
		notice, err = tx.Notice(ctx, id)
		return err
	})
	if err != nil || notice.GrantID == 0 {
		return notice, nil, err
	}
	g, err := n.Uses.Grant(ctx, notice.GrantID)
	return notice, &g, err
}

func (n *Announcer) send(ctx context.Context, notice access.Notice, grant *access.Grant) error {
	if notice.Kind == delivery.NoticeHome && workflow.IsGroup(string(notice.To)) {
		return n.fanOutHomes(ctx)
	}
	if notice.Kind == delivery.NoticeHome {
		return n.PublishHome(ctx, notice.To, 0)
	}
	m, view, err := n.text(ctx, notice, grant)
	if err != nil || m.Text == "" {
		return err
	}
	if view != nil && view.Request.Kind.EndsAccess() {
		ctx = slackapi.Urgent(ctx)
	}
	where, thread := n.where(ctx, notice, view)
	if where == "" {
		return n.fanOut(ctx, notice)
	}
	if notice.To != "" && slices.Contains([]access.NoticeKind{access.NoticeHalted, access.NoticeResumed, access.NoticeClock, access.NoticeQuota, access.NoticeAdopted}, notice.Kind) {
		m = render.WithoutChannel(m)
	}
	at, err := n.API.Post(ctx, where, thread, m)
	if slackapi.ErrorCode(err) == "thread_not_found" && view != nil { // somebody deleted the request, with its buttons
		parent, err := n.repost(ctx, view)
		if err != nil {
			return err
		}
		if at, err = n.API.Post(ctx, parent.Channel, parent.TS, m); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if view == nil || !isKeptUpToDate(notice.Kind) {
		return nil
	}
	return n.record(ctx, view, roleNotice+string(notice.Kind)+":"+string(notice.To), at, render.Digest(m))
}

// isKeptUpToDate reports whether the message of a notice about a request must not stay as it is:
// it has buttons, or says how far the work is.
func isKeptUpToDate(k access.NoticeKind) bool {
	return asksForDecision(k) || slices.Contains([]access.NoticeKind{access.NoticeKeyWanted, access.NoticeEnding, access.NoticeReady}, k)
}

// redrawNotices brings the messages about a request up to date that were posted beside its own, so
// that nobody keeps a button that does nothing, and those who cannot read the channel of the request
// learn how it went: once its work has stopped. One that Slack has no more is left alone.
func (n *Announcer) redrawNotices(ctx context.Context, v *request) error {
	rests := !slices.ContainsFunc(v.Results, access.Result.Moving)
	at := sync.OnceValue(func() render.Post { return n.postOf(ctx, v) })
	for _, old := range slices.Clone(v.messages) {
		about, ok := strings.CutPrefix(old.Role, roleNotice)
		kind, to, _ := strings.Cut(about, ":")
		notice := access.Notice{Kind: access.NoticeKind(kind), To: access.UserID(to), RequestID: v.Request.ID}
		if !ok || !isKeptUpToDate(notice.Kind) || !rests && notice.Kind == access.NoticeReady {
			continue
		}
		m := render.Notice(notice, &v.RequestView, v.Grant, at())
		digest := render.Digest(m)
		if digest == old.Digest {
			continue
		}
		if err := n.API.Update(ctx, refOf(old), m); err != nil && (slackapi.IsTemporary(err) || access.CodeOf(err) == access.Unauthorized) {
			return err
		}
		if err := n.record(ctx, v, old.Role, refOf(old), digest); err != nil {
			return err
		}
	}
	return nil
}

// postOf returns where the message of a request is.
func (n *Announcer) postOf(ctx context.Context, v *request) render.Post {
	m, _ := newest(v.messages, roleRequest)
	return n.post(ctx, refOf(m))
}

// saidReady reports whether it was said that a grant can be used. Once, that was a message about the
// decision, which was kept up to date.
func saidReady(v *request) bool {
	return slices.ContainsFunc(v.messages, func(m delivery.Message) bool {
		return strings.HasPrefix(m.Role, roleNotice+string(access.NoticeReady)) || m.Role == roleNotice+string(access.NoticeDecided)
	})
}

// tellReady queues what is said of a grant to whom it concerns when its work rests for the first
// time.
func (n *Announcer) tellReady(ctx context.Context, tx delivery.Tx, v *request) error {
	r := v.Request
	if r.Kind != access.KindGrant || v.Grant == nil || v.Grant.State != access.Live || len(v.Results) == 0 || slices.ContainsFunc(v.Results, access.Result.Moving) || saidReady(v) {
		return nil
	}
	to := []access.UserID{r.Person, r.Asker}
	for _, a := range v.Askers {
		to = append(to, a.Asker)
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(to))) {
		notice := access.Notice{Key: access.NoticeKey("ready:"+string(id), r.ID), Kind: access.NoticeReady, To: id, RequestID: r.ID, GrantID: v.Grant.ID}
		if err := tx.Notify(ctx, notice); err != nil {
			return err
		}
	}
	return nil
}

// fanOut queues a notice for which there is no channel for each approver.
func (n *Announcer) fanOut(ctx context.Context, notice access.Notice) error {
	approvers, err := n.Uses.Approvers(ctx)
	if err != nil {
		return err
	}
	return n.Store.Update(ctx, func(tx delivery.Tx) error {
		for _, id := range approvers {
			own := notice
			own.Key, own.To = notice.Key+" to "+string(id), id
			if err := tx.Notify(ctx, own); err != nil {
				return err
			}
		}
		return nil
	})
}

// maxHomes is the size of a group up to which the Home tabs of its members are drawn anew;
// in a larger one, everybody sees the change when they open theirs.
const maxHomes = 25

func (n *Announcer) fanOutHomes(ctx context.Context) error {
	approvers, err := n.Uses.Approvers(ctx)
	if err != nil || len(approvers) > maxHomes {
		return err
	}
	return n.Store.Update(ctx, func(tx delivery.Tx) error { return tx.PersonChanged(ctx, n.Now(), approvers...) })
}

func (n *Announcer) text(ctx context.Context, notice access.Notice, grant *access.Grant) (render.Message, *request, error) {
	if notice.Kind == access.NoticeSummary {
		o, err := n.Uses.Summary(ctx)
		m, _ := render.Daily(o)
		return m, nil, err
	}
	about := notice.RequestID
	if about == 0 && grant != nil {
		about = grant.RequestID
	}
	if about == 0 {
		return render.Notice(notice, nil, grant, render.Post{}), nil, nil
	}
	view, err := n.request(ctx, about)
	if err != nil {
		return render.Message{}, nil, err
	}
	if asksForDecision(notice.Kind) && view.Request.State != access.Pending {
		return render.Message{}, nil, nil // decided meanwhile: nobody is to be reminded
	}
	if isSuperseded(notice, view) {
		return render.Message{}, nil, nil
	}
	at := n.postOf(ctx, view)
	if notice.Kind == access.NoticeDecidable && at.Channel == "" {
		return render.Message{}, nil, nil // its message is yet to come, and mentions the approvers by itself
	}
	return render.Notice(notice, &view.RequestView, grant, at), view, nil
}

// isSuperseded reports whether NoticeReady, or NoticeEnded, says more than a notice of an approval.
func isSuperseded(n access.Notice, v *request) bool {
	if n.Kind != access.NoticeDecided || v.Request.State != access.Approved || v.Request.Kind != access.KindGrant {
		return false
	}
	placing := func(r access.Result) bool { return r.Phase == access.PhaseAdd && r.Moving() }
	return v.Grant == nil || v.Grant.State != access.Live || saidReady(v) || !slices.ContainsFunc(v.Results, placing)
}

// asksForDecision reports whether a notice is for those who may decide a request.
func asksForDecision(k access.NoticeKind) bool {
	return k == access.NoticeReminder || k == access.NoticeDecidable || k == access.NoticeChanged
}

// where returns the place of a notice: a person's direct messages, the thread of the
// request, or the channel for everybody.
func (n *Announcer) where(ctx context.Context, notice access.Notice, view *request) (channel, thread string) {
	if notice.To != "" {
		return string(notice.To), ""
	}
	if view != nil && (notice.Kind == access.NoticeReturned || notice.Kind == access.NoticeReinstated) {
		if m, ok := newest(view.messages, roleAnnounce); ok {
			return m.Channel, "" // where the offboarding was announced, for everybody to see
		}
		return n.channel(ctx, view), ""
	}
	if view != nil {
		if m, ok := newest(view.messages, roleAnnounce); ok && n.announcedSeparately(view) {
			return m.Channel, m.TS
		}
		m, ok := newest(view.messages, roleRequest)
		switch {
		case ok && asksForDecision(notice.Kind) && strings.HasPrefix(m.Channel, "D"):
			return "", "" // each approver has a copy of their own
		case ok:
			return m.Channel, m.TS
		}
		return n.channel(ctx, view), ""
	}
	if n.AnnounceChannel != "" {
		return n.AnnounceChannel, ""
	}
	return n.ApprovalChannel, ""
}

// redrawHomes queues the Home tabs of those who see there what came of a request's work,
// once that has stopped. When the request itself changes, the domain queues them.
func (n *Announcer) redrawHomes(ctx context.Context, tx delivery.Tx, v *request) error {
	if len(v.Results) == 0 || slices.ContainsFunc(v.Results, access.Result.Moving) {
		return nil
	}
	people := []access.UserID{v.Request.Person, v.Request.Asker}
	for _, id := range v.Deciders {
		people = append(people, access.UserID(id))
	}
	for _, a := range v.Approvals {
		people = append(people, a.Approver)
	}
	return tx.PersonChanged(ctx, n.Now(), people...)
}
