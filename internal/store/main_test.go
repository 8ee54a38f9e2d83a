package store_test

import (
	"os"
	"testing"

	"sshkeybot/internal/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.SetChecks()
	os.Exit(m.Run())
}
