// Package octopus makes the SSH key pair accounts of an Octopus Deploy server known to the domain:
// it translates between the words of the domain and those of the API client.
package octopus

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"sshkeybot/internal/access"
	"sshkeybot/internal/octopus"
)

// Accounts are the SSH key pair accounts of one space.
type Accounts struct {
	Client *octopus.Client
	Space  string // its name or id
	// Lookup returns the addresses of a host's name; the system's resolver is asked when it is nil.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

	mu sync.Mutex
	id string // of the space; empty until it was read
}

var _ access.KeyedAccounts = (*Accounts)(nil)

// Title returns what people call the system.
func (*Accounts) Title() string { return "Octopus Deploy" }

// Version implements access.KeyedAccounts.
func (a *Accounts) Version(ctx context.Context) (string, error) {
	const op = "read version"
	info, err := a.Client.Server(ctx)
	if err != nil {
		return "", failure(op, err)
	}
	version, err := octopus.ParseVersion(info.Version)
	if err != nil {
		return "", &access.Error{Code: access.Unavailable, Op: op, Message: "Octopus Deploy does not say which version it is.", Err: err}
	}
	if !version.TakesEd25519() {
		return "", &access.Error{
			Code: access.Invalid, Op: op,
			Message: "Octopus Deploy " + version.String() + " is too old: it takes Ed25519 keys from " + octopus.Ed25519Since + " on.",
		}
	}
	return version.String(), nil
}

// space returns the id of the space.
func (a *Accounts) space(ctx context.Context) (string, error) {
	a.mu.Lock()
	id := a.id
	a.mu.Unlock()
	if id != "" {
		return id, nil
	}
	found, err := a.Client.Space(ctx, a.Space)
	if octopus.IsNotFound(err) || octopus.IsAmbiguous(err) { // which must not be taken for that of an account
		return "", &access.Error{Code: access.Forbidden, Op: "read space", Message: "Octopus Deploy has no space of that name, or does not show it to my API key. Whoever runs me can mend OCTOPUS_SPACE.", Err: err}
	}
	if err != nil {
		return "", failure("read space", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.id = found.ID
	return a.id, nil
}

// Find implements access.KeyedAccounts.
func (a *Accounts) Find(ctx context.Context, nameOrID string) (access.KeyedAccount, error) {
	return a.read(ctx, func(space string) (octopus.Account, error) { return a.Client.FindAccount(ctx, space, nameOrID) })
}

// Account implements access.KeyedAccounts.
func (a *Accounts) Account(ctx context.Context, id string) (access.KeyedAccount, error) {
	return a.read(ctx, func(space string) (octopus.Account, error) { return a.Client.Account(ctx, space, id) })
}

func (a *Accounts) read(ctx context.Context, read func(space string) (octopus.Account, error)) (access.KeyedAccount, error) {
	const op = "read account"
	space, err := a.space(ctx)
	if err != nil {
		return access.KeyedAccount{}, err
	}
	found, err := read(space)
	switch {
	case err != nil:
		return access.KeyedAccount{}, failure(op, err)
	case found.Type() != octopus.TypeSSHKeyPair:
		return access.KeyedAccount{}, &access.Error{Code: access.Invalid, Op: op, Message: "That account of Octopus Deploy's is no SSH key pair, so it has no key to replace."}
	}
	return account(space, found), nil
}

func account(space string, a octopus.Account) access.KeyedAccount {
	return access.KeyedAccount{
		Space: space, ID: a.ID(), Name: access.CleanText(a.Name()), SystemUser: access.CleanText(a.Username()),
		ModifiedAt: a.LastModifiedOn(), ModifiedBy: access.CleanText(a.LastModifiedBy()), Mark: markOf(a.Description()),
	}
}

// Replace implements access.KeyedAccounts. The passphrase that the account may have had is cleared.
func (a *Accounts) Replace(ctx context.Context, was access.KeyedAccount, half access.PrivateHalf) (access.KeyedAccount, error) {
	const op = "replace key of account"
	now, err := a.Client.Account(ctx, was.Space, was.ID)
	if err != nil {
		return access.KeyedAccount{}, failure(op, err)
	}
	if !now.LastModifiedOn().Equal(was.ModifiedAt) {
		return access.KeyedAccount{}, &access.Error{Code: access.Conflict, Op: op, Message: "Somebody has changed the account in Octopus Deploy meanwhile."}
	}
	now = now.WithDescription(marked(now.Description(), half.Mark)).WithPrivateKey(half.Private.Bytes())
	changed, err := a.Client.UpdateAccount(ctx, was.Space, now)
	if err != nil {
		return access.KeyedAccount{}, failure(op, err)
	}
	return account(was.Space, changed), nil
}

// Create implements access.KeyedAccounts. The account may be used in every environment, by no tenant.
func (a *Accounts) Create(ctx context.Context, name, systemUser string, half access.PrivateHalf) (access.KeyedAccount, error) {
	space, err := a.space(ctx)
	if err != nil {
		return access.KeyedAccount{}, err
	}
	made, err := a.Client.CreateAccount(ctx, space, octopus.NewAccount{
		Name: name, Description: markLine(half.Mark), Username: systemUser, PrivateKey: half.Private.Bytes(),
	})
	if err != nil {
		return access.KeyedAccount{}, failure("create account", err)
	}
	return account(space, made), nil
}

// addresses returns the IP addresses of a host.
func (a *Accounts) addresses(ctx context.Context, host string) []string {
	if address, err := netip.ParseAddr(host); err == nil {
		return []string{address.Unmap().String()}
	}
	lookup := a.Lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	found, err := lookup(ctx, host)
	if err != nil {
		return nil // it is no server that is known, then
	}
	var texts []string
	for _, address := range found {
		texts = append(texts, address.Unmap().String())
	}
	return texts
}
