package bot

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
)

func TestWhatAFailureMeans(t *testing.T) {
	t.Parallel()
	post, update := call{method: "chat.postMessage"}, call{method: "chat.update", safe: true}
	for _, tc := range []struct {
		call call
		err  error
		want access.Code
	}{
		{post, &slack.RateLimitedError{RetryAfter: 7 * time.Second}, access.RateLimited},
		{post, slack.SlackErrorResponse{Err: "rate_limited"}, access.RateLimited},
		{post, slack.StatusCodeError{Code: 429}, access.RateLimited},
		{post, slack.SlackErrorResponse{Err: "internal_error"}, access.Unavailable},
		{post, slack.StatusCodeError{Code: 503}, access.UnknownOutcome},
		{update, slack.StatusCodeError{Code: 503}, access.Unavailable},
		{post, slack.StatusCodeError{Code: 404}, access.Invalid},
		{post, slack.SlackErrorResponse{Err: "token_revoked"}, access.Unauthorized},
		{post, slack.SlackErrorResponse{Err: "channel_not_found"}, access.NotFound},
		{post, slack.SlackErrorResponse{Err: "msg_too_long"}, access.Invalid},
		{post, &url.Error{Op: "Post", URL: "http://secret", Err: &net.OpError{Op: "dial", Err: io.EOF}}, access.Unavailable},
		{post, &url.Error{Op: "Post", URL: "http://secret", Err: io.ErrUnexpectedEOF}, access.UnknownOutcome},
		{update, context.DeadlineExceeded, access.Unavailable},
	} {
		err := failure(tc.call, tc.err)
		if access.CodeOf(err) != tc.want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v is %s", tc.call.method, tc.err, access.CodeOf(err))
		}
	}
	if got := access.RetryAfter(failure(post, &slack.RateLimitedError{RetryAfter: 7 * time.Second})); got != 7*time.Second {
		t.Errorf("retry after %s", got)
	}
	if failure(post, nil) != nil {
		t.Error("no failure is one")
	}
}

func TestGateKeepsThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, began := newGate(), time.Now()
		for range 6 {
			if err := g.pass(t.Context(), call{method: "chat.postMessage", place: "C1"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("six messages in one channel took %s", took)
		}
		now := time.Now()
		if err := g.pass(t.Context(), call{method: "chat.postMessage", place: "C2"}); err != nil || time.Since(now) > 0 {
			t.Errorf("another channel was held up: %v", err)
		}
		g.hold(call{method: "chat.postMessage", place: "C1"}, 30*time.Second)
		err := g.pass(t.Context(), call{method: "chat.postMessage", place: "C1"})
		if access.CodeOf(err) != access.RateLimited || access.RetryAfter(err) < 29*time.Second || time.Since(now) > 0 {
			t.Errorf("%v after %s", err, time.Since(now))
		}
		for range 100 { // refused calls do not use up the turns of later ones
			_ = g.pass(t.Context(), call{method: "chat.postMessage", place: "C1"})
		}
		time.Sleep(31 * time.Second)
		later := time.Now()
		if err := g.pass(t.Context(), call{method: "chat.postMessage", place: "C1"}); err != nil || time.Since(later) > 0 {
			t.Errorf("%v after %s", err, time.Since(later))
		}
		now = time.Now()
		for range 10 + 50 {
			if err := g.pass(t.Context(), call{method: "chat.update"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(now); took < 50*time.Second {
			t.Errorf("sixty updates took %s", took)
		}
	})
}

func TestGateLetsFirstWhatEndsAccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		message := call{method: "chat.postMessage", place: "C1"}
		pass := func(ctx context.Context) {
			if err := g.pass(ctx, message); err != nil {
				t.Error(err)
			}
		}
		var others sync.WaitGroup
		for range 7 {
			others.Go(func() { pass(t.Context()) })
		}
		synctest.Wait()
		began := time.Now()
		for range 2 {
			pass(first(t.Context()))
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("two first messages waited %s behind others", took)
		}
		others.Wait()
		now := time.Now()
		pass(t.Context())
		if took := time.Since(now); took < 2*time.Second {
			t.Errorf("the next one waited %s, as if there had been none in front", took)
		}
	})
}

func TestGateForgetsQuietChannels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		for i := range 3 * maxChannels {
			g.hold(call{method: "x", place: string(rune(i))}, time.Millisecond)
			if err := g.pass(t.Context(), call{method: "chat.postMessage", place: string(rune(i))}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
		}
		if len(g.posts) > maxChannels+1 || len(g.held) > maxChannels+1 {
			t.Errorf("%d channels, %d holds", len(g.posts), len(g.held))
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	api := r.bot.cfg.API
	r.Fail("chat.postMessage", slacksim.Fault{Status: 429, RetryAfter: time.Second})
	began := time.Now()
	if _, err := api.Post(t.Context(), "C1", "", render.Say("hello")); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < time.Second || r.Count("chat.postMessage") != 2 {
		t.Errorf("%d posts in %s", r.Count("chat.postMessage"), took)
	}
	r.Fail("chat.postMessage", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
	if _, err := api.Post(t.Context(), "C1", "", render.Say("hello")); access.CodeOf(err) != access.RateLimited || access.RetryAfter(err) < 50*time.Second {
		t.Errorf("%v", err)
	}
}

func TestReadsAreTriedAgain(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{})
	r.Fail("users.info", slacksim.Fault{Status: 500}, slacksim.Fault{Cut: true})
	if _, err := r.bot.cfg.API.User(t.Context(), "U1"); err != nil {
		t.Error(err)
	}
	r.Fail("users.info", slacksim.Fault{Status: 500}, slacksim.Fault{Status: 500}, slacksim.Fault{Status: 500})
	if _, err := r.bot.cfg.API.User(t.Context(), "U1"); access.CodeOf(err) != access.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	r := scene(t, slacksim.Options{EnterpriseID: "E1"})
	r.AddUser(slacksim.User{ID: "UDEL", Deleted: true})
	r.AddUser(slacksim.User{ID: "UDELX", Deleted: true, TeamID: "TX"})
	r.AddUser(slacksim.User{ID: "UBOT", IsBot: true})
	r.AddUser(slacksim.User{ID: "UG1", IsRestricted: true})
	r.AddUser(slacksim.User{ID: "UG2", IsUltraRestricted: true})
	r.AddUser(slacksim.User{ID: "UX", TeamID: "TX"})
	r.AddUser(slacksim.User{ID: "UXE", TeamID: "TX", EnterpriseID: "E2"})
	r.AddUser(slacksim.User{ID: "UORG", TeamID: "TX", EnterpriseID: "E1"})
	r.AddUser(slacksim.User{ID: "USTR", IsStranger: true})
	r.AddUser(slacksim.User{ID: "UNOT", NoTeam: true})
	r.AddUserGroup("S1", "ops", "U1", "U2")
	d := NewDirectory(r.bot.cfg.API)
	for id, want := range map[access.UserID]access.Standing{
		"U1": access.Member, "UORG": access.Member, "UDEL": access.Deactivated, "UDELX": access.Deactivated, "UBOT": access.Bot,
		"UG1": access.Guest, "UG2": access.Guest, "UX": access.Outsider, "UXE": access.Outsider, "USTR": access.Outsider,
		"UNOT": access.Outsider, "UNONE": access.Nobody,
	} {
		if got, err := d.Profile(t.Context(), id, 0); err != nil || got.Standing != want || got.ID != id {
			t.Errorf("%s: %+v %v", id, got, err)
		}
	}
	r.AddUser(slacksim.User{ID: "U1", Name: "alice", Deleted: true})
	if got, _ := d.Profile(t.Context(), "U1", 0); got.Standing != access.Deactivated {
		t.Error("an answer of before is used")
	}
	for range 3 {
		got, err := d.Members(t.Context(), "S1", time.Minute)
		if diff := cmp.Diff([]access.UserID{"U2"}, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	if n := r.Count("usergroups.users.list"); n != 1 {
		t.Errorf("the group was read %d times", n)
	}
	r.Fail("users.info", slacksim.Fault{Error: "missing_scope"})
	if _, err := d.Profile(t.Context(), "U2", 0); access.CodeOf(err) != access.Unauthorized {
		t.Errorf("%v", err)
	}
}

// Without an organisation of our own, having none is no sign of belonging to us.
func TestStrangersWithoutOrganisation(t *testing.T) {
	t.Parallel()
	if got := standing(slack.User{ID: "U9", TeamID: "TX"}, "T0SIM", ""); got != access.Outsider {
		t.Error(got)
	}
}

func TestNoTokenInErrors(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://127.0.0.1:1/", "http://\x7f/"} {
		api := NewAPI("xoxb-secret", address, nil)
		_, err := api.Post(t.Context(), "C1", "", render.Say("x"))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
		if err := api.Respond(t.Context(), address+"secret", said("x")); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
	if slackCode(errors.New("x")) != "" {
		t.Error("a stranger's error has a code")
	}
}
