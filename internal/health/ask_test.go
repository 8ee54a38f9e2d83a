package health_test

import (
	"errors"
	"net"
	"net/http"
	"testing"

	"sshkeybot/internal/health"
)

// serve serves pages at an address, and returns the one that it is.
func serve(t *testing.T, address string, pages http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("this machine cannot listen at %s: %v", address, err)
	}
	server := &http.Server{Handler: pages}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func TestAskGoesByTheStatusAndTheLedger(t *testing.T) {
	t.Parallel()
	ill := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	foreign := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("It works!")) })
	for name, test := range map[string]struct {
		process http.Handler
		want    error
	}{
		"the bot":         {health.Handler("mine", nil, nil), nil},
		"another bot":     {health.Handler("other", nil, nil), health.ErrOther},
		"another program": {foreign, health.ErrOther},
		"ill":             {ill, health.ErrOther},
	} {
		if err := health.Ask(t.Context(), serve(t, "127.0.0.1:0", test.process), "mine"); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The address is the one that the bot listens at, which is not always one that can be called.
func TestAskAtAnyAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "[::1]:0", "localhost:0"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			at := serve(t, address, health.Handler("mine", nil, nil))
			_, port, err := net.SplitHostPort(at)
			if err != nil {
				t.Fatal(err)
			}
			host, _, _ := net.SplitHostPort(address)
			for _, asked := range []string{at, net.JoinHostPort(host, port)} {
				if err := health.Ask(t.Context(), asked, "mine"); err != nil {
					t.Errorf("asked at %s: %v", asked, err)
				}
			}
		})
	}
}
