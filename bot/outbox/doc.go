// Package outbox is what the bot says in Slack of its own accord: the message of each
// request with its thread, notices, Home tabs, and an alarm when the ledger cannot be
// written.
//
// An Announcer draws each of them anew from the ledger, and a durable queue calls it until
// Slack shows what is so. What has been shown stands in the ledger as well, so that a crash
// repeats one message at worst.
package outbox
