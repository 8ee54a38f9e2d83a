package outbox

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/lock"
	"sshkeybot/internal/outage"
	"sshkeybot/internal/workflow"
)

// The roles of the messages of a request, as they stand in the ledger.
const (
	roleRequest    = "request"  // carries the buttons, and has the thread
	roleAnnounce   = "announce" // an offboarding, where everybody sees it; then this one has the thread
	roleProgress   = "progress"
	roleSummary    = "summary"
	roleFile       = "file"
	roleNotice     = "direct:"     // a notice, with its kind behind it and whom it is to; empty for the thread
	roleUndecided  = "undecided"   // in the thread: mentions the approvers
	roleFinished   = "finished"    // no message: whether the log says that an offboarding is
	roleCannotShow = "cannot_show" // a direct message that says how to let us into the channel
	roleCopy       = "copy:"       // of the request, with an approver behind it, where there is no channel
)

const (
	redrawEvery = 3 * time.Second // of one request: Slack's fifty updates a minute are for all of them

	firstRetry       = 2 * time.Second  // until what failed is tried once more, doubling
	maxTemporaryWait = 30 * time.Second // between tries of what failed with a temporary error
)

// Views is what an Announcer asks of the domain.
type Views interface {
	View(ctx context.Context, requestID int64) (workflow.RequestView, error)
	PersonView(ctx context.Context, person access.UserID) (workflow.PersonView, error)
	Summary(ctx context.Context) (workflow.Overview, error)
	Approvers(ctx context.Context) ([]access.UserID, error)
	Grant(ctx context.Context, id int64) (access.Grant, error)
}

var _ Views = (*workflow.Service)(nil)

// Announcer brings what Slack shows in line with the ledger, one request or notice at a
// time.
type Announcer struct {
	API   *slackapi.Client
	Uses  Views
	Store delivery.Store
	Log   *slog.Logger
	Now   func() time.Time

	ApprovalChannel string // empty: where the command was given
	AnnounceChannel string // empty: the approval channel

	ending, others lock.Mutex

	watching sync.Once
	late     outage.Watch // on what Slack refuses
}

// Announce draws a request as it stands now and records what it showed as soon as
// each call has returned, so that a crash repeats one message at worst. A post whose
// answer was lost is made once more: a second copy shows the same and is drawn anew
// when somebody uses it. What Slack did not take is due again at a time that stands in
// the ledger; an error means that even this could not be written down.
func (n *Announcer) Announce(ctx context.Context, requestID int64) error {
	done, err := n.waitTurn(ctx, requestID)
	if err != nil {
		return err
	}
	defer done()
	v, err := n.request(ctx, requestID)
	if err != nil {
		return err
	}
	if v.Request.Kind.EndsAccess() {
		ctx = slackapi.Urgent(ctx)
	}
	next := delivery.Drawing{RequestID: requestID, Version: v.drawing.Version, Shown: v.drawing.Version, NextAt: n.Now().Add(redrawEvery)}
	if v.Request.State != access.Draft {
		err = n.draw(ctx, v)
	}
	if err != nil {
		var wait time.Duration
		next.Attempts, wait = backoff(v.drawing.Attempts, err)
		next.Shown, next.NextAt = v.drawing.Shown, n.Now().Add(wait)
		n.Log.Debug("a request is not shown yet", "request", requestID, "again_in", wait, "error", err)
	}
	n.saw(ctx, "request "+strconv.FormatInt(requestID, 10), next.Attempts, err, "request", requestID)
	ctx = context.WithoutCancel(ctx) // what was shown is remembered, whoever stops us
	return n.Store.Update(ctx, func(tx delivery.Tx) error {
		if err := n.redrawHomes(ctx, tx, v); err != nil {
			return err
		}
		if err := n.tellReady(ctx, tx, v); err != nil {
			return err
		}
		return tx.SaveDrawing(ctx, next)
	})
}

// backoff returns how long to wait after a failure that follows so many in a row, and how
// many they are now; a time that Slack asked for does not count. What is not temporary
// changes only when somebody mends it, so the wait grows longer.
func backoff(attempts int, err error) (failures int, wait time.Duration) {
	if asked := access.RetryAfter(err); asked > 0 {
		return attempts, min(max(asked, firstRetry), slackapi.MaxBackoff)
	}
	longest := slackapi.MaxBackoff
	if slackapi.IsTemporary(err) {
		longest = maxTemporaryWait
	}
	return attempts + 1, min(firstRetry<<min(attempts, 20), longest)
}

func (n *Announcer) draw(ctx context.Context, v *request) error {
	err := n.drawAll(ctx, v)
	if slackapi.ErrorCode(err) == "thread_not_found" { // somebody deleted the message that has not changed since
		if _, err = n.repost(ctx, v); err == nil {
			err = n.drawAll(ctx, v)
		}
	}
	if slackapi.ErrorCode(err) == "" || slackapi.IsTemporary(err) || access.CodeOf(err) == access.Unauthorized {
		return err
	}
	return n.cannotShow(ctx, v, err)
}

func (n *Announcer) drawAll(ctx context.Context, v *request) error {
	parent, err := n.drawParent(ctx, v)
	if err != nil {
		return err
	}
	var all []*thread
	for _, phase := range []access.Phase{access.PhaseRemove, access.PhaseAdd, access.PhaseInspect} {
		all = append(all, &thread{Announcer: n, view: v, parent: parent, phase: phase})
	}
	for _, t := range all {
		if err := n.drawPhase(ctx, t); err != nil {
			return err
		}
	}
	if err := n.logFinished(ctx, v, parent); err != nil {
		return err
	}
	if err := n.mentionDeciders(ctx, v, parent); err != nil {
		return err
	}
	if err := n.redrawNotices(ctx, v); err != nil {
		return err
	}
	for _, t := range all { // last, so that no message waits for a file
		if t.settled() {
			err = errors.Join(err, t.attachFile(ctx))
		}
	}
	return err
}

// repost posts the message of a request anew when somebody has deleted it.
func (n *Announcer) repost(ctx context.Context, v *request) (slackapi.Ref, error) {
	v.messages = slices.DeleteFunc(v.messages, func(m delivery.Message) bool {
		return m.Role == roleRequest || m.Role == roleAnnounce || strings.HasPrefix(m.Role, roleCopy)
	})
	return n.drawParent(ctx, v)
}

// drawParent draws the message of the request, and returns the one that has the thread.
func (n *Announcer) drawParent(ctx context.Context, v *request) (parent slackapi.Ref, err error) {
	m := render.Request(v.RequestView, n.Now())
	if n.announcedSeparately(v) {
		if _, posted := newest(v.messages, roleRequest); posted {
			if _, err := n.show(ctx, v, roleRequest, n.channel(ctx, v), "", m); err != nil && !slackapi.IsChannelClosed(err) {
				return slackapi.Ref{}, err
			}
		}
		return n.show(ctx, v, roleAnnounce, n.AnnounceChannel, "", m)
	}
	if channel := n.channel(ctx, v); channel != "" {
		return n.show(ctx, v, roleRequest, channel, "", m)
	}
	return n.showApprovers(ctx, v, render.WithoutChannel(m))
}

// showApprovers shows a request that belongs to no channel to each approver whom Slack
// lets us reach; the first copy has the thread.
func (n *Announcer) showApprovers(ctx context.Context, v *request, m render.Message) (parent slackapi.Ref, err error) {
	approvers, err := n.Uses.Approvers(ctx)
	if err != nil {
		return slackapi.Ref{}, err
	}
	for _, id := range approvers {
		at, err := n.show(ctx, v, roleCopy+string(id), string(id), "", m)
		switch {
		case err != nil && (slackapi.IsTemporary(err) || access.CodeOf(err) == access.Unauthorized):
			return slackapi.Ref{}, err
		case err != nil:
			n.Log.Warn("an approver cannot be shown a request", "request", v.Request.ID, "person", id, "error", err)
		case parent == slackapi.Ref{}:
			parent = at
		}
	}
	if parent == (slackapi.Ref{}) {
		return slackapi.Ref{}, &access.Error{Code: access.NotFound, Op: "announce", Message: "There is no channel and no approver to show this to."}
	}
	if old, ok := newest(v.messages, roleRequest); ok && old.TS == parent.TS {
		return parent, nil
	}
	return parent, n.record(ctx, v, roleRequest, parent, "")
}

// announcedSeparately reports whether the request is an offboarding under way that is
// announced in a channel of its own.
func (n *Announcer) announcedSeparately(v *request) bool {
	return v.Request.Kind == access.KindOffboard && v.Request.State == access.Approved && n.AnnounceChannel != ""
}

// channel returns where a request is posted: where approvers look, or where it was
// asked. One asked in a direct message goes where its grant was asked.
func (n *Announcer) channel(ctx context.Context, v *request) string {
	if k := v.Request.Kind; (k == access.KindAudit || k == access.KindRestore) && v.Request.Asker == "" && n.AnnounceChannel != "" {
		return n.AnnounceChannel // the weekly audit, and that the ledger was restored
	}
	if n.ApprovalChannel != "" {
		return n.ApprovalChannel
	}
	if c := v.Request.Channel; c != "" && !strings.HasPrefix(c, "D") {
		return c
	}
	if v.Grant != nil && v.Grant.RequestID != v.Request.ID {
		if origin, err := n.Uses.View(ctx, v.Grant.RequestID); err == nil && origin.Request.Channel != "" {
			return origin.Request.Channel
		}
	}
	if v.Request.Channel != "" {
		return v.Request.Channel
	}
	return n.AnnounceChannel
}

// show posts a message or brings it up to date; what already stands is not sent
// again. One that somebody deleted is posted anew.
func (n *Announcer) show(ctx context.Context, v *request, role, channel, thread string, m render.Message) (slackapi.Ref, error) {
	digest := render.Digest(m)
	if old, ok := newest(v.messages, role); ok {
		at := refOf(old)
		if old.Digest == digest {
			return at, nil
		}
		err := n.API.Update(ctx, at, m)
		if err == nil {
			return at, n.record(ctx, v, role, at, digest)
		}
		if code := slackapi.ErrorCode(err); code != "message_not_found" && code != "cant_update_message" && code != "edit_window_closed" {
			return slackapi.Ref{}, err
		}
	}
	at, err := n.API.Post(ctx, channel, thread, m)
	if err != nil {
		return slackapi.Ref{}, err
	}
	return at, n.record(ctx, v, role, at, digest)
}

// newest returns the message that counts for a role: the last one posted.
func newest(all []delivery.Message, role string) (found delivery.Message, ok bool) {
	for _, m := range all {
		if m.Role == role && (!ok || m.TS > found.TS) {
			found, ok = m, true
		}
	}
	return found, ok
}

func (n *Announcer) record(ctx context.Context, v *request, role string, at slackapi.Ref, digest string) error {
	m := delivery.Message{RequestID: v.Request.ID, Role: role, Channel: at.Channel, TS: at.TS, Digest: digest}
	v.messages = slices.DeleteFunc(v.messages, func(o delivery.Message) bool {
		return o.Role == m.Role && refOf(o) == at
	})
	v.messages = append(v.messages, m)
	// What was posted must be remembered, even when we are told to stop meanwhile.
	ctx = context.WithoutCancel(ctx)
	return n.Store.Update(ctx, func(tx delivery.Tx) error { return tx.SaveMessage(ctx, m) })
}

// cannotShow sends the person who asked a message that says how to let the bot post to a
// channel that refuses it, once for each channel. It returns the cause if the request has to
// be shown there later.
func (n *Announcer) cannotShow(ctx context.Context, v *request, cause error) error {
	channel := slackapi.ErrorChannel(cause)
	told := slices.ContainsFunc(v.messages, func(m delivery.Message) bool { return m.Role == roleCannotShow && m.Digest == channel })
	if to := n.helper(ctx, v); !told && to != "" {
		at, err := n.API.Post(ctx, to, "", render.CannotShow(v.Request.ID, channel, slackapi.ErrorCode(cause), n.self(ctx)))
		if err != nil && slackapi.IsTemporary(err) {
			return err
		}
		if err == nil {
			if err := n.record(ctx, v, roleCannotShow, at, channel); err != nil {
				return err
			}
		}
	}
	if v.Request.State.Open() || v.Request.State == access.Approved {
		return cause
	}
	n.Log.Warn("a request cannot be shown", "request", v.Request.ID, "channel", channel, "error", cause)
	return nil
}

// self returns our own user ID; empty when Slack does not say.
func (n *Announcer) self(ctx context.Context) access.UserID {
	self, err := n.API.Self(ctx)
	if err != nil {
		return ""
	}
	return access.UserID(self.UserID)
}

// helper returns who is told how to mend it: the person who asked, or an approver; empty
// when there is nobody.
func (n *Announcer) helper(ctx context.Context, v *request) string {
	if v.Request.Asker != "" {
		return string(v.Request.Asker)
	}
	approvers, err := n.Uses.Approvers(ctx)
	if err != nil || len(approvers) == 0 {
		return ""
	}
	return string(approvers[0])
}
