package draw

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
)

// decision says how a request was closed: what, by whom, when.
func decision(v access.RequestView) string {
	r := v.Request
	switch r.State {
	case access.Approved:
		if alone(r) {
			return "*Confirmed* " + date(r.DecidedAt) + "."
		}
		return "*Approved* " + byApprovers(v) + " " + date(r.DecidedAt) + "."
	case access.Denied:
		return "*Denied* " + by(r.DecidedBy) + " " + date(r.DecidedAt) + "." + because(r.Note)
	case access.Cancelled:
		return "*Cancelled* " + by(r.DecidedBy) + " " + date(r.DecidedAt) + "." + because(r.Note)
	case access.Expired:
		return "*Expired* " + date(expiry(r)) + ": " + unanswered(r) + " Ask again if it is still needed."
	case access.Draft, access.WaitingForKey, access.Pending: // open yet
	}
	return ""
}

// unanswered says what a request waited for in vain.
func unanswered(r access.Request) string {
	if note := escape(r.Note, reasonLimit); note != "" {
		return note
	}
	return "nobody decided in time."
}

func expiry(r access.Request) time.Time {
	if r.DecidedAt.IsZero() {
		return r.ExpiresAt
	}
	return r.DecidedAt
}

// by names who decided; nobody is the bot itself.
func by(id access.UserID) string {
	if id == "" {
		return "by me"
	}
	return "by " + mention(id)
}

func byApprovers(v access.RequestView) string {
	if named := approvers(v.Approvals); named != "" {
		return strings.TrimSpace(named)
	}
	return by(v.Request.DecidedBy)
}

func because(note string) string {
	if text := escape(note, reasonLimit); text != "" {
		return " Reason: " + text
	}
	return ""
}

// phaseOf is what a request's work is about now.
func phaseOf(v access.RequestView) access.Phase {
	ended := v.Grant != nil && v.Grant.State == access.Ended
	if v.Request.Kind == access.KindRevoke || v.Request.Kind == access.KindOffboard || v.Request.Kind == access.KindGrant && ended {
		return access.PhaseRemove
	}
	return access.PhaseAdd
}

// run says in one line where the work of an approved request stands.
func run(v access.RequestView, now time.Time) string {
	if v.Request.State != access.Approved {
		return ""
	}
	switch {
	case v.Request.Kind == access.KindExtend:
		return extended(v)
	case phaseOf(v) == access.PhaseRemove:
		return removing(tallyOf(v.Results, access.PhaseRemove), elsewhere(v.Grant)) + halted(v)
	case v.Grant != nil && !v.Grant.LiveAt(now):
		return "*The time is over:* the keys are about to be removed."
	}
	return placing(v) + halted(v)
}

// halted says why nothing moves.
func halted(v access.RequestView) string {
	waits := func(r access.Result) bool { return r.State == access.Waiting || r.State == access.Unsure }
	if !v.Halted || !slices.ContainsFunc(v.Results, waits) {
		return ""
	}
	return " *RunCloud refuses my token (401):* what waits goes on by itself once that is mended."
}

func extended(v access.RequestView) string {
	if v.Grant == nil || v.Grant.State == access.Ended {
		return ""
	}
	return "*Access goes on* " + until(v.Grant.EndsAt) + "."
}

func placing(v access.RequestView) string {
	t := tallyOf(v.Results, access.PhaseAdd)
	end := ""
	if v.Grant != nil {
		end = " " + until(v.Grant.EndsAt)
	}
	switch {
	case t.open() > 0:
		return fmt.Sprintf("*Running:* granted on %d of %s%s. %s.", t.good(), servers(t.servers), end, t.words())
	case t.by[access.Failed] > 0:
		return fmt.Sprintf("*Granted* on %d of %s%s. %s; the thread says what to do.", t.good(), servers(t.servers), end, t.words())
	}
	return fmt.Sprintf("*Granted* on %d of %s%s.", t.good(), servers(t.servers), end)
}

// elsewhere tells whether the removal is shown where it was asked for.
func elsewhere(g *access.Grant) bool {
	return g != nil && (g.EndReason == access.EndRevoked || g.EndReason == access.EndOffboarded)
}

func removing(t tally, elsewhere bool) string {
	switch {
	case t.servers == 0 && elsewhere:
		return "The keys are removed under the request that ended it."
	case t.servers == 0:
		return "There was no key placed by me to remove."
	case t.owed() == 0 && t.by[access.Done] == t.servers:
		return fmt.Sprintf("*Removed* on %d of %s.", t.servers, servers(t.servers))
	case t.owed() == 0:
		return fmt.Sprintf("*Removed* on %d of %s: %s.", t.by[access.Done], servers(t.servers), t.words())
	}
	return fmt.Sprintf("*Removing* on %s: %s. Still to remove on %s.", servers(t.servers), t.words(), servers(t.owed()))
}

// ending says why and when the access of a request ended, and how late.
func ending(v access.RequestView) string {
	g := v.Grant
	if v.Request.Kind != access.KindGrant || g == nil || g.State != access.Ended {
		return ""
	}
	text := "*Access ended* " + date(g.EndedAt) + ": " + endWord(*g) + "."
	if late := g.EndedAt.Sub(g.EndsAt); g.EndReason == access.EndExpired && !g.EndsAt.IsZero() && late > time.Minute {
		text += " That was " + duration.Format(late) + " late."
	}
	return text
}

func endWord(g access.Grant) string {
	switch g.EndReason {
	case access.EndExpired:
		return "its time has expired"
	case access.EndRevoked:
		return "revoked " + by(g.EndedBy)
	case access.EndGivenBack:
		return "given back " + by(g.EndedBy)
	case access.EndOffboarded:
		return "offboarded " + by(g.EndedBy)
	}
	return "ended"
}
