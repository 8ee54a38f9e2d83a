package draw

// The action ids of buttons and menus. Their value is an opaque id: of the request, of the grant (extend,
// done), the fingerprint of a key (remove_key), the nonce of a challenge (prove), "request:server:credential" (pick, leave), "request:count"
// (leave_rest) or a page number (home_page).
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
	ActionLeave     = "leave"
	ActionLeaveRest = "leave_rest"
	ActionHomePage  = "home_page"
)

// The callback ids of modals.
const (
	ModalRegister = "register"
	ModalGrant    = "grant"
	ModalDeny     = "deny"
	ModalEdit     = "edit"
	ModalExtend   = "extend"
	ModalProve    = "prove"
)
