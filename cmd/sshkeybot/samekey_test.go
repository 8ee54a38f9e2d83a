package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

// shown is how many characters of a key RunCloud shows.
const shown = 50

// makers returns functions that make a key of a type whose first 50 characters are the same
// for all keys.
func makers() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"ecdsa": func(t *testing.T) string {
			public, err := ssh.NewPublicKey(&newECDSA(t).PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
		},
		"sk-ecdsa": func(t *testing.T) string {
			point, err := newECDSA(t).PublicKey.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			return securityKey(t, struct {
				Type, Curve string
				Point       []byte
				Application string
			}{ssh.KeyAlgoSKECDSA256, "nistp256", point, "ssh:"})
		},
		"sk-ed25519": func(t *testing.T) string {
			public, _, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return securityKey(t, struct {
				Type        string
				Public      []byte
				Application string
			}{ssh.KeyAlgoSKED25519, public, "ssh:"})
		},
	}
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func securityKey(t *testing.T, wire any) string {
	t.Helper()
	public, err := ssh.ParsePublicKey(ssh.Marshal(wire))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

func TestKeysThatLookLikeThoseOfStrangers(t *testing.T) {
	t.Parallel()
	for name, make := range makers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stranger, own := make(t), make(t)
				if stranger == own || stranger[:shown] != own[:shown] {
					t.Fatal("the keys do not look alike in what RunCloud shows")
				}
				r := start(t, plan{rules: runcloudsim.Rules{RefuseDuplicateKey: true}})
				for _, server := range r.servers {
					r.account.AddKey(server, runcloudsim.Credential{Label: "stranger", User: "runcloud", PublicKey: stranger})
				}
				r.RegisterKey(alice, own+" laptop")
				key, err := sshkey.Parse(own)
				r.must(err)
				id := r.Granted(alice, "grant @alice 1h")
				r.isOn(key, len(r.servers))
				r.saysNot(r.Thread(id), "already there")

				again := r.Granted(alice, "grant @alice 2h")
				r.says(r.Thread(again), "already there on 5 servers")
				r.isOn(key, len(r.servers))
				for _, server := range r.servers {
					if n := len(r.account.Keys(server)); n != 2 {
						t.Errorf("server %d has %d keys, want the stranger's and Alice's", server, n)
					}
				}
			})
		})
	}
}

// A key that somebody else has placed is «already there» if RunCloud shows all of it, or if it
// refuses a second one and shows a part that only this key has. If all keys of the type begin
// alike, it may be another key.
func TestKeyPlacedByHandIsAlreadyThere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		full bool
		make func(t *testing.T) string // an Ed25519 key when nil
		want access.ResultState
		says string
	}{
		"the complete key is shown":       {true, nil, access.AlreadyThere, "somebody else has placed this very key"},
		"only a prefix is shown":          {false, nil, access.AlreadyThere, "somebody else has placed this very key"},
		"a prefix that all keys share":    {false, makers()["ecdsa"], access.Failed, "The public key has already been taken."},
		"all of a key that begins so too": {true, makers()["ecdsa"], access.AlreadyThere, "somebody else has placed this very key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := start(t, plan{servers: 1, rules: runcloudsim.Rules{RefuseDuplicateKey: true, FullKeys: tc.full}})
				key, _, err := sshkey.Generate()
				r.must(err)
				if tc.make != nil {
					key, err = sshkey.Parse(tc.make(t))
					r.must(err)
				}
				r.RegisterKey(alice, key.Line("laptop"))
				placed := r.account.AddKey(r.servers[0], runcloudsim.Credential{Label: "by hand", User: "runcloud", PublicKey: key.Line("")})
				id := r.Ask(alice, "grant @alice 1h")
				r.Press(bob, id, "Approve")
				v := r.Settled(id)
				if got := v.Results[0].State; got != tc.want {
					t.Errorf("the result is %q, want %q", got, tc.want)
				}
				r.says(r.Thread(id), tc.says)
				r.says(r.Types(alice, "done"), "You gave back")
				r.When(id, "the grant has ended", func(v workflow.RequestView) bool { return v.Grant.State == access.Ended && rests(v.Results) })
				if keys := r.account.Keys(r.servers[0]); len(keys) != 1 || keys[0].ID != placed {
					t.Errorf("the key that somebody else placed was touched: %+v", keys)
				}
			})
		})
	}
}
