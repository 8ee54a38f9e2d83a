package runcloud_test

import (
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/runcloudsim"
	target "sshkeybot/internal/target/runcloud"
	"sshkeybot/runcloud"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token = "a-very-secret-token"
	key   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0qmzLJh0cJkYhW5vQm0p3m2nqmY0nZ1u8n6wq3x1aB"
)

// bench is the adapter before a played account.
type bench struct {
	target.Target
	t       *testing.T
	account *runcloudsim.Account
	server  int64
}

func newBench(t *testing.T, opts ...runcloud.Option) *bench {
	t.Helper()
	account := runcloudsim.New(runcloudsim.Options{Token: token})
	base, err := account.Start()
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]runcloud.Option{runcloud.WithBaseURL(base), runcloud.WithRetry(1, time.Millisecond), runcloud.WithTimeout(10 * time.Second)}, opts...)
	client := runcloud.New(token, opts...)
	t.Cleanup(func() {
		if err := account.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		client.CloseIdleConnections()
	})
	return &bench{Target: target.Target{Client: client}, t: t, account: account, server: account.AddServers(1)[0]}
}

// id is what the account calls its server.
func (b *bench) id() string { return text(b.server) }

func text(id int64) string { return strconv.FormatInt(id, 10) }

func (b *bench) add(label string) (access.Credential, error) {
	return b.Add(b.t.Context(), b.id(), access.Credential{Label: label, SystemUser: "runcloud", PublicKey: key + " " + label, Temporary: new(true)})
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}
