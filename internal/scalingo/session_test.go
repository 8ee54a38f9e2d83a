package scalingo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/limiter"
)

const noKeys = `{"keys":[]}`

func (p *played) expect(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, p.seen()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A JSON web token is used until shortly before its end, by the clock of who gave it out.
func TestTokenIsKept(t *testing.T) {
	type test struct {
		claims string
		used   time.Duration
	}
	bubble(t, map[string]test{
		"an hour":       {`{"exp":%d}`, 59 * time.Minute},
		"no end":        {`{"iat":%d}`, 50 * time.Minute},
		"end in words":  {`{"exp":"%d"}`, 50 * time.Minute},
		"unreadable":    {`%d`, 50 * time.Minute},
		"over long ago": {`{"exp":%d0e-3}`, 50 * time.Minute},
	}, func(t *testing.T, tt test) {
		p := always(200, noKeys)
		p.exchange = func(int) (int, string) {
			return 200, `{"token":"` + webTokenOf(fmt.Sprintf(tt.claims, time.Now().Add(time.Hour).Unix())) + `"}`
		}
		c := p.client()
		for _, wait := range []time.Duration{0, tt.used - time.Second, 2 * time.Second} {
			<-time.After(wait)
			if _, err := c.Keys(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		exchanges := strings.Count(strings.Join(p.seen(), ","), "exchange")
		if exchanges != 2 {
			t.Errorf("%d exchanges: %v", exchanges, p.seen())
		}
	})
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for jwt, want := range map[string]time.Duration{
		webTokenOf(`{"exp":1800003600}`): 59 * time.Minute,
		webTokenOf(`{"exp":1800000100}`): 90 * time.Second,
		webTokenOf(`{"exp":1e300}`):      24*time.Hour - time.Minute,
		webTokenOf(`{"exp":-1e300}`):     50 * time.Minute,
		"opaque":                         50 * time.Minute,
		"a.b.c":                          50 * time.Minute,
		"":                               50 * time.Minute,
	} {
		if got := lifetime(jwt, now); got != want {
			t.Errorf("%s: %v, want %v", jwt, got, want)
		}
	}
}

// Many callers share one exchange; one that gives up does not end it for the others.
func TestOneExchangeForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := always(200, noKeys)
		p.exchange = func(n int) (int, string) {
			<-time.After(5 * time.Second)
			return 200, `{"token":"` + jwt(n) + `"}`
		}
		c := p.client()
		first, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() {
			_, err := c.Keys(first)
			gaveUp <- err
		}()
		synctest.Wait()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := c.Keys(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		cancel()
		if err := <-gaveUp; err == nil || IsOutcomeUnknown(err) {
			t.Errorf("who gave up got %v", err)
		}
		all.Wait()
		p.expect(t, "exchange", "GET /v1/keys 1", "GET /v1/keys 1", "GET /v1/keys 1", "GET /v1/keys 1", "GET /v1/keys 1")
	})
}

// A 401 of a call is not the last word; one of the exchange is, and so is a second one.
func TestRefusedToken(t *testing.T) {
	t.Parallel()
	add := func(c *Client) error { _, err := c.AddKey(context.Background(), "laptop", line); return err }
	read := func(c *Client) error { _, err := c.Keys(context.Background()); return err }
	one := `{"key":` + keyRow(uuid) + `}`

	p := inTurn(one, 401, 201)
	if err := add(p.client()); err != nil {
		t.Error(err)
	}
	p.expect(t, "exchange", "POST /v1/keys 1", "exchange", "POST /v1/keys 2")

	p = inTurn(noKeys, 401, 200)
	if err := read(p.client()); err != nil {
		t.Error(err)
	}
	p.expect(t, "exchange", "GET /v1/keys 1", "exchange", "GET /v1/keys 2")

	p = always(401, `{"error":"expired"}`)
	if err := add(p.client()); !IsUnauthorized(err) || IsOutcomeUnknown(err) {
		t.Error(err)
	}
	p.expect(t, "exchange", "POST /v1/keys 1", "exchange", "POST /v1/keys 2")

	p = always(200, noKeys)
	p.exchange = func(int) (int, string) { return 401, `{"error":"Invalid credentials"}` }
	if err := read(p.client()); !IsUnauthorized(err) {
		t.Error(err)
	}
	p.expect(t, "exchange")
}

// What goes wrong with the exchange is not about the key: the call was not made.
func TestFailedExchange(t *testing.T) {
	type test struct {
		status int
		body   string
		is     func(error) bool // nil for none
		times  int
	}
	bubble(t, map[string]test{
		"cut":           {0, "", nil, 3},
		"500":           {500, `{"error":"oops"}`, nil, 3},
		"web page":      {200, "<html>", nil, 3},
		"no token":      {200, `{}`, nil, 3},
		"404":           {404, "<html>", nil, 1},
		"422":           {422, `{"errors":{}}`, nil, 1},
		"403":           {403, `{"error":"no"}`, IsForbidden, 1},
		"429":           {429, "Retry later", IsRateLimited, 1},
		"401":           {401, `{"error":"no"}`, IsUnauthorized, 1},
		"moved":         {302, "", nil, 1},
		"payment":       {402, "", IsForbidden, 1},
		"out of office": {503, "", nil, 3},
	}, func(t *testing.T, tt test) {
		p := always(204, "")
		p.exchange = func(int) (int, string) { return tt.status, tt.body }
		err := p.client().DeleteKey(t.Context(), uuid)
		for name, is := range map[string]func(error) bool{
			"unauthorized": IsUnauthorized, "forbidden": IsForbidden, "rate limited": IsRateLimited,
			"not found": IsNotFound, "invalid": IsInvalid, "unknown": IsOutcomeUnknown,
		} {
			if want := tt.is != nil && tt.is(err) && is(err); is(err) != want {
				t.Errorf("is it %s? %v", name, err)
			}
		}
		if err == nil || tt.is != nil && !tt.is(err) || !strings.Contains(err.Error(), "delete key: exchange of the API token: ") {
			t.Error(err)
		}
		if got := p.seen(); len(got) != tt.times {
			t.Errorf("%d exchanges: %v", len(got), got)
		}
	})
}

// Exchanges, and calls that are repeated after a 401, count in the limit.
func TestExchangesCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := inTurn(noKeys, 401, 200)
		c := p.client()
		_, err := c.Keys(t.Context())
		if calls := c.Limiter().State().Calls; err != nil || calls != 4 {
			t.Errorf("%d calls: %v", calls, err)
		}
	})
}

// All calls together stay within what the client allows itself.
func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		p := &played{answer: func(*http.Request) (int, string) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return 200, noKeys
		}}
		c := p.client()
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { _, _ = c.Keys(limiter.WithPriority(t.Context(), limiter.High)) })
		}
		all.Wait()
		for i := 57; i < len(at); i++ {
			if at[i].Sub(at[i-57]) < time.Minute {
				t.Fatalf("58 calls within %v", at[i].Sub(at[i-57]))
			}
		}
		if len(at) != 200 {
			t.Errorf("%d calls were answered", len(at))
		}
	})
}
