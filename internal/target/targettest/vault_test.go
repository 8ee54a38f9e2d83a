package targettest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sshkeybot/internal/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestVault(t *testing.T) {
	t.Parallel()
	Run(t, openVault)
}

const (
	combination = "left 12, right 34"
	theVault    = "the vault"
)

// vault is a target as unlike a RunCloud account as may be: one place, keys that are shown
// whole, no users, no temporary keys, no sessions, never offline, and ids that are words. It
// has API tokens. Two may be in it at a time.
type vault struct {
	mu      sync.Mutex
	keys    []access.Credential
	tokens  []access.Credential
	made    int
	arrived int
	fault   Fault // the zero one is none
	closed  time.Time
	inside  int
	queue   []*visit
}

// visit is leave for a call, or the waiting for it.
type visit struct {
	priority access.Priority
	granted  chan struct{}
	used     bool
}

type visitKey struct{}

func (*vault) Name() string { return "vault" }

func (*vault) Title() string { return "the vault" }

func (v *vault) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	w := &visit{priority: p, granted: make(chan struct{})}
	v.change(func() {
		v.queue = append(v.queue, w)
		slices.SortStableFunc(v.queue, func(a, b *visit) int { return cmp.Compare(b.priority, a.priority) })
	})
	release := sync.OnceFunc(func() { v.end(w) })
	select {
	case <-w.granted:
	case <-ctx.Done():
	}
	_, closed := v.state()
	select {
	case <-time.After(time.Until(closed)):
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		release()
		return nil, nil, ctx.Err()
	}
	return context.WithValue(ctx, visitKey{}, w), release, nil
}

// change changes who waits, or is inside, and lets in who may come in then.
func (v *vault) change(how func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for how(); v.inside < 2 && len(v.queue) > 0; v.inside++ {
		close(v.queue[0].granted)
		v.queue = v.queue[1:]
	}
}

func (v *vault) end(w *visit) {
	v.change(func() {
		waiting := len(v.queue)
		v.queue = slices.DeleteFunc(v.queue, func(o *visit) bool { return o == w })
		if len(v.queue) == waiting && !w.used {
			v.inside--
		}
		w.used = true
	})
}

// call makes a call; write carries out one that writes, and is nil for one that reads.
func (v *vault) call(ctx context.Context, op, place string, write func() error) error {
	w, _ := ctx.Value(visitKey{}).(*visit)
	if w == nil || w.used {
		own, _, err := v.Acquire(ctx, access.Reading)
		if err != nil {
			return failed(op, access.Unavailable, err)
		}
		w, _ = own.Value(visitKey{}).(*visit)
	}
	defer v.end(w)
	f, _ := v.state()
	if f.Hangs {
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	want := f.Read
	if write != nil {
		want = f.Write
	}
	if op == "add" {
		v.arrived++
	}
	switch {
	case place != theVault:
		return failed(op, access.NotFound, nil)
	case write != nil && (want == "" || f.Applied):
		if err := write(); err != nil {
			return err
		}
	}
	if want == "" {
		return nil
	}
	v.closed = time.Now().Add(f.RetryAfter)
	return &access.Error{Code: want, Op: op, Message: "The vault is in trouble.", RetryAfter: f.RetryAfter}
}

// state returns what goes wrong, and until when nobody is let in.
func (v *vault) state() (Fault, time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fault, v.closed
}

func failed(op string, code access.Code, err error) error {
	return &access.Error{Code: code, Op: op, Message: "The vault does not do that.", Err: err}
}

func (v *vault) Ping(ctx context.Context) error { return v.call(ctx, "ping", theVault, nil) }

func (v *vault) Servers(ctx context.Context) ([]access.Server, error) {
	if err := v.call(ctx, "servers", theVault, nil); err != nil {
		return nil, err
	}
	return v.places(), nil
}

func (*vault) places() []access.Server {
	return []access.Server{{ExternalID: theVault, Name: "vault", Online: true}}
}

func (v *vault) List(ctx context.Context, place string) ([]access.Credential, error) {
	if err := v.call(ctx, "list", place, nil); err != nil {
		return nil, err
	}
	return cleaned(v.there(place)), nil
}

func cleaned(list []access.Credential) []access.Credential {
	for i := range list {
		list[i].Label, list[i].PublicKey = access.CleanText(list[i].Label), access.CleanText(list[i].PublicKey)
	}
	return list
}

func (*vault) Lending() (string, error) { return "Who holds a key may open it.", nil }

func (v *vault) Tokens(ctx context.Context, place string) ([]access.Credential, error) {
	if err := v.call(ctx, "tokens", place, nil); err != nil {
		return nil, err
	}
	return cleaned(v.allTokens()), nil
}

func (v *vault) allTokens() []access.Credential {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.tokens)
}

func (v *vault) makeToken(label string) {
	v.change(func() {
		v.made++
		v.tokens = append(v.tokens, access.Credential{ID: fmt.Sprint("token ", v.made), Label: label, CreatedAt: time.Now(), Token: true, Fixed: len(v.tokens) == 0})
	})
}

func (v *vault) there(string) []access.Credential {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.keys)
}

func (v *vault) Add(ctx context.Context, place string, c access.Credential) (access.Credential, error) {
	err := v.call(ctx, "add", place, func() error {
		if slices.ContainsFunc(v.keys, func(k access.Credential) bool { return k.PublicKey == c.PublicKey }) {
			return failed("add", access.Invalid, access.ErrKeyTaken)
		}
		c = v.put(c)
		return nil
	})
	return c, err
}

func (v *vault) put(c access.Credential) access.Credential {
	v.made++
	c.ID, c.Temporary = fmt.Sprintf("key %c of %d", 'a'+v.made%26, v.made), nil
	v.keys = append(v.keys, c)
	return c
}

func (v *vault) Remove(ctx context.Context, place, id string) error {
	return v.call(ctx, "remove", place, func() error {
		isIt := func(c access.Credential) bool { return c.ID == id }
		if slices.ContainsFunc(v.tokens, func(t access.Credential) bool { return isIt(t) && t.Fixed }) {
			return failed("remove", access.Forbidden, nil)
		}
		before := len(v.keys) + len(v.tokens)
		v.keys, v.tokens = slices.DeleteFunc(v.keys, isIt), slices.DeleteFunc(v.tokens, isIt)
		if len(v.keys)+len(v.tokens) == before {
			return failed("remove", access.NotFound, nil)
		}
		return nil
	})
}

func (v *vault) additions() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.arrived
}

func openVault(*testing.T) *Bench {
	v := &vault{}
	v.makeToken("the bot's")
	b := &Bench{
		Target: v, Places: v.places, Keys: v.there, Unknown: "another vault",
		Plant:     func(_ string, c access.Credential) string { return v.put(c).ID },
		Additions: v.additions, Tokens: v.allTokens, MakeToken: v.makeToken,
		TakenKey: true, Limited: true, Secrets: []string{combination},
	}
	for _, f := range []Fault{
		{Name: "wrong combination", Read: access.Unauthorized, Write: access.Unauthorized},
		{Name: "not for us", Read: access.Forbidden, Write: access.Forbidden},
		{Name: "refused", Read: access.Invalid, Write: access.Invalid},
		{Name: "left alone", Read: access.RateLimited, Write: access.RateLimited, RetryAfter: 7 * time.Second},
		{Name: "closed", Read: access.Unavailable, Write: access.Unavailable, Words: "in trouble"},
		{Name: "lost before", Read: access.Unavailable, Write: access.UnknownOutcome},
		{Name: "lost after", Read: access.Unavailable, Write: access.UnknownOutcome, Applied: true},
		{Name: "hangs", Read: access.Unavailable, Write: access.UnknownOutcome, Hangs: true},
	} {
		f.Set = func() func() {
			v.change(func() { v.fault = f })
			return func() { v.change(func() { v.fault = Fault{} }) }
		}
		b.Faults = append(b.Faults, f)
	}
	return b
}
