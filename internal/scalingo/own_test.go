package scalingo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// vault plays the API tokens of an account. One exchange uses the token called own, unless it is never marked.
type vault struct {
	*played
	mu      sync.Mutex
	used    map[string]time.Time
	round   time.Duration // of times
	never   bool
	lists   int
	lasting func(list int) []string // the tokens that somebody else uses before a list
}

func newVault() *vault {
	v := &vault{used: map[string]time.Time{"own": {}, "idle": {}, "other": {}}, round: time.Millisecond}
	v.played = &played{answer: v.list}
	v.exchange = func(n int) (int, string) {
		v.mu.Lock()
		defer v.mu.Unlock()
		if !v.never {
			v.use("own")
		}
		return 200, `{"token":"` + jwt(n) + `"}`
	}
	return v
}

func (v *vault) use(id string) { v.used[id] = time.Now().Truncate(v.round) }

func (v *vault) list(*http.Request) (int, string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lists++
	if v.lasting != nil {
		for _, id := range v.lasting(v.lists) {
			v.use(id)
		}
	}
	<-time.After(20 * time.Millisecond)
	rows := []map[string]any{}
	for id, at := range v.used {
		rows = append(rows, map[string]any{"id": id, "name": "a token", "last_used_at": at})
	}
	body, _ := json.Marshal(map[string]any{"tokens": rows})
	return 200, string(body)
}

// Which row is told to be that of the client, by what else happens to the rows meanwhile. The lists after an
// exchange are the third and the fifth.
func TestOwnToken(t *testing.T) {
	on := func(lists ...int) func(int) []string {
		return func(list int) []string {
			if slices.Contains(lists, list) {
				return []string{"other"}
			}
			return nil
		}
	}
	bubble(t, map[string]struct {
		change func(v *vault)
		known  bool
	}{
		"alone":                         {func(*vault) {}, true},
		"whole seconds":                 {func(v *vault) { v.round = time.Second }, true},
		"whole minutes":                 {func(v *vault) { v.round = time.Minute }, false},
		"never marked":                  {func(v *vault) { v.never = true }, false},
		"another one all the time":      {func(v *vault) { v.lasting = on(1, 2, 3, 4, 5) }, true},
		"another one once":              {func(v *vault) { v.lasting = on(3) }, true},
		"another one between":           {func(v *vault) { v.lasting = on(2, 3, 5) }, true},
		"another one with ours":         {func(v *vault) { v.lasting = on(3, 5) }, false},
		"never marked, another between": {func(v *vault) { v.never = true; v.lasting = on(3, 4, 5) }, false},
		"ours used elsewhere, too": {func(v *vault) {
			v.lasting = func(list int) []string { return map[int][]string{4: {"own"}}[list] }
		}, false},
	}, func(t *testing.T, tt struct {
		change func(v *vault)
		known  bool
	}) {
		v := newVault()
		tt.change(v)
		id, err := v.client().OwnToken(t.Context())
		if known := id == "own" && err == nil; known != tt.known || !known && (id != "" || !errors.Is(err, ErrOwnTokenUnknown)) {
			t.Errorf("%q, %v", id, err)
		}
	})
}

// A token that is known stays itself; what is not known is asked again, by one caller at a time.
func TestOwnTokenIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVault()
		v.never = true
		c := v.client()
		if _, err := c.OwnToken(t.Context()); !errors.Is(err, ErrOwnTokenUnknown) {
			t.Error(err)
		}
		v.never = false
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if id, err := c.OwnToken(t.Context()); id != "own" || err != nil {
					t.Errorf("%q, %v", id, err)
				}
			})
		}
		all.Wait()
		if v.lists != 10 {
			t.Errorf("%d lists were read", v.lists)
		}
	})
}

// A failure on the way is that failure, and nothing is concluded.
func TestOwnTokenFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if id, err := always(403, "").client().OwnToken(t.Context()); id != "" || !IsForbidden(err) {
			t.Errorf("%q, %v", id, err)
		}
		v := newVault()
		exchange := v.exchange
		v.exchange = func(n int) (int, string) {
			if n == 2 {
				return 403, ""
			}
			return exchange(n)
		}
		if id, err := v.client().OwnToken(t.Context()); id != "" || !IsForbidden(err) {
			t.Errorf("%q, %v", id, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if id, err := newVault().client().OwnToken(ctx); id != "" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q, %v", id, err)
		}
	})
}
