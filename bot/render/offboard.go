package render

import (
	"fmt"
	"slices"
	"strings"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// offboard draws an offboarding: as a request while it is open, then as its announcement. «Offboarded» is
// said only when nothing is owed any more.
func offboard(v workflow.RequestView) Message {
	p := &page{}
	r := v.Request
	if r.State != access.Approved {
		p.addHeading(title(r))
		p.addText(intro(v), askForDecision(v))
		p.addText(orNone(reason(v)))
		p.addText(decision(v))
		if r.State == access.Pending {
			p.addButtons(requestButtons(v)...)
		}
		return p.message()
	}
	p.addHeading(offboardTitle(v))
	p.addText(offboardState(v), started(v), ownReason(v))
	p.removal(v)
	p.addContext(manualSteps(v)...)
	p.addList("Keys that they had, and that somebody else has registered now. Revoke each that they may still hold", passedLines(v), list, logButton(r))
	p.addList("Still to remove", debtLines(v), list, showServers(v))
	p.missing(v)
	p.candidates(v)
	p.addList("Keys that I had placed for them", placedLines(v.Results), shortList, logButton(r))
	p.addList("SSH sessions that were open", sessionLines(v), shortList, showServers(v))
	p.addButtonsAndRest(requestButtons(v)...)
	return p.message()
}

// removal says how far an offboarding is: target by target where it is about several.
func (p *page) removal(v workflow.RequestView) {
	var titles []string
	for _, r := range v.Results {
		if !slices.Contains(titles, r.TargetTitle) {
			titles = append(titles, r.TargetTitle)
		}
	}
	slices.Sort(titles)
	for _, title := range titles {
		of, head := onTarget(v, title), ""
		if len(titles) > 1 {
			head = "*" + escape(title, nameLimit) + ".* "
		}
		p.addText(head+removing(tallyOf(of.Results, access.PhaseRemove), false, removedFrom(of))+halted(of), reading(of))
	}
	if len(titles) == 0 {
		p.addText(removing(tally{}, false, ""))
	}
}

// onTarget returns a view with what is on one target alone.
func onTarget(v workflow.RequestView, title string) workflow.RequestView {
	on := map[int64]bool{}
	v.Results = slices.DeleteFunc(slices.Clone(v.Results), func(r access.Result) bool { return r.TargetTitle != title })
	for _, r := range v.Results {
		on[r.ServerID] = true
	}
	v.Candidates = slices.DeleteFunc(slices.Clone(v.Candidates), func(c access.Candidate) bool { return !on[c.ServerID] })
	return v
}

func passedLines(v workflow.RequestView) []string {
	var lines []string
	for _, k := range v.Passed {
		lines = append(lines, mention(k.Person)+": `/sshkey revoke` "+code(k.Fingerprint, nameLimit))
	}
	return lines
}

// IsFinished reports whether nothing is left of an offboarding: every key of theirs is
// gone, every server read, and every other key decided about.
func IsFinished(v workflow.RequestView) bool { return v.Settled() && v.Undecided() == 0 }

func offboardTitle(v workflow.RequestView) string {
	switch open, lookalikes := v.Open(); {
	case IsFinished(v):
		return fmt.Sprintf("Offboarded (request %d)", v.Request.ID)
	case len(open) > 0:
		return fmt.Sprintf("Offboarding: %s still to decide (request %d)", credentials(open), v.Request.ID)
	case len(lookalikes) > 0:
		return fmt.Sprintf("Offboarding: %s that may be anybody's still to decide (request %d)", credentials(lookalikes), v.Request.ID)
	}
	return fmt.Sprintf("Offboarding (request %d)", v.Request.ID)
}

func offboardState(v workflow.RequestView) string {
	who := mention(v.Request.Person)
	switch {
	case IsFinished(v):
		return "*Offboarded* " + who + ": no key that I placed is left on any server" + accountNote(v) + ". " + afterwards(v)
	case v.Settled():
		return "*Offboarding* " + who + ": no key that I placed is left on any server" + accountNote(v) + ". " + afterwards(v)
	}
	return "*Offboarding* " + who + ": not finished yet. " + afterwards(v)
}

// afterwards says what the person may do from then on.
func afterwards(v workflow.RequestView) string {
	back := "The account is active in Slack again since " + date(v.Subject.ReturnedAt) + ". "
	switch {
	case v.Subject.ReinstatedAt.After(v.Request.DecidedAt):
		return "They were reinstated " + date(v.Subject.ReinstatedAt) + ". They" + mayAsk
	case !v.SubjectBarred && v.Subject.Offboarded():
		return back + "They may register a key and be given access upon a new request. " + noRights
	case v.Subject.ReturnedAt.IsZero():
		return "Nobody can give them access any more."
	}
	return back + staysOut
}

const (
	noRights = "Nothing that they had is back: neither keys nor access, nor the right to decide, which takes `/sshkey reinstate`."
	staysOut = "Still nobody can give them access, since an approver is behind the offboarding: an approver has to ask for `/sshkey reinstate` first."
)

// returned says that somebody who was offboarded is back.
func (p *page) returned(v *workflow.RequestView) {
	if v == nil {
		return
	}
	what := noRights
	if v.SubjectBarred {
		what = staysOut
	}
	p.addText(fmt.Sprintf("*The Slack account of %s is active again.* They were offboarded (request %d). %s", mention(v.Request.Person), v.Request.ID, what))
}

// ownReason returns the reason, unless it only repeats what Slack said.
func ownReason(v workflow.RequestView) string {
	if v.Request.Asker == "" && !v.Request.FromShell() {
		return ""
	}
	return reason(v)
}

// slackSaid says what Slack told of the account, for which an offboarding was begun.
func slackSaid(r access.Request) string {
	what := "was deactivated"
	switch r.Standing {
	case access.Guest:
		what = "became a guest"
	case access.Nobody:
		what = "is not known to Slack any more"
	case access.Outsider:
		what = "is of another workspace now"
	case access.Deactivated, access.Member, access.Bot, access.Invited: // no other is a reason
	}
	return mention(r.Person) + "'s Slack account " + what + "."
}

func started(v workflow.RequestView) string {
	switch {
	case v.Request.FromShell():
		return "Ordered at the shell of the machine that runs me. Started " + date(v.Request.DecidedAt) + "."
	case v.Request.Asker == "" && v.Request.DecidedBy != "":
		return slackSaid(v.Request) + " " + decision(v)
	case v.Request.Asker == "":
		return slackSaid(v.Request) + " Started " + date(v.Request.DecidedAt) + "."
	}
	if v.Request.Asker == v.Request.DecidedBy {
		return "Ordered by " + mention(v.Request.Asker) + " " + date(v.Request.DecidedAt) + "."
	}
	return "Asked for by " + mention(v.Request.Asker) + ", approved " + byApprovers(v) + " " + date(v.Request.DecidedAt) + "."
}

// removedFrom names the servers whose removal the target has confirmed, where they are few.
func removedFrom(v workflow.RequestView) string {
	names := serversWhere(v, access.Done)
	if len(names) > fewServers {
		return "" // their number says it
	}
	return strings.Join(names, ", ")
}

// placedLines name the keys that the bot removes, each with its system user.
func placedLines(results []access.Result) []string {
	type key struct {
		fingerprint, user string
		account           bool
	}
	on := map[key]int{}
	var order []key
	for _, r := range results {
		k := key{r.Fingerprint, r.SystemUser, r.Account}
		if r.Phase != access.PhaseRemove || r.Picked != "" {
			continue
		}
		if on[k] == 0 {
			order = append(order, k)
		}
		on[k]++
	}
	lines := make([]string, len(order))
	for i, k := range order {
		at := servers(on[k])
		if k.account {
			at = count(on[k], "account", "accounts")
		}
		lines[i] = fmt.Sprintf("%s%s on %s", code(k.fingerprint, nameLimit), forUser(k.user), at)
	}
	return lines
}

// serversWhere names the servers whose removals are in that state.
func serversWhere(v workflow.RequestView, state access.ResultState) (names []string) {
	for _, o := range outcomes(v.Results) {
		if o.Phase == access.PhaseRemove && o.State == state {
			names = append(names, code(o.Name, nameLimit))
		}
	}
	return names
}

// accountNote qualifies what is said of all servers where some have left the account.
func accountNote(v workflow.RequestView) string {
	if len(serversWhere(v, access.OutOfReach)) == 0 {
		return ""
	}
	return " of " + accounts(v, func(r access.Result) bool { return r.Phase == access.PhaseRemove })
}

// accounts names the accounts of the results that match.
func accounts(v workflow.RequestView, matches func(access.Result) bool) string {
	titles, several := targets(v, matches)
	if several {
		return "the " + titles + " accounts"
	}
	return "the " + titles + " account"
}

// reading says how far the servers have been read for keys that the bot did not place.
func reading(v workflow.RequestView) string {
	t := tallyOf(v.Results, access.PhaseInspect)
	switch {
	case t.servers == 0:
		return ""
	case v.Request.Kind == access.KindGrant:
		return tokensMade(v, t)
	case t.owed() > 0:
		return "*Looking for other keys:* " + toRead(v.Results, t.owed()) + "."
	}
	every := "every server is read"
	if t.accounts == t.servers {
		every = "the account is read, its API tokens too"
	}
	read := "*Looked for other keys:* " + every
	if names := inspectedNames(v, access.OutOfReach); len(names) > 0 {
		read += " but " + few(names, servers) + ", gone for good"
	}
	switch {
	case len(v.Candidates) == 0:
		return read + ", and none was found."
	case v.Undecided() == 0:
		return read + ", and an approver has decided about " + credentials(v.Candidates) + "."
	}
	return read + "."
}

// tokensMade returns how many API tokens were made while a grant lent an account.
func tokensMade(v workflow.RequestView, t tally) string {
	switch {
	case t.owed() > 0:
		return "*Looking for API tokens that were made meanwhile:* " + toRead(v.Results, t.owed()) + "."
	case len(v.Candidates) == 0:
		return "*API tokens made meanwhile:* none."
	}
	return "*API tokens made meanwhile:* " + grouped(len(v.Candidates)) + "."
}

// inspectedNames names the servers whose inspection is in that state.
func inspectedNames(v workflow.RequestView, state access.ResultState) (names []string) {
	for _, o := range outcomes(v.Results) {
		if o.Phase == access.PhaseInspect && o.State == state {
			names = append(names, code(o.Name, nameLimit))
		}
	}
	return names
}

// toRead returns what is still to be read: servers, or the list of servers, which may hold
// more.
func toRead(results []access.Result, owed int) string {
	var parts []string
	for _, r := range results {
		if isList(r) && !r.State.Final() {
			owed--
			parts = append(parts, "the list of all servers"+inBrackets(strings.TrimSuffix(escape(r.Detail, detailLimit), ".")))
		}
	}
	if owed > 0 {
		parts = append(parts, places(owed, unreadAccounts(results), owed)+unread(results))
	}
	return "still to read: " + strings.Join(parts, ", and ")
}

// isList reports whether a result is of reading the list of servers.
func isList(r access.Result) bool { return r.Phase == access.PhaseList }

// unreadAccounts counts the accounts that are still to be read.
func unreadAccounts(results []access.Result) (n int) {
	for _, o := range outcomes(results) {
		if o.Phase == access.PhaseInspect && o.Account && !o.State.Final() {
			n++
		}
	}
	return n
}

// unread names the servers that could not be read, and why, where they are few.
func unread(results []access.Result) string {
	names := unreadNames(results)
	if len(names) == 0 || len(names) > fewServers {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

func unreadNames(results []access.Result) (names []string) {
	for _, o := range outcomes(results) {
		if o.Phase == access.PhaseInspect && o.Server != 0 && !o.State.Final() && o.Problem != access.NoProblem {
			names = append(names, code(o.Name, nameLimit)+" ("+o.problem()+")")
		}
	}
	return names
}

func debtLines(v workflow.RequestView) []string {
	var lines []string
	for _, o := range outcomes(v.Results) {
		if o.Phase == access.PhaseRemove && severity(o.State) < severity(access.OutOfReach) {
			lines = append(lines, code(o.Name, nameLimit)+": "+stateWord(o.State)+outcomeReason(o))
		}
	}
	return lines
}

func outcomeReason(o outcome) string {
	text := o.problem()
	if detail := escape(o.Detail, detailLimit); detail != "" && o.Problem != access.ProblemOffline {
		if !strings.HasPrefix(detail, o.target()+" ") {
			detail = o.target() + ": " + detail
		}
		text += " (" + detail + ")"
	}
	if text == "" {
		return ""
	}
	return ", " + text
}
