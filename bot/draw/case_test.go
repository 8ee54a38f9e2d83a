package draw

import (
	"errors"
	"maps"
	"time"

	"sshkeybot/internal/access"
)

// cases draws every message and view there is.
func (w world) cases() map[string]any {
	all := map[string]any{}
	for _, part := range w.parts() {
		maps.Copy(all, part())
	}
	return all
}

func (w world) parts() []func() map[string]any {
	return []func() map[string]any{w.requestCases, w.runCases, w.offboardCases, w.noticeCases, w.answerCases, w.viewCases}
}

func (w world) requestCases() map[string]any {
	draw := func(k access.RequestKind, s access.RequestState, change func(*access.RequestView)) Message {
		v := w.request(k, s)
		if change != nil {
			change(&v)
		}
		return Request(v, noon())
	}
	return map[string]any{
		"request-pending": draw(access.KindGrant, access.Pending, nil),
		"request-pending-full": draw(access.KindGrant, access.Pending, func(v *access.RequestView) {
			v.Request.Pattern, v.Request.AskedPattern, v.Request.NarrowedBy = w.foreign("web-*"), w.foreign("web-*,db-*"), carol
			v.Request.AskedDuration, v.Request.Duration, v.Request.ShortenedBy = 7*24*time.Hour, 24*time.Hour, alice
			v.Offline, v.There, v.Needed = 2, 1, 2
			v.Overlaps = []access.GrantView{w.access()}
			v.Renewals = access.Renewals{Every: 12 * time.Hour, CallsPerMonth: 2520}
			v.Approvals = []access.Approval{{Approver: carol, Verdict: access.Approve}}
		}),
		"request-pending-root-forever": draw(access.KindGrant, access.Pending, func(v *access.RequestView) {
			v.Request.SystemUser, v.Request.Duration, v.Request.Person = "root", 0, alice
		}),
		"request-pending-extend": draw(access.KindExtend, access.Pending, func(v *access.RequestView) {
			g := grant()
			v.Grant, v.Servers = &g, nil
		}),
		"request-extended": draw(access.KindExtend, access.Approved, func(v *access.RequestView) {
			g := grant()
			v.Grant = &g
		}),
		"request-pending-revoke":     draw(access.KindRevoke, access.Pending, nil),
		"request-pending-revoke-key": draw(access.KindRevoke, access.Pending, func(v *access.RequestView) { v.Request.Fingerprint = fingerprint(1) }),
		"request-pending-offboard":   draw(access.KindOffboard, access.Pending, func(v *access.RequestView) { v.Request.Asker = "" }),
		"request-draft-revoke":       draw(access.KindRevoke, access.Draft, nil),
		"request-waiting-for-key":    draw(access.KindGrant, access.WaitingForKey, nil),
		"request-denied":             draw(access.KindGrant, access.Denied, nil),
		"request-cancelled":          draw(access.KindGrant, access.Cancelled, nil),
		"request-expired":            draw(access.KindGrant, access.Expired, nil),
		"request-revoked-nobodys-key": draw(access.KindRevoke, access.Approved, func(v *access.RequestView) {
			v.Request.Person, v.Request.PublicKey, v.Candidates = "", "ssh-ed25519 AAAA", w.offboarding(allDone, 2).Candidates
		}),
		"request-revoked-key": draw(access.KindRevoke, access.Approved, func(v *access.RequestView) {
			*v = lost(*v)
			v.Results = w.results(access.PhaseRemove, allDone)
		}),
		"request-revoking": draw(access.KindRevoke, access.Approved, func(v *access.RequestView) { v.Results = w.results(access.PhaseRemove, removals) }),
	}
}

func (w world) runCases() map[string]any {
	settled := func(i int) access.Result {
		if i == 0 {
			return mixed(0)
		}
		return allDone(i)
	}
	running, failing := w.live(mixed), w.live(settled)
	halted := w.live(mixed)
	halted.Halted = true
	ended := w.ended(access.EndGivenBack, 0, removals)
	return map[string]any{
		"run-running":         Request(running, noon()),
		"run-halted":          Request(halted, noon()),
		"run-failed":          Request(failing, noon()),
		"run-done":            Request(w.live(allDone), noon()),
		"run-time-over":       Request(w.live(allDone), noon().Add(13*time.Hour)),
		"run-expired-late":    Request(w.ended(access.EndExpired, 3*time.Minute, allDone), noon()),
		"run-given-back":      Request(ended, noon()),
		"run-offboarded":      Request(w.ended(access.EndOffboarded, 0, allDone), noon()),
		"progress-start":      Progress(w.live(func(int) access.Result { return access.Result{State: access.Waiting} }), access.PhaseAdd, 0),
		"progress-running":    Progress(running, access.PhaseAdd, 4*time.Minute+10*time.Second),
		"progress-removing":   Progress(ended, access.PhaseRemove, 20*time.Second),
		"progress-paused":     Progress(paused(running), access.PhaseAdd, 20*time.Second),
		"progress-probing":    Progress(paused(ended), access.PhaseRemove, 20*time.Second),
		"results-mixed":       messages(Results(running.Results)),
		"results-all-failing": messages(Results(w.results(access.PhaseAdd, func(i int) access.Result { return mixed(7 + 10*i) }))),
		"results-removing":    messages(Results(w.results(access.PhaseRemove, removals))),
		"summary-running":     Summary(running, access.PhaseAdd),
		"summary-done":        Summary(w.live(allDone), access.PhaseAdd),
		"summary-removed":     Summary(ended, access.PhaseRemove),
		"summary-nothing":     Summary(w.live(allDone), access.PhaseRemove),
		"file-running":        CSV(running, access.PhaseAdd),
	}
}

func paused(v access.RequestView) access.RequestView {
	v.Paused = noon().Add(24 * time.Hour)
	return v
}

func (w world) offboardCases() map[string]any {
	deactivated := w.offboarding(removals, 0)
	deactivated.Request.Asker, deactivated.Request.DecidedBy, deactivated.Approvals, deactivated.Sessions = "", "", nil, nil
	draft := w.request(access.KindOffboard, access.Draft)
	draft.Overlaps = []access.GrantView{w.access(), w.access()}
	reading := w.offboarding(allDone, 0)
	reading.Results = append(w.results(access.PhaseRemove, allDone), w.results(access.PhaseInspect, unfinished)...)
	left := w.offboarding(func(i int) access.Result {
		if i == 0 {
			return access.Result{State: access.OutOfReach, Problem: access.ProblemServerLeft}
		}
		return allDone(i)
	}, 0)
	return map[string]any{
		"offboard-running":     Request(w.offboarding(removals, 3), noon()),
		"offboard-reading":     Request(reading, noon()),
		"results-offboard":     messages(Results(reading.Results)),
		"offboard-candidates":  Request(w.offboarding(removals, max(12, w.n*2)), noon()),
		"offboard-deactivated": Request(deactivated, noon()),
		"offboard-undecided":   Request(w.offboarding(allDone, 5), noon()),
		"offboard-finished":    Request(w.offboarding(allDone, 0), noon()),
		"offboard-left":        Request(left, noon()),
		"results-left":         messages(Results(left.Results)),
		"summary-left":         Summary(left, access.PhaseRemove),
		"draft-offboard":       Draft(draft),
		"draft-revoke":         Draft(w.request(access.KindRevoke, access.Draft)),
		"draft-revoke-key":     Draft(lost(w.request(access.KindRevoke, access.Draft))),
	}
}

// lost makes a revocation one of a registered key on all servers.
func lost(v access.RequestView) access.RequestView {
	v.Request.Fingerprint, v.Request.PublicKey, v.Request.Pattern = fingerprint(1), "ssh-ed25519 AAAA", ""
	return v
}

func (w world) noticeCases() map[string]any {
	v, denied, g := w.request(access.KindGrant, access.Pending), w.request(access.KindGrant, access.Denied), grant()
	approved, keyless := w.live(allDone), w.request(access.KindGrant, access.WaitingForKey)
	running, over := w.live(mixed), w.ended(access.EndGivenBack, 0, allDone)
	notice := func(k access.NoticeKind) access.Notice {
		return access.Notice{Kind: k, RequestID: 12, GrantID: 7, Detail: w.foreign("3 servers")}
	}
	daily, _ := Daily(w.overview())
	return map[string]any{
		"notice-key-wanted": Notice(notice(access.NoticeKeyWanted), &keyless, nil),
		"notice-key-there":  Notice(notice(access.NoticeKeyWanted), &v, nil),
		"notice-key-late":   Notice(notice(access.NoticeKeyWanted), &denied, nil),
		"notice-ending":     Notice(notice(access.NoticeEnding), &approved, &g),
		"notice-ended":      Notice(notice(access.NoticeEnding), &over, over.Grant),
		"notice-lapsed":     Notice(notice(access.NoticeLapsed), &approved, &g),
		"notice-halted":     Notice(notice(access.NoticeHalted), nil, nil),
		"notice-quota":      Notice(access.Notice{Kind: access.NoticeQuota, Detail: "320012 of 400000"}, nil, nil),
		"notice-resumed":    Notice(notice(access.NoticeResumed), nil, nil),
		"notice-approved":   Notice(notice(access.NoticeDecided), &approved, nil),
		"notice-running":    Notice(notice(access.NoticeDecided), &running, nil),
		"notice-over":       Notice(notice(access.NoticeDecided), &over, nil),
		"notice-decided":    Notice(notice(access.NoticeDecided), &denied, nil),
		"notice-reminder":   Notice(notice(access.NoticeReminder), &v, nil),
		"notice-decidable":  Notice(notice(access.NoticeDecidable), &v, nil),
		"notice-daily":      daily,

		"cannot-show":            CannotShow(12, "C0OPS", "not_in_channel", "U0BOT"),
		"cannot-show-archived":   CannotShow(12, "C0OPS", "is_archived", "U0BOT"),
		"cannot-show-restricted": CannotShow(12, "C0OPS", "restricted_action", ""),
		"no-file":                NoFile("missing_scope", "U0BOT"),
		"no-file-not-invited":    NoFile("not_in_channel", "U0BOT"),
		"without-channel":        WithoutChannel(Notice(notice(access.NoticeHalted), nil, nil)),
		"plain":                  Say(Plain(Request(v, noon()))),
	}
}

func (w world) answerCases() map[string]any {
	pendingView := w.request(access.KindGrant, access.Pending)
	pending, approved := pendingView.Request, w.request(access.KindGrant, access.Approved).Request
	key := w.keys()[0]
	var waiting []access.RequestView
	for range w.n {
		waiting = append(waiting, pendingView)
	}
	return map[string]any{
		"help":                 Help(),
		"refusal":              Refusal(&access.Error{Code: access.Invalid, Message: "No server is called `" + w.foreign("wbe-1") + "`. Did you mean `web-001`?"}),
		"refusal-second":       Refusal(&access.Error{Code: access.Conflict, Message: "This has been approved already.", Who: carol, When: noon()}),
		"refusal-stranger":     Refusal(errors.New("pq: password authentication failed")),
		"refusal-about":        Refusal(&access.Error{Code: access.Forbidden, Message: "This person's access was ended by an offboarding, so they cannot be given any.", About: bob}),
		"refusal-approvers":    Refusal(&access.Error{Code: access.Forbidden, Message: "Only an approver may do this.", Ask: []string{"U0CAROL", "S0OPS", "<!channel>"}}),
		"refusal-word":         Refusal(&access.Error{Code: access.Invalid, Message: "I do not understand `…`. The form is `/sshkey done`.", Word: w.foreign("soon")}),
		"has-to-wait":          HasToWait(),
		"on-it":                OnIt(),
		"form-not-opened":      FormNotOpened(),
		"asked":                Asked(pendingView, "C0OPS"),
		"asked-waiting":        Asked(w.request(access.KindGrant, access.WaitingForKey), "D0BOB"),
		"left-alone":           LeftAlone(1),
		"left-alone-rest":      LeftAlone(w.n),
		"registered":           Registered(access.Registration{Key: key, Fresh: true, Released: []int64{12}}),
		"registered-again":     Registered(access.Registration{Key: key}),
		"key-removed":          KeyRemoved(key.Fingerprint),
		"keys":                 Keys(w.keys(), bob),
		"keys-none":            Keys(nil, bob),
		"list":                 List(w.overview(), bob, true),
		"list-nothing":         List(access.Overview{Complete: true}, bob, true),
		"list-own-nothing":     List(access.Overview{}, bob, true),
		"list-others-nothing":  List(access.Overview{}, alice, false),
		"pending":              Pending(waiting),
		"pending-none":         Pending(nil),
		"servers":              Servers(w.inventory(), w.n+10),
		"servers-none":         Servers(nil, w.n),
		"decided-approved":     Decided(approved, access.Approve),
		"decided-one-of-two":   Decided(pending, access.Approve),
		"decided-denied":       Decided(approved, access.Deny),
		"confirmed":            Confirmed(w.request(access.KindOffboard, access.Approved).Request),
		"cancelled":            Cancelled(pending),
		"edited":               Edited(pending),
		"given-back":           GivenBack([]access.RequestView{w.live(allDone)}),
		"retried":              Retried(3),
		"retried-nothing-left": Retried(0),
		"picked":               Picked(),
	}
}

func (w world) viewCases() map[string]any {
	v := w.request(access.KindGrant, access.Pending)
	v.Request.Pattern = w.foreign("web-*")
	form := GrantForm{Person: bob, Duration: w.foreign("12h"), Servers: w.foreign("web-*"), SystemUser: "deploy", Reason: w.foreign("Fix it"), Channel: "C0OPS"}
	limits := access.Durations{Min: 5 * time.Minute, Max: 30 * 24 * time.Hour}
	return map[string]any{
		"modal-register":    RegisterModal(),
		"modal-grant":       GrantModal(form, []string{"runcloud", "deploy"}, limits),
		"modal-grant-empty": GrantModal(GrantForm{}, []string{"runcloud"}, access.Durations{Min: time.Second, Max: time.Hour, Forever: true}),
		"modal-deny":        DenyModal(12),
		"modal-edit":        EditModal(v),
		"modal-edit-extend": EditModal(w.request(access.KindExtend, access.Pending)),
		"modal-extend":      ExtendModal(w.access()),
		"home":              w.home(0),
		"home-second":       w.home(1),
		"home-past-the-end": w.home(9999),
		"home-refused":      w.refusedHome(),
		"home-nothing":      Home(HomeData{Me: bob}),
	}
}

func messages(all []Told) (out []Message) {
	for _, t := range all {
		out = append(out, t.Message)
	}
	return out
}
