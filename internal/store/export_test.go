package store

import "sshkeybot/internal/access"

// EventsSQL returns the query that reads events, for a look at its plan.
func EventsSQL(q access.EventQuery) (query string, args []any) { return eventsSQL(q) }
