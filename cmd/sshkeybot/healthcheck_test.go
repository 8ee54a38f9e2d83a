package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealthcheckGoesByTheStatus(t *testing.T) {
	t.Parallel()
	for status, healthy := range map[int]bool{http.StatusOK: true, http.StatusServiceUnavailable: false} {
		bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer bot.Close()
		if err := askHealth(t.Context(), bot.URL); (err == nil) != healthy {
			t.Errorf("%d: %v", status, err)
		}
	}
}
