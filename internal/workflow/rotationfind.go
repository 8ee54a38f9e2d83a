package workflow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
)

// findRotation returns the rotation that is asked for, with what is found of its account, and the
// servers that the key goes to.
func (s *Service) findRotation(ctx context.Context, a RotateAsk) (access.Rotation, []access.ServerRef, error) {
	version, err := s.Accounts.Version(ctx)
	if err != nil {
		return access.Rotation{}, nil, err
	}
	account, err := s.Accounts.Find(ctx, a.Account)
	switch {
	case access.CodeOf(err) == access.NotFound && err != nil:
		return s.newAccount(ctx, a, version)
	case err != nil:
		return access.Rotation{}, nil, err
	case a.SystemUser != "" || a.Servers != "":
		return access.Rotation{}, nil, access.NewInvalid("This account exists, so it says itself which user and which machines it is for. Leave out `as` and `on`.")
	}
	found, servers, err := s.examine(ctx, account)
	if err != nil {
		return access.Rotation{}, nil, err
	}
	if err := s.requireHealthy(found); err != nil {
		return access.Rotation{}, nil, err
	}
	if found.Busy, err = s.Accounts.ActiveTasks(ctx); err != nil {
		return access.Rotation{}, nil, err
	}
	r := access.Rotation{Space: account.Space, AccountID: account.ID, AccountName: account.Name, SystemUser: account.SystemUser, ModifiedAt: account.ModifiedAt, Found: found}
	r.Found.Version, r.Found.ModifiedAt, r.Found.ModifiedBy = version, account.ModifiedAt, account.ModifiedBy
	r.Found.Known, r.Found.Edited, err = s.comparedWithLast(ctx, account)
	return r, servers, err
}

// newAccount returns the rotation that makes an account. What is needed for that nobody types by
// mistake.
func (s *Service) newAccount(ctx context.Context, a RotateAsk, version string) (access.Rotation, []access.ServerRef, error) {
	if a.SystemUser == "" || a.Servers == "" {
		return access.Rotation{}, nil, &access.Error{
			Code: access.NotFound, Word: a.Account,
			Message: s.Accounts.Title() + " has no account of exactly that name, `…`, or shows me none. To have it made, add `as SYSTEM_USER on SERVERS`.",
		}
	}
	if !s.Settings.MayUse(a.SystemUser) {
		return access.Rotation{}, nil, s.Settings.notUsed(a.SystemUser)
	}
	list, err := s.Engine.ServersToChoose(ctx, a.Servers)
	if err != nil {
		return access.Rotation{}, nil, err
	}
	chosen, err := access.MatchServers(list.Listed(), a.Servers)
	if err == nil && slices.ContainsFunc(chosen, func(server access.Server) bool { return server.Alone }) {
		err = access.NewInvalidWord(a.Servers, "There are no system users on `…`.")
	}
	r := access.Rotation{AccountName: a.Account, SystemUser: a.SystemUser, Created: true, Found: access.AccountFindings{Version: version}}
	return r, access.Refs(chosen), err
}

// examine returns who uses an account and which servers its machines are. It refuses an account
// that cannot be given another key without locking the system out of a machine.
func (s *Service) examine(ctx context.Context, account access.KeyedAccount) (access.AccountFindings, []access.ServerRef, error) {
	var found access.AccountFindings
	if !s.Settings.MayUse(account.SystemUser) {
		return found, nil, s.Settings.notUsed(account.SystemUser)
	}
	uses, err := s.Accounts.Uses(ctx, account.ID)
	if err != nil {
		return found, nil, err
	}
	list, err := s.Engine.Servers(ctx, reconcile.ServersFresh, "")
	if err != nil {
		return found, nil, err
	}
	found.AccountUses = uses
	var servers []access.Server
	var strangers []string
	for i, m := range uses.Machines {
		on := serversAt(list.Listed(), m.Addresses)
		if len(on) != 1 {
			strangers = append(strangers, stranger(m, on))
			continue
		}
		found.Machines[i].ServerID = on[0].ID
		servers = append(servers, on[0])
	}
	slices.SortFunc(servers, func(x, y access.Server) int { return int(x.ID - y.ID) })
	servers = slices.CompactFunc(servers, func(x, y access.Server) bool { return x.ID == y.ID })
	switch {
	case len(strangers) > 0:
		err = access.NewInvalid("The account is used on machines of which I cannot say which of my servers they are, so a new key would lock " + s.Accounts.Title() + " out of them: " + someOf(strangers, s.Accounts.Title()) + ".")
	case len(found.MachineIDs()) == 0:
		err = access.NewInvalid("No machine that is in use logs in with this account, so a new key could not be proven.")
	}
	return found, access.Refs(servers), err
}

// stranger names a machine that is none of the servers, or may be each of several.
func stranger(m access.AccountMachine, on []access.Server) string {
	if len(on) == 0 {
		return fmt.Sprintf("%s (%s)", m.Name, m.Host)
	}
	names := make([]string, len(on))
	for i, server := range on {
		names[i] = server.Name
	}
	return fmt.Sprintf("%s (%s, which is %s)", m.Name, m.Host, strings.Join(names, " and "))
}

// serversAt returns the servers that have one of these addresses.
func serversAt(all []access.Server, addresses []string) (at []access.Server) {
	for _, server := range all {
		if server.Address != "" && slices.Contains(addresses, server.Address) {
			at = append(at, server)
		}
	}
	return at
}

// requireHealthy refuses an account with a machine that could not be logged in to before.
func (s *Service) requireHealthy(found access.AccountFindings) error {
	var ill []string
	for _, m := range found.Machines {
		if !m.Disabled && !m.Healthy {
			ill = append(ill, fmt.Sprintf("%s (%s)", m.Name, m.Health))
		}
	}
	if len(ill) == 0 {
		return nil
	}
	return access.NewInvalid("These machines are not healthy now, so a new key could not be proven there: " + someOf(ill, s.Accounts.Title()) + ". Have them checked, or disable them, and ask again.")
}

// someOf joins names, the first few where they are many: there lists all of them.
func someOf(names []string, there string) string {
	if more := len(names) - namesShown; more > 0 {
		return strings.Join(names[:namesShown], ", ") + fmt.Sprintf(" and %d more, which %s lists", more, there)
	}
	return strings.Join(names, ", ")
}

// comparedWithLast reports whether the key in an account is one that this ledger had placed, and
// whether somebody has changed the account since.
func (s *Service) comparedWithLast(ctx context.Context, account access.KeyedAccount) (known, edited bool, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		all, err := tx.RotationsOf(ctx, account.Space, account.ID)
		for _, last := range slices.Backward(all) {
			if last.State == access.RotationDone {
				edited = !last.ModifiedAt.Equal(account.ModifiedAt)
				known = !edited && last.Fingerprint == account.Mark.Fingerprint
				break
			}
		}
		return err
	})
	return known, edited, err
}
