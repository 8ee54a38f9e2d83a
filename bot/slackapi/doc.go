// Package slackapi calls Slack's Web API for a bot: at the pace that Slack allows, not at
// all while Slack is known to refuse, and again where that does no harm.
//
// A Client makes the calls, and a Directory knows who somebody is. What went wrong is an
// *access.Error, whose code says what the caller can do about it; ErrorCode returns
// Slack's own word for it. The package knows nothing of requests and grants.
package slackapi
