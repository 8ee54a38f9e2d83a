package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"sshkeybot/bot/draw"
	"sshkeybot/internal/access"
)

// The roles of the messages of a request.
const (
	roleRequest  = "request"  // carries the buttons; the thread hangs below it
	roleAnnounce = "announce" // an offboarding, where everybody sees it; then the thread is here
	roleProgress = "progress"
	roleSummary  = "summary"
	roleFile     = "file"
	roleMend     = "mend" // told somebody how to let us into the channel
)

const (
	redrawEvery = 3 * time.Second  // of one request: Slack's fifty updates a minute are for all of them
	lockedOut   = 20 * time.Second // until we look again whether somebody let us into the channel
)

// Drawn is what the Announcer asks of the domain.
type Drawn interface {
	Looking
	Overview(ctx context.Context, of access.UserID) (access.Overview, error)
}

// Announcer brings Slack in line with the ledger, one request or notice at a time.
type Announcer struct {
	API   *API
	Uses  Drawn
	Store access.Store
	Log   *slog.Logger
	Now   func() time.Time

	ApprovalChannel string // empty: where the command was given
	AnnounceChannel string // empty: the approval channel
}

// Announce draws a request as it stands now and records what it showed as soon as
// each call has returned, so that a crash repeats one message at worst. An error
// means that Slack does not show everything yet and Announce is to be called again,
// not before access.RetryAfter. A post whose answer was lost is then made once
// more: a second copy shows the same and is drawn anew when somebody uses it.
func (n *Announcer) Announce(ctx context.Context, requestID int64) error {
	v, err := n.Uses.View(ctx, requestID)
	if err != nil {
		return err
	}
	if v.Request.State != access.Draft {
		if err := n.draw(ctx, &v); err != nil {
			return err
		}
	}
	return n.Store.Update(ctx, func(tx access.Tx) error {
		if err := n.redrawHomes(ctx, tx, v); err != nil {
			return err
		}
		return tx.SaveDrawing(ctx, access.Drawing{
			RequestID: requestID, Version: v.Drawing.Version, Shown: v.Drawing.Version, NextAt: n.Now().Add(redrawEvery),
		})
	})
}

func (n *Announcer) draw(ctx context.Context, v *access.RequestView) error {
	err := n.drawAll(ctx, v)
	if slackCode(err) == "thread_not_found" { // somebody deleted the message that has not changed since
		if _, err = n.repost(ctx, v); err == nil {
			err = n.drawAll(ctx, v)
		}
	}
	if isLockedOut(err) {
		return n.lockedOut(ctx, v, err)
	}
	return err
}

func (n *Announcer) drawAll(ctx context.Context, v *access.RequestView) error {
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
	for _, t := range all { // last, so that no message waits for a file
		if t.settled() {
			err = errors.Join(err, t.file(ctx))
		}
	}
	return err
}

// repost posts the message of a request anew, which somebody deleted by hand.
func (n *Announcer) repost(ctx context.Context, v *access.RequestView) (Ref, error) {
	v.Messages = slices.DeleteFunc(v.Messages, func(m access.Message) bool { return m.Role == roleRequest || m.Role == roleAnnounce })
	return n.drawParent(ctx, v)
}

// drawParent draws the message of the request, and answers the one that the thread
// hangs below.
func (n *Announcer) drawParent(ctx context.Context, v *access.RequestView) (parent Ref, err error) {
	m := draw.Request(*v, n.Now())
	if n.apart(v) {
		if _, posted := newest(v.Messages, roleRequest); posted {
			if _, err := n.show(ctx, v, roleRequest, n.channel(ctx, v), "", m); err != nil && !isLockedOut(err) {
				return Ref{}, err
			}
		}
		return n.show(ctx, v, roleAnnounce, n.AnnounceChannel, "", m)
	}
	return n.show(ctx, v, roleRequest, n.channel(ctx, v), "", m)
}

// apart tells whether the request is an offboarding under way, which is announced
// in a channel of its own.
func (n *Announcer) apart(v *access.RequestView) bool {
	return v.Request.Kind == access.KindOffboard && v.Request.State == access.Approved && n.AnnounceChannel != ""
}

// channel is where a request is posted: where approvers look, or where it was
// asked. One asked in a direct message goes where its grant was asked.
func (n *Announcer) channel(ctx context.Context, v *access.RequestView) string {
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
func (n *Announcer) show(ctx context.Context, v *access.RequestView, role, channel, thread string, m draw.Message) (Ref, error) {
	if channel == "" {
		return Ref{}, &access.Error{Code: access.NotFound, Op: "announce", Message: "There is no channel to post in.", Err: &slackError{"channel_not_found"}}
	}
	digest := draw.Digest(m)
	if old, ok := newest(v.Messages, role); ok {
		at := Ref{old.Channel, old.TS}
		if old.Digest == digest {
			return at, nil
		}
		err := n.API.Update(ctx, at, m)
		if err == nil {
			return at, n.record(ctx, v, role, at, digest)
		}
		if code := slackCode(err); code != "message_not_found" && code != "cant_update_message" && code != "edit_window_closed" {
			return Ref{}, err
		}
	}
	at, err := n.API.Post(ctx, channel, thread, m)
	if err != nil {
		return Ref{}, err
	}
	return at, n.record(ctx, v, role, at, digest)
}

// newest answers the message that stands for a role: the last one posted.
func newest(all []access.Message, role string) (found access.Message, ok bool) {
	for _, m := range all {
		if m.Role == role && (!ok || m.TS > found.TS) {
			found, ok = m, true
		}
	}
	return found, ok
}

func (n *Announcer) record(ctx context.Context, v *access.RequestView, role string, at Ref, digest string) error {
	m := access.Message{RequestID: v.Request.ID, Role: role, Channel: at.Channel, TS: at.TS, Digest: digest}
	v.Messages = slices.DeleteFunc(v.Messages, func(o access.Message) bool {
		return o.Role == m.Role && o.Channel == m.Channel && o.TS == m.TS
	})
	v.Messages = append(v.Messages, m)
	// What was posted must be remembered, even when we are told to stop meanwhile.
	ctx = context.WithoutCancel(ctx)
	return n.Store.Update(ctx, func(tx access.Tx) error { return tx.SaveMessage(ctx, m) })
}

// isLockedOut tells that the channel does not take our messages until somebody
// mends that.
func isLockedOut(err error) bool {
	switch slackCode(err) {
	case "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel", "no_permission":
		return true
	}
	return false
}

// lockedOut tells who asked, once for each channel, how to let us in. What is still
// under way is drawn once that is done.
func (n *Announcer) lockedOut(ctx context.Context, v *access.RequestView, cause error) error {
	channel := n.channel(ctx, v)
	told := slices.ContainsFunc(v.Messages, func(m access.Message) bool { return m.Role == roleMend && m.Digest == channel })
	if to := n.mender(v); !told && to != "" {
		at, err := n.API.Post(ctx, to, "", draw.Say(mendText(v.Request.ID, channel, cause)))
		if temporary(err) && err != nil {
			return err
		}
		if err == nil {
			if err := n.record(ctx, v, roleMend, at, channel); err != nil {
				return err
			}
		}
	}
	n.Log.Warn("a request cannot be shown", "request", v.Request.ID, "channel", channel, "error", cause)
	if v.Request.State.Open() || v.Request.State == access.Approved {
		return &access.Error{Code: access.Unavailable, Op: "announce", Message: "The channel is closed to me.", RetryAfter: lockedOut, Err: cause}
	}
	return nil
}

// mender is who can be told: the one who asked, or an approver named by ID.
func (n *Announcer) mender(v *access.RequestView) string {
	if v.Request.Asker != "" {
		return string(v.Request.Asker)
	}
	i := slices.IndexFunc(v.Deciders, func(id string) bool { return !strings.HasPrefix(id, "S") })
	if i < 0 {
		return ""
	}
	return v.Deciders[i]
}

func mendText(request int64, channel string, cause error) string {
	where := "the channel where requests are posted"
	if strings.HasPrefix(channel, "C") || strings.HasPrefix(channel, "G") {
		where = "<#" + channel + ">"
	}
	if slackCode(cause) == "is_archived" {
		return fmt.Sprintf("I cannot show request %d: %s is archived. Unarchive it, or ask whoever runs me to set another channel. The request itself is kept.", request, where)
	}
	return fmt.Sprintf("I cannot show request %d in %s, because I am not a member there. Type `/invite @sshkey` in that channel; I look again every twenty seconds. The request itself is kept.", request, where)
}
