package slacksim

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), // idle connections of the default client
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}
