package render

import (
	"errors"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow"
)

func (w world) requestCases() map[string]any {
	draw := func(k access.RequestKind, s access.RequestState, change func(*workflow.RequestView)) Message {
		v := w.request(k, s)
		if change != nil {
			change(&v)
		}
		return Request(v, noon())
	}
	return map[string]any{
		"request-pending": draw(access.KindGrant, access.Pending, nil),
		"request-pending-full": draw(access.KindGrant, access.Pending, func(v *workflow.RequestView) {
			v.Request.Pattern, v.Request.AskedPattern, v.Request.NarrowedBy = w.foreign("web-*"), w.foreign("web-*,db-*"), carol
			v.Request.AskedDuration, v.Request.Duration, v.Request.ShortenedBy = 7*24*time.Hour, 24*time.Hour, alice
			v.Offline, v.There, v.Needed = 2, 1, 2
			v.Overlaps = []workflow.GrantView{w.access()}
			v.Renewals = reconcile.Renewals{Every: 12 * time.Hour, CallsPerMonth: 2520}
			v.Approvals = []access.Approval{{Approver: carol, Verdict: access.Approve}}
		}),
		"request-pending-accounts": draw(access.KindGrant, access.Pending, func(v *workflow.RequestView) {
			v.Request.Pattern = w.foreign("client/web-*")
			v.Renewals = reconcile.Renewals{Every: 12 * time.Hour, CallsPerMonth: 2520, Targets: 2}
		}),
		"request-pending-long": draw(access.KindGrant, access.Pending, func(v *workflow.RequestView) {
			v.Request.Pattern = longPattern(*v)
		}),
		"request-pending-extend-many": draw(access.KindExtend, access.Pending, func(v *workflow.RequestView) {
			g := grant()
			v.Grant, v.GrantPattern = &g, w.foreign("web-*")
		}),
		"request-pending-joined": draw(access.KindRevoke, access.Pending, func(v *workflow.RequestView) {
			v.Askers = []access.Asker{{Asker: carol, Reason: w.said("stolen, OPS-12")}, {Asker: bob}}
		}),
		"request-pending-root-forever": draw(access.KindGrant, access.Pending, func(v *workflow.RequestView) {
			v.Request.SystemUser, v.Request.Duration, v.Request.Person = "root", 0, alice
		}),
		"request-pending-extend": draw(access.KindExtend, access.Pending, func(v *workflow.RequestView) {
			g := grant()
			v.Grant, v.Servers = &g, nil
		}),
		"request-extended": draw(access.KindExtend, access.Approved, func(v *workflow.RequestView) {
			g := grant()
			v.Grant = &g
		}),
		"request-pending-revoke":     draw(access.KindRevoke, access.Pending, nil),
		"request-pending-revoke-key": draw(access.KindRevoke, access.Pending, func(v *workflow.RequestView) { v.Request.Fingerprint = fingerprint(1) }),
		"request-pending-stalled":    draw(access.KindGrant, access.Pending, func(v *workflow.RequestView) { v.Request.Undecidable = true }),
		"request-pending-guest": draw(access.KindOffboard, access.Pending, func(v *workflow.RequestView) {
			v.Request.Asker, v.Request.Standing, v.Request.Reason = "", access.Guest, "The Slack account became a guest."
		}),
		"request-pending-offboard": draw(access.KindOffboard, access.Pending, func(v *workflow.RequestView) { v.Request.Asker = "" }),
		"request-draft-revoke":     draw(access.KindRevoke, access.Draft, nil),
		"request-waiting-for-key":  draw(access.KindGrant, access.WaitingForKey, nil),
		"request-denied":           draw(access.KindGrant, access.Denied, nil),
		"request-cancelled":        draw(access.KindGrant, access.Cancelled, nil),
		"request-expired":          draw(access.KindGrant, access.Expired, nil),
		"request-revoked-nobodys-key": draw(access.KindRevoke, access.Approved, func(v *workflow.RequestView) {
			v.Request.Person, v.Request.PublicKey, v.Candidates = "", "ssh-ed25519 AAAA", w.offboarding(allDone, 2).Candidates
		}),
		"request-revoked-key": draw(access.KindRevoke, access.Approved, func(v *workflow.RequestView) {
			*v = lost(*v)
			v.Refused, v.Results = true, w.results(access.PhaseRemove, allDone)
		}),
		"request-freed-key": draw(access.KindRevoke, access.Approved, func(v *workflow.RequestView) {
			*v = lost(*v)
			v.Results = w.results(access.PhaseRemove, allDone)
		}),
		"request-pending-leavers-key": draw(access.KindGrant, access.Pending, func(v *workflow.RequestView) {
			v.FormerHolders = map[string]access.UserID{v.Keys[0].Fingerprint: carol}
		}),
		"request-revoking": draw(access.KindRevoke, access.Approved, func(v *workflow.RequestView) { v.Results = w.results(access.PhaseRemove, removals) }),
	}
}

// longPattern names every server of a request, as far as a pattern may be long.
func longPattern(v workflow.RequestView) string {
	var names []string
	for _, ref := range v.Servers {
		names = append(names, ref.Name)
	}
	written := []rune(strings.Join(names, ","))
	return string(written[:min(len(written), access.MaxPattern)])
}

// change is every way in which what is asked may differ from what was shown.
func (w world) change() *access.FactsChange {
	c := access.FactsChange{Names: map[int64]string{}}
	for _, ref := range w.refs() {
		c.Names[ref.ID] = ref.Name
		c.Was.Servers = append(c.Was.Servers, ref.ID)
	}
	c.Now.Servers, c.Was.Keys, c.Now.Keys = []int64{c.Was.Servers[0]}, []string{fingerprint(0)}, []string{fingerprint(1)}
	c.Was.Duration, c.Now.Duration = 12*time.Hour, time.Hour
	c.Was.Until, c.Now.Until = noon(), noon().Add(time.Hour)
	return &c
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
	halted.HaltedBy = []string{"RunCloud"}
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
		"results-mixed":       messages(Results(running, running.Results)),
		"results-all-failing": messages(Results(workflow.RequestView{}, w.results(access.PhaseAdd, func(i int) access.Result { return mixed(7 + 10*i) }))),
		"results-damaged": messages(Results(workflow.RequestView{}, w.results(access.PhaseAdd, func(int) access.Result {
			return access.Result{State: access.Failed, Setback: access.Setback{Problem: access.ProblemDamaged, Detail: "My ledger's copy of this key does not have its fingerprint any more, so I do not place it."}}
		}))),
		"results-removing": messages(Results(workflow.RequestView{}, w.results(access.PhaseRemove, removals))),
		"summary-running":  Summary(running, access.PhaseAdd),
		"summary-done":     Summary(w.live(allDone), access.PhaseAdd),
		"summary-removed":  Summary(ended, access.PhaseRemove),
		"summary-nothing":  Summary(w.live(allDone), access.PhaseRemove),
		"file-running":     CSV(running, access.PhaseAdd),
	}
}

// returned is an offboarding whose person is back.
func returned(w world, out bool) workflow.RequestView {
	v := w.offboarding(allDone, 0)
	v.Subject, v.SubjectBarred = access.Person{ID: bob, OffboardedAt: noon(), ReturnedAt: noon()}, out
	return v
}

func paused(v workflow.RequestView) workflow.RequestView {
	v.Paused, v.PausedBy = noon().Add(24*time.Hour), "RunCloud"
	return v
}

func (w world) offboardCases() map[string]any {
	deactivated := w.offboarding(removals, 0)
	deactivated.Request.Asker, deactivated.Request.DecidedBy, deactivated.Approvals, deactivated.Sessions = "", "", nil, nil
	draft := w.request(access.KindOffboard, access.Draft)
	draft.Overlaps = []workflow.GrantView{w.access(), w.access()}
	passed := w.offboarding(allDone, 0)
	passed.Passed = []access.Key{{Fingerprint: fingerprint(1), Person: alice}}
	reading := w.offboarding(allDone, 0)
	reading.Results = append(w.results(access.PhaseRemove, allDone), w.results(access.PhaseInspect, unfinished)...)
	left := w.offboarding(func(i int) access.Result {
		if i == 0 {
			return access.Result{State: access.OutOfReach, Setback: access.Setback{Problem: access.ProblemServerLeft}}
		}
		return allDone(i)
	}, 0)
	gone := w.offboarding(allDone, 0)
	gone.Results = append(gone.Results, access.Result{RequestID: 12, Phase: access.PhaseInspect, ServerID: 77, ServerName: w.foreign("web-077"), TargetTitle: "RunCloud", State: access.OutOfReach, Setback: access.Setback{Problem: access.ProblemServerLeft}})
	blind := w.offboarding(allDone, 0)
	blind.Sessions, blind.SessionsUnread = nil, w.refs()
	lacking := w.offboarding(allDone, 0)
	lacking.Missing = w.refs()
	lacking.Results = append(lacking.Results,
		access.Result{RequestID: 12, Phase: access.PhaseList, ServerName: "(the list of servers)", TargetTitle: "RunCloud", State: access.Waiting, Setback: access.Setback{Problem: access.ProblemDoubted, Detail: "The list is empty."}},
		access.Result{RequestID: 12, Phase: access.PhaseRemove, ServerID: 100, ServerName: w.foreign("web-001"), TargetTitle: "RunCloud", State: access.Waiting, Setback: access.Setback{Problem: access.ProblemMissing}})
	return map[string]any{
		"offboard-gone":        Request(gone, noon()),
		"offboard-blind":       Request(blind, noon()),
		"offboard-missing":     Request(lacking, noon()),
		"results-missing":      messages(Results(lacking, lacking.Results)),
		"file-offboard":        CSV(lacking, access.PhaseInspect),
		"offboard-running":     Request(w.offboarding(removals, 3), noon()),
		"offboard-reading":     Request(reading, noon()),
		"results-offboard":     messages(Results(reading, reading.Results)),
		"offboard-candidates":  Request(w.offboarding(removals, max(12, w.n*2)), noon()),
		"offboard-deactivated": Request(deactivated, noon()),
		"offboard-undecided":   Request(w.offboarding(allDone, 5), noon()),
		"offboard-finished":    Request(w.offboarding(allDone, 0), noon()),
		"offboard-left":        Request(left, noon()),
		"offboard-returned":    Request(returned(w, false), noon()),
		"offboard-stays-out":   Request(returned(w, true), noon()),
		"results-left":         messages(Results(left, left.Results)),
		"summary-left":         Summary(left, access.PhaseRemove),
		"offboard-passed":      Request(passed, noon()),
		"draft-offboard":       Draft(draft),
		"draft-revoke":         Draft(w.request(access.KindRevoke, access.Draft)),
		"draft-revoke-key":     Draft(lost(w.request(access.KindRevoke, access.Draft))),
	}
}

func (w world) orphanCases() map[string]any {
	label := access.Label("abc27", access.Grant{ID: 41, Person: bob, Alias: "bob"}, fingerprint(1))
	found := func(decided bool) workflow.RequestView {
		v := w.request(access.KindOrphan, access.Approved)
		v.Request.Asker, v.Request.Person, v.Request.DecidedBy, v.Approvals, v.Grant, v.Servers = "", "", "", nil, nil, nil
		for i, c := range w.offboarding(allDone, 3).Candidates {
			c.Why, c.Credential.Label = access.WhyOrphan, label
			if i == 2 {
				c.Credential.Label = "sshkeybot abc27 " + w.foreign("altered")
			}
			if decided {
				c.PickedBy, c.PickedAt, c.Spared = carol, noon(), i > 0
				if i == 0 {
					v.Results = append(v.Results, access.Result{Phase: access.PhaseRemove, ServerID: c.ServerID, ServerName: c.ServerName, Picked: c.Credential.ID, State: access.Done})
				}
			}
			v.Candidates = append(v.Candidates, c)
		}
		return v
	}
	return map[string]any{"orphans-found": Request(found(false), noon()), "orphans-decided": Request(found(true), noon())}
}

// lost makes a revocation one of a registered key on all servers.
func lost(v workflow.RequestView) workflow.RequestView {
	v.Request.Fingerprint, v.Request.PublicKey, v.Request.Pattern = fingerprint(1), "ssh-ed25519 AAAA", ""
	return v
}

// contested is a key that is not registered before it is proved.
func (w world) contested(why workflow.ProofCause) workflow.Registration {
	return workflow.Registration{Key: w.keys()[0], Proof: why, Challenge: access.Challenge{
		Nonce: "NONCE", Text: "sshkeybot: this proves that an SSH key is mine.\nkey " + fingerprint(1) + "\nnonce NONCE\n", ExpiresAt: noon(),
	}}
}

func (w world) answerCases() map[string]any {
	pendingView := w.request(access.KindGrant, access.Pending)
	pending, approved := pendingView.Request, w.request(access.KindGrant, access.Approved).Request
	key := w.keys()[0]
	joined := w.request(access.KindRevoke, access.Pending)
	joined.Askers = []access.Asker{{Asker: carol}}
	var waiting []workflow.RequestView
	for i := range w.n {
		one := pendingView
		one.Request.ID = int64(12 + i)
		waiting = append(waiting, one)
	}
	return map[string]any{
		"help":           Help(someVerbs(), nil),
		"help-accounts":  Help(someVerbs(), []string{"agency", "client"}),
		"refusal":        Refusal(&access.Error{Code: access.Invalid, Message: "No server is called `" + w.foreign("wbe-1") + "`. Did you mean `web-001`?"}),
		"refusal-second": Refusal(&access.Error{Code: access.Conflict, Message: "This has been approved already.", Who: carol, When: noon()}),
		"refusal-changed": Refusal(&access.Error{
			Code: access.Conflict, Message: "What this asks for has changed since that message was drawn, so nothing was decided.", Changed: w.change(),
		}),
		"refusal-stranger":     Refusal(errors.New("pq: password authentication failed")),
		"refusal-about":        Refusal(&access.Error{Code: access.Forbidden, Message: "was offboarded, so they cannot be given access.", About: bob}),
		"refusal-approvers":    Refusal(&access.Error{Code: access.Forbidden, Message: "Only an approver may do this.", Ask: []string{"U0CAROL", "S0OPS", "<!channel>"}}),
		"refusal-word":         Refusal(&access.Error{Code: access.Invalid, Message: "I do not understand `…`. The form is `/sshkey done`.", Word: w.foreign("soon")}),
		"has-to-wait":          HasToWait(),
		"on-it":                OnIt(),
		"form-not-opened":      FormNotOpened(),
		"asked":                Asked(pendingView, alice, Post{Channel: "C0OPS"}),
		"asked-waiting":        Asked(w.request(access.KindGrant, access.WaitingForKey), alice, Post{Channel: "D0BOB"}),
		"spared":               Spared(1),
		"server-gone":          ServerGone(access.Server{ID: 7, Name: w.foreign("web-007")}),
		"spared-rest":          Spared(w.n),
		"registered":           Registered(workflow.Registration{Key: key, Fresh: true, Released: []int64{12}}),
		"registered-again":     Registered(workflow.Registration{Key: key}),
		"proof-held":           Registered(w.contested(workflow.ProofHeld)),
		"proof-offboarded":     Registered(w.contested(workflow.ProofOffboarded)),
		"proof-always":         Registered(w.contested(workflow.ProofAlways)),
		"freed":                Freed(access.Request{ID: 12, Fingerprint: fingerprint(1)}),
		"key-removed":          KeyRemoved(key.Fingerprint),
		"keys":                 Keys(w.keys(), bob),
		"keys-none":            Keys(nil, bob),
		"list":                 List(paged(w.overview()), "", bob),
		"list-page":            List(w.laterPage(), alice, bob),
		"list-nothing":         List(paged(workflow.Overview{Complete: true}), "", bob),
		"list-own-nothing":     List(paged(workflow.Overview{}), bob, bob),
		"list-others-nothing":  List(paged(workflow.Overview{}), alice, bob),
		"pending":              Pending(pendingPage(waiting), nil, ""),
		"pending-none":         Pending(pendingPage(nil), nil, "Request 12 is done."),
		"servers":              Servers(serversPage(w.inventory(), w.n+10)),
		"servers-none":         Servers(serversPage(nil, w.n)),
		"decided-approved":     Decided(approved, access.Approve),
		"decided-one-of-two":   Decided(pending, access.Approve),
		"decided-denied":       Decided(approved, access.Deny),
		"confirmed":            Confirmed(w.request(access.KindOffboard, access.Approved).Request),
		"cancelled":            Cancelled(w.request(access.KindGrant, access.Cancelled).Request),
		"withdrawn":            Cancelled(pending),
		"asked-joined":         Asked(joined, carol, Post{Channel: "C0OPS"}),
		"edited":               Edited(pending),
		"given-back":           GivenBack([]workflow.RequestView{w.live(allDone)}),
		"retried":              Retried(3),
		"retried-nothing-left": Retried(0),
		"picked":               Picked(),
	}
}

func (w world) viewCases() map[string]any {
	v := w.request(access.KindGrant, access.Pending)
	v.Request.Pattern = w.foreign("web-*")
	form := GrantForm{Person: bob, Duration: w.foreign("12h"), Servers: w.foreign("web-*"), SystemUser: "deploy", Reason: w.foreign("Fix it"), Channel: "C0OPS"}
	offer := GrantOffer{
		SystemUsers: []string{"runcloud", "deploy"}, Limits: workflow.Durations{Min: 5 * time.Minute, Max: 30 * 24 * time.Hour},
		Durations: []time.Duration{3 * time.Hour, 12 * time.Hour},
	}
	typed := form
	typed.Other = true
	bare := GrantOffer{SystemUsers: []string{"runcloud"}, Limits: workflow.Durations{Min: time.Second, Max: time.Hour, Forever: true}, ReasonRequired: true, AskChannel: true}
	return map[string]any{
		"modal-register":     RegisterModal(),
		"modal-prove":        ProveModal("NONCE", "C0OPS"),
		"modal-grant":        GrantModal(form, offer),
		"modal-grant-other":  GrantModal(typed, offer),
		"modal-grant-empty":  GrantModal(GrantForm{Servers: EveryServer}, bare),
		"modal-deny":         DenyModal(v),
		"modal-servers":      ServersModal(v, "", 0),
		"modal-servers-end":  ServersModal(v, "", 99),
		"modal-edit":         EditModal(v),
		"modal-edit-extend":  EditModal(w.request(access.KindExtend, access.Pending)),
		"modal-extend":       ExtendModal(w.access(), GrantForm{}, offer),
		"modal-extend-other": ExtendModal(w.access(), typed, offer),
		"home":               w.home(0),
		"home-second":        w.home(1),
		"home-past-the-end":  w.home(9999),
		"home-refused":       w.refusedHome(),
		"home-nothing":       Home(HomeData{Me: bob}),
	}
}

func messages(all []ResultMessage) (out []Message) {
	for _, t := range all {
		out = append(out, t.Message)
	}
	return out
}
