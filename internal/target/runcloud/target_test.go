package runcloud_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/runcloud"
)

func TestServersAreReadToTheLastPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.account.AddServers(96)
	offline := b.account.AddServer(runcloudsim.Server{Name: "away", Tags: []string{"prod", "eu"}, Offline: true})
	never := b.account.AddServer(runcloudsim.Server{Name: "new", NeverConnected: true})
	all, err := b.Servers(t.Context())
	b.must(err)
	byID := map[string]access.Server{}
	for _, s := range all {
		byID[s.ExternalID] = s
	}
	if len(all) != 99 || len(byID) != 99 {
		t.Errorf("%d servers, %d of them different, want 99", len(all), len(byID))
	}
	want := access.Server{ExternalID: text(offline), Name: "away", Tags: []string{"prod", "eu"}}
	if diff := cmp.Diff(want, byID[text(offline)]); diff != "" {
		t.Error(diff)
	}
	if byID[text(never)].Online || !byID[b.id()].Online {
		t.Errorf("online: %v and %v", byID[text(never)], byID[b.id()])
	}
	single, err := b.Server(t.Context(), text(offline))
	if diff := cmp.Diff(want, single); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestKeyIsAddedListedAndRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made, err := b.add("sshkeybot g1 one")
	b.must(err)
	if made.ID == "" || made.Label != "sshkeybot g1 one" || made.SystemUser != "runcloud" || made.Temporary == nil || !*made.Temporary || made.CreatedAt.IsZero() {
		t.Errorf("confirmed as %+v", made)
	}
	if really := b.account.Keys(b.server); len(really) != 1 || really[0].PublicKey != key+" sshkeybot g1 one" || !really[0].Temporary {
		t.Errorf("RunCloud has %+v", really)
	}
	permanent, err := b.Add(t.Context(), b.id(), access.Credential{Label: "permanent", SystemUser: "root", PublicKey: key})
	b.must(err)
	listed, err := b.List(t.Context(), b.id())
	b.must(err)
	shown := access.Credential{SystemUser: "root", Label: "permanent", ID: permanent.ID, PublicKey: key[:50] + "...", CreatedAt: permanent.CreatedAt}
	if len(listed) != 2 || !slices.ContainsFunc(listed, func(c access.Credential) bool { return cmp.Equal(c, shown) }) {
		t.Errorf("listed %+v, want %+v among two", listed, shown)
	}
	b.must(b.Remove(t.Context(), b.id(), made.ID))
	if left := b.account.Keys(b.server); len(left) != 1 || strconv.FormatInt(left[0].ID, 10) != permanent.ID || left[0].Temporary {
		t.Errorf("left %+v", left)
	}
	if err := b.Remove(t.Context(), b.id(), made.ID); access.CodeOf(err) != access.NotFound {
		t.Errorf("a second removal: %v", err)
	}
}

func TestListIsReadToTheLastPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 101 {
		b.account.AddKey(b.server, runcloudsim.Credential{Label: "k", User: "root", PublicKey: key})
	}
	listed, err := b.List(t.Context(), b.id())
	if err != nil || len(listed) != 101 {
		t.Errorf("%d keys, %v", len(listed), err)
	}
}

// TestTextFitsADatabase sends what JSON can carry and PostgreSQL cannot keep.
func TestTextFitsADatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.account.AddKey(b.server, runcloudsim.Credential{Label: "by\x00hand", User: "ro\x00ot", PublicKey: key})
	listed, err := b.List(t.Context(), b.id())
	b.must(err)
	if len(listed) != 1 || listed[0].Label != "byhand" || listed[0].SystemUser != "root" {
		t.Errorf("listed %+v", listed)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.account.AddSession(b.server, runcloudsim.Session{Username: "root", TTY: "pts/0", IPAddress: "198.51.100.7", LoginSince: "06:10", CurrentRunningProcess: "vim"})
	got, err := b.Sessions(t.Context(), b.id())
	want := []access.Session{{SystemUser: "root", Address: "198.51.100.7", Since: "06:10"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestPingTellsWhetherTheTokenIsAccepted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(b.Ping(t.Context()))
	b.account.AllowOnly("203.0.113.9")
	if err := b.Ping(t.Context()); access.CodeOf(err) != access.Unauthorized {
		t.Errorf("an address that is not allowed: %v", err)
	}
	b.account.AllowOnly()
	b.account.RemoveServer(b.server)
	b.must(b.Ping(t.Context())) // an account without servers
	b.account.SetToken("regenerated")
	if err := b.Ping(t.Context()); access.CodeOf(err) != access.Unauthorized {
		t.Errorf("a token of yesterday: %v", err)
	}
}

// TestFailuresAreTranslated has each call fail in each way: the code that the domain
// decides on, RunCloud's own words for a person, and no secret anywhere.
func TestFailuresAreTranslated(t *testing.T) {
	t.Parallel()
	status := func(code int, message string) runcloudsim.FaultRule {
		return runcloudsim.FaultRule{Kind: runcloudsim.FaultStatus, Status: code, Message: message}
	}
	tests := []struct {
		name  string
		fault runcloudsim.FaultRule
		read  access.Code
		write access.Code // of Add and of Remove
		words string
	}{
		{"401", status(401, ""), access.Unauthorized, access.Unauthorized, "allow list"},
		{"403", status(403, "This action is unauthorized."), access.Forbidden, access.Forbidden, "RunCloud answers 403: This action is unauthorized."},
		{"404", status(404, "Resources not found."), access.NotFound, access.NotFound, "RunCloud answers 404: Resources not found."},
		{"422", runcloudsim.FaultRule{Kind: runcloudsim.FaultErrors}, access.Invalid, access.Invalid, "RunCloud answers 422: "},
		{"429", runcloudsim.FaultRule{Kind: runcloudsim.FaultTooMany, RetryAfter: 7 * time.Second}, access.RateLimited, access.RateLimited, "RunCloud answers 429: "},
		{"500", status(500, "Server Error"), access.Unavailable, access.UnknownOutcome, "RunCloud answers 500: Server Error"},
		{"503", status(503, "Down for maintenance."), access.Unavailable, access.UnknownOutcome, "RunCloud answers 503: Down for maintenance."},
		{"a web page", runcloudsim.FaultRule{Kind: runcloudsim.FaultHTML}, access.Unavailable, access.UnknownOutcome, "not an answer of its API"},
		{"a web page that says 404", runcloudsim.FaultRule{Kind: runcloudsim.FaultHTML, Status: 404}, access.Unavailable, "", "not an answer of its API"},
		{"a web page that says 403", runcloudsim.FaultRule{Kind: runcloudsim.FaultHTML, Status: 403}, access.Unavailable, access.Unavailable, "not an answer of its API"},
		{"nothing", runcloudsim.FaultRule{Kind: runcloudsim.FaultEmpty}, access.Unavailable, access.UnknownOutcome, "not an answer of its API"},
		{"half an answer", runcloudsim.FaultRule{Kind: runcloudsim.FaultTruncated}, access.Unavailable, access.UnknownOutcome, "RunCloud"},
		{"a cut connection", runcloudsim.FaultRule{Kind: runcloudsim.FaultDrop}, access.Unavailable, access.UnknownOutcome, "did not answer in time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.account.AddKey(b.server, runcloudsim.Credential{Label: "k", User: "root", PublicKey: key})
			b.account.Fault(tt.fault)
			for call, do := range b.calls(id) {
				err := do()
				want := tt.read
				if call == "add" || call == "remove" {
					want = tt.write
				}
				if want != "" && access.CodeOf(err) != want {
					t.Errorf("%s: code %s, want %s (%v)", call, access.CodeOf(err), want, err)
				}
				checkWords(t, err, tt.words)
				if tt.fault.RetryAfter > 0 && access.RetryAfter(err) != tt.fault.RetryAfter {
					t.Errorf("%s: wait %v, want %v", call, access.RetryAfter(err), tt.fault.RetryAfter)
				}
				if tt.fault.RetryAfter > 0 {
					return // the limiter holds the calls that follow
				}
			}
		})
	}
}

// calls returns every call of the adapter by name.
func (b *bench) calls(credential int64) map[string]func() error {
	ctx := b.t.Context()
	return map[string]func() error{
		"servers":  func() error { _, err := b.Servers(ctx); return err },
		"server":   func() error { _, err := b.Server(ctx, b.id()); return err },
		"list":     func() error { _, err := b.List(ctx, b.id()); return err },
		"sessions": func() error { _, err := b.Sessions(ctx, b.id()); return err },
		"ping":     func() error { return b.Ping(ctx) },
		"add":      func() error { _, err := b.add("new"); return err },
		"remove":   func() error { return b.Remove(ctx, b.id(), text(credential)) },
	}
}

func checkWords(t *testing.T, err error, words string) {
	t.Helper()
	if !strings.Contains(access.MessageOf(err), words) {
		t.Errorf("a person reads %q, want %q", access.MessageOf(err), words)
	}
	for _, secret := range []string{token, key, key[12:40], "<html", "<!DOCTYPE"} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

func TestFieldsOfARefusalAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.add("taken")
	b.must(err)
	_, err = b.add("taken")
	if access.CodeOf(err) != access.Invalid || !strings.Contains(access.MessageOf(err), "The label has already been taken.") {
		t.Errorf("got %v", err)
	}
	for shape := runcloudsim.ErrorsLists; shape <= runcloudsim.ErrorsNumber; shape++ {
		remove := b.account.Fault(runcloudsim.FaultRule{Kind: runcloudsim.FaultErrors, Errors: shape})
		_, err := b.add("other")
		if access.CodeOf(err) != access.Invalid || !strings.HasPrefix(access.MessageOf(err), "RunCloud answers 422: ") || len(access.MessageOf(err)) < 25 {
			t.Errorf("shape %d: %v", shape, err)
		}
		remove()
	}
}

func TestLostAnswerHasAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultDrop, After: true})
	if _, err := b.add("lost"); access.CodeOf(err) != access.UnknownOutcome {
		t.Errorf("got %v", err)
	}
	if n := b.account.Count(runcloudsim.OpCreate); n != 1 || len(b.account.Keys(b.server)) != 1 {
		t.Errorf("posted %d times, %d keys: a POST is never repeated", n, len(b.account.Keys(b.server)))
	}
	listed, err := b.List(t.Context(), b.id())
	if err != nil || len(listed) != 1 || listed[0].Label != "lost" {
		t.Errorf("reading settles it: %+v, %v", listed, err)
	}
}

func TestListThatKeepsChangingIsNoShortList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.account.AddServers(60)
	b.account.Fault(runcloudsim.FaultRule{Op: runcloudsim.OpListServers, Kind: runcloudsim.FaultShift, Shift: 3})
	all, err := b.Servers(t.Context())
	if access.CodeOf(err) != access.Unavailable || all != nil {
		t.Errorf("%d servers, %v", len(all), err)
	}
	checkWords(t, err, "complete list")
}

// A server leaves the account when the page it stood on is read, and draws another onto that page.
func TestServersAreCompleteWhenOneLeavesMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	servers := append([]int64{b.server}, b.account.AddServers(79)...)
	var leaves sync.Once
	b.account.OnCall(func(c runcloudsim.Call) {
		if c.Op == runcloudsim.OpListServers && c.Phase == runcloudsim.After {
			leaves.Do(func() { b.account.RemoveServer(servers[60]) })
		}
	})
	all, err := b.Servers(t.Context())
	b.must(err)
	var got []int64
	for _, s := range all {
		id, err := strconv.ParseInt(s.ExternalID, 10, 64)
		b.must(err)
		got = append(got, id)
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Delete(servers, 60, 61), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOutageIsTemporaryAndSurelyChangedNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(b.account.Close())
	_, err := b.add("nobody listens")
	if access.CodeOf(err) != access.Unavailable {
		t.Errorf("got %v, want that it surely had no effect", err)
	}
	checkWords(t, err, "did not answer in time")
}

func TestRemovalsTakeTheirTurnFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, runcloud.WithLimiter(limiter.New(1)))
	_, first, err := b.Acquire(t.Context(), access.Addition)
	b.must(err)
	_, reserve, err := b.Acquire(t.Context(), access.Removal) // the share kept for removals
	b.must(err)
	order := make(chan access.Priority, 2)
	wait := func(p access.Priority, waiting int) {
		go func() {
			_, release, err := b.Acquire(t.Context(), p)
			if err != nil {
				t.Errorf("turn: %v", err)
				return
			}
			order <- p
			release()
		}()
		b.untilWaiting(waiting)
	}
	wait(access.Addition, 1)
	wait(access.Removal, 2)
	first()
	first() // more than once does no harm
	if got := <-order; got != access.Removal {
		t.Errorf("served %v, though a removal waits", got)
	}
	reserve()
	if got := <-order; got != access.Addition {
		t.Errorf("served %v twice", got)
	}
}

func (b *bench) untilWaiting(n int) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); b.Client.Limiter().State().Waiting < n; {
		if time.Now().After(deadline) {
			b.t.Fatalf("%+v, want %d waiting", b.Client.Limiter().State(), n)
		}
		<-time.After(time.Millisecond)
	}
}

func TestTurnEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBench(t, runcloud.WithLimiter(limiter.New(1)))
	_, release, err := b.Acquire(t.Context(), access.Addition)
	b.must(err)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.Acquire(ctx, access.Addition); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCallUsesItsTurnOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, runcloud.WithLimiter(limiter.New(1)))
	turn, release, err := b.Acquire(t.Context(), access.Addition)
	b.must(err)
	defer release()
	if _, err := b.List(turn, b.id()); err != nil {
		t.Errorf("the call that the turn was for: %v", err)
	}
}
