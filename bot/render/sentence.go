package render

import (
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// eventSentence returns the sentence about an event, with words in braces for what
// eventWriter fills in, and the one to use instead when nobody acted, if it is another.
func eventSentence(e workflow.LogEntry) (text, alone string) {
	switch e.Action {
	case access.DidRequestAsk:
		return "{actor} asked {asked}{of}.", ""
	case access.DidRequestShell:
		return "The offboarding of {person} was ordered from a shell by {detail}{of}.", ""
	case access.DidRequestJoin:
		return "{actor} joined {request}{said}.", ""
	case access.DidRequestWithdraw:
		return "{actor} does not stand behind {request} any more.", ""
	case access.DidRequestKeyArrived:
		return "{actor} registered a key, so {request} went to the approvers.", ""
	case access.DidRequestEdit:
		return "{actor} narrowed {request}: {edit}.", ""
	case access.DidRequestChange:
		return "What {request} is about has changed, and was put before the approvers anew.", ""
	case access.DidRequestHolder:
		return "The key that {request} is about is that of {to} now; before, it was that of {from}.", ""
	case access.DidRequestApprove:
		return "{actor} approved {request}; it needs another approval as well.", ""
	case access.DidRequestVoid:
		return "The approval of {request} by {actor} does not count any more{why}.", ""
	case access.DidRequestUndecidable:
		return "Nobody was left who might decide {request}.", ""
	case access.DidRequestDecidable:
		return "Somebody may decide {request} again.", ""
	case access.DidRequestApproved:
		return "{actor} approved {request}{why}.", "{Request} took effect without an approver{why}."
	case access.DidRequestDenied:
		return "{actor} denied {request}{said}.", ""
	case access.DidRequestCancelled:
		return "{actor} closed {request}{why}.", "{Request} was closed{why}."
	case access.DidRequestExpired:
		return "Nobody decided {request} in time.", ""
	case access.DidRequestRetry:
		return "{actor} had what failed of {request} tried again.", ""
	case access.DidCandidateSpare:
		return "{actor} decided that {spared} may stay{of}.", ""
	case access.DidPurgeRemove:
		return "What {request} lists is being removed from {servers}{user}.", ""
	case access.DidAuditStart:
		return "{actor} had what is on the servers compared with the ledger{of}.", "The weekly audit began{of}."
	case access.DidFindingKeep:
		return "{actor} decided that keys stay which nobody manages: {detail}{of}.", ""
	case access.DidMissingBack:
		return "{actor} had {key} of {person}, which somebody had deleted, placed again on {servers}{user}{of}.", ""
	case access.DidMissingEnd:
		return "{actor} ended the access of {person} with {key}, which somebody had deleted, on {servers}{user}{of}.", ""
	case access.DidOrphanFound:
		return "A key with the bot's label that the ledger does not know was found on {servers}{rest}{of}.", ""
	case access.DidGrantStart:
		return "The access of {person} began: {grant}{of}.", ""
	case access.DidGrantExtend:
		return "{actor} extended the access of {person} until {end}{of}.", ""
	case access.DidGrantCorrect:
		return "The access of {person} ends {end}, as it was approved to: a wrong clock had put its end off{of}.", ""
	case access.DidGrantNarrow:
		return "The access of {person} is without {key} on {servers} from now on: {reason}{of}.", ""
	case access.DidGrantEnd:
		return "The access of {person} ended: {reason}{of}.", ""
	default:
		return thingSentence(e)
	}
}

// rotationSentence is eventSentence for the steps of a rotation.
func rotationSentence(e workflow.LogEntry) string {
	switch e.Action {
	case access.DidRotationAsked:
		return "{actor} asked for another key of an account{of}."
	case access.DidRotationPreparing:
		return "The rotation of {request} begins with a new key pair."
	case access.DidRotationPlacing:
		return "The new public key of {request} is being placed."
	case access.DidRotationConfirming:
		return "The new public key of {request} was placed, and the servers are read for it."
	case access.DidRotationWriting:
		return "The new private key of {request} is being written into the account."
	case access.DidRotationChecking:
		return "The account of {request} has its new key, and its machines are checked."
	case access.DidRotationDraining:
		return "The machines of {request} are healthy; what runs on them is waited for."
	case access.DidRotationRemoving:
		return "The old key of {request} is being taken away."
	case access.DidRotationProving:
		return "The machines of {request} are checked once more."
	case access.DidRotationHalfway:
		return "The rotation of {request} is half way: both keys stay{why}."
	case access.DidRotationDone:
		return "The rotation of {request} is done."
	case access.DidRotationFailed:
		return "The rotation of {request} came to nothing, and the account is as it was{why}."
	case access.DidRotationDropped:
		return "The rotation of {request} was not approved."
	default:
		return ""
	}
}

// thingSentence is eventSentence for what happens to keys, people and the bot itself.
func thingSentence(e workflow.LogEntry) (text, alone string) {
	if step := rotationSentence(e); step != "" {
		return step, ""
	}
	switch e.Action {
	case access.DidPlacementWanted:
		return "{key} of {person} is to be placed on {servers}{user}{of}.", ""
	case access.DidPlacementPlaced:
		return "{key} of {person} is on {servers}{user}{of}.", ""
	case access.DidPlacementLeaving:
		return "{key} of {person} is to be removed from {servers}{user}{rest}{of}.", ""
	case access.DidPlacementUnknown:
		return "Whether {key} of {person} is on {servers}{user} has to be found out{of}.", ""
	case access.DidPlacementGone:
		return goneSentence(e), ""
	case access.DidPlacementFound:
		return "{key} of {person}, which the ledger did not know, was found on {servers}{user} and is to be removed{rest}{of}.", ""
	case access.DidPlacementDouble:
		return "A second copy of {key} of {person} was found on {servers}{user} and is to be removed{rest}{of}.", ""
	case access.DidPlacementPick:
		return "{actor} chose {key} on {servers} to be removed{of}.", ""
	case access.DidPlacementMissing:
		return "{key} of {person} should be on {servers}{user}, and is not{of}.", ""
	case access.DidPlacementDamaged:
		return "The ledger's copy of {key} of {person} does not have its fingerprint, so it is not placed on {servers}{of}.", ""
	case access.DidPersonOffboard:
		return "{actor} offboarded {person}{of}.", "{person} was offboarded{of}."
	case access.DidPersonLeave:
		return "{person}, who had returned after an offboarding, left again{of}.", ""
	case access.DidPersonReinstate:
		return "{actor} reinstated {person}{of}.", ""
	case access.DidPersonReturn:
		return "The account of {person}, who was offboarded, is active again{of}.", ""
	case access.DidKeyChallenge:
		return "{actor} was asked to prove that {key} is theirs.", ""
	case access.DidKeyRegister:
		return "{actor} registered {key}{why}.", ""
	case access.DidKeyRemove:
		return keySentence(e.Event), ""
	case access.DidKeyFree:
		return "{actor} let {key}, which was revoked, be registered again{of}.", ""
	case access.DidServerGone:
		return "{actor} said that the server {detail} is gone for good.", "The server {detail} is gone for good."
	case access.DidWorkHalt:
		return "All work on a target stopped, since it refuses what the bot signs in with: {detail}", ""
	case access.DidWorkResume:
		return "Work on the target {detail} goes on.", ""
	case access.DidTargetAdopt:
		return "A target has another name in the settings: {detail}.", ""
	case access.DidClockDoubt, access.DidClockRight:
		return "About the bot's clock: {detail}", ""
	case access.DidLedgerBind:
		return "The workspace {id} became that of the ledger.", ""
	case access.DidLedgerRestore:
		return "The ledger was restored from a copy that ends with {detail}{of}.", ""
	case access.DidLedgerContinue:
		return "{actor} had access granted again after the ledger was restored{of}.", ""
	default:
		return "Something happened that this version has no words for{of}.", ""
	}
}

// goneSentence is eventSentence for a key that is not on servers: it was removed, never
// placed, or given up with them.
func goneSentence(e workflow.LogEntry) string {
	switch {
	case e.From == string(access.PlacementWanted):
		return "{key} of {person} does not have to be placed on {servers}{user} any more{of}."
	case e.Keys.Rest != "":
		return "{key} of {person} is given up on {servers}{user}{rest}{of}."
	}
	return "{key} of {person} is not on {servers}{user} any more{of}."
}

// keySentence is eventSentence for a key that is taken off its person's list.
func keySentence(e access.Event) string {
	switch access.KeyEnd(e.To) {
	case access.KeyRevoked:
		return "{actor} revoked {key} of {person}."
	case access.KeyOffboarded:
		return "{key} of {person} does not count since their offboarding."
	case access.KeyLost:
		return "{actor} proved that {key} is theirs; before, it was that of {person}."
	case access.KeyRemoved, access.KeyCounts:
	}
	if e.Detail == "of "+string(e.Actor) {
		return "{actor} removed {key}."
	}
	return "{actor} removed {key} of {person}."
}
