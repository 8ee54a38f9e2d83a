package workflowtest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sshkeybot/internal/access"
)

// Vault is a target as unlike an account with a hosting provider as may be: one place, keys
// that are shown whole, no users, no temporary keys, no sessions, never offline, and ids that
// are words. The zero value is empty.
type Vault struct {
	Keys []access.Credential
	Made int  // how many keys were added
	Down bool // every call fails
}

// Name implements access.Target.
func (*Vault) Name() string { return "vault" }

// Title implements access.Target.
func (*Vault) Title() string { return "the vault" }

// Servers returns the one place.
func (v *Vault) Servers(context.Context) ([]access.Server, error) {
	return []access.Server{{ExternalID: "the vault", Name: "vault", Online: true}}, v.trouble()
}

// Acquire never waits.
func (*Vault) Acquire(ctx context.Context, _ access.Priority) (context.Context, func(), error) {
	return ctx, func() {}, ctx.Err()
}

// List returns the keys.
func (v *Vault) List(_ context.Context, _ string) ([]access.Credential, error) {
	return slices.Clone(v.Keys), v.trouble()
}

// Add places a key.
func (v *Vault) Add(_ context.Context, server string, c access.Credential) (access.Credential, error) {
	if server != "the vault" {
		return access.Credential{}, errors.New("no such place")
	}
	if err := v.trouble(); err != nil {
		return access.Credential{}, err
	}
	v.Made++
	c.ID, c.SystemUser, c.Temporary = fmt.Sprintf("key %c", 'a'+v.Made), "", nil
	v.Keys = append(v.Keys, c)
	return c, nil
}

// Remove deletes a key.
func (v *Vault) Remove(_ context.Context, _, credential string) error {
	if err := v.trouble(); err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(v.Keys), func(c access.Credential) bool { return c.ID == credential })
	if len(left) == len(v.Keys) {
		return &access.Error{Code: access.NotFound, Message: "There is no such key."}
	}
	v.Keys = left
	return nil
}

// Ping fails while the vault is down.
func (v *Vault) Ping(context.Context) error { return v.trouble() }

func (v *Vault) trouble() error {
	if v.Down {
		return &access.Error{Code: access.Unavailable, Message: "The vault is closed."}
	}
	return nil
}
