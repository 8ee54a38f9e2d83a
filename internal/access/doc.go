// Package access is the domain: who may log in where, as whom, until when, and how
// each server is brought in line with that. It rests on the standard library and on the
// leaves duration, nearest and sshkey, and declares the interfaces of what it needs.
//
// The ledger says who should be where. A grant is a row with an end; what must be on
// a server is the union of the grants that are live now. Use cases only change the
// ledger and wake the servers concerned. Three kinds of work compare what the ledger wants
// on one server with what was placed there, and write down what the target answered: one
// removes, one renews, one adds, and Sync does each. Nothing acts on an old order, only on the
// ledger as it is now.
//
// A decision brings the first servers in line itself, in its own transaction, and wakes the
// work on all others, which does so before it settles: see align.go. So no decision, however
// many keys it concerns, holds up what others write.
//
// A request:
//
//	draft ──confirm──────────────────────────────┐
//	waiting_for_key ──register──► pending ──approve──► approved
//	       │                        ├──deny────► denied
//	       └──cancel, offboard──────┼──cancel──► cancelled
//	                                └──time────► expired   (from each open state)
//
// What is decided is what was shown. The Facts of a request are what a decision would carry
// out; their digest travels with every copy of its message. When they change, the copies are
// drawn anew, approvals of the former facts count no more, and who decides on an older copy is
// told what has changed. What ends access has few facts, and is never held up by others. Who
// asks to revoke what somebody has asked to revoke joins that request: see joined.go.
//
// A key is its holder's until it is removed, revoked, lost to somebody who has proved with a
// signature that it is theirs, or its holder is offboarded. How it ended says who may
// register it next: see owner.go. A key that is merely registered proves nothing: everybody
// can register a public key that they have seen.
//
// A grant: live ──► ended, because it expired, was revoked, was given back, or its
// person was offboarded.
//
// A placement, one key for one system user on one server:
//
//	wanted ──about to call──► unknown ──confirmed, or found by reading──► placed
//	  │ ▲                        │                                         │ ▲
//	  │ └──no effect, no doubt───┤                         no longer wanted│ │wanted again,
//	  │                          │                                         ▼ │not yet touched
//	  │                          └──no longer wanted────────────────────► leaving
//	  └──no longer wanted──► gone ◄──removed, no doubt───────────────────────┘
//
// A server:
//
//	known ──not found when asked for──► missing ──not found an hour later,──► gone
//	  ▲                                    │        or an approver says so       │
//	  └──found, or in a list───────────────┴─────────────────────────────────────┘
//
// That a list of servers lacks one only has it asked for; a list that is empty, or has
// lost more than a tenth, is doubted besides: that every server is known is not believed of
// it. What is owed on a missing server stays owed.
//
// What the bot finds without having recorded that it placed it begins as leaving: a
// double of a key, a key that is proven to be the one to be removed, and one that a
// person picked.
//
// A call whose answer nobody has may still place its key. Until when is the doubt of
// a placement, its RecheckAt: noted before the call is made, it goes with the placement
// through every state, and only the call's answer, or a list of the server that was read
// when the doubt was over, takes it away. So wanted means that the key surely is not
// there, gone that it never will be again, and a removal is not done before that; a
// double that has landed beside the key is found by the same reading. A leaving one that
// is only in doubt becomes unknown again when it is covered again. When an answer
// comes after all that, from a process that stood still, what was said is unsaid: the
// placement leaves again, and the results that called it gone are open again. For a call
// that lands without any answer the server is read again an hour and twelve hours after
// its doubt was over, and wherever a key of somebody who was offboarded has gone.
//
// Unknown is written before the call is made, so that neither a crash nor a lost
// answer is ever settled by calling again blindly. A renewal is a leaving placement
// that is urgent, and a wanted one that follows it; when its grant ends it is a removal.
// So is a placed one that a new grant wants too and that is not on its server any more
// (VerifyAt).
package access
