// Package bot is what people do in Slack: each command, click and form becomes one call of
// a use case, and what that returns becomes the reply.
//
// What somebody does is stored before Slack's envelope is acknowledged, so that no crash
// loses it, and is handled after that, one thing at a time for each person. Opening a modal
// comes first: its trigger lives three seconds, and it changes nothing.
//
// What can be typed is the table of verbs, in verbs.go; what can be filled in is the table
// of modals, in modals.go.
//
// The packages below it are bot/socket, over which the envelopes come, bot/slackapi, which
// calls Slack, bot/render, which makes messages and forms, and bot/outbox, which keeps the
// messages about requests as the ledger is.
package bot
