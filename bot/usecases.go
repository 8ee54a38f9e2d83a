package bot

import (
	"context"
	"iter"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

// UseCases is what people can have the domain do. Its errors are *access.Error. Asking
// again with the Source of an earlier request makes no second one.
type UseCases interface {
	Requester
	Decider
	Owner
	Reader
	Checker
}

// Requester makes requests.
type Requester interface {
	AskGrant(ctx context.Context, a workflow.GrantAsk) (access.Request, error)
	AskExtend(ctx context.Context, a workflow.ExtendAsk) (access.Request, error)
	AskRevoke(ctx context.Context, a workflow.RevokeAsk) (access.Request, error)
	Offboard(ctx context.Context, a workflow.OffboardAsk) (access.Request, error)
	AskAudit(ctx context.Context, a workflow.AuditAsk) (access.Request, error)
	AskPurge(ctx context.Context, a workflow.PurgeAsk) (access.Request, error)
	AskRotate(ctx context.Context, a workflow.RotateAsk) (access.Request, error)
	AskReinstate(ctx context.Context, a workflow.ReinstateAsk) (access.Request, error)
	AccountDeactivated(ctx context.Context, id access.UserID) error
	ProfileChanged(ctx context.Context, id access.UserID, standing access.Standing) (concerns bool, err error)
}

// Decider decides requests, and what else is to be decided about them.
type Decider interface {
	Confirm(ctx context.Context, requestID int64, actor access.UserID, at time.Time) (access.Request, error)
	Decide(ctx context.Context, d workflow.Decision) (access.Request, error)
	Edit(ctx context.Context, e workflow.Edit) (access.Request, error)
	Cancel(ctx context.Context, requestID int64, actor access.UserID) (access.Request, error)
	RetryFailed(ctx context.Context, requestID int64, actor access.UserID) (int, error)
	Pick(ctx context.Context, requestID, serverID int64, credentialID string, actor access.UserID) error
	Spare(ctx context.Context, requestID, serverID int64, credentialID string, actor access.UserID) error
	SpareRest(ctx context.Context, requestID int64, shown string, actor access.UserID) (int, error)
	GoneForGood(ctx context.Context, requestID, serverID int64, actor access.UserID) (access.Server, error)
	KeepFindings(ctx context.Context, c workflow.FindingChoice) (int, error)
	RemoveFindings(ctx context.Context, c workflow.FindingChoice) (access.Request, error)
	PlaceAgain(ctx context.Context, c workflow.FindingChoice) (int, error)
	EndThere(ctx context.Context, c workflow.FindingChoice) (int, error)
	CheckAgain(ctx context.Context, requestID int64, actor access.UserID) error
	RotateAgain(ctx context.Context, requestID int64, actor access.UserID) error
	FreeKey(ctx context.Context, requestID int64, actor access.UserID) (access.Request, error)
}

// Owner manages a person's own keys and access.
type Owner interface {
	Register(ctx context.Context, actor access.UserID, key sshkey.Key, note string) (workflow.Registration, error)
	Prove(ctx context.Context, p workflow.Proof) (workflow.Registration, error)
	RemoveKey(ctx context.Context, actor access.UserID, fingerprint string) error
	GiveBack(ctx context.Context, actor access.UserID, grantID int64, source string) ([]access.Grant, error)
}

// Checker returns in advance what a request would be refused for, nil when nothing is known.
type Checker interface {
	Eligible(ctx context.Context, id access.UserID) error
	CheckReceiver(ctx context.Context, id access.UserID) error
	CheckServers(ctx context.Context, pattern string) error
	CheckKey(ctx context.Context, actor access.UserID, fingerprint string) error
	CheckProof(ctx context.Context, p workflow.Proof) error
	CheckEdit(ctx context.Context, e workflow.Edit) error
	CheckExtend(ctx context.Context, a workflow.ExtendAsk) error
	CheckShown(ctx context.Context, requestID int64, shown string) error
}

// Reader reads, and changes nothing.
type Reader interface {
	OrLost(ctx context.Context, err error, requestID, grantID int64) error
	Keys(ctx context.Context, actor, of access.UserID) ([]access.Key, error)
	Access(ctx context.Context, actor, of access.UserID) (workflow.Overview, error)
	AccessPage(ctx context.Context, actor, of access.UserID, q workflow.PageQuery) (workflow.AccessPage, error)
	PendingRequests(ctx context.Context, actor access.UserID, q workflow.PageQuery) (workflow.PendingPage, error)
	ServersPage(ctx context.Context, actor access.UserID, pattern string, q workflow.PageQuery) (workflow.ServersPage, error)
	View(ctx context.Context, requestID int64) (workflow.RequestView, error)
	Audit(ctx context.Context, actor access.UserID, requestID int64) (workflow.RequestView, error)
	Candidates(ctx context.Context, actor access.UserID, requestID int64) (workflow.RequestView, error)
	ServerChoices(ctx context.Context, actor access.UserID, typed string) ([]workflow.ServerChoice, error)
	LastDurations(ctx context.Context, actor access.UserID) ([]time.Duration, error)
	IsApprover(ctx context.Context, id access.UserID) (bool, error)
	Log(ctx context.Context, actor access.UserID, q workflow.LogQuery) (workflow.LogPage, error)
	WholeLog(ctx context.Context, actor access.UserID) (iter.Seq2[workflow.LogEntry, error], error)
}

var _ UseCases = (*workflow.Service)(nil)

// Outbox is what a Bot needs of the messages that are drawn from the ledger.
type Outbox interface {
	// PublishHome draws a page of a person's Home tab, counted from 0.
	PublishHome(ctx context.Context, person access.UserID, page int) error
	// RequestPosts returns where the messages of requests are, by request; those that are not
	// shown yet are left out.
	RequestPosts(ctx context.Context, requestIDs ...int64) (map[int64]render.Post, error)
	// Keeps reports whether a message is one of those of a request that are kept up to date.
	Keeps(ctx context.Context, requestID int64, at slackapi.Ref) (bool, error)
	// Redraw has a message of a request sent anew, whatever it is known to show: somebody
	// saw it otherwise.
	Redraw(ctx context.Context, requestID int64, at slackapi.Ref) error
}
