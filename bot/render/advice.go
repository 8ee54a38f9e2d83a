package render

import (
	"strings"

	"sshkeybot/internal/access"
)

func problemWord(p access.Problem) string {
	switch p {
	case access.ProblemOffline:
		return "offline"
	case access.ProblemLimited:
		return "rate limit"
	case access.ProblemTrouble:
		return "RunCloud has trouble"
	case access.ProblemRefused:
		return "refused by RunCloud"
	case access.ProblemForeign:
		return "somebody else has placed this very key"
	case access.ProblemDamaged:
		return "the key is damaged in my ledger"
	case access.ProblemServerLeft:
		return "the server is gone from the RunCloud account"
	case access.ProblemMissing:
		return "RunCloud does not find the server"
	case access.ProblemDoubted:
		return "RunCloud's list of servers cannot be right"
	case access.ProblemUnconfigured:
		return "its account is not configured any more"
	case access.NoProblem:
	}
	return ""
}

// advice says what a person should do about an outcome, or that nothing is needed.
func advice(o outcome) string {
	switch {
	case o.State == access.Unsure:
		return "RunCloud's answer was lost. I look at the server and settle it; nothing to do."
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
		return "Nothing to do: I go on by myself when the server is back. If it is gone for good, delete it in RunCloud."
	case access.ProblemLimited:
		return "Nothing to do: RunCloud asked for a pause, and I go on by myself."
	case access.ProblemTrouble, access.ProblemDoubted:
		return "Nothing to do: I try again by myself."
	case access.ProblemMissing:
		return "Nothing to do if it comes back: I ask again. If it is gone for good, an approver can say so with the button on the request."
	case access.ProblemRefused, access.ProblemForeign, access.ProblemDamaged:
		return "What to do: " + remedy(o)
	case access.ProblemUnconfigured:
		return "What to do: configure the account again, under the name that it had, and start me anew."
	case access.NoProblem, access.ProblemServerLeft:
	}
	return "Nothing to do: its turn comes."
}

// remedy goes by RunCloud's words. They only choose which hint is shown; nothing is decided on them.
func remedy(o outcome) string {
	words := strings.ToLower(o.Detail)
	switch {
	case o.Problem == access.ProblemForeign:
		return "I did not place that entry, so I leave it alone. Delete it in RunCloud if it should go, then press Retry failed."
	case o.Problem == access.ProblemDamaged:
		return "somebody may have altered my database: find out who can write to it. The owner of the key then removes it from their keys, registers it again, and access is asked for anew."
	case strings.Contains(words, "username") || strings.Contains(words, "system user"):
		return "there is probably no such system user on the server. Create it in RunCloud and press Retry failed, or ask again `as` another one."
	case strings.Contains(words, "key has already been taken"):
		return "this key is there already under another label, or for another user, and not by me. Look for it in RunCloud, and delete it if I should place it, then press Retry failed."
	case strings.Contains(words, "label"):
		return "another key has this label. Delete or rename that key in RunCloud, then press Retry failed."
	case strings.Contains(words, "403") || strings.Contains(words, "forbidden") || strings.Contains(words, "permission") || strings.Contains(words, "unauthorized"):
		return "my RunCloud token may not change this server. Give the token access to it in RunCloud, then press Retry failed."
	case strings.Contains(words, "not found"):
		return "RunCloud does not have this server, or my token may not see it. Look in RunCloud, then press Retry failed."
	}
	return "mend it in RunCloud, then press Retry failed."
}
