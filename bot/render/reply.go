package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// Refusal shows why something was not done: the sentence of the error, whom it is about,
// who can help, and for a conflict who was first.
func Refusal(err error) Message {
	e, ok := errors.AsType[*access.Error](err)
	if !ok || e.Message == "" {
		return Say(sentence(access.MessageOf(err), 1500))
	}
	text := sentence(e.Message, 1500)
	if e.About != "" {
		text = mention(e.About) + " " + text
	}
	if e.Changed != nil {
		text += " " + changed(*e.Changed) + " Please look at the request again: its message is drawn anew."
	}
	if e.Word != "" {
		text = strings.Replace(text, "`…`", code(e.Word, nameLimit), 1)
	}
	if ask := mentionAll(e.Ask[:min(len(e.Ask), askedAtMost)]); ask != "" && len(e.Ask) > askedAtMost {
		text += " Among the approvers are " + ask + "."
	} else if ask != "" {
		text += " Approvers are " + ask + "."
	}
	if e.Who != "" {
		text += " That was " + decidedBy(e.Who)
		if !e.When.IsZero() {
			text += ", " + date(e.When)
		}
		text += "."
	}
	return Say(text)
}

// askedAtMost is how many approvers a refusal names.
const askedAtMost = 5

// Asked is the receipt of a request, whose message comes to a channel, if it is not there. One that
// somebody else had made says that it now stands for both.
func Asked(v workflow.RequestView, me access.UserID, at Post) Message {
	text, where := fmt.Sprintf("Request %d: %s", v.Request.ID, describe(v.Request)), ""
	if name := channel(at.Channel); name != "" && v.Request.State != access.Draft {
		where = " It is in " + name + "."
	}
	if slices.ContainsFunc(v.Askers, func(a access.Asker) bool { return a.Asker == me }) {
		where = ""
		text = fmt.Sprintf("%s of %s asks for that already, and names you now as well: %s", at.request("Request", v.Request.ID), mention(v.Request.Asker), describe(v.Request))
	}
	if len(v.Servers) > 0 && v.Account == "" && v.Request.Kind != access.KindOffboard {
		text += " on " + serverFact(v, reasonLimit/2)
	}
	if v.Request.Kind == access.KindAudit {
		text += ". I read them behind all other work, and show what I find."
	} else {
		text += ". " + next(v.Request)
	}
	return Say(text + where)
}

// next says what happens with a request now.
func next(r access.Request) string {
	switch r.State {
	case access.Pending:
		if r.ExpiresAt.IsZero() {
			return "It waits for an approver."
		}
		return "The approvers can decide it " + until(r.ExpiresAt) + "."
	case access.WaitingForKey:
		return "It waits until " + mention(r.Person) + " registers a public key, then it goes to the approvers by itself."
	case access.Draft:
		return "It is not sent yet: confirm it first."
	case access.Approved:
		return "It is approved."
	case access.Denied:
		return "It was denied."
	case access.Cancelled:
		return "It was withdrawn."
	case access.Expired:
		return "It has expired."
	}
	return ""
}

// Registered is the receipt of a key, or what has to be signed before it is registered.
func Registered(g workflow.Registration) Message {
	if g.Proof != workflow.NoProof {
		return challenge(g)
	}
	verb := "Registered"
	if !g.Fresh {
		verb = "You had registered this key before"
	}
	p := &page{}
	p.addText(fmt.Sprintf("%s: %s %s.", verb, code(g.Key.Type, nameLimit), code(g.Key.Fingerprint, nameLimit)), released(g.Released))
	if g.First {
		p.addText("Your keys are used for access that is approved from now on.")
	}
	return p.message()
}

func released(ids []int64) string {
	switch len(ids) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("Request %d was waiting for it and is with the approvers now.", ids[0])
	}
	return count(len(ids), "request", "requests") + " were waiting for it and are with the approvers now."
}

// KeyRemoved is the receipt of a key that was removed from its person's list.
func KeyRemoved(fingerprint string) Message {
	return Say("The key " + shortPrint(fingerprint) + " is not registered any more. Where I placed it, it is being removed.")
}

// Decided is the private receipt of the verdict that counted.
func Decided(r access.Request, verdict access.Verdict) Message {
	switch {
	case verdict == access.Deny:
		return Say(fmt.Sprintf("You denied request %d. %s is told.", r.ID, mention(r.Asker)))
	case r.State == access.Pending:
		return Say(fmt.Sprintf("You approved request %d. It needs another approver as well.", r.ID))
	}
	if r.Kind == access.KindRestore {
		return Say(fmt.Sprintf("I grant access again (request %d). Keys that waited are placed now.", r.ID))
	}
	if r.Kind == access.KindExtend || r.Kind == access.KindReinstate {
		return Say(fmt.Sprintf("You approved request %d: %s.", r.ID, describe(r)))
	}
	shows := "every server"
	if r.Kind == access.KindGrant && r.SystemUser == "" { // of an account
		shows = "what comes of it"
	}
	return Say(fmt.Sprintf("You approved request %d: %s. The thread of the request shows %s.", r.ID, describe(r), shows))
}

// Confirmed is the receipt of an approver's own draft that is carried out now.
func Confirmed(r access.Request) Message {
	if r.Kind == access.KindReinstate {
		return Say(fmt.Sprintf("%s is reinstated (request %d). They%s", mention(r.Person), r.ID, mayAsk))
	}
	return Say(fmt.Sprintf("Request %d is under way: %s. The thread of the request shows every server.", r.ID, describe(r)))
}

// Cancelled is the receipt of a request or draft that was taken back.
func Cancelled(r access.Request) Message {
	if r.State == access.Pending {
		return Say(fmt.Sprintf("You no longer ask for request %d. It stays open, because others do.", r.ID))
	}
	return Say(fmt.Sprintf("Request %d is withdrawn: %s. Nothing was changed.", r.ID, describe(r)))
}

// Edited is the receipt of a request that was narrowed.
func Edited(r access.Request) Message {
	return Say(fmt.Sprintf("Request %d is changed: %s. The request shows both the old and the new values.", r.ID, describe(r)))
}

// GivenBack is the receipt of access that was given back early, each with the request
// that it came from.
func GivenBack(grants []workflow.RequestView) Message {
	lines := make([]string, len(grants))
	for i, v := range grants {
		lines[i] = strings.TrimPrefix(fmt.Sprintf("%s on %s (request %d)", asUser(v.Request.SystemUser), namedServers(v), v.Request.ID), " ")
	}
	what := strings.Join(lines, "; ")
	if len(lines) > fewServers {
		what = "of " + count(len(lines), "request", "requests")
	}
	return Say("You gave back your access " + what + ". The keys are being removed; the thread of " + theRequests(len(grants)) + " shows every server.")
}

func theRequests(n int) string {
	if n == 1 {
		return "the request"
	}
	return "each request"
}

// Retried is the receipt of a retry on that many keys.
func Retried(keys int) Message {
	if keys == 0 {
		return Say("There is nothing left that failed.")
	}
	return Say("I try again: " + count(keys, "key that failed", "keys that failed") + ". The thread of the request shows every server.")
}

// Picked is the receipt of a credential that was chosen to be removed.
func Picked() Message {
	return Say("It is being removed. The message of the request shows it.")
}

// Spared is the receipt of credentials that were chosen to stay.
func Spared(n int) Message {
	if n == 1 {
		return Say("It stays. The message of the request shows it.")
	}
	return Say("Those " + grouped(n) + " stay. The message of the request shows them.")
}

// OnIt returns the reply to what takes longer than Slack waits for.
func OnIt() Message { return Say("I am on it; the answer follows in a moment.") }

// HasToWait returns the reply to what is kept until a service that it needs is there again.
func HasToWait() Message {
	return Say("That has to wait: something I need does not answer at the moment. I keep it and try again by myself for ten minutes, then I tell you what came of it.")
}

// FormNotOpened returns the reply when Slack did not show a form, as far as we know.
func FormNotOpened() Message {
	return Say("If no form has opened, Slack was too slow. Nothing was changed. Please try again.")
}

// Say returns a message of one sentence of the bot's own in markup. Foreign text in it must have been escaped.
func Say(text string) Message {
	p := &page{}
	p.addText(text)
	return p.message()
}
