// Package workflow is what people ask for and decide: asking, deciding, extending, revoking,
// offboarding, the views of all that, and reminders. A use case authorises who asks, changes
// the ledger in one transaction, with its audit event and the work that follows from it, and
// calls nothing outside but the directory; package reconcile does that work.
//
// A decision brings the first servers in line itself, in its own transaction, and wakes the
// work on all others, which does so before it settles: see portions.go. So no decision,
// however many keys it concerns, holds up what others write.
//
// What is decided is what was shown. The Facts of a request are what a decision would carry
// out; their digest travels with every copy of its message. When they change, the copies are
// drawn anew, approvals of the former facts count no more, and who decides on an older copy is
// told what has changed. What ends access has few facts, and is never held up by others. Who
// asks to revoke what somebody has asked to revoke joins that request: see joined.go.
//
// A key is its holder's until it is removed, revoked, lost to somebody who has proved with a
// signature that it is theirs, or its holder is offboarded. How it ended says who may
// register it next: see keyowner.go. A key that is merely registered proves nothing: everybody
// can register a public key that they have seen.
//
// The key of an account is replaced in steps that stand in the ledger: see rotation.go. They are
// the only thing here that calls a system outside, through access.KeyedAccounts: a private half
// must not leave the memory of its process, so it cannot wait in a queue.
package workflow
