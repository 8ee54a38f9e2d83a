package render

import (
	"time"

	"sshkeybot/internal/access"
)

func (w world) noticeCases() map[string]any {
	v, denied, g := w.request(access.KindGrant, access.Pending), w.request(access.KindGrant, access.Denied), grant()
	approved, keyless := w.live(allDone), w.request(access.KindGrant, access.WaitingForKey)
	running, over := w.live(mixed), w.ended(access.EndGivenBack, 0, allDone)
	notice := func(k access.NoticeKind) access.Notice {
		return access.Notice{Kind: k, RequestID: 12, GrantID: 7, Target: "RunCloud", Detail: w.foreign("3 servers")}
	}
	listed := w.request(access.KindPurge, access.Pending)
	daily, _ := Daily(w.overview())
	back, out := returned(w, false), returned(w, true)
	return map[string]any{
		"notice-key-wanted": Notice(notice(access.NoticeKeyWanted), &keyless, nil, Post{}),
		"notice-key-there":  Notice(notice(access.NoticeKeyWanted), &v, nil, Post{}),
		"notice-key-late":   Notice(notice(access.NoticeKeyWanted), &denied, nil, Post{}),
		"notice-ending":     Notice(notice(access.NoticeEnding), &approved, &g, Post{}),
		"notice-ended":      Notice(notice(access.NoticeEnding), &over, over.Grant, Post{}),
		"notice-lapsed":     Notice(notice(access.NoticeLapsed), &approved, &g, Post{}),
		"notice-halted":     Notice(notice(access.NoticeHalted), nil, nil, Post{}),
		"notice-quota":      Notice(access.Notice{Kind: access.NoticeQuota, Target: "RunCloud", Detail: "320012 of 400000"}, nil, nil, Post{}),
		"notice-adopted":    Notice(access.Notice{Kind: access.NoticeAdopted, Target: "RunCloud (agency)", Detail: w.foreign("runcloud")}, nil, nil, Post{}),
		"notice-resumed":    Notice(notice(access.NoticeResumed), nil, nil, Post{}),
		"notice-clock":      Notice(notice(access.NoticeClock), nil, nil, Post{}),
		"notice-corrected":  Notice(notice(access.NoticeCorrected), &approved, &g, Post{}),
		"notice-too-late":   Notice(notice(access.NoticeCorrected), &over, over.Grant, Post{}),
		"notice-approved":   Notice(notice(access.NoticeDecided), &approved, nil, Post{}),
		"notice-running":    Notice(notice(access.NoticeDecided), &running, nil, Post{}),
		"notice-over":       Notice(notice(access.NoticeDecided), &over, nil, Post{}),
		"notice-decided":    Notice(notice(access.NoticeDecided), &denied, nil, Post{}),
		"notice-reminder":   Notice(notice(access.NoticeReminder), &v, nil, Post{}),
		"notice-changed":    Notice(notice(access.NoticeChanged), &v, nil, Post{}),
		"notice-group":      Notice(access.Notice{Kind: access.NoticeGroup, Detail: "S0GONE Slack knows no such user group."}, nil, nil, Post{}),
		"notice-returned":   Notice(notice(access.NoticeReturned), &back, nil, Post{}),
		"notice-stays-out":  Notice(notice(access.NoticeReturned), &out, nil, Post{}),
		"notice-decidable":  Notice(notice(access.NoticeDecidable), &v, nil, Post{}),
		"notice-list-there": Notice(notice(access.NoticeReminder), &listed, nil, Post{}),
		"notice-was-late":   Notice(notice(access.NoticeReminder), &denied, nil, Post{}),
		"notice-reopened":   Notice(notice(access.NoticeReopened), &v, nil, Post{}),
		"notice-daily":      daily,

		"notice-key-lost":  Notice(moved(carol), nil, nil, Post{}),
		"notice-key-won":   Notice(moved(bob), nil, nil, Post{}),
		"notice-key-moved": Notice(moved(""), nil, nil, Post{}),

		"cannot-show":            CannotShow(12, "C0OPS", "not_in_channel", "U0BOT"),
		"cannot-show-archived":   CannotShow(12, "C0OPS", "is_archived", "U0BOT"),
		"cannot-show-restricted": CannotShow(12, "C0OPS", "restricted_action", ""),
		"no-file":                NoFile("missing_scope", "U0BOT"),
		"no-file-not-invited":    NoFile("not_in_channel", "U0BOT"),
		"without-channel":        WithoutChannel(Notice(notice(access.NoticeHalted), nil, nil, Post{})),
		"unwritable":             Unwritable(2, 14),
		"unwritable-idle":        Unwritable(0, 0),
		"writable":               Writable(noon(), noon().Add(8*time.Minute)),
		"plain":                  Say(Plain(Request(v, noon()))),
	}
}

// moved returns the notice for somebody that Carol's key is Bob's now.
func moved(to access.UserID) access.Notice {
	return access.Notice{Kind: access.NoticeKeyMoved, To: to, Detail: fingerprint(1) + " " + string(carol) + " " + string(bob)}
}

// directCases are what a person is told of a request in a message of its own.
func (w world) directCases() map[string]any {
	to := func(id access.UserID, k access.NoticeKind) access.Notice {
		return access.Notice{Kind: k, To: id, RequestID: 12, Detail: string(carol)}
	}
	approved, running, over := w.live(allDone), w.live(mixed), w.ended(access.EndGivenBack, 0, allDone)
	ops := Post{Channel: "C0OPS", Permalink: "https://simteam.slack.com/archives/C0OPS/p1"}
	expired, cancelled, stuck := w.request(access.KindGrant, access.Expired), w.request(access.KindGrant, access.Cancelled), w.live(allFailed)
	cancelled.Request.DecidedBy, cancelled.Request.Note = "", "@U0CAROL is being offboarded."
	revoke, narrowed, key := w.request(access.KindRevoke, access.Approved), w.request(access.KindRevoke, access.Approved), lost(w.request(access.KindRevoke, access.Approved))
	revoke.Request.Pattern, narrowed.Request.Pattern = "", "web-*"
	purged, audited := w.request(access.KindPurge, access.Approved), w.request(access.KindAudit, access.Approved)
	return map[string]any{
		"notice-expired":    Notice(to(carol, access.NoticeDecided), &expired, nil, ops),
		"notice-cancelled":  Notice(to(carol, access.NoticeDecided), &cancelled, nil, ops),
		"notice-ready":      Notice(to(bob, access.NoticeReady), &approved, nil, ops),
		"notice-ready-some": Notice(to(carol, access.NoticeReady), &running, nil, ops),
		"notice-ready-over": Notice(to(bob, access.NoticeReady), &over, nil, ops),
		"notice-not-ready":  Notice(to(bob, access.NoticeReady), &stuck, nil, ops),
		"notice-time-over":  Notice(to(bob, access.NoticeEnded), &over, over.Grant, ops),
		"notice-revoked":    Notice(to(bob, access.NoticeRevoked), &revoke, nil, ops),
		"notice-revoked-on": Notice(to(bob, access.NoticeRevoked), &narrowed, nil, ops),
		"notice-key-gone":   Notice(to(bob, access.NoticeRevoked), &key, nil, ops),
		"notice-purged":     Notice(to(bob, access.NoticeRevoked), &purged, nil, ops),
		"notice-ended-part": Notice(to(bob, access.NoticeRevoked), &audited, nil, ops),
	}
}
