package octopus_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sshkeybot/internal/access"
	"sshkeybot/internal/octopus"
	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/octopussim"
	"sshkeybot/internal/sshkey"
	target "sshkeybot/internal/target/octopus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const space = octopussim.DefaultSpace

// bench is the adapter before a played server with an account that a target and a worker use.
type bench struct {
	*target.Accounts
	*testing.T
	sim                     *octopussim.Server
	logs                    *bytes.Buffer
	account, target, worker string // ids
	opened                  string // the public half that machines let in
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, logs: &bytes.Buffer{}}
	b.sim = octopussim.New(octopussim.Options{LogsIn: func(_ string, _ int, user, key string) bool { return user == "deploy" && key == b.opened }})
	b.account = b.sim.AddAccount(space, octopussim.Account{Name: "web", Username: "deploy", Description: "of the web team\r\nkeep", Passphrase: "old", PrivateKey: "old"})
	b.target = b.sim.AddMachine(space, octopussim.Machine{Name: "web-01", AccountID: b.account, Host: "198.18.0.1", HealthStatus: "Healthy"})
	b.worker = b.sim.AddMachine(space, octopussim.Machine{Name: "worker", AccountID: b.account, Host: "worker.test", Worker: true, HealthStatus: "HasWarnings"})
	var network memnet.Network
	listener, err := network.Listen("tcp", "octopus.test:80")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(b.sim)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	client := octopus.New("http://octopus.test", octopussim.DefaultKey, octopus.WithRetry(1, time.Millisecond),
		octopus.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: network.DialContext}}),
		octopus.WithLogger(slog.New(slog.NewTextHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	t.Cleanup(client.CloseIdleConnections)
	b.Accounts = &target.Accounts{Client: client, Space: "Default", Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		if host != "worker.test" {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr("::ffff:198.18.0.2"), netip.MustParseAddr("2001:db8::2")}, nil
	}}
	return b
}

// trial runs a test with a bench in played time.
func trial(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newBench(t)) })
}

// half returns a new private half, whose public one the machines let in from now on.
func (b *bench) half(request int64) access.PrivateHalf {
	b.Helper()
	public, private, err := sshkey.NewPair()
	if err != nil {
		b.Fatal(err)
	}
	b.opened = public.Authorized()
	return access.PrivateHalf{Mark: access.KeyMark{Fingerprint: public.Fingerprint(), Request: request}, Private: private}
}

func (b *bench) find(name string) access.KeyedAccount {
	b.Helper()
	a, err := b.Find(b.Context(), name)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

func (b *bench) coded(err error, code access.Code) {
	b.Helper()
	if err == nil || access.CodeOf(err) != code {
		b.Errorf("%v has code %q, want %q", err, access.CodeOf(err), code)
	}
}

// hides fails the test if a private half, the API key or what is inside the server is shown.
func (b *bench) hides(half access.PrivateHalf, err error) {
	b.Helper()
	shown := fmt.Sprintf("%v %+v %#v %s %+v", err, err, err, access.MessageOf(err), half) + b.logs.String()
	file := half.Private.Bytes()
	for _, secret := range []string{base64.StdEncoding.EncodeToString(file)[:40], string(file[60:100]), "PRIVATE KEY", octopussim.DefaultKey, "secret inside"} {
		if strings.Contains(shown, secret) {
			b.Errorf("%q is shown", secret)
		}
	}
}

func TestVersionIsGated(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		if v, err := b.Version(t.Context()); v != octopussim.DefaultVersion || err != nil {
			t.Errorf("%q, %v", v, err)
		}
		b.sim.SetVersion("2021.1.7465")
		_, err := b.Version(t.Context())
		b.coded(err, access.Invalid)
		b.sim.SetVersion("unversioned")
		_, err = b.Version(t.Context())
		b.coded(err, access.Unavailable)
	})
}

func TestAccountsAreFoundWhole(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		b.sim.AddAccount(space, octopussim.Account{Name: "web 2", Username: "deploy"})
		b.sim.AddAccount(space, octopussim.Account{Name: "token", Type: "Token"})
		want := b.find("web")
		if want.ID != b.account || want.Space != space || want.SystemUser != "deploy" || want.ModifiedBy != "admin" || want.ModifiedAt.IsZero() || want.Mark != (access.KeyMark{}) {
			t.Errorf("%+v", want)
		}
		if diff := cmp.Diff(want, b.find(b.account)); diff != "" {
			t.Error(diff)
		}
		for name, code := range map[string]access.Code{"we": access.NotFound, "Accounts-99": access.NotFound, "token": access.Invalid} {
			_, err := b.Find(t.Context(), name)
			b.coded(err, code)
		}
		b.sim.SetKey("API-OTHER")
		_, err := b.Account(t.Context(), b.account)
		b.coded(err, access.Unauthorized)
	})
}

func TestSpaceThatIsNotThereIsNoMissingAccount(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		b.Space = "Elsewhere"
		_, err := b.Find(t.Context(), "web")
		b.coded(err, access.Forbidden)
	})
}

func TestUsesNameMachinesAndCountTheRest(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		other := b.sim.AddAccount(space, octopussim.Account{Name: "other", Username: "deploy"})
		b.sim.AddMachine(space, octopussim.Machine{Name: "not ours", AccountID: other, Host: "198.18.0.1"})
		b.sim.AddMachine(space, octopussim.Machine{Name: "tentacle", Style: "TentaclePassive", Host: "198.18.0.1"})
		off := b.sim.AddMachine(space, octopussim.Machine{Name: "off", AccountID: b.account, Host: "nowhere.test", Disabled: true})
		b.sim.AddUsage(b.account, "DeploymentProcesses", 2)
		b.sim.AddUsage(b.account, "Releases", 3)
		uses, err := b.Uses(t.Context(), b.account)
		if err != nil {
			t.Fatal(err)
		}
		want := access.AccountUses{Others: 5, Machines: []access.AccountMachine{
			{ID: off, Name: "off", Host: "nowhere.test", Disabled: true, Health: "Unknown"},
			{ID: b.target, Name: "web-01", Host: "198.18.0.1", Addresses: []string{"198.18.0.1"}, Healthy: true, Health: "Healthy"},
			{ID: b.worker, Name: "worker", Host: "worker.test", Addresses: []string{"198.18.0.2", "2001:db8::2"}, Worker: true, Healthy: true, Health: "HasWarnings"},
		}}
		if diff := cmp.Diff(want, uses); diff != "" {
			t.Error(diff)
		}
		b.sim.Fault(octopussim.FaultRule{Op: octopussim.OpUsages, Status: 403})
		if uses, err := b.Uses(t.Context(), b.account); err != nil || uses.Others != 0 || len(uses.Machines) != 3 {
			t.Errorf("%+v, %v", uses, err)
		}
	})
}

func TestReplaceMarksWhatItWrites(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		first, second := b.half(7), b.half(8)
		was := b.find("web")
		now, err := b.Replace(t.Context(), was, first)
		if err != nil || now.Mark != first.Mark || !now.ModifiedAt.After(was.ModifiedAt) {
			t.Fatalf("%+v, %v", now, err)
		}
		if now, err = b.Replace(t.Context(), now, second); err != nil || now.Mark != second.Mark {
			t.Fatalf("%+v, %v", now, err)
		}
		want := "of the web team\r\nkeep\nsshkeybot: key " + second.Mark.Fingerprint + ", request 8"
		if got := b.sim.Document(b.account)["Description"]; got != want {
			t.Errorf("%q", got)
		}
		if b.sim.PublicKey(b.account) != b.opened || b.sim.Secret(b.account, "PrivateKeyPassphrase") != "" {
			t.Error("the key is another, or its passphrase stays")
		}
		if got := b.find("web"); got.Mark != second.Mark {
			t.Errorf("%+v", got)
		}
		b.hides(second, nil)
	})
}

func TestReplaceSeesAnotherEdit(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		was, half := b.find("web"), b.half(7)
		b.sim.EditAccount(b.account, "somebody", map[string]any{"Description": "theirs"})
		_, err := b.Replace(t.Context(), was, half)
		b.coded(err, access.Conflict)
		b.hides(half, err)
		if b.sim.Count(octopussim.OpUpdateAccount) != 0 {
			t.Error("it was written")
		}
	})
}

// Whatever goes wrong with the write, the code says whether it may have gone in, and the mark tells.
func TestLostWritesAreSettledByTheMark(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule octopussim.FaultRule
		code access.Code
		went bool
	}{
		"refused":        {octopussim.FaultRule{Kind: octopussim.FaultEcho}, access.Invalid, false},
		"no right":       {octopussim.FaultRule{Status: 403}, access.Forbidden, false},
		"too many":       {octopussim.FaultRule{Kind: octopussim.FaultTooMany, RetryAfter: time.Minute}, access.RateLimited, false},
		"cut before":     {octopussim.FaultRule{Kind: octopussim.FaultDrop}, access.UnknownOutcome, false},
		"cut after":      {octopussim.FaultRule{Kind: octopussim.FaultDrop, After: true}, access.UnknownOutcome, true},
		"answer cut off": {octopussim.FaultRule{Kind: octopussim.FaultTruncated}, access.UnknownOutcome, true},
		"crashed, echo":  {octopussim.FaultRule{Kind: octopussim.FaultEcho, Status: 500}, access.UnknownOutcome, false},
	} {
		t.Run(name, func(t *testing.T) {
			trial(t, func(t *testing.T, b *bench) {
				was, half := b.find("web"), b.half(7)
				for _, op := range []octopussim.Op{octopussim.OpUpdateAccount, octopussim.OpCreateAccount} {
					tt.rule.Op = op
					b.sim.Fault(tt.rule)
				}
				_, err := b.Replace(t.Context(), was, half)
				b.coded(err, tt.code)
				b.hides(half, err)
				if now := b.find("web"); (now.Mark == half.Mark) != tt.went {
					t.Errorf("%+v", now)
				}
				_, err = b.Create(t.Context(), "new", "deploy", half)
				b.coded(err, tt.code)
				b.hides(half, err)
				if now, err := b.Find(t.Context(), "new"); (err == nil) != tt.went || tt.went && now.Mark != half.Mark {
					t.Errorf("%+v, %v", now, err)
				}
			})
		})
	}
}

func TestCreate(t *testing.T) {
	trial(t, func(t *testing.T, b *bench) {
		half := b.half(9)
		made, err := b.Create(t.Context(), "new", "deploy", half)
		if err != nil || made.Name != "new" || made.SystemUser != "deploy" || made.Mark != half.Mark || b.sim.PublicKey(made.ID) != b.opened {
			t.Errorf("%+v, %v", made, err)
		}
		_, err = b.Create(t.Context(), "web", "deploy", half)
		b.coded(err, access.Invalid)
	})
}
