package store_test

import (
	"testing"
	"time"

	"sshkeybot/internal/store/storetest"
)

func TestOneReplicaSpeaksForAll(t *testing.T) {
	t.Parallel()
	if !storetest.SQLite(t).Foremost(t.Context()) {
		t.Error("on SQLite there is one process")
	}
	first := storetest.Postgres(t)
	second := storetest.Second(t, first, "second")
	for range 2 {
		if !first.Foremost(t.Context()) || second.Foremost(t.Context()) {
			t.Error("not the first one alone")
		}
	}
	first.StepBack()
	for deadline := time.Now().Add(time.Minute); !second.Foremost(t.Context()); time.Sleep(10 * time.Millisecond) { // the server notices a moment later
		if time.Now().After(deadline) {
			t.Fatal("nobody speaks")
		}
	}
}
