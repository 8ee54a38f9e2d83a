package check_test

import (
	"net"
	"net/http"
	"testing"

	"sshkeybot/internal/check"
	"sshkeybot/internal/health"
	"sshkeybot/internal/store"
)

// listening serves pages at an address of their own.
func listening(t *testing.T, pages http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: pages}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func TestFindingsOnTheHealthPages(t *testing.T) {
	t.Parallel()
	at := func(set bool, address func(t *testing.T, b *bench) string) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) { b.Config.HTTPAddr, b.Config.HTTPAddrSet = address(t, b), set }
	}
	other := func(t *testing.T, _ *bench) string { return listening(t, http.NotFoundHandler()) }
	this := func(t *testing.T, b *bench) string {
		return listening(t, health.Handler(store.Name(b.Config.DatabaseURL.Reveal()), nil, nil))
	}
	says(t, map[string]finding{
		"off":                    {at(true, func(*testing.T, *bench) string { return "" }), "health pages", check.Note, "SSHKEYBOT_HTTP_ADDR is empty", none},
		"free":                   {at(true, func(*testing.T, *bench) string { return "127.0.0.1:0" }), "health pages", check.OK, "can be", none},
		"this bot's":             {at(true, this), "health pages", check.OK, "The bot that runs", none},
		"another process's":      {at(true, other), "health pages", check.Problem, "does not start", "SSHKEYBOT_HTTP_ADDR"},
		"default, and another's": {at(false, other), "health pages", check.Warning, "runs without", "SSHKEYBOT_HTTP_ADDR"},
		"another machine's":      {at(true, func(*testing.T, *bench) string { return "192.0.2.1:9464" }), "health pages", check.Problem, "cannot be used", "free port"},
	})
}
