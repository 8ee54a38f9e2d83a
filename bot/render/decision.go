package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/workflow"
)

// decision says how a request was closed: what, by whom, when.
func decision(v workflow.RequestView) string {
	r := v.Request
	switch r.State {
	case access.Approved:
		if byApproverAlone(r) {
			return "*Confirmed* " + date(r.DecidedAt) + "."
		}
		return "*Approved* " + byApprovers(v) + " " + date(r.DecidedAt) + "."
	case access.Denied:
		return "*Denied* " + decidedBy(r.DecidedBy) + " " + date(r.DecidedAt) + "." + noteClause(v)
	case access.Cancelled:
		if r.DecidedBy == "" {
			return "*Cancelled automatically* " + date(r.DecidedAt) + ": " + ownNote(r.Note)
		}
		return "*Withdrawn* " + decidedBy(r.DecidedBy) + " " + date(r.DecidedAt) + "." + noteClause(v)
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

// decidedBy names who decided; an empty id is the bot itself.
func decidedBy(id access.UserID) string {
	if id == "" {
		return "by sshkeybot"
	}
	return "by " + mention(id)
}

func byApprovers(v workflow.RequestView) string {
	if named := approvers(v.Approvals); named != "" {
		return strings.TrimSpace(named)
	}
	return decidedBy(v.Request.DecidedBy)
}

// personInNote matches a person in a note of the bot's own.
var personInNote = regexp.MustCompile(`@[UW][A-Z0-9]+\b`)

// ownNote renders a note that the bot wrote by itself, which may name people by their ids.
func ownNote(note string) string {
	return personInNote.ReplaceAllStringFunc(escape(note, reasonLimit), func(at string) string { return mention(access.UserID(at[1:])) })
}

func noteClause(v workflow.RequestView) string {
	if text := reasonText(v.Request.Note, v.TicketURL, reasonLimit); text != "" {
		return " Reason: " + text
	}
	return ""
}

// phaseOf returns the phase that a request's work is in.
func phaseOf(v workflow.RequestView) access.Phase {
	ended := v.Grant != nil && v.Grant.State == access.Ended
	if k := v.Request.Kind; k == access.KindRevoke || k == access.KindOffboard || k == access.KindPurge || k == access.KindAudit || k == access.KindOrphan || v.Request.Kind == access.KindGrant && ended {
		return access.PhaseRemove
	}
	return access.PhaseAdd
}

// workState says in one line where the work of an approved request stands.
func workState(v workflow.RequestView, now time.Time) string {
	if v.Request.State != access.Approved {
		return ""
	}
	switch {
	case v.Request.Kind == access.KindExtend:
		return extended(v)
	case phaseOf(v) == access.PhaseRemove:
		return removing(tallyOf(v.Results, access.PhaseRemove), shownElsewhere(v.Grant), "") + halted(v)
	case v.Grant != nil && !v.Grant.LiveAt(now):
		return "*The time is over:* the keys are about to be removed."
	}
	return placing(v) + halted(v)
}

// halted says why nothing moves.
func halted(v workflow.RequestView) string {
	titles, several := targets(v, func(r access.Result) bool {
		return (r.State == access.Waiting || r.State == access.Unsure) && slices.Contains(v.HaltedBy, r.TargetTitle)
	})
	refuse := " refuses my token"
	switch {
	case titles == "":
		return ""
	case several:
		refuse = " refuse my tokens"
	}
	return " *" + titles + refuse + " (401):* what waits goes on by itself once that is mended."
}

func extended(v workflow.RequestView) string {
	if v.Grant == nil || v.Grant.State == access.Ended {
		return ""
	}
	return "*Extended* " + until(v.Grant.EndsAt) + "."
}

func placing(v workflow.RequestView) string {
	t := tallyOf(stillGranted(v), access.PhaseAdd)
	end := ""
	if v.Grant != nil {
		end = " " + until(v.Grant.EndsAt)
	}
	all := t.count(t.servers + len(v.Revoked))
	if t.moving > 0 {
		return fmt.Sprintf("*Placing keys:* granted on %d of %s so far%s.", t.good(), all, end) + revoked(v)
	}
	text := fmt.Sprintf("*Granted* on %d of %s%s.", t.good(), all, end)
	if v.Account != "" && t.owed() == 0 {
		text = "*Granted*" + end + "."
	}
	if t.owed() > 0 {
		text += " " + upper(t.notDone()) + "; the thread says more."
	}
	return text + revoked(v)
}

// stillGranted leaves out what was placed where the access has been revoked since.
func stillGranted(v workflow.RequestView) []access.Result {
	gone := map[int64]bool{}
	for _, ref := range v.Revoked {
		gone[ref.ID] = true
	}
	var kept []access.Result
	for _, r := range v.Results {
		if r.Phase != access.PhaseAdd || !gone[r.ServerID] {
			kept = append(kept, r)
		}
	}
	return kept
}

// revoked says where a grant that lives on has been revoked, and under which requests.
func revoked(v workflow.RequestView) string {
	if len(v.Revoked) == 0 {
		return ""
	}
	text := " Revoked since on " + servers(len(v.Revoked))
	if len(v.Revoked) <= fewServers {
		text += ": " + serverNames(v.Revoked)
	}
	return text + inBrackets(numbers(v.Changes, access.KindRevoke)) + "."
}

// numbers lists the requests of a kind: «request 3», «requests 3, 4».
func numbers(all []access.Request, kind access.RequestKind) string {
	var ids []string
	for _, r := range all {
		if r.Kind == kind {
			ids = append(ids, idValue(r.ID))
		}
	}
	switch len(ids) {
	case 0:
		return ""
	case 1:
		return "request " + ids[0]
	}
	return "requests " + strings.Join(ids, ", ")
}

// shownElsewhere reports whether the removal is shown where it was asked for.
func shownElsewhere(g *access.Grant) bool {
	return g != nil && (g.EndReason == access.EndRevoked || g.EndReason == access.EndPurged || g.EndReason == access.EndOffboarded)
}

// removing says how far the removal is; names, if any, are the servers where it is done.
func removing(t tally, elsewhere bool, names string) string {
	if names != "" {
		names = ": " + names
	}
	switch {
	case t.servers == 0 && elsewhere:
		return "The keys are removed under the request that ended it."
	case t.servers == 0:
		return "There was no key placed by me to remove."
	case t.by[access.Done] == t.servers:
		return "*Removed* on " + t.all() + names + "."
	case t.owed() == 0:
		return fmt.Sprintf("*Removed* on %d of %s%s. %s.", t.by[access.Done], t.count(t.servers), names, upper(t.notDone()))
	}
	return fmt.Sprintf("*Removing keys:* removed on %d of %s so far%s. %s.", t.by[access.Done], t.count(t.servers), names, upper(t.notDone()))
}

// ending says why and when the access of a request ended, and how late.
func ending(v workflow.RequestView) string {
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
		return "revoked " + decidedBy(g.EndedBy)
	case access.EndGivenBack:
		return "given back " + decidedBy(g.EndedBy)
	case access.EndRotated:
		return "the account has another key, or this one never came into it"
	case access.EndPurged:
		return "all keys of that system user were ordered to be removed " + decidedBy(g.EndedBy)
	case access.EndKeyLost:
		return mention(g.EndedBy) + " proved that its key is theirs"
	case access.EndOffboarded:
		if g.EndedBy == "" {
			return "an offboarding has begun"
		}
		return "an offboarding was ordered " + decidedBy(g.EndedBy)
	}
	return "ended"
}
