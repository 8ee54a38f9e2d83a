package workflow

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// proofTTL is how long a challenge may be answered.
const proofTTL = 10 * time.Minute

// Proof is the answer to a challenge.
type Proof struct {
	Actor     access.UserID
	Nonce     string
	Signature string    // as ssh-keygen -Y sign prints it
	At        time.Time // when it was sent: in time counts, however late it is looked at; zero is now
}

// challenge stores what the person of a key has to sign for it.
func (s *Service) challenge(ctx context.Context, tx access.Tx, k access.Key, who access.Profile, workspace string) (access.Challenge, error) {
	ledger, err := tx.Flag(ctx, access.FlagLedgerID)
	if err != nil {
		return access.Challenge{}, err
	}
	c := access.Challenge{
		Nonce: rand.Text(), Person: k.Person, Fingerprint: k.Fingerprint, Type: k.Type, Blob: k.Blob, Note: k.Note,
		ExpiresAt: s.Now().Add(proofTTL),
	}
	c.Text = strings.Join([]string{
		"sshkeybot: this proves that an SSH key is mine, so that I may register it.",
		"If somebody else sent you this text, do not sign it: they would get your key.",
		"key " + k.Fingerprint,
		"for " + s.Directory.Title() + " user " + string(k.Person) + " " + access.Alias(who.Name),
		"in " + s.Directory.Title() + " workspace " + workspace,
		"ledger " + ledger,
		"nonce " + c.Nonce,
		"good until " + c.ExpiresAt.UTC().Format(time.RFC3339),
	}, "\n") + "\n"
	if err := tx.SaveChallenge(ctx, c, s.Now()); err != nil {
		return access.Challenge{}, err
	}
	return c, s.auditKey(ctx, tx, k.Person, access.DidKeyChallenge, k.Fingerprint, "", "", access.AboutPerson(k.Person))
}

// Prove registers the key of a challenge for the person who answers it with a signature by
// that key. Whoever had it registered before loses it. Invalid for a signature that does not
// prove that, Conflict for a challenge that is over.
func (s *Service) Prove(ctx context.Context, p Proof) (Registration, error) {
	if err := s.Eligible(ctx, p.Actor); err != nil {
		return Registration{}, err
	}
	var out Registration
	err := s.Store.Update(ctx, func(tx access.Tx) error {
		c, err := s.answered(ctx, tx, p)
		if err != nil {
			return err
		}
		if fresh, err := tx.DropChallenge(ctx, c.Nonce); err != nil {
			return err
		} else if !fresh {
			return challengeOver()
		}
		a, err := s.admit(ctx, tx, c.Person, c.Fingerprint)
		if err != nil {
			return err
		}
		now := s.Now()
		a.Proof = ProofAlways // it was given, whatever asks for it by now
		out, err = s.saveKey(ctx, tx, a, access.Key{
			Fingerprint: c.Fingerprint, Person: c.Person, Type: c.Type, Blob: c.Blob, Note: c.Note, RegisteredAt: now, ProvedAt: now,
		})
		return err
	})
	return out, err
}

// CheckProof refuses an answer to a challenge that would not be accepted.
func (s *Service) CheckProof(ctx context.Context, p Proof) error {
	return s.Store.Read(ctx, func(tx access.Tx) error {
		_, err := s.answered(ctx, tx, p)
		return err
	})
}

// answered returns the challenge that a proof answers.
func (s *Service) answered(ctx context.Context, tx access.Tx, p Proof) (access.Challenge, error) {
	c, err := tx.Challenge(ctx, p.Nonce)
	switch {
	case access.CodeOf(err) == access.NotFound, err == nil && c.Person != p.Actor:
		return c, challengeOver()
	case err != nil:
		return c, err
	case !s.orNow(p.At).Before(c.ExpiresAt):
		return c, access.NewConflict(fmt.Sprintf("The %d minutes for this signature are over. Register the key again, and sign the new text.", int(proofTTL.Minutes())))
	}
	err = sshkey.Key{Type: c.Type, Blob: c.Blob}.Verify(c.Text, p.Signature)
	if wrong, ok := errors.AsType[*sshkey.Error](err); ok {
		err = access.NewInvalid(wrong.Message)
	}
	return c, err
}

func challengeOver() error {
	return access.NewConflict("This text is not open to be signed any more: it was used, or a newer one has taken its place. `/sshkey keys` shows your keys.")
}
