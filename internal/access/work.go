package access

// WorkKind is a kind of work.
type WorkKind string

// The kinds of work. A piece of work names what has to be looked at, never what has to be
// done: whoever does it reads the ledger first, so it cannot act on an outdated order.
const (
	WorkRemove   WorkKind = "remove"   // remove keys from server ID
	WorkRenew    WorkKind = "renew"    // remove keys from server ID in order to place them anew
	WorkAdd      WorkKind = "add"      // place keys on server ID, and remove a second copy of one
	WorkAlign    WorkKind = "align"    // bring the servers in line that are marked for it; there is no ID
	WorkInspect  WorkKind = "inspect"  // find candidates and sessions on server ID
	WorkList     WorkKind = "list"     // read the list of servers of target ID, to inspect each
	WorkAnnounce WorkKind = "announce" // show request ID anew
	WorkNotice   WorkKind = "notice"   // send notice ID
)

// Work is one thing to be looked at: what ID is depends on the kind.
type Work struct {
	Kind WorkKind
	ID   int64
}
