package render

// The action ids of buttons and menus. Their value is an opaque id: of the request, of the grant (extend,
// done), the fingerprint of a key (remove_key), the nonce of a challenge (prove), "request:server:credential"
// (pick, leave), nothing (ask), "request:server" (server_gone), "request:page" (servers_page, servers_file,
// audit_page), "request:page:digest" (finding_keep and the like, and the three of servers where they are those of a
// finding), "before:event:subject" or "after:event:subject" (log_page), "before:part.number:about" or
// "after:part.number:about" (list_page, pending_page, found_page) or a page number (home_page). Those that decide a
// request or about its keys (approve, deny, edit, leave_rest) have a dot and the digest of what was shown behind the
// request. An id must not change, since the buttons of posted messages carry it: so the two for sparing a key are
// still called leave.
const (
	ActionApprove   = "approve"
	ActionDeny      = "deny"
	ActionEdit      = "edit"
	ActionCancel    = "cancel"
	ActionRetry     = "retry_failed"
	ActionConfirm   = "confirm"
	ActionKeep      = "keep"
	ActionExtend    = "extend"
	ActionDone      = "done"
	ActionRegister  = "register"
	ActionRemoveKey = "remove_key"
	ActionProve     = "prove"
	ActionFreeKey   = "free_key"
	ActionPick      = "pick"
	ActionSpare     = "leave"
	ActionSpareRest = "leave_rest"
	ActionGone      = "server_gone"

	ActionCandidates     = "candidates"
	ActionCandidatesPage = "candidates_page"

	ActionCheckAgain  = "check_again"
	ActionRotateAgain = "rotate_again"

	ActionHomePage = "home_page"
	ActionAsk      = "ask"
	ActionDuration = "duration" // of the menu in a form
	ActionAskAgain = "ask_again"

	ActionServers     = "servers"
	ActionServersPage = "servers_page"
	ActionServersFile = "servers_file"
	ActionKeysFile    = "keys_file"

	ActionKeepFinding   = "finding_keep"
	ActionRemoveFinding = "finding_remove"
	ActionPlaceAgain    = "missing_place"
	ActionEndThere      = "missing_end"
	ActionAuditPage     = "audit_page"
	ActionAuditFile     = "audit_file"

	ActionListPage    = "list_page"
	ActionPendingPage = "pending_page"
	ActionFoundPage   = "found_page" // of the servers that a pattern names

	ActionLogPage = "log_page"
	ActionLogFile = "log_file"
)

// ShortcutAsk is the callback id of the global shortcut that opens the form for access, as in the app's manifest.
const ShortcutAsk = "grant"

// The callback ids of modals.
const (
	ModalRegister   = "register"
	ModalGrant      = "grant"
	ModalDeny       = "deny"
	ModalEdit       = "edit"
	ModalExtend     = "extend"
	ModalServers    = "servers"
	ModalCandidates = "candidates"
	ModalProve      = "prove"
)
