package main

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sshkeybot/internal/access"
)

var updateTranscript = flag.Bool("update", false, "write testdata/transcript.txt anew")

const transcriptHead = `What people read and press: everything a team does with sshkeybot, in order.

Written by TestTranscript from a played Slack workspace, RunCloud and Scalingo account with the real bot between
them; "go test ./cmd/sshkeybot -run TestTranscript -update" writes it anew. Alice (Lisbon), Dave
(Kolkata), Erin (Berlin) and Frank (Lisbon) work with servers, Bob (Berlin) and Carol (New York)
approve; Gus is a guest of the workspace. Requests go to #ops, what everybody should know to #security.
Each chapter begins on a new installation.
`

// TestTranscript plays what a team does with the bot, and compares what every person sees with
// the transcript in the repository.
func TestTranscript(t *testing.T) {
	t.Parallel()
	if withRace {
		t.Skip("the transcript is about words: under the race detector it takes minutes, and the other tests run the same paths")
	}
	chapters := []chapter{firstSteps(), deciding(), twoApprovals(), bigAccount(), failures(), ending(), ownHands(), longAccess(), takingAway(), pastedKey(), leaving(), purging(), auditing(), rotatingKeys(), readingTheLog(), deactivated(), askedToOffboard(), archivedChannel(), uninvited(), trouble(), notLent(), lent(), leavingAccount(), busyDay()}
	texts := make([]string, len(chapters))
	t.Run("chapters", func(t *testing.T) {
		for i, c := range chapters {
			t.Run(c.title, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newPlay(t, c)
					c.scenes(p)
					p.letters()
					title := "\n\n\n" + strings.ToUpper(c.title) + "\n" + strings.Repeat("=", len(c.title)) + "\n"
					texts[i] = title + strings.TrimPrefix(p.hideLedger(p.out.String()), "\n")
				})
			})
		}
	})
	if t.Failed() {
		return
	}
	compareTranscript(t, transcriptHead+strings.Join(texts, ""))
}

// hideLedger puts the same letters for the id of the ledger, which is another in every run.
func (p *telling) hideLedger(text string) string {
	var id string
	p.must(p.app.Store.Read(p.t.Context(), func(tx access.Tx) (err error) {
		id, err = tx.Flag(p.t.Context(), access.FlagLedgerID)
		return err
	}))
	return strings.ReplaceAll(text, "sshkeybot "+id+" ", "sshkeybot abc27 ")
}

func compareTranscript(t *testing.T, got string) {
	t.Helper()
	file := filepath.Join("testdata", "transcript.txt")
	if *updateTranscript {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("people read something else than the transcript says (-transcript +now):\n%s", diff)
	}
}

// keyOf returns an Ed25519 key, the same for the same words.
func keyOf(t testing.TB, words string) string {
	t.Helper()
	seed := sha256.Sum256([]byte(words))
	public, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(seed[:]).Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " " + words
}

// ecdsaKeyOf returns an ECDSA key, the same for the same words.
func ecdsaKeyOf(t testing.TB, words string) string {
	t.Helper()
	seed := sha256.Sum256([]byte(words))
	private, err := ecdh.P256().NewPrivateKey(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	wire := ssh.Marshal(struct {
		Type, Curve string
		Point       []byte
	}{ssh.KeyAlgoECDSA256, "nistp256", private.PublicKey().Bytes()})
	return ssh.KeyAlgoECDSA256 + " " + base64.StdEncoding.EncodeToString(wire) + " " + words
}

// rsaKeyOf returns the line of an RSA key of that length, which nobody could use.
func rsaKeyOf(bits int) string {
	modulus := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
	wire := ssh.Marshal(struct {
		Type string
		E, N *big.Int
	}{ssh.KeyAlgoRSA, big.NewInt(65537), modulus})
	return ssh.KeyAlgoRSA + " " + base64.StdEncoding.EncodeToString(wire)
}
