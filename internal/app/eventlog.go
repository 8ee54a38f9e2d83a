package app

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

// eventMessage is what the log says of an action. Where nobody acted, it says alone, if that is not
// empty. Whoever searches the log relies on the texts.
type eventMessage struct {
	level       slog.Level
	text, alone string
}

// eventMessages has a message for every action.
var eventMessages = map[access.Action]eventMessage{
	access.DidRequestAsk:         {text: "request asked"},
	access.DidRequestShell:       {text: "offboarding ordered from a shell"},
	access.DidRequestJoin:        {text: "request joined"},
	access.DidRequestWithdraw:    {text: "request left by one who asked"},
	access.DidRequestKeyArrived:  {text: "request has its key"},
	access.DidRequestEdit:        {text: "request edited"},
	access.DidRequestChange:      {text: "request changed"},
	access.DidRequestHolder:      {text: "request has another holder of its key"},
	access.DidRequestApprove:     {text: "request approved by one of several"},
	access.DidRequestVoid:        {text: "approval void"},
	access.DidRequestUndecidable: {text: "request undecidable", level: slog.LevelError},
	access.DidRequestDecidable:   {text: "request decidable again"},
	access.DidRequestApproved:    {text: "request approved"},
	access.DidRequestDenied:      {text: "request denied"},
	access.DidRequestCancelled:   {text: "request withdrawn", alone: "request closed"},
	access.DidRequestExpired:     {text: "request expired"},
	access.DidRequestRetry:       {text: "failures tried again"},

	access.DidCandidateSpare: {text: "key left where it is"},
	access.DidPurgeRemove:    {text: "purge begun on a server"},
	access.DidAuditStart:     {text: "audit begun"},
	access.DidFindingKeep:    {text: "unmanaged keys kept"},
	access.DidMissingBack:    {text: "missing key ordered back"},
	access.DidMissingEnd:     {text: "missing key given up"},
	access.DidOrphanFound:    {text: "unknown key with our label found", level: slog.LevelWarn},

	access.DidGrantStart:   {text: "grant started"},
	access.DidGrantExtend:  {text: "grant extended"},
	access.DidGrantCorrect: {text: "grant end corrected"},
	access.DidGrantNarrow:  {text: "grant narrowed"},
	access.DidGrantEnd:     {text: "grant ended"},

	access.DidPlacementWanted:  {text: "keys wanted"},
	access.DidPlacementPlaced:  {text: "keys placed"},
	access.DidPlacementLeaving: {text: "keys to be removed"},
	access.DidPlacementUnknown: {text: "keys to be looked for"},
	access.DidPlacementGone:    {text: "keys gone"},
	access.DidPlacementFound:   {text: "forgotten key found", level: slog.LevelWarn},
	access.DidPlacementDouble:  {text: "second copy of a key found", level: slog.LevelWarn},
	access.DidPlacementPick:    {text: "key chosen for removal"},
	access.DidPlacementMissing: {text: "keys missing", level: slog.LevelWarn},
	access.DidPlacementDamaged: {text: "key damaged in the ledger", level: slog.LevelError},

	access.DidPersonOffboard:  {text: "offboarding begun"},
	access.DidPersonLeave:     {text: "offboarded person left again"},
	access.DidPersonReturn:    {text: "offboarded person returned"},
	access.DidPersonReinstate: {text: "person reinstated"},

	access.DidKeyChallenge: {text: "proof of a key asked"},
	access.DidKeyRegister:  {text: "key registered"},
	access.DidKeyRemove:    {text: "key unregistered"},
	access.DidKeyFree:      {text: "key freed"},

	access.DidRotationAsked:      {text: "rotation asked"},
	access.DidRotationPreparing:  {text: "rotation prepares"},
	access.DidRotationPlacing:    {text: "rotation places the new key"},
	access.DidRotationConfirming: {text: "rotation looks for the new key"},
	access.DidRotationWriting:    {text: "rotation writes the account"},
	access.DidRotationChecking:   {text: "rotation checks the machines"},
	access.DidRotationDraining:   {text: "rotation waits for deployments"},
	access.DidRotationRemoving:   {text: "rotation removes the old key"},
	access.DidRotationProving:    {text: "rotation checks once more"},
	access.DidRotationHalfway:    {text: "rotation half way", level: slog.LevelError},
	access.DidRotationDone:       {text: "rotation done"},
	access.DidRotationFailed:     {text: "rotation failed", level: slog.LevelWarn},
	access.DidRotationDropped:    {text: "rotation dropped"},

	access.DidServerGone:     {text: "server gone for good"},
	access.DidWorkHalt:       {text: "work halted", level: slog.LevelError},
	access.DidWorkResume:     {text: "work resumed"},
	access.DidTargetAdopt:    {text: "target known by another name"},
	access.DidClockDoubt:     {text: "clock in doubt", level: slog.LevelWarn},
	access.DidClockRight:     {text: "clock trusted again"},
	access.DidLedgerBind:     {text: "ledger bound to a workspace"},
	access.DidLedgerRestore:  {text: "ledger restored from a copy", level: slog.LevelWarn},
	access.DidLedgerContinue: {text: "access given again after a restore"},
}

// logEvents logs what has been committed to the audit log, a line for each event.
func (a *App) logEvents(events []store.Committed) {
	for _, e := range events {
		m := eventMessages[e.Action]
		text := m.text
		if e.Actor == "" {
			text = cmp.Or(m.alone, m.text)
		}
		a.log.LogAttrs(context.Background(), m.level, text, eventAttrs(e)...) //nolint:sloglint // one of the constants above
	}
}

// eventAttrs returns the fields of an event that are not empty. None of them holds what a person typed.
func eventAttrs(e store.Committed) []slog.Attr {
	attrs := []slog.Attr{
		slog.Int64("event", e.Seq), slog.Int64("request", e.Request()), slog.Int64("grant", numberOf(e, access.NounGrant)),
		slog.String("person", string(e.Of)), slog.String("actor", string(e.Actor)),
		slog.Int("servers", cmp.Or(e.Keys.Count, len(e.Names), e.Servers)), slog.Any("server_names", e.Names),
		slog.String("key", cmp.Or(e.Keys.Key, idOf(e, access.NounKey))), slog.String("system_user", cmp.Or(e.Keys.SystemUser, e.SystemUser)),
		slog.String("workspace", idOf(e, access.NounWorkspace)),
	}
	if e.Noun == access.NounRequest {
		attrs = append(attrs, slog.String("kind", string(e.Kind)), slog.Duration("duration", e.Duration))
	}
	return slices.DeleteFunc(append(attrs, ownAttrs(e)...), isEmpty)
}

// ownAttrs returns the fields that only some actions have. The details of these are the bot's own words, or those of
// a target.
func ownAttrs(e store.Committed) []slog.Attr {
	switch e.Action {
	case access.DidGrantStart, access.DidGrantExtend, access.DidGrantCorrect:
		return []slog.Attr{slog.Time("until", e.Ends)}
	case access.DidGrantEnd:
		return []slog.Attr{slog.String("cause", e.Detail)}
	case access.DidGrantNarrow, access.DidKeyRemove:
		return []slog.Attr{slog.String("cause", e.To)}
	case access.DidPlacementGone:
		return []slog.Attr{slog.String("from", e.From), slog.String("problem", e.Keys.Rest)}
	case access.DidRequestShell:
		return []slog.Attr{slog.String("operator", e.Detail)}
	case access.DidClockDoubt, access.DidClockRight:
		return []slog.Attr{slog.String("problem", e.Detail)}
	case access.DidWorkHalt, access.DidWorkResume:
		target, problem, _ := strings.Cut(e.Detail, ": ")
		return []slog.Attr{slog.String("target", target), slog.String("problem", problem)}
	case access.DidTargetAdopt:
		return []slog.Attr{slog.String("target", e.To), slog.String("from", e.From)}
	default:
		return nil
	}
}

// idOf returns the ID of what an event happened to, if it is of that noun.
func idOf(e store.Committed, noun access.Noun) string {
	if e.Noun != noun {
		return ""
	}
	return e.NounID
}

func numberOf(e store.Committed, noun access.Noun) int64 {
	id, _ := strconv.ParseInt(idOf(e, noun), 10, 64) // 0 where it is another
	return id
}

func isEmpty(a slog.Attr) bool {
	switch v := a.Value.Any().(type) {
	case string:
		return v == ""
	case int64:
		return v == 0
	case time.Duration:
		return v == 0
	case time.Time:
		return v.IsZero()
	case []string:
		return len(v) == 0
	}
	return false
}
