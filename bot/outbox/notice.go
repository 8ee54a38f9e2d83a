package outbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// SendNotice sends a notice that has not been sent and records that. What Slack cannot
// take now is due again at a time that stands in the ledger; somebody whom Slack cannot
// reach at all counts as told. An error means that even this could not be written down.
func (n *Announcer) SendNotice(ctx context.Context, noticeID int64) error {
	notice, grant, err := n.notice(ctx, noticeID)
	if err != nil || !notice.SentAt.IsZero() {
		return err
	}
	if notice.Kind == access.NoticeHome { // first: a change that comes meanwhile queues it again
		notice.SentAt = n.Now()
		if err := n.save(ctx, notice); err != nil {
			return err
		}
	}
	err = n.send(ctx, notice, grant)
	switch {
	case err == nil && notice.Kind == access.NoticeHome:
		return nil
	case err != nil && (slackapi.IsTemporary(err) || access.CodeOf(err) == access.Unauthorized):
		var wait time.Duration
		notice.Attempts, wait = putOff(notice.Attempts, err)
		notice.NextAt, notice.SentAt = n.Now().Add(wait), time.Time{}
		n.Log.Warn("a notice is not delivered yet", "notice", notice.Key, "to", notice.To, "again_in", wait, "error", err)
	default:
		if err != nil {
			n.Log.Warn("a notice cannot be delivered", "notice", notice.Key, "to", notice.To, "error", err)
		}
		notice.SentAt = n.Now()
	}
	return n.save(ctx, notice)
}

func (n *Announcer) save(ctx context.Context, notice access.Notice) error {
	ctx = context.WithoutCancel(ctx)
	return n.Store.Update(ctx, func(tx access.Tx) error { return tx.SaveNotice(ctx, notice) })
}

func (n *Announcer) notice(ctx context.Context, id int64) (notice access.Notice, grant *access.Grant, err error) {
	err = n.Store.Read(ctx, func(tx access.Tx) error {
		if notice, err = tx.Notice(ctx, id); err != nil || notice.GrantID == 0 {
			return err
		}
		g, err := tx.Grant(ctx, notice.GrantID)
		grant = &g
		return err
	})
	return notice, grant, err
}

func (n *Announcer) send(ctx context.Context, notice access.Notice, grant *access.Grant) error {
	if notice.Kind == access.NoticeHome && workflow.IsGroup(string(notice.To)) {
		return n.spreadHomes(ctx)
	}
	if notice.Kind == access.NoticeHome {
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
		return n.spread(ctx, notice)
	}
	if notice.To != "" && slices.Contains([]access.NoticeKind{access.NoticeHalted, access.NoticeResumed, access.NoticeClock, access.NoticeQuota}, notice.Kind) {
		m = render.WithoutChannel(m)
	}
	at, err := n.API.Post(ctx, where, thread, m)
	if err == nil && view != nil && isLetter(notice) {
		return n.record(ctx, view, roleLetter+string(notice.Kind), at, render.Digest(m))
	}
	if slackapi.ErrorCode(err) == "thread_not_found" && view != nil { // somebody deleted the request, with its buttons
		parent, err := n.repost(ctx, view)
		if err != nil {
			return err
		}
		_, err = n.API.Post(ctx, parent.Channel, parent.TS, m)
		return err
	}
	return err
}

// isLetter tells of a notice to one person that must not stay as it is: it has buttons,
// or says how far the work is.
func isLetter(n access.Notice) bool {
	return n.To != "" && slices.Contains([]access.NoticeKind{access.NoticeKeyWanted, access.NoticeEnding, access.NoticeDecided}, n.Kind)
}

// redrawLetters brings what people were sent about a request up to date once its work
// rests, so that nobody keeps a button that does nothing, and those who cannot read the
// channel of the request learn how it went. A letter that Slack has no more is left alone.
func (n *Announcer) redrawLetters(ctx context.Context, v *workflow.RequestView) error {
	if slices.ContainsFunc(v.Results, access.Result.Moving) {
		return nil
	}
	for _, letter := range slices.Clone(v.Messages) {
		kind, ok := strings.CutPrefix(letter.Role, roleLetter)
		if !ok {
			continue
		}
		m := render.Notice(access.Notice{Kind: access.NoticeKind(kind), RequestID: v.Request.ID}, v, v.Grant)
		digest := render.Digest(m)
		if digest == letter.Digest {
			continue
		}
		at := slackapi.Ref{Channel: letter.Channel, TS: letter.TS}
		if err := n.API.Update(ctx, at, m); err != nil && (slackapi.IsTemporary(err) || access.CodeOf(err) == access.Unauthorized) {
			return err
		}
		if err := n.record(ctx, v, letter.Role, at, digest); err != nil {
			return err
		}
	}
	return nil
}

// spread queues a notice for which there is no channel for each approver. The daily
// summary is for a channel or for nobody.
func (n *Announcer) spread(ctx context.Context, notice access.Notice) error {
	if notice.Kind == access.NoticeSummary {
		return &access.Error{Code: access.Invalid, Op: "announce", Message: "There is no channel for this."}
	}
	approvers, err := n.Uses.Approvers(ctx)
	if err != nil {
		return err
	}
	return n.Store.Update(ctx, func(tx access.Tx) error {
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

// homesAtOnce is up to how many approvers have their Home tab drawn anew where they are
// named through a group; of more, each sees it when they open theirs.
const homesAtOnce = 25

func (n *Announcer) spreadHomes(ctx context.Context) error {
	approvers, err := n.Uses.Approvers(ctx)
	if err != nil || len(approvers) > homesAtOnce {
		return err
	}
	return n.Store.Update(ctx, func(tx access.Tx) error {
		for _, id := range approvers {
			if err := tx.Notify(ctx, access.HomeNotice(id, n.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}

func (n *Announcer) text(ctx context.Context, notice access.Notice, grant *access.Grant) (render.Message, *workflow.RequestView, error) {
	if notice.Kind == access.NoticeSummary {
		o, err := n.Uses.Overview(ctx, "")
		m, _ := render.Daily(o)
		return m, nil, err
	}
	var view *workflow.RequestView
	about := notice.RequestID
	if about == 0 && grant != nil {
		about = grant.RequestID
	}
	if about != 0 {
		v, err := n.Uses.View(ctx, about)
		if err != nil {
			return render.Message{}, nil, err
		}
		view = &v
	}
	if asks := asksForDecision(notice.Kind); asks && (view == nil || view.Request.State != access.Pending) {
		return render.Message{}, nil, nil // decided meanwhile: nobody is to be reminded
	}
	if notice.Kind == access.NoticeDecidable {
		if _, posted := newest(view.Messages, roleRequest); !posted {
			return render.Message{}, nil, nil // its message is yet to come, and mentions the approvers by itself
		}
	}
	return render.Notice(notice, view, grant), view, nil
}

// asksForDecision reports whether a notice is for those who may decide a request.
func asksForDecision(k access.NoticeKind) bool {
	return k == access.NoticeReminder || k == access.NoticeDecidable || k == access.NoticeChanged
}

// where is the place of a notice: a person's direct messages, the thread of the
// request, or the channel for everybody.
func (n *Announcer) where(ctx context.Context, notice access.Notice, view *workflow.RequestView) (channel, thread string) {
	if notice.To != "" {
		return string(notice.To), ""
	}
	if view != nil && notice.Kind == access.NoticeReturned {
		if m, ok := newest(view.Messages, roleAnnounce); ok {
			return m.Channel, "" // where the offboarding was announced, for everybody to see
		}
		return n.channel(ctx, view), ""
	}
	if view != nil {
		if m, ok := newest(view.Messages, roleAnnounce); ok && n.apart(view) {
			return m.Channel, m.TS
		}
		if m, ok := newest(view.Messages, roleRequest); ok {
			return m.Channel, m.TS
		}
		return n.channel(ctx, view), ""
	}
	if n.AnnounceChannel != "" {
		return n.AnnounceChannel, ""
	}
	return n.ApprovalChannel, ""
}

// redrawHomes has the App Home drawn anew of those who see there what came of a
// request's work, once that rests. The request itself they see when it changes.
func (n *Announcer) redrawHomes(ctx context.Context, tx access.Tx, v workflow.RequestView) error {
	if len(v.Results) == 0 || slices.ContainsFunc(v.Results, access.Result.Moving) {
		return nil
	}
	people := append([]string{string(v.Request.Person), string(v.Request.Asker)}, v.Deciders...)
	for _, a := range v.Approvals {
		people = append(people, string(a.Approver))
	}
	slices.Sort(people)
	for _, id := range slices.Compact(people) {
		if id == "" {
			continue
		}
		if err := tx.Notify(ctx, access.HomeNotice(access.UserID(id), n.Now())); err != nil {
			return err
		}
	}
	return nil
}
