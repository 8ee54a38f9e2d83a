package render

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// story has an event for every action, and more than one where its sentence depends on what
// else the event says.
func (w world) story() []workflow.LogEntry {
	request := func(actor access.UserID, from, to access.RequestState, detail string) access.Event {
		return access.Event{Actor: actor, Noun: access.NounRequest, NounID: "12", From: string(from), To: string(to), Detail: detail}
	}
	grant := func(actor access.UserID, detail string) access.Event {
		return access.Event{Actor: actor, Noun: access.NounGrant, NounID: "7", From: "live", To: "live", Detail: detail}
	}
	did := func(a access.Action, e access.Event) access.Event { e.Action = a; return e }
	told := w.said("Please use staging first")
	later := "2026-03-02T12:00:00Z to 2026-03-02T18:00:00Z"
	var all []workflow.LogEntry
	for i, e := range []access.Event{
		did(access.DidRequestAsk, request(alice, "", access.Pending, "grant for U0BOB")),
		did(access.DidRequestAsk, request(bob, "", access.Pending, "extend for U0BOB")),
		did(access.DidRequestAsk, request(alice, "", access.Draft, "revoke for U0BOB")),
		did(access.DidRequestAsk, request(alice, "", access.Pending, "revoke for ")),
		did(access.DidRequestAsk, request("", "", access.Pending, "offboard for U0BOB")),
		did(access.DidRequestAsk, request("", "", access.Approved, "orphan for ")),
		did(access.DidRequestShell, request("", "", access.Pending, w.foreign("root on host1"))),
		did(access.DidRequestJoin, request(carol, access.Pending, access.Pending, w.said("stolen, OPS-12"))),
		did(access.DidRequestWithdraw, request(carol, access.Pending, access.Pending, "")),
		did(access.DidRequestKeyArrived, request(bob, access.WaitingForKey, access.Pending, "")),
		did(access.DidRequestEdit, request(carol, access.Pending, access.Pending, "12h0m0s on «"+w.foreign("web-*")+"» to 2h0m0s on «web-001»")),
		did(access.DidRequestEdit, request(carol, access.Pending, access.Pending, "0s on «» to 36h0m0s on «»")),
		did(access.DidRequestChange, request("", "0123abcd", "4567cdef", "what is asked has changed")),
		did(access.DidRequestHolder, request("", access.RequestState(bob), access.RequestState(carol), fingerprint(1))),
		did(access.DidRequestHolder, request("", "", access.RequestState(carol), fingerprint(1))),
		did(access.DidRequestApprove, request(carol, access.Pending, access.Pending, "")),
		did(access.DidRequestVoid, request(carol, access.Pending, access.Pending, "they may not approve any more")),
		did(access.DidRequestUndecidable, request("", access.Pending, access.Pending, "")),
		did(access.DidRequestDecidable, request("", access.Pending, access.Pending, "")),
		did(access.DidRequestApproved, request(carol, access.Pending, access.Approved, "")),
		did(access.DidRequestApproved, request("", access.Pending, access.Approved, "")),
		did(access.DidRequestDenied, request(carol, access.Pending, access.Denied, told)),
		did(access.DidRequestCancelled, request(alice, access.Pending, access.Cancelled, "joined request 14")),
		did(access.DidRequestCancelled, request("", access.Pending, access.Cancelled, "")),
		did(access.DidRequestExpired, request("", access.Pending, access.Expired, "")),
		did(access.DidRequestRetry, request(alice, access.Approved, access.Approved, "3 results")),
		did(access.DidCandidateSpare, request(carol, "", "", "credential 4711 on server 100")),
		did(access.DidCandidateSpare, request(carol, "", "", "the other 3")),
		did(access.DidOrphanFound, request("", "", "", "credential 4712 on server 100: "+w.foreign("sshkeybot bob"))),
		did(access.DidGrantStart, grant("", "U0BOB as runcloud on 3 servers with 1 keys")),
		did(access.DidGrantStart, grant("", "U0BOB as  on 1 servers with 2 keys")),
		did(access.DidGrantStart, grant("", "an account as runcloud on 3 servers")),
		did(access.DidGrantExtend, grant(carol, later)),
		did(access.DidGrantCorrect, grant("", later)),
		did(access.DidGrantNarrow, access.Event{Actor: carol, Noun: access.NounGrant, NounID: "7", To: string(access.EndRevoked), Detail: fingerprint(0) + " no longer on servers [100 101]"}),
		did(access.DidGrantEnd, grant("", string(access.EndExpired))),
		did(access.DidGrantEnd, grant(carol, string(access.EndRevoked))),
		did(access.DidGrantEnd, grant(bob, string(access.EndGivenBack))),
		did(access.DidGrantEnd, grant("", string(access.EndOffboarded))),
		did(access.DidGrantEnd, grant(carol, string(access.EndKeyLost))),
	} {
		all = append(all, w.entry(i, e))
	}
	for _, e := range slices.Concat(w.thingStory(), w.auditStory()) {
		all = append(all, w.entry(len(all), e))
	}
	return all
}

// thingStory has the events of keys, people and the bot itself.
func (w world) thingStory() []access.Event {
	on := func(from, to access.PlacementState, detail string) access.Event {
		return access.Event{Noun: access.NounGrant, From: string(from), To: string(to), Detail: fingerprint(0) + " for runcloud on places " + detail}
	}
	request := func(actor access.UserID, from, to access.RequestState, detail string) access.Event {
		return access.Event{Actor: actor, Noun: access.NounRequest, NounID: "12", From: string(from), To: string(to), Detail: detail}
	}
	key := func(actor access.UserID, to access.KeyEnd, detail string) access.Event {
		return access.Event{Actor: actor, Noun: access.NounKey, NounID: fingerprint(1), To: string(to), Detail: detail}
	}
	did := func(a access.Action, e access.Event) access.Event { e.Action = a; return e }
	label := access.Event{Noun: access.NounPlacement, NounID: "3", To: "leaving", Detail: w.foreign("sshkeybot bob")}
	return []access.Event{
		did(access.DidPlacementWanted, on("", access.PlacementWanted, "100-102")),
		did(access.DidPlacementPlaced, on(access.PlacementUnknown, access.PlacementPlaced, "100-102")),
		did(access.DidPlacementLeaving, on(access.PlacementPlaced, access.PlacementLeaving, "100-2000")),
		did(access.DidPlacementUnknown, on(access.PlacementLeaving, access.PlacementUnknown, "100")),
		did(access.DidPlacementGone, on(access.PlacementLeaving, access.PlacementGone, "101: the server has left the account")),
		did(access.DidPlacementGone, on(access.PlacementWanted, access.PlacementGone, "100-102")),
		did(access.DidPlacementGone, access.Event{Noun: access.NounPlacement, NounID: "3", Detail: "credential 4711 for root on places 102"}),
		did(access.DidPlacementFound, label),
		did(access.DidPlacementDouble, label),
		did(access.DidPlacementPick, access.Event{Actor: carol, Noun: access.NounPlacement, NounID: "3", Detail: "credential 4711 on server 100, chosen by a person"}),
		did(access.DidPlacementMissing, on(access.PlacementPlaced, access.PlacementLeaving, "100")),
		did(access.DidPlacementDamaged, access.Event{Noun: access.NounPlacement, NounID: "3", Detail: fingerprint(0)}),
		did(access.DidPersonOffboard, request(carol, "active", "offboarded", "U0BOB")),
		did(access.DidPersonOffboard, request("", "active", "offboarded", "U0BOB")),
		did(access.DidPersonLeave, request("", "returned", "offboarded", "U0BOB")),
		did(access.DidPersonReturn, request("", "offboarded", "returned", "U0BOB")),
		did(access.DidKeyChallenge, key(bob, "", "")),
		did(access.DidKeyRegister, key(bob, "registered", "")),
		did(access.DidKeyRegister, key(bob, "registered", "proved with a signature")),
		did(access.DidKeyRemove, key(bob, access.KeyRemoved, "of U0BOB")),
		did(access.DidKeyRemove, key(carol, access.KeyRevoked, "of U0BOB")),
		did(access.DidKeyRemove, key("", access.KeyOffboarded, "of U0BOB")),
		did(access.DidKeyRemove, key(carol, access.KeyLost, "of U0BOB")),
		did(access.DidKeyFree, key(carol, access.KeyRemoved, "revoked by request 12")),
		did(access.DidServerGone, access.Event{Actor: carol, Noun: access.NounServer, NounID: "100", From: "missing", To: "gone", Detail: w.foreign("web-001")}),
		did(access.DidServerGone, access.Event{Noun: access.NounServer, NounID: "100", From: "missing", To: "gone", Detail: "web-001"}),
		did(access.DidWorkHalt, access.Event{Noun: access.NounTarget, NounID: "1", From: "running", To: "halted", Detail: "runcloud: " + w.foreign("The token is refused.")}),
		did(access.DidWorkResume, access.Event{Noun: access.NounTarget, NounID: "1", From: "halted", To: "running", Detail: "runcloud"}),
		did(access.DidTargetAdopt, access.Event{Noun: access.NounTarget, NounID: "2", From: "runcloud", To: "agency", Detail: "runcloud is agency now"}),
		did(access.DidClockDoubt, access.Event{Noun: access.NounClock, NounID: "0", From: "right", To: "doubt", Detail: "It is in doubt: it jumped 2 hours ahead."}),
		did(access.DidClockRight, access.Event{Noun: access.NounClock, NounID: "0", From: "doubt", To: "right", Detail: "It is no longer in doubt, and I grant access again."}),
		did(access.DidLedgerBind, access.Event{Noun: access.NounWorkspace, NounID: "T0TEAM"}),
		did(access.DidLedgerRestore, access.Event{Noun: access.NounRequest, NounID: "12", To: "pending", Detail: "1234:9f86; 2 closed, 1 not carried out"}),
		did(access.DidLedgerContinue, access.Event{Actor: carol, Noun: access.NounRequest, NounID: "12"}),
	}
}

// auditStory has the events of audits and purges, and of somebody who comes back.
func (w world) auditStory() []access.Event {
	about := func(did access.Action, actor access.UserID, noun access.Noun, id, detail string) access.Event {
		return access.Event{Action: did, Actor: actor, Noun: noun, NounID: id, Detail: detail}
	}
	return []access.Event{
		about(access.DidRequestAsk, alice, access.NounRequest, "12", "reinstate for U0BOB"),
		about(access.DidRequestAsk, alice, access.NounRequest, "12", "purge for "),
		about(access.DidPurgeRemove, "", access.NounRequest, "12", "credentials:4711,4712 for root on places 100"),
		about(access.DidAuditStart, carol, access.NounRequest, "12", "3 places"),
		about(access.DidAuditStart, "", access.NounRequest, "12", "3 places"),
		about(access.DidFindingKeep, carol, access.NounRequest, "12", "3 times «"+w.foreign("ci")+"»"),
		about(access.DidMissingBack, carol, access.NounGrant, "7", fingerprint(0)+" for runcloud on places 100-101"),
		about(access.DidMissingEnd, carol, access.NounGrant, "7", fingerprint(0)+" for runcloud on places 100"),
		about(access.DidRequestAsk, alice, access.NounRequest, "12", "rotate for "),
		about(access.DidRotationAsked, alice, access.NounRotation, "12", "Accounts-1"),
		about(access.DidRotationPreparing, carol, access.NounRotation, "12", ""),
		about(access.DidRotationPlacing, "", access.NounRotation, "12", ""),
		about(access.DidRotationConfirming, "", access.NounRotation, "12", ""),
		about(access.DidRotationWriting, "", access.NounRotation, "12", ""),
		about(access.DidRotationChecking, "", access.NounRotation, "12", ""),
		about(access.DidRotationDraining, "", access.NounRotation, "12", ""),
		about(access.DidRotationRemoving, "", access.NounRotation, "12", ""),
		about(access.DidRotationProving, "", access.NounRotation, "12", ""),
		about(access.DidRotationHalfway, "", access.NounRotation, "12", w.foreign("web-1 is unhealthy")),
		about(access.DidRotationDone, "", access.NounRotation, "12", ""),
		about(access.DidRotationFailed, "", access.NounRotation, "12", w.foreign("the account was changed")),
		about(access.DidRotationDropped, "", access.NounRotation, "12", ""),
		about(access.DidGrantEnd, "", access.NounGrant, "7", string(access.EndRotated)),
		about(access.DidPersonReinstate, carol, access.NounRequest, "12", "U0BOB"),
		about(access.DidGrantEnd, carol, access.NounGrant, "7", string(access.EndPurged)),
	}
}

// entry is an event as the ledger has it, about bob and request 12 where it may be.
func (w world) entry(i int, e access.Event) workflow.LogEntry {
	e.Seq, e.At, e.Hash = int64(i+1), noon().Add(time.Duration(i)*time.Minute), strings.Repeat("ab", 32)
	switch e.Noun {
	case access.NounRequest, access.NounRotation, access.NounGrant, access.NounPlacement:
		e.About = "#12 U0BOB U0ALICE"
	case access.NounKey:
		e.About = "U0BOB"
	default:
	}
	if e.Action == access.DidGrantEnd && e.Actor == carol {
		e.About += " #14"
	}
	out := workflow.LogEntry{Event: e}
	out.Keys, _ = e.Keys(5)
	if out.Keys.Count == 0 && e.Noun == access.NounPlacement {
		out.Keys = access.Keys{Key: fingerprint(0), SystemUser: "runcloud", Servers: []int64{100}, Count: 1, Rest: e.Detail}
	}
	for _, id := range out.Keys.Servers {
		out.Servers = append(out.Servers, w.foreign(fmt.Sprintf("web-%03d", id-99)))
	}
	return out
}

func (w world) logCases() map[string]any {
	all := w.story()
	var plain bytes.Buffer
	for _, e := range all {
		plain.WriteString(EventText(e) + "\n")
	}
	slices.Reverse(all)
	cases := map[string]any{
		"log-empty":    Log(workflow.LogPage{}),
		"log-nothing":  Log(workflow.LogPage{About: "#12"}),
		"log-person":   Log(workflow.LogPage{About: "U0BOB", Entries: all[:2], Older: true, Newer: true}),
		"log-request":  Log(workflow.LogPage{About: "#12", Entries: all[:1]}),
		"log-file":     LogFile(12345),
		"log-sent":     LogSent(1),
		"log-as-plain": plain.Bytes(),
	}
	first := 0
	for page := range slices.Chunk(all, 15) {
		first++
		cases["log-"+strconv.Itoa(first)] = Log(workflow.LogPage{TicketURL: ticketURL, Entries: page, Older: true, Newer: first > 1})
	}
	return cases
}

// actions returns the names of the actions that the ledger may have, as they are declared.
func actions(t *testing.T) (all []access.Action) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../internal/access/audit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Action" {
			name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, access.Action(name))
		}
		return true
	})
	return all
}

func TestEveryActionHasASentence(t *testing.T) {
	t.Parallel()
	known := actions(t)
	if len(known) < 40 {
		t.Fatalf("only %d actions were found", len(known))
	}
	story := small().story()
	for _, a := range known {
		if text, _ := eventSentence(workflow.LogEntry{Event: access.Event{Action: a}}); strings.Contains(text, "no words for") {
			t.Errorf("%s has no sentence", a)
		}
		if !slices.ContainsFunc(story, func(e workflow.LogEntry) bool { return e.Action == a }) {
			t.Errorf("the story has no %s", a)
		}
	}
}

// What only the bot knows by that word is in no sentence, and what a sentence leaves open is
// filled in.
func TestSentencesAreForPeople(t *testing.T) {
	t.Parallel()
	for _, e := range small().story() {
		for _, text := range []string{slackEvents("").sentence(e), plainEvents().sentence(e)} {
			text = ourTokens.ReplaceAllString(text, "@SOMEBODY")
			for _, word := range []string{string(e.Action), e.Hash, "{", "}", " on places ", "given_back", "key_lost", "waiting_for_key", "placement", "  ", " .", ".."} {
				if strings.Contains(text, word) {
					t.Errorf("%s: %q contains %q", e.Action, text, word)
				}
			}
			if first := text[:1]; strings.ToUpper(first) != first || !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is no sentence", e.Action, text)
			}
		}
		if line := EventText(e); strings.ContainsAny(line, "<>`\n") {
			t.Errorf("%s: markup in %q", e.Action, line)
		}
	}
}

func TestPlainLinesStayOneLine(t *testing.T) {
	t.Parallel()
	for _, e := range hostile().story() {
		if line := EventText(e); strings.ContainsAny(line, "\n\r\u2028\u202e\x00") {
			t.Errorf("%s: %q", e.Action, line)
		}
	}
}

func TestLogPageValues(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]workflow.LogQuery{
		pageValue(pageBefore, "26", ""):         {Before: 26},
		pageValue(pageAfter, "26", "#12"):       {After: 26, About: "#12"},
		pageValue(pageBefore, "1", "U0BOB"):     {Before: 1, About: "U0BOB"},
		logButton(access.Request{ID: 12}).Value: {About: "#12"}, // the latest
		"":                                      {},
		"before:26":                             {},
		"before:x:":                             {},
		"before:0:":                             {},
		"before:-1:":                            {},
		"beside:26:":                            {},
		"after:26:nobody":                       {},
		"after:99999999999999999999:#12":        {},
	} {
		got, ok := ReadLogPage(value)
		if ok != (want != workflow.LogQuery{}) || ok && got != want {
			t.Errorf("%q: %+v, %v, want %+v", value, got, ok, want)
		}
	}
}
