package store_test

import (
	"testing"
	"time"

	"sshkeybot/internal/store/storetest"
)

func TestOneReplicaLeads(t *testing.T) {
	t.Parallel()
	if !storetest.SQLite(t).TryLead(t.Context()) {
		t.Error("on SQLite there is one process")
	}
	first := storetest.Postgres(t)
	second := storetest.Second(t, first, "second")
	for range 2 {
		if !first.TryLead(t.Context()) || second.TryLead(t.Context()) {
			t.Error("not the first one alone")
		}
	}
	first.Resign()
	for deadline := time.Now().Add(time.Minute); !second.TryLead(t.Context()); time.Sleep(10 * time.Millisecond) { // the server notices a moment later
		if time.Now().After(deadline) {
			t.Fatal("nobody leads")
		}
	}
}
