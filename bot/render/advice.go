package render

import (
	"cmp"
	"slices"
	"strings"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// problemWord names a problem on a target with that title; empty for none.
func problemWord(p access.Problem, target string) string {
	switch p {
	case access.ProblemOffline:
		return "offline"
	case access.ProblemLimited:
		return "rate limit"
	case access.ProblemTrouble:
		return target + " has trouble"
	case access.ProblemRefused:
		return "refused by " + target
	case access.ProblemForeign:
		return "somebody else has placed this very key"
	case access.ProblemDamaged:
		return "the key is damaged in my ledger"
	case access.ProblemDeleted:
		return "somebody deleted the key there"
	case access.ProblemServerLeft:
		return "the server is gone from the " + target + " account"
	case access.ProblemMissing:
		return target + " does not find the server"
	case access.ProblemDoubted:
		return target + "'s list of servers cannot be right"
	case access.ProblemUnconfigured:
		return "its account is not configured any more"
	case access.NoProblem:
	}
	return ""
}

// advice says what a person should do about an outcome, or that nothing is needed.
func advice(o outcome) string {
	target := o.target()
	switch {
	case o.State == access.Unsure:
		return target + "'s answer was lost. I look at the server and settle it; nothing to do."
	case o.State == access.OutOfReach && o.Phase == access.PhaseInspect:
		return "Nobody has looked there. Should the server come back, I do."
	case o.State == access.OutOfReach:
		return "What to do: take the key off by hand. Should the server come back, I remove it."
	case o.State.Final():
		return ""
	case o.State == access.Failed:
		return "What to do: " + remedy(o)
	}
	switch o.Problem {
	case access.ProblemOffline:
		return "Nothing to do: I go on by myself when the server is back. If it is gone for good, delete it in " + target + "."
	case access.ProblemLimited:
		return "Nothing to do: " + target + " asked for a pause, and I go on by myself."
	case access.ProblemTrouble, access.ProblemDoubted:
		return "Nothing to do: I try again by myself."
	case access.ProblemMissing:
		return "Nothing to do if it comes back: I ask again. If it is gone for good, an approver can say so with the button on the request."
	case access.ProblemRefused, access.ProblemForeign, access.ProblemDamaged, access.ProblemDeleted:
		return "What to do: " + remedy(o)
	case access.ProblemUnconfigured:
		return "What to do: configure the account again, under the name that it had, and start me anew."
	case access.NoProblem, access.ProblemServerLeft:
	}
	return "Nothing to do: its turn comes."
}

// remedy says what a person can do about an outcome that does not change by itself.
func remedy(o outcome) string {
	target := o.target()
	switch o.Problem {
	case access.ProblemForeign:
		return "I did not place that entry, so I leave it alone. Delete it in " + target + " if it should go, then press Retry failed."
	case access.ProblemDeleted:
		return "somebody may have had a reason. An approver has it placed again with Retry failed, or ends the access there with `/sshkey audit`."
	case access.ProblemDamaged:
		return "somebody may have altered my database: find out who can write to it. The owner of the key then removes it from their keys, registers it again, and access is asked for anew."
	default:
	}
	switch o.Remedy {
	case access.RemedyUser:
		return "there is probably no such system user on the server. Create it in " + target + " and press Retry failed, or ask again `as` another one."
	case access.RemedyKey:
		return "this key is there already under another label, or for another user, and not by me. Look for it in " + target + ", and delete it if I should place it, then press Retry failed."
	case access.RemedyLabel:
		return "another key has this label. Delete or rename that key in " + target + ", then press Retry failed."
	case access.RemedyPermission:
		return "my " + target + " token may not change this server. Give the token access to it in " + target + ", then press Retry failed."
	case access.RemedyServer:
		return target + " does not have this server, or my token may not see it. Look in " + target + ", then press Retry failed."
	case access.NoRemedy:
	}
	return "mend it in " + target + ", then press Retry failed."
}

// problem names what stands in the way of an outcome; empty for nothing.
func (o outcome) problem() string { return problemWord(o.Problem, o.target()) }

// target returns what people call the target of an outcome, escaped.
func (o outcome) target() string { return escape(cmp.Or(o.Title, "the target"), nameLimit) }

// targets says what people call the targets of the results that match, escaped, and whether
// they are several.
func targets(v workflow.RequestView, matches func(access.Result) bool) (titles string, several bool) {
	var all []string
	for _, r := range v.Results {
		if r.TargetTitle != "" && matches(r) {
			all = append(all, escape(r.TargetTitle, nameLimit))
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return strings.Join(all, " and "), len(all) > 1
}
