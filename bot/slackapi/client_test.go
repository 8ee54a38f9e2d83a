package slackapi

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	api := r.Client
	r.Fail("chat.postMessage", slacksim.Fault{Status: 429, RetryAfter: time.Second})
	began := time.Now()
	if _, err := api.Post(t.Context(), "C1", "", Message{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < time.Second || r.Count("chat.postMessage") != 2 {
		t.Errorf("%d posts in %s", r.Count("chat.postMessage"), took)
	}
	r.Fail("chat.postMessage", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	if _, err := api.Post(t.Context(), "C1", "", Message{Text: "hello"}); access.CodeOf(err) != access.RateLimited || access.RetryAfter(err) < 50*time.Second {
		t.Errorf("%v", err)
	}
}

func TestReadsAreTriedAgain(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	r.Fail("users.info", slacksim.Fault{Status: 500}, slacksim.Fault{Cut: true})
	if _, err := r.User(t.Context(), "U1"); err != nil {
		t.Error(err)
	}
	r.Fail("users.info", slacksim.Fault{Status: 500}, slacksim.Fault{Status: 500}, slacksim.Fault{Status: 500})
	if _, err := r.User(t.Context(), "U1"); access.CodeOf(err) != access.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestNoTokenInErrors(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://127.0.0.1:1/", "http://\x7f/"} {
		api := New(Config{Token: "xoxb-secret", URL: address})
		_, err := api.Post(t.Context(), "C1", "", Message{Text: "x"})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
		if err := api.Respond(t.Context(), address+"secret", Ephemeral(Message{Text: "x"})); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
	if ErrorCode(errors.New("x")) != "" {
		t.Error("a stranger's error has a code")
	}
}
