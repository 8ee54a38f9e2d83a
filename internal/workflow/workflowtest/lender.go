package workflowtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sshkeybot/internal/access"
)

// Lender is a Vault whose keys are those of an account, with API tokens.
type Lender struct {
	Vault
	Refuses bool // keys are not to be placed there
	All     []access.Credential
}

// Lending implements access.Lender.
func (l *Lender) Lending() (string, error) {
	const means = "Whoever holds a key can act as the account."
	if l.Refuses {
		return means, access.NewForbidden("The vault is not lent.")
	}
	return means, nil
}

// Tokens implements access.Lender.
func (l *Lender) Tokens(context.Context, string) ([]access.Credential, error) {
	return slices.Clone(l.All), l.trouble()
}

// MakeToken makes a token, as somebody who holds a key would.
func (l *Lender) MakeToken(at time.Time, fixed bool) {
	id := fmt.Sprintf("token %d", len(l.All)+1)
	l.All = append(l.All, access.Credential{ID: id, Label: id, CreatedAt: at, Token: true, Fixed: fixed})
}

// Remove deletes a key or a token.
func (l *Lender) Remove(ctx context.Context, server, credential string) error {
	i := slices.IndexFunc(l.All, func(t access.Credential) bool { return t.ID == credential })
	if i < 0 {
		return l.Vault.Remove(ctx, server, credential)
	}
	if l.All[i].Fixed {
		return access.NewForbidden("That token is not removed.")
	}
	l.All = slices.Delete(l.All, i, i+1)
	return l.trouble()
}
