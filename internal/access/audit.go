package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Event is one line of the audit log: who did what to what, when, from which
// state to which. Each event carries the hash of the one before it, so that an
// edit or a gap in the middle shows.
type Event struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Actor  UserID    `json:"actor"` // empty when time or the bot acted
	Action Action    `json:"action"`
	Noun   Noun      `json:"noun"`
	NounID string    `json:"noun_id"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Detail string    `json:"detail"`
	About  string    `json:"about"` // the subjects that it concerns besides its Actor, separated by spaces: see AboutAll
	Prev   string    `json:"prev"`
	Hash   string    `json:"hash"`
}

// Noun is the kind of thing that the NounID of an event identifies.
type Noun string

// The nouns of events.
const (
	NounRequest   Noun = "request"
	NounGrant     Noun = "grant"
	NounPlacement Noun = "placement"
	NounKey       Noun = "key" // by its fingerprint
	NounServer    Noun = "server"
	NounTarget    Noun = "target"
	NounWorkspace Noun = "workspace"
	NounRotation  Noun = "rotation" // by its request
	NounClock     Noun = "clock"    // there is one, and its ID is 0
)

// Action is what happened in an event. The part before the dot is what it happened to, which
// the event may name by another Noun: placements that move together by their grant, and a
// person by the request that offboarded them.
type Action string

// The actions.
const (
	DidRequestAsk         Action = "request.ask"         // somebody asked
	DidRequestShell       Action = "request.shell"       // an offboarding was ordered from a shell
	DidRequestJoin        Action = "request.join"        // somebody else asks for the same
	DidRequestWithdraw    Action = "request.withdraw"    // one of several who asked takes that back
	DidRequestKeyArrived  Action = "request.key_arrived" // the key that it waited for was registered
	DidRequestEdit        Action = "request.edit"        // an approver narrowed it
	DidRequestChange      Action = "request.change"      // what it is about has changed
	DidRequestHolder      Action = "request.holder"      // the key is somebody else's now
	DidRequestApprove     Action = "request.approve"     // one approval of several
	DidRequestVoid        Action = "request.void"        // an approval no longer counts
	DidRequestUndecidable Action = "request.undecidable" // nobody may decide it at the moment
	DidRequestDecidable   Action = "request.decidable"   // somebody may again
	DidRequestApproved    Action = "request.approved"
	DidRequestDenied      Action = "request.denied"
	DidRequestCancelled   Action = "request.cancelled"
	DidRequestExpired     Action = "request.expired"
	DidRequestRetry       Action = "request.retry" // somebody had what failed tried again

	DidCandidateSpare Action = "candidate.spare" // the decision was to leave a candidate on its server

	DidPurgeRemove Action = "purge.remove" // what was approved is removed from a server

	DidAuditStart  Action = "audit.start"
	DidFindingKeep Action = "finding.keep" // the decision was that what nobody manages stays
	DidMissingBack Action = "missing.back" // the decision was to place again what somebody had deleted
	DidMissingEnd  Action = "missing.end"  // the decision was to end the access there

	DidOrphanFound Action = "orphan.found" // a key under our label that the ledger does not know

	DidGrantStart   Action = "grant.start"
	DidGrantExtend  Action = "grant.extend"
	DidGrantCorrect Action = "grant.correct" // its end was brought forward: a wrong clock had set it too late
	DidGrantNarrow  Action = "grant.narrow"  // it covers less
	DidGrantEnd     Action = "grant.end"

	DidPlacementWanted  Action = "placement.wanted"
	DidPlacementPlaced  Action = "placement.placed"
	DidPlacementLeaving Action = "placement.leaving"
	DidPlacementUnknown Action = "placement.unknown"
	DidPlacementGone    Action = "placement.gone"
	DidPlacementFound   Action = "placement.found"   // a key that the ledger did not know was found, and has to be removed
	DidPlacementDouble  Action = "placement.double"  // a second copy of a key was found
	DidPlacementPick    Action = "placement.pick"    // a person chose a key that we did not place
	DidPlacementMissing Action = "placement.missing" // a key that should be there is not
	DidPlacementDamaged Action = "placement.damaged" // the ledger's copy of the key was altered

	DidPersonOffboard  Action = "person.offboard"
	DidPersonLeave     Action = "person.leave"     // somebody offboarded who had returned left again
	DidPersonReturn    Action = "person.return"    // the account of somebody offboarded is active again
	DidPersonReinstate Action = "person.reinstate" // somebody offboarded may be given access again

	DidKeyChallenge Action = "key.challenge" // a person was asked to prove that they hold it
	DidKeyRegister  Action = "key.register"
	DidKeyRemove    Action = "key.remove"
	DidKeyFree      Action = "key.free" // a revoked key may be registered again

	DidRotationAsked      Action = "rotation.asked"
	DidRotationPreparing  Action = "rotation.preparing"
	DidRotationPlacing    Action = "rotation.placing"
	DidRotationConfirming Action = "rotation.confirming"
	DidRotationWriting    Action = "rotation.writing"
	DidRotationChecking   Action = "rotation.checking"
	DidRotationDraining   Action = "rotation.draining"
	DidRotationRemoving   Action = "rotation.removing"
	DidRotationProving    Action = "rotation.proving"
	DidRotationHalfway    Action = "rotation.halfway"
	DidRotationDone       Action = "rotation.done"
	DidRotationFailed     Action = "rotation.failed"
	DidRotationDropped    Action = "rotation.dropped"

	DidServerGone Action = "server.gone" // for good

	DidWorkHalt   Action = "work.halt" // a target refuses our credentials
	DidWorkResume Action = "work.resume"

	DidTargetAdopt Action = "target.adopt" // a target is configured by another name than before

	DidClockDoubt Action = "clock.doubt"
	DidClockRight Action = "clock.right"

	DidLedgerBind     Action = "ledger.bind"     // to its workspace
	DidLedgerRestore  Action = "ledger.restore"  // it was put back from a copy
	DidLedgerContinue Action = "ledger.continue" // an approver had access given again since
)

// DidClose returns the action for a request that came to that final state, and none for
// any other state.
func DidClose(to RequestState) Action {
	switch to {
	case Approved:
		return DidRequestApproved
	case Denied:
		return DidRequestDenied
	case Cancelled:
		return DidRequestCancelled
	case Expired:
		return DidRequestExpired
	case Draft, WaitingForKey, Pending:
	}
	return ""
}

// didMove returns the action for placements that came to that state.
func didMove(to PlacementState) Action {
	switch to {
	case PlacementWanted:
		return DidPlacementWanted
	case PlacementUnknown:
		return DidPlacementUnknown
	case PlacementPlaced:
		return DidPlacementPlaced
	case PlacementLeaving:
		return DidPlacementLeaving
	case PlacementGone:
		return DidPlacementGone
	}
	return ""
}

// Record appends an event to the audit log, in the transaction that changes what it is
// about. An empty actor means that time or the bot acted. An empty action is an error, so
// that no change is stored of which the log cannot say what it was. The event concerns the
// given subjects besides those that follow from its noun: see Tx.Audit.
func Record(ctx context.Context, tx Tx, at time.Time, actor UserID, action Action, noun Noun, id int64, from, to, detail string, also ...Subject) error {
	if action == "" {
		return fmt.Errorf("no audit action for %s %d from %q to %q", noun, id, from, to)
	}
	return tx.Audit(ctx, Event{
		At: at, Actor: actor, Action: action, Noun: noun, NounID: strconv.FormatInt(id, 10), From: from, To: to, Detail: detail,
		About: AboutAll(also...),
	})
}

// RecordMoves has placements that changed their state recorded in the audit log, in the
// transaction that changes them. Those of grants are kept until there are many, or another
// event follows: see Tx.KeepMoves. A placement without a grant has an event of its own.
func RecordMoves(ctx context.Context, tx Tx, at time.Time, moves []Move) error {
	var kept []Move
	for _, m := range moves {
		m.Action = cmp.Or(m.Action, didMove(m.State))
		if m.GrantID != 0 && m.Action != "" {
			kept = append(kept, m)
			continue
		}
		if err := Record(ctx, tx, at, "", m.Action, NounPlacement, m.ID, string(m.From), string(m.State), moveDetail(m, []int64{m.ServerID})); err != nil {
			return err
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return tx.KeepMoves(ctx, at, kept)
}

func moveDetail(m Move, servers []int64) string {
	key, problem := m.Fingerprint, ""
	if m.Picked != "" {
		key = "credential " + m.Picked
	}
	if m.Problem == ProblemServerLeft {
		problem = ": the server has left the account"
	}
	return fmt.Sprintf("%s for %s on places %s%s", key, m.SystemUser, Ranges(servers), problem)
}

// KeptMove is a move that the audit log has no event for yet.
type KeptMove struct {
	Move // its Action and, of its placement, what an event says: grant, server, user, key, state and problem
	At   time.Time
}

// MoveEvents returns the events for moves of grants: one for all of the same grant, key and
// system user with the same From, State and Action, as of the last of them. Its Noun is the
// grant, and its Detail is «KEY for USER on places LIST», where LIST has the IDs of the servers
// in ascending order, like 1-5,7.
func MoveEvents(moves []KeptMove) []Event {
	type group struct {
		grant             int64
		key, picked, user string
		from, to          PlacementState
		action            Action
		problem           Problem
	}
	var order []group
	of := map[group][]KeptMove{}
	for _, m := range moves {
		g := group{m.GrantID, m.Fingerprint, m.Picked, m.SystemUser, m.From, m.State, m.Action, m.Problem}
		if of[g] == nil {
			order = append(order, g)
		}
		of[g] = append(of[g], m)
	}
	events := make([]Event, len(order))
	for i, g := range order {
		var servers []int64
		for _, m := range of[g] {
			servers = append(servers, m.ServerID)
		}
		last := of[g][len(of[g])-1]
		events[i] = Event{
			At: last.At, Action: g.action, Noun: NounGrant, NounID: strconv.FormatInt(g.grant, 10),
			From: string(g.from), To: string(g.to), Detail: moveDetail(last.Move, servers),
		}
	}
	return events
}

// Ranges returns numbers in ascending order, consecutive ones as first-last.
func Ranges(numbers []int64) string {
	slices.Sort(numbers)
	var parts []string
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] <= numbers[last]+1 {
			last++
		}
		part := strconv.FormatInt(numbers[i], 10)
		if numbers[last] > numbers[i] {
			part += "-" + strconv.FormatInt(numbers[last], 10)
		}
		parts = append(parts, part)
		i = last + 1
	}
	return strings.Join(parts, ",")
}

// Seal returns the event with its place in the chain: the number after prev's, and the
// SHA-256 over its own content and prev's hash, in hexadecimal. The store calls it when an
// update commits.
func (e Event) Seal(prev Event) Event {
	e.Seq, e.Prev = prev.Seq+1, prev.Hash
	e.At = e.At.UTC().Truncate(time.Millisecond)
	e.Hash = e.digest()
	return e
}

func (e Event) digest() string {
	// A JSON array keeps the fields apart whatever they contain.
	content, _ := json.Marshal([]string{ // strings always marshal
		e.Prev, strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.At.UnixMilli(), 10), string(e.Actor),
		string(e.Action), string(e.Noun), e.NounID, e.From, e.To, e.Detail, e.About,
	})
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// VerifyNext returns an error unless e follows prev in the chain and neither its content
// nor its hash was altered. Its text is a clause about e. The zero Event stands for the one
// before the first.
func (e Event) VerifyNext(prev Event) error {
	switch {
	case e.Seq != prev.Seq+1:
		return fmt.Errorf("event %d is missing before it", prev.Seq+1)
	case e.Hash != e.digest():
		return errors.New("its content does not have its hash")
	case e.Prev != prev.Hash:
		return errors.New("it does not follow the event before it")
	}
	return nil
}
