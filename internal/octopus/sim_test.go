package octopus_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/octopus"
	"sshkeybot/internal/sim/octopussim"
)

// bench is a client of a played server that has one account, used by a target and a worker.
type bench struct {
	*octopus.Client
	t               *testing.T
	sim             *octopussim.Server
	logs            *bytes.Buffer
	target, worker  string
	account, opened string // its id, and the public half that machines let in
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, logs: &bytes.Buffer{}}
	file, public := keyFile(t)
	b.opened = public
	b.sim = octopussim.New(octopussim.Options{Path: "/deploy", MaxPage: 2, LogsIn: func(_ string, _ int, user, key string) bool {
		return user == "runcloud" && key == b.opened
	}})
	srv := httptest.NewServer(b.sim)
	t.Cleanup(srv.Close)
	env := b.sim.AddEnvironment(octopussim.DefaultSpace, "Production")
	b.account = b.sim.AddAccount(octopussim.DefaultSpace, octopussim.Account{
		Name: "deploy", Username: "runcloud", Description: "ours", Passphrase: "old", EnvironmentIDs: []string{env},
		PrivateKey: base64.StdEncoding.EncodeToString(file), Fields: map[string]any{"Newer": []int{1, 2}},
	})
	for i := range 3 {
		b.sim.AddAccount(octopussim.DefaultSpace, octopussim.Account{Name: fmt.Sprint("deploy ", i), Type: "OfTomorrow"})
	}
	b.target = b.sim.AddMachine(octopussim.DefaultSpace, octopussim.Machine{Name: "web-01", AccountID: b.account, Host: "198.18.0.1"})
	b.worker = b.sim.AddMachine(octopussim.DefaultSpace, octopussim.Machine{Name: "worker", AccountID: b.account, Host: "198.18.0.2", Worker: true})
	logger := slog.New(slog.NewTextHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.Client = octopus.New(srv.URL+"/deploy", octopussim.DefaultKey, octopus.WithLogger(logger), octopus.WithRetry(3, time.Millisecond))
	t.Cleanup(b.CloseIdleConnections)
	return b
}

func keyFile(t *testing.T) (file []byte, public string) {
	t.Helper()
	half, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	wire, err := ssh.NewPublicKey(half)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(wire)))
}

// must fails the test at an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// verdicts runs a health check of both machines, and returns their states.
func (b *bench) verdicts(description string) string {
	b.t.Helper()
	ctx := b.t.Context()
	task := must(b.StartHealth(ctx, "Spaces-1", description, []string{b.target, b.worker}))(b.t)
	if task = must(b.Task(ctx, "Spaces-1", task.ID))(b.t); !task.IsCompleted {
		b.t.Errorf("%+v", task)
	}
	machines := append(must(b.Machines(ctx, "Spaces-1"))(b.t), must(b.Workers(ctx, "Spaces-1"))(b.t)...)
	var states []string
	for _, m := range machines {
		must(b.Connection(ctx, "Spaces-1", m))(b.t)
		states = append(states, m.HealthStatus)
	}
	return strings.Join(states, " ")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	if v := must(octopus.ParseVersion(must(b.Server(ctx))(t).Version))(t); !v.TakesEd25519() {
		t.Error("too old")
	}
	if me := must(b.Me(ctx))(t); !me.IsService {
		t.Errorf("%+v", me)
	}
	space := must(b.Space(ctx, "Default"))(t)
	account := must(b.FindAccount(ctx, space.ID, "deploy"))(t)
	if account.Type() != octopus.TypeSSHKeyPair || account.ID() != b.account || len(account.EnvironmentIDs()) != 1 {
		t.Errorf("%v", account)
	}
	if n := must(b.CountAccounts(ctx, space.ID))(t); n != 1 { // the others have another type
		t.Errorf("%d accounts", n)
	}
	if u := must(b.Usages(ctx, space.ID, account.ID()))(t); len(u.Targets) != 1 || u.Targets[0].ID != b.target {
		t.Errorf("%+v", u)
	}
	if got := b.verdicts("before"); got != "Unhealthy Unhealthy" { // the old passphrase
		t.Errorf("before: %s", got)
	}
	file, public := keyFile(t)
	b.opened = public
	changed := must(b.UpdateAccount(ctx, space.ID, account.WithPrivateKey(file).WithDescription("marked")))(t)
	if !changed.LastModifiedOn().After(account.LastModifiedOn()) || changed.LastModifiedBy() == account.LastModifiedBy() || changed.Description() != "marked" {
		t.Errorf("%v: %v by %s", changed, changed.LastModifiedOn(), changed.LastModifiedBy())
	}
	if b.sim.PublicKey(b.account) != public || b.sim.Secret(b.account, "PrivateKeyPassphrase") != "" || b.sim.Document(b.account)["Newer"] == nil {
		t.Error("the account is not as it should be")
	}
	if got := b.verdicts("after"); got != "Healthy Healthy" {
		t.Errorf("after: %s", got)
	}
	if c := must(b.Connection(ctx, space.ID, octopus.Machine{ID: b.target}))(t); !c.LastChecked.After(changed.LastModifiedOn()) {
		t.Errorf("checked %v, changed %v", c.LastChecked, changed.LastModifiedOn())
	}
}

func TestNewAccountAgainstSim(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file, public := keyFile(t)
	account := must(b.CreateAccount(t.Context(), "Spaces-1", octopus.NewAccount{Name: "fresh", Username: "runcloud", PrivateKey: file}))(t)
	if b.sim.PublicKey(account.ID()) != public {
		t.Error("another key")
	}
	_, err := b.CreateAccount(t.Context(), "Spaces-1", octopus.NewAccount{Name: "fresh", Username: "runcloud", PrivateKey: file})
	if !octopus.IsInvalid(err) || octopus.IsOutcomeUnknown(err) || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a name that is taken: %v", err)
	}
}

// Whatever goes wrong with a PUT, the client says whether it may have gone in, and repeats nothing.
func TestWritesAgainstFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule    octopussim.FaultRule
		unknown bool
		is      func(error) bool
	}{
		"cut":           {octopussim.FaultRule{Kind: octopussim.FaultDrop}, true, octopus.IsOutcomeUnknown},
		"truncated":     {octopussim.FaultRule{Kind: octopussim.FaultTruncated}, true, octopus.IsOutcomeUnknown},
		"maintenance":   {octopussim.FaultRule{Kind: octopussim.FaultHTML}, true, octopus.IsOutcomeUnknown},
		"empty":         {octopussim.FaultRule{Kind: octopussim.FaultEmpty}, true, octopus.IsOutcomeUnknown},
		"crashed":       {octopussim.FaultRule{}, true, octopus.IsOutcomeUnknown},
		"too many":      {octopussim.FaultRule{Kind: octopussim.FaultTooMany, RetryAfter: time.Hour}, false, octopus.IsRateLimited},
		"echo":          {octopussim.FaultRule{Kind: octopussim.FaultEcho}, false, octopus.IsInvalid},
		"echo, crashed": {octopussim.FaultRule{Kind: octopussim.FaultEcho, Status: 500}, true, octopus.IsOutcomeUnknown},
		"conflict":      {octopussim.FaultRule{Status: 409}, false, octopus.IsInvalid},
		"forbidden":     {octopussim.FaultRule{Status: 403}, false, octopus.IsForbidden},
	} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(name, after), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				account := must(b.Account(t.Context(), "Spaces-1", b.account))(t)
				rule := tt.rule
				rule.Op, rule.After = octopussim.OpUpdateAccount, after
				b.sim.Fault(rule)
				file, public := keyFile(t)
				_, err := b.UpdateAccount(t.Context(), "Spaces-1", account.WithPrivateKey(file))
				if !tt.is(err) || octopus.IsOutcomeUnknown(err) != tt.unknown || b.sim.Count(octopussim.OpUpdateAccount) != 1 {
					t.Errorf("%v", err)
				}
				if went := b.sim.PublicKey(b.account) == public; went != (after || tt.rule.Kind == octopussim.FaultTruncated) {
					t.Errorf("went in: %v", went)
				}
				b.showsNothing(fmt.Sprintf("%v %+v %#v", err, err, err), file)
			})
		}
	}
}

// showsNothing fails the test if an error or the log holds a part of a key file, the API key, or the inside of the
// server.
func (b *bench) showsNothing(shown string, file []byte) {
	b.t.Helper()
	shown += b.logs.String()
	encoded := base64.StdEncoding.EncodeToString(file)
	for _, secret := range []string{encoded[:24], encoded[200:224], string(file[40:64]), "PRIVATE KEY", octopussim.DefaultKey, "secret inside", "FullException"} {
		if strings.Contains(shown, secret) {
			b.t.Errorf("%q is shown in %s", secret, shown)
		}
	}
}

// A health check whose answer got lost is found by its description, or was not started.
func TestLostHealthCheck(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		b := newBench(t)
		for i := range 5 {
			must(b.StartHealth(t.Context(), "Spaces-1", fmt.Sprint("mark ", i), []string{b.target}))(t)
		}
		b.sim.Fault(octopussim.FaultRule{Op: octopussim.OpStartTask, Kind: octopussim.FaultDrop, After: after, Times: 1})
		_, err := b.StartHealth(t.Context(), "Spaces-1", "mark 7", []string{b.target})
		if !octopus.IsOutcomeUnknown(err) {
			t.Errorf("%v", err)
		}
		task, err := b.FindHealth(t.Context(), "Spaces-1", "mark 7")
		if (err == nil) != after || octopus.IsNotFound(err) == after {
			t.Errorf("after %v: %+v, %v", after, task, err)
		}
		if task, err := b.FindHealth(t.Context(), "Spaces-1", "mark 0"); err != nil || task.ID != "ServerTasks-1" {
			t.Errorf("on the last page: %+v, %v", task, err)
		}
	}
}

func TestRunningDeploymentsAgainstSim(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var ids []string
	for _, kind := range []string{"Deploy", "RunbookRun", "Retention", "Deploy"} {
		ids = append(ids, b.sim.StartTask(octopussim.DefaultSpace, kind, kind, octopussim.Executing))
	}
	if got := must(b.ActiveTasks(t.Context(), "Spaces-1"))(t); len(got) != 3 {
		t.Errorf("%+v", got)
	}
	for _, id := range ids {
		b.sim.EndTask(id, octopussim.Success)
	}
	if got := must(b.ActiveTasks(t.Context(), "Spaces-1"))(t); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestReadsSurviveFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, kind := range []octopussim.FaultKind{octopussim.FaultStatus, octopussim.FaultHTML, octopussim.FaultEmpty, octopussim.FaultTruncated} {
		b.sim.Fault(octopussim.FaultRule{Op: octopussim.OpListAccounts, Kind: kind, Times: 2})
		if a, err := b.FindAccount(t.Context(), "Spaces-1", "deploy"); err != nil || a.ID() != b.account {
			t.Errorf("kind %v: %v, %v", kind, a, err)
		}
	}
	b.sim.SetAccess(octopussim.NoRights)
	if _, err := b.FindAccount(t.Context(), "Spaces-1", "deploy"); !octopus.IsForbidden(err) {
		t.Errorf("%v", err)
	}
	b.sim.SetKey("API-OTHER")
	if _, err := b.Me(t.Context()); !octopus.IsUnauthorized(err) {
		t.Errorf("%v", err)
	}
}
