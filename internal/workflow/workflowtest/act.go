package workflowtest

import (
	"context"
	"crypto/ed25519"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

// MustOffboard has bob offboard a person, and confirm it.
func (h *Harness) MustOffboard(person access.UserID) access.Request {
	h.T.Helper()
	r, err := h.Offboard(h.Ctx(), workflow.OffboardAsk{Source: h.NextSource(), Asker: Bob, Person: person, Reason: "left the company"})
	h.Must(err)
	r, err = h.Confirm(h.Ctx(), r.ID, Bob, time.Time{})
	h.Must(err)
	return r
}

// Sync runs one kind of work on every server.
func (h *Harness) Sync(kind access.WorkKind) {
	h.T.Helper()
	_, err := h.Engine.Sync(h.Ctx(), kind, 1, func(access.Tx) error { return nil })
	h.Must(err)
}

// Settled fails the test unless the request is settled, or is not, as wanted.
func (h *Harness) Settled(t *testing.T, id int64, want bool, when string) {
	t.Helper()
	if v := h.MustView(id); v.Settled() != want {
		t.Errorf("%s: settled is %v, want %v: %+v", when, v.Settled(), want, v.Results)
	}
}

// SweepAndWork does what is due, as the sweeps would find it.
func (h *Harness) SweepAndWork() {
	h.Must(h.Sweep(h.Ctx()))
	h.Work()
}

// Signed is what ssh-keygen would print for the key of that seed.
func Signed(t fataler, seed, text string) string {
	t.Helper()
	bytes := make([]byte, ed25519.SeedSize)
	copy(bytes, seed)
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(bytes))
	if err != nil {
		t.Fatalf("%v", err)
	}
	signature, err := sshsig.Sign(strings.NewReader(text), signer, sshsig.HashSHA512, sshkey.Namespace)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(sshsig.Armor(signature))
}

// dying is a context that ends by itself after it was looked at so many times, which
// interrupts a use case at each place in turn.
type dying struct {
	context.Context
	left   atomic.Int64
	cancel context.CancelFunc
}

// DyingAfter returns a context that ends after it was looked at so often.
func DyingAfter(looks int64) *dying {
	ctx, cancel := context.WithCancel(context.Background())
	d := &dying{Context: ctx, cancel: cancel}
	d.left.Store(looks)
	return d
}

func (d *dying) Done() <-chan struct{} {
	if d.left.Add(-1) < 0 {
		d.cancel()
	}
	return d.Context.Done()
}

// Interrupt tries what do does with ever more patience until it goes through.
func (h *Harness) Interrupt(do func(ctx context.Context) error) {
	h.T.Helper()
	for looks := range int64(5000) {
		if do(DyingAfter(looks)) == nil {
			return
		}
		h.Clock.Advance(time.Millisecond)
	}
	h.T.Fatalf("it never goes through")
}
