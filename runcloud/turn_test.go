package runcloud

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTurnIsSpentByOneCallAndReturnedWhenUnused(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"message":"pong"}`))
	}))
	t.Cleanup(srv.Close)
	limiter := NewLimiter(1)
	client := New("token", WithBaseURL(srv.URL), WithLimiter(limiter))

	turn, release, err := limiter.Turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := limiter.State().InFlight; got != 1 {
		t.Fatalf("a turn takes a place: in flight %d, want 1", got)
	}
	if err := client.Ping(turn); err != nil {
		t.Fatalf("the call must use the turn it was given: %v", err)
	}
	if err := client.Ping(turn); err != nil {
		t.Fatalf("a further call must wait for a place of its own: %v", err)
	}
	release()

	_, release, err = limiter.Turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release()
	release()
	if got := limiter.State().InFlight; got != 0 {
		t.Fatalf("an unused turn is given back once: in flight %d, want 0", got)
	}
}

func TestTurnOfACancelledContextIsGivenBack(t *testing.T) {
	t.Parallel()
	limiter := NewLimiter(1)
	client := New("token", WithBaseURL("http://127.0.0.1:1"), WithLimiter(limiter))
	ctx, cancel := context.WithCancel(t.Context())
	turn, release, err := limiter.Turn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	cancel()
	if err := client.Ping(turn); err == nil {
		t.Fatal("a call with a cancelled context must fail")
	}
	if got := limiter.State().InFlight; got != 0 {
		t.Fatalf("in flight %d, want 0", got)
	}
}
