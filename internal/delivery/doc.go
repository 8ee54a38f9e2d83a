// Package delivery is Slack's part of the ledger: what people did there and nobody has handled
// yet (the inbox), and how far what they are shown has come (the outbox's part).
//
// The domain says in its own transactions what has changed and what somebody is to be told,
// and knows nothing of the outbox, which reads here what is due and records what it has shown.
package delivery
