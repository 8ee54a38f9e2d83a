package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sshkeybot/internal/health"
)

func TestHealthcheckGoesByTheStatusAndTheLedger(t *testing.T) {
	t.Parallel()
	ill := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	foreign := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("It works!")) })
	for name, test := range map[string]struct {
		process http.Handler
		healthy bool
	}{
		"the bot":         {health.Handler("mine", nil, nil), true},
		"another bot":     {health.Handler("other", nil, nil), false},
		"another program": {foreign, false},
		"ill":             {ill, false},
	} {
		process := httptest.NewServer(test.process)
		defer process.Close()
		if err := askHealth(t.Context(), process.URL+"/healthz", "mine"); (err == nil) != test.healthy {
			t.Errorf("%s: %v", name, err)
		}
	}
}
