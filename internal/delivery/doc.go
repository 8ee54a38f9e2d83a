// Package delivery is the outbox's part of the ledger: how far what people are shown in
// Slack has come. The domain says in its own transactions what has changed and what somebody
// is to be told, and knows nothing of this; the outbox reads here what is due, and records
// what it has shown.
package delivery
