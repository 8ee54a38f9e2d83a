// Package reconcile is the engine: it brings every server in line with the ledger. Three
// kinds of work compare what the ledger wants on one server with what was placed there, and
// write down what the target answered: one removes, one renews, one adds, and Sync does each.
// Nothing acts on an old order, only on the ledger as it is now. It also reads servers for
// keys that the bot did not place, and stops all work while the target refuses our
// credentials. The states of a placement and of a server are drawn in package access.
//
// What the bot finds without having recorded that it placed it begins as leaving: a
// second copy of a key, a key that is proven to be the one to be removed, and one that a
// person picked.
//
// A call whose answer was lost may still place its key. InDoubtUntil bounds how long that
// is possible. It is noted before the call is made and goes with the placement through
// every state; only the call's answer, or a list of the server that was read after that
// time, clears it. So wanted means that the key certainly is not there, gone that it will
// not turn up, and a removal is not done before that; a second copy that has landed beside
// the key is found by the same reading. A leaving placement whose key may only have been
// placed becomes unknown when a grant covers it again. If an answer comes after all that,
// from a process that stood still, the placement leaves again, and the results that called
// it gone are reopened. For a call that lands without any answer the server is read again
// an hour and twelve hours after that time, and wherever a key of somebody who was
// offboarded has gone.
//
// Unknown is written before the call is made, so that neither a crash nor a lost
// answer is ever settled by calling again blindly. A renewal is a leaving placement
// that is urgent, and a wanted one that follows it; when its grant ends it is a removal.
// So is a placed one that a new grant wants too and that is not on its server any more
// (VerifyAt).
package reconcile
