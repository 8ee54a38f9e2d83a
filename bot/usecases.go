package bot

import (
	"context"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// UseCases is what people can have the domain do. Its errors are *access.Error.
// Asking again with the Source of an earlier wish makes no second request.
type UseCases interface {
	Asking
	Deciding
	Owning
	Looking
	Checking
	Redraw(ctx context.Context, requestID int64, channel, ts string) error
}

// Asking makes requests.
type Asking interface {
	AskGrant(ctx context.Context, a access.GrantAsk) (access.Request, error)
	AskExtend(ctx context.Context, a access.ExtendAsk) (access.Request, error)
	AskRevoke(ctx context.Context, a access.RevokeAsk) (access.Request, error)
	Offboard(ctx context.Context, a access.OffboardAsk) (access.Request, error)
	Left(ctx context.Context, id access.UserID) error
	Heard(ctx context.Context, id access.UserID, standing access.Standing) (concerns bool, err error)
}

// Deciding moves requests on.
type Deciding interface {
	Confirm(ctx context.Context, requestID int64, actor access.UserID, at time.Time) (access.Request, error)
	Decide(ctx context.Context, d access.Decision) (access.Request, error)
	Edit(ctx context.Context, e access.Edit) (access.Request, error)
	Cancel(ctx context.Context, requestID int64, actor access.UserID) (access.Request, error)
	RetryFailed(ctx context.Context, requestID int64, actor access.UserID) (int, error)
	Pick(ctx context.Context, requestID, serverID, credentialID int64, actor access.UserID) error
	Leave(ctx context.Context, requestID, serverID, credentialID int64, actor access.UserID) error
	LeaveRest(ctx context.Context, requestID int64, shown string, actor access.UserID) (int, error)
	GoneForGood(ctx context.Context, requestID, serverID int64, actor access.UserID) (access.Server, error)
	FreeKey(ctx context.Context, requestID int64, actor access.UserID) (access.Request, error)
}

// Owning is about a person's own keys and access.
type Owning interface {
	Register(ctx context.Context, actor access.UserID, key sshkey.Key, note string) (access.Registration, error)
	Prove(ctx context.Context, p access.Proof) (access.Registration, error)
	RemoveKey(ctx context.Context, actor access.UserID, fingerprint string) error
	GiveBack(ctx context.Context, actor access.UserID, grantID int64, source string) ([]access.Grant, error)
}

// Checking tells in advance what a wish would be refused for.
type Checking interface {
	Eligible(ctx context.Context, id access.UserID) error
	CheckReceiver(ctx context.Context, id access.UserID) error
	CheckServers(ctx context.Context, pattern string) error
	CheckKey(ctx context.Context, actor access.UserID, fingerprint string) error
	CheckProof(ctx context.Context, p access.Proof) error
	CheckEdit(ctx context.Context, e access.Edit) error
	CheckExtend(ctx context.Context, a access.ExtendAsk) error
	CheckShown(ctx context.Context, requestID int64, shown string) error
}

// Looking changes nothing.
type Looking interface {
	Keys(ctx context.Context, actor, of access.UserID) ([]access.Key, error)
	Access(ctx context.Context, actor, of access.UserID) (access.Overview, error)
	PendingRequests(ctx context.Context, actor access.UserID) ([]access.RequestView, error)
	FindServers(ctx context.Context, actor access.UserID, pattern string) ([]access.Server, error)
	View(ctx context.Context, requestID int64) (access.RequestView, error)
	IsApprover(ctx context.Context, id access.UserID) (bool, error)
}

var _ UseCases = (*access.Service)(nil)

// Outbox is what a Bot needs of the messages that are drawn from the ledger.
type Outbox interface {
	// PublishHome draws a page of a person's Home tab, counted from 0.
	PublishHome(ctx context.Context, person access.UserID, page int) error
	// RequestChannel returns where a request is shown to those who decide it; empty when
	// it is not.
	RequestChannel(v access.RequestView) string
}
