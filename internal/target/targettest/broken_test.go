package targettest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/access"
)

type (
	key    = access.Credential
	keys   = []access.Credential
	places = []access.Server
)

// Every vault here breaks one promise, and the check of that name has to find it.
func TestBrokenTargetsAreCaught(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check  string
		broken func(*vault) access.Target
	}{
		"another name each time": {"Name", func(v *vault) access.Target { return &renaming{vault: v} }},

		"lacks a place":              {"Servers", listsPlaces(func(s places) places { return nil })},
		"lists a place twice":        {"Servers", listsPlaces(func(s places) places { return append(s, s...) })},
		"sets an ID of the ledger's": {"Servers", listsPlaces(func(s places) places { s[0].ID = 1; return s })},
		"has a place away for ever":  {"Servers", listsPlaces(func(s places) places { s[0].Online = false; return s })},
		"finds any place":            {"UnknownPlace", func(v *vault) access.Target { return finding{v} }},

		"cuts a page":          {"List", lists(func(k keys, err error) (keys, error) { return k[:min(len(k), 100)], err })},
		"returns half a list":  {"Fault/closed", lists(func(_ keys, err error) (keys, error) { return keys{{ID: "half"}}, err })},
		"returns foreign text": {"ForeignText", lists(func(k keys, err error) (keys, error) { k[0].Label += "\a"; return k, err })},
		"shows the token":      {"Fault/wrong combination", lists(func(k keys, err error) (keys, error) { return k, leak(err) })},
		"returns others' errors": {"Fault/closed", lists(func(k keys, err error) (keys, error) {
			return k, errors.New(access.MessageOf(err))
		})},
		"takes a refusal for an outage": {"Fault/wrong combination", lists(func(k keys, err error) (keys, error) {
			return k, recode(err, access.Unauthorized, access.Unavailable)
		})},

		"confirms without an id": {"AddAndRemove", adds(func(k key, err error) (key, error) { k.ID = ""; return k, err })},
		"confirms another label": {"AddAndRemove", adds(func(k key, err error) (key, error) { k.Label = "k"; return k, err })},
		"hides that a key is there": {"Taken", adds(func(k key, err error) (key, error) {
			return k, recode(err, access.Invalid, access.Invalid)
		})},
		"has a lost addition failed": {"Fault/lost after", adds(func(k key, err error) (key, error) {
			return k, recode(err, access.UnknownOutcome, access.Unavailable)
		})},
		"has a failed addition lost": {"Fault/closed", adds(func(k key, err error) (key, error) {
			return k, recode(err, access.Unavailable, access.UnknownOutcome)
		})},
		"repeats a lost addition":   {"Fault/lost before", func(v *vault) access.Target { return repeating{v} }},
		"removes what is not there": {"AddAndRemove", func(v *vault) access.Target { return forgiving{v} }},
		"keeps keys for ever":       {"Temporary", func(v *vault) access.Target { return lasting{v} }},

		"says nothing of lending":  {"Lending", func(v *vault) access.Target { return silent{v} }},
		"lends by mood":            {"Lending", func(v *vault) access.Target { return moody{v} }},
		"hides a token":            {"Tokens", listsTokens(func(k keys) keys { return k[1:] })},
		"gives a token a key's id": {"Tokens", func(v *vault) access.Target { return confusing{v} }},
		"shows a foreign token":    {"Tokens", listsTokens(func(k keys) keys { k[0].Label += "\a"; return k })},
		"offers its own token":     {"Tokens", listsTokens(func(k keys) keys { k[0].Fixed = false; return k })},
		"removes its own token":    {"Tokens", func(v *vault) access.Target { return obeying{v} }},
		"keeps a token":            {"Tokens", func(v *vault) access.Target { return hoarding{v} }},
		"returns half the tokens":  {"Fault/closed", func(v *vault) access.Target { return guessing{v} }},

		"adds what nobody waits for":  {"CancelledBefore", func(v *vault) access.Target { return deaf{v} }},
		"reads what nobody waits for": {"CancelledDuring", func(v *vault) access.Target { return deaf{v} }},
		"waits for nobody":            {"LeaveCancelled", func(v *vault) access.Target { return deaf{v} }},
		"keeps leave of nobody":       {"LeaveCancelled", func(v *vault) access.Target { return keeping{v} }},
		"does not know its pause":     {"Pause", func(v *vault) access.Target { return hasty{v} }},
		"does not pause":              {"Pause", func(v *vault) access.Target { return restless{v} }},
		"serves in turn":              {"LeaveByPriority", func(v *vault) access.Target { return fair{v} }},
		"has calls wait again":        {"LeaveForOneCall", func(v *vault) access.Target { return forgetful{v} }},
		"has calls wait never":        {"LeaveForOneCall", func(v *vault) access.Target { return pushing{v} }},
		"takes leave back twice":      {"LeaveGivenBack", func(v *vault) access.Target { return generous{v} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, r := openVault(t), &recorder{test: t}
				b.Target = tt.broken(b.Target.(*vault))
				newTrial(r, b).run(tt.check)
				if r.reports == nil {
					t.Error("nothing is reported")
				}
				t.Logf("%q", r.reports)
			})
		})
	}
}

// recorder keeps what a check reports.
type recorder struct {
	test    *testing.T
	mu      sync.Mutex
	reports []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.test.Context() }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reports = append(r.reports, fmt.Sprintf(format, args...))
}

// Vaults that do one thing otherwise.
type (
	renaming struct {
		*vault
		asked int
	}
	finding   struct{ *vault }
	repeating struct{ *vault }
	forgiving struct{ *vault }
	lasting   struct{ *vault }
	deaf      struct{ *vault }
	keeping   struct{ *vault }
	hasty     struct{ *vault }
	restless  struct{ *vault }
	fair      struct{ *vault }
	forgetful struct{ *vault }
	pushing   struct{ *vault }
	generous  struct{ *vault }
	silent    struct{ *vault }
	moody     struct{ *vault }
	confusing struct{ *vault }
	obeying   struct{ *vault }
	hoarding  struct{ *vault }
	guessing  struct{ *vault }

	placing struct {
		*vault
		with func(places) places
	}
	listing struct {
		*vault
		with func(keys, error) (keys, error)
	}
	listingTokens struct {
		*vault
		with func(keys) keys
	}
	adding struct {
		*vault
		with func(key, error) (key, error)
	}
)

func listsPlaces(with func(places) places) func(*vault) access.Target {
	return func(v *vault) access.Target { return placing{v, with} }
}

func lists(with func(keys, error) (keys, error)) func(*vault) access.Target {
	return func(v *vault) access.Target { return listing{v, with} }
}

func listsTokens(with func(keys) keys) func(*vault) access.Target {
	return func(v *vault) access.Target { return listingTokens{v, with} }
}

func adds(with func(key, error) (key, error)) func(*vault) access.Target {
	return func(v *vault) access.Target { return adding{v, with} }
}

func (r *renaming) Name() string {
	r.asked++
	return fmt.Sprint("vault", r.asked)
}

func (finding) Server(_ context.Context, id string) (access.Server, error) {
	return access.Server{ExternalID: id, Online: true}, nil
}

func (r repeating) Add(ctx context.Context, place string, k key) (key, error) {
	made, err := r.vault.Add(ctx, place, k)
	if access.CodeOf(err) == access.UnknownOutcome {
		return r.vault.Add(ctx, place, k)
	}
	return made, err
}

func (f forgiving) Remove(ctx context.Context, place, id string) error {
	if err := f.vault.Remove(ctx, place, id); access.CodeOf(err) != access.NotFound {
		return err
	}
	return nil
}

func (lasting) TemporaryLifetime() time.Duration { return 0 }
func (hasty) Pace() access.Pace                  { return access.Pace{} }

func (d deaf) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	return d.vault.Acquire(context.WithoutCancel(ctx), p)
}

func (d deaf) List(ctx context.Context, place string) (keys, error) {
	return d.vault.List(context.WithoutCancel(ctx), place)
}

func (d deaf) Add(ctx context.Context, place string, k key) (key, error) {
	return d.vault.Add(context.WithoutCancel(ctx), place, k)
}

func (p pushing) List(ctx context.Context, place string) (keys, error) {
	return p.vault.List(context.WithValue(ctx, visitKey{}, &visit{}), place)
}

func (p placing) Servers(ctx context.Context) (places, error) {
	all, err := p.vault.Servers(ctx)
	return p.with(all), err
}

func (l listing) List(ctx context.Context, place string) (keys, error) {
	return l.with(l.vault.List(ctx, place))
}

func (l listingTokens) Tokens(ctx context.Context, place string) (keys, error) {
	all, err := l.vault.Tokens(ctx, place)
	return l.with(all), err
}

func (silent) Lending() (string, error) { return "", nil }

func (moody) Lending() (string, error) {
	return "Who holds a key may open it.", failed("lend", access.Conflict, nil)
}

func (c confusing) Tokens(ctx context.Context, place string) (keys, error) {
	all, err := c.vault.Tokens(ctx, place)
	if keys := c.there(place); len(keys) > 0 && len(all) > 0 {
		all[0].ID = keys[0].ID
	}
	return all, err
}

func (o obeying) Remove(ctx context.Context, place, id string) error {
	o.change(func() {
		for i := range o.tokens {
			o.tokens[i].Fixed = false
		}
	})
	return o.vault.Remove(ctx, place, id)
}

func (h hoarding) Remove(ctx context.Context, place, id string) error {
	before := h.allTokens()
	err := h.vault.Remove(ctx, place, id)
	h.change(func() { h.tokens = before })
	return err
}

func (g guessing) Tokens(ctx context.Context, place string) (keys, error) {
	_, err := g.vault.Tokens(ctx, place)
	return g.allTokens(), err
}

func (a adding) Add(ctx context.Context, place string, k key) (key, error) {
	return a.with(a.vault.Add(ctx, place, k))
}

func (k keeping) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	call, release, err := k.vault.Acquire(ctx, p)
	if err != nil {
		k.change(func() { k.inside++ })
	}
	return call, release, err
}

func (restless) Acquire(ctx context.Context, _ access.Priority) (context.Context, func(), error) {
	return ctx, func() {}, nil
}

func (f fair) Acquire(ctx context.Context, _ access.Priority) (context.Context, func(), error) {
	return f.vault.Acquire(ctx, access.Removal)
}

func (f forgetful) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	_, release, err := f.vault.Acquire(ctx, p)
	return ctx, release, err
}

func (g generous) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	call, _, err := g.vault.Acquire(ctx, p)
	return call, func() { g.change(func() { g.inside-- }) }, err
}

// leak returns an error of the same code that shows a secret.
func leak(err error) error {
	return &access.Error{Code: access.CodeOf(err), Message: "It does not open.", Err: errors.New(combination)}
}

// recode returns an error of another code in place of one of that code.
func recode(err error, from, to access.Code) error {
	if err == nil || access.CodeOf(err) != from {
		return err
	}
	return &access.Error{Code: to, Message: access.MessageOf(err)}
}
