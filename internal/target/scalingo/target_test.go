package scalingo_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sshkeybot/internal/access"
	"sshkeybot/internal/scalingo"
	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/scalingosim"
	target "sshkeybot/internal/target/scalingo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token = "tk-us-a-very-secret-token"
	key   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0qmzLJh0cJkYhW5vQm0p3m2nqmY0nZ1u8n6wq3x1aB"
	here  = scalingosim.AccountID
	other = "us-somebody-else"
)

// bench is the adapter before a played account.
type bench struct {
	*target.Target
	*testing.T
	account *scalingosim.Account
}

// trial runs a test with a bench in played time.
func trial(t *testing.T, rules scalingosim.Rules, test func(b *bench)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := scalingosim.New(scalingosim.Options{Token: token, Rules: rules})
		var network memnet.Network
		listener, err := network.Listen("tcp", "scalingo.test:80")
		if err != nil {
			t.Fatal(err)
		}
		account.Serve(listener)
		client := scalingo.New(token, scalingo.WithBaseURL("http://scalingo.test"),
			scalingo.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: network.DialContext}}))
		t.Cleanup(func() {
			_ = account.Close()
			client.CloseIdleConnections()
		})
		test(&bench{&target.Target{Client: client}, t, account})
	})
}

func (b *bench) add(c access.Credential) (access.Credential, error) {
	return b.Add(b.Context(), here, c)
}

// idOf returns the id under which a target has a token.
func idOf(k scalingosim.Token) string { return "token:" + k.ID }

// coded fails the test unless the error has that code.
func (b *bench) coded(err error, want access.Code) {
	b.Helper()
	if err == nil || access.CodeOf(err) != want {
		b.Errorf("code %q, want %q: %v", access.CodeOf(err), want, err)
	}
}

// The keys of another account than that of the token are out of reach, and never taken for gone.
func TestAnotherAccount(t *testing.T) {
	trial(t, scalingosim.Rules{}, func(b *bench) {
		id := b.account.AddKeyByHand("laptop", key)
		_, listed := b.List(b.Context(), other)
		_, added := b.Add(b.Context(), other, access.Credential{Label: "l", PublicKey: key})
		_, tokens := b.Tokens(b.Context(), other)
		for _, err := range []error{listed, added, tokens, b.Remove(b.Context(), other, id), b.Remove(b.Context(), other, "token:x")} {
			if b.coded(err, access.Unavailable); !strings.Contains(access.MessageOf(err), "is of another account") {
				b.Error(access.MessageOf(err))
			}
		}
		if asked := b.account.Count(scalingosim.OpSelf); asked != 1 || b.account.Count(scalingosim.OpAuthorized) != 1 {
			b.Errorf("asked %d times: %+v", asked, b.account.Calls())
		}
	})
}

// While it is not known which account the token is of, nothing is done on any.
func TestUnknownAccount(t *testing.T) {
	trial(t, scalingosim.Rules{}, func(b *bench) {
		id := b.account.AddKeyByHand("laptop", key)
		heal := b.account.Fault(scalingosim.FaultRule{Op: scalingosim.OpSelf, Kind: scalingosim.FaultHTML, Status: 404})
		b.coded(b.Remove(b.Context(), here, id), access.Unavailable)
		heal()
		if err := b.Remove(b.Context(), here, id); err != nil || len(b.account.Keys()) > 0 {
			b.Error(err)
		}
	})
}

// A key that Scalingo refuses is there already, or on another account, which only the list can tell.
func TestTakenKey(t *testing.T) {
	trial(t, scalingosim.Rules{TakenField: "base", TakenText: "no"}, func(b *bench) {
		b.account.AddKeyByHand("by hand", key+" another comment")
		_, err := b.add(access.Credential{Label: "ours", PublicKey: key})
		b.coded(err, access.Invalid)
		e, _ := errors.AsType[*access.Error](err)
		if !errors.Is(err, access.ErrKeyTaken) || e.Remedy != access.RemedyKey {
			b.Errorf("remedy %q: %v", e.Remedy, err)
		}
		b.account.RemoveKeyByHand(b.account.Keys()[0].ID)
		b.account.TakeElsewhere(key)
		_, err = b.add(access.Credential{Label: "ours", PublicKey: key})
		b.coded(err, access.Invalid)
		if errors.Is(err, access.ErrKeyTaken) || !strings.Contains(access.MessageOf(err), "(Scalingo answers 422: Unprocessable Entity; base no)") ||
			!strings.Contains(access.MessageOf(err), "register a separate key") {
			b.Error(access.MessageOf(err))
		}
		b.account.Fault(scalingosim.FaultRule{Op: scalingosim.OpAddKey, Status: 409, Message: "busy"})
		_, err = b.add(access.Credential{Label: "ours", PublicKey: key})
		if b.coded(err, access.Invalid); strings.Contains(access.MessageOf(err), "another Scalingo account") {
			b.Error(access.MessageOf(err))
		}
		b.account.Fault(scalingosim.FaultRule{Op: scalingosim.OpListKeys, Status: 500})
		_, err = b.add(access.Credential{Label: "ours", PublicKey: key})
		b.coded(err, access.Unavailable)
	})
}

// What Scalingo stores of a key besides itself does not matter, and two keys may have one label.
func TestRewrittenKey(t *testing.T) {
	trial(t, scalingosim.Rules{Comment: scalingosim.CommentNamed}, func(b *bench) {
		got, err := b.add(access.Credential{Label: "ours", SystemUser: "runcloud", PublicKey: key + " a comment", Temporary: new(true)})
		want := access.Credential{ID: b.account.Keys()[0].ID, Label: "ours", PublicKey: key + " ours", CreatedAt: b.account.Keys()[0].CreatedAt}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			b.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

// A 404 is believed when the list confirms it.
func TestRemoveIsConfirmed(t *testing.T) {
	trial(t, scalingosim.Rules{}, func(b *bench) {
		id := b.account.AddKeyByHand("laptop", key)
		page := scalingosim.FaultRule{Op: scalingosim.OpDeleteKey, Kind: scalingosim.FaultHTML, Status: 404}
		heal := b.account.Fault(page)
		b.coded(b.Remove(b.Context(), here, id), access.Unavailable)
		page.After = true
		heal()
		heal = b.account.Fault(page)
		b.coded(b.Remove(b.Context(), here, id), access.NotFound)
		heal()
		b.coded(b.Remove(b.Context(), here, id), access.NotFound)
		b.account.Fault(scalingosim.FaultRule{Op: scalingosim.OpListKeys, Kind: scalingosim.FaultPages})
		b.coded(b.Remove(b.Context(), here, id), access.Unavailable)
	})
}

// The account is lent only where that is set, and what it means is said all the same.
func TestLending(t *testing.T) {
	t.Parallel()
	means, err := (&target.Target{Grants: true}).Lending()
	if err != nil || !strings.Contains(means, "act as the account") || !strings.Contains(means, "outlive the key") {
		t.Errorf("%q, %v", means, err)
	}
	same, err := (&target.Target{}).Lending()
	if access.CodeOf(err) != access.Forbidden || !strings.Contains(access.MessageOf(err), "SCALINGO_GRANTS") || same != means {
		t.Errorf("%q, %v", same, err)
	}
}

// The tokens that were made with a lent key can be removed, and ours cannot.
func TestTokens(t *testing.T) {
	for name, rules := range map[string]scalingosim.Rules{
		"milliseconds": {}, "seconds": {LastUsed: scalingosim.LastUsedSeconds}, "Mongo ids": {MongoIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			trial(t, rules, func(b *bench) {
				b.account.AddKeyByHand("lent", key)
				if _, ok := b.account.NewTokenByKey(key, "left\x00over"); !ok {
					b.Fatal("no token was made")
				}
				real := b.account.Tokens()
				got, err := b.Tokens(b.Context(), here)
				want := []access.Credential{
					{ID: idOf(real[0]), Label: "sshkeybot", CreatedAt: real[0].CreatedAt, Token: true, UsedAt: b.account.Tokens()[0].LastUsedAt, Fixed: true},
					{ID: idOf(real[1]), Label: "leftover", CreatedAt: real[1].CreatedAt, Token: true},
				}
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					b.Errorf("%v (-want +got):\n%s", err, diff)
				}
				b.coded(b.Remove(b.Context(), here, idOf(real[0])), access.Forbidden)
				if err := b.Remove(b.Context(), here, idOf(real[1])); err != nil {
					b.Error(err)
				}
				b.coded(b.Remove(b.Context(), here, idOf(real[1])), access.NotFound)
				if left := b.account.Tokens(); len(left) != 1 || left[0].ID != real[0].ID {
					b.Errorf("left are %+v", left)
				}
			})
		})
	}
}

// While it is not known which token is ours, none is removable.
func TestTokensWhileOursIsUnknown(t *testing.T) {
	trial(t, scalingosim.Rules{LastUsed: scalingosim.LastUsedNever}, func(b *bench) {
		b.account.AddKeyByHand("lent", key)
		b.account.NewTokenByKey(key, "left over")
		got, err := b.Tokens(b.Context(), here)
		if err != nil || len(got) != 2 || slices.ContainsFunc(got, func(k access.Credential) bool { return !k.Fixed }) {
			b.Errorf("%+v, %v", got, err)
		}
		for _, k := range b.account.Tokens() {
			b.coded(b.Remove(b.Context(), here, idOf(k)), access.Forbidden)
		}
		b.account.SetRules(scalingosim.Rules{})
		if err := b.Remove(b.Context(), here, idOf(b.account.Tokens()[1])); err != nil {
			b.Error(err)
		}
	})
}

// A token is gone when the list confirms it, and a list that cannot be read says nothing.
func TestTokenFaults(t *testing.T) {
	trial(t, scalingosim.Rules{}, func(b *bench) {
		b.account.AddKeyByHand("lent", key)
		b.account.NewTokenByKey(key, "left over")
		id := idOf(b.account.Tokens()[1])
		page := scalingosim.FaultRule{Op: scalingosim.OpDeleteToken, Kind: scalingosim.FaultHTML, Status: 404}
		heal := b.account.Fault(page)
		b.coded(b.Remove(b.Context(), here, id), access.Unavailable)
		heal()
		page.After = true
		heal = b.account.Fault(page)
		b.coded(b.Remove(b.Context(), here, id), access.NotFound)
		heal()
		b.account.Fault(scalingosim.FaultRule{Op: scalingosim.OpListTokens, Kind: scalingosim.FaultPages})
		_, err := b.Tokens(b.Context(), here)
		b.coded(err, access.Unavailable)
	})
}

// The key is tried for on time: all that one grant and its end need fits into what may start at once.
func TestCallsOfAGrant(t *testing.T) {
	trial(t, scalingosim.Rules{}, func(b *bench) {
		began := time.Now()
		if _, err := b.Servers(b.Context()); err != nil {
			b.Error(err)
		}
		made, err := b.add(access.Credential{Label: "ours", PublicKey: key})
		if err != nil {
			b.Error(err)
		}
		if _, err := b.List(b.Context(), here); err != nil {
			b.Error(err)
		}
		if err := b.Remove(b.Context(), here, made.ID); err != nil || time.Since(began) > time.Second {
			b.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
