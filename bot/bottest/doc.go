// Package bottest is what the tests of bot and bot/outbox share: a played workspace in
// Slack, and played use cases with their ledger.
package bottest
