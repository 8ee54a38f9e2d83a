package play

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"sshkeybot/internal/sim/sshsim"
	"sshkeybot/internal/sshkey"
)

// Login is what a person needs to log in to the played servers with OpenSSH.
type Login struct {
	Public sshkey.Key
	folder string
	name   string
}

// NewLogin makes a key pair for a person in a folder.
func NewLogin(folder, name string) (Login, error) {
	public, private, err := sshkey.Generate()
	if err != nil {
		return Login{}, err
	}
	l := Login{Public: public, folder: folder, name: name}
	return l, errors.Join(
		os.WriteFile(l.key(), private, 0o600),
		os.WriteFile(l.key()+".pub", []byte(public.Line(name)+"\n"), 0o600),
	)
}

func (l Login) key() string { return filepath.Join(l.folder, l.name+".key") }

// Config returns the path of a configuration for ssh that names every server.
func (l Login) Config() string { return filepath.Join(l.folder, l.name) }

// Command returns what to type to log in to a server.
func (l Login) Command(server string) string { return "ssh -F " + l.Config() + " " + server }

// configure writes the configuration for servers that listen at those addresses, by name.
func (l Login) configure(knownHosts string, servers []tile, at map[int64]string) error {
	known := filepath.Join(l.folder, "known_hosts")
	if err := os.WriteFile(known, []byte(knownHosts), 0o600); err != nil {
		return err
	}
	var b strings.Builder
	for _, s := range servers {
		host, port, err := net.SplitHostPort(at[s.ID])
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "Host %s\n  HostName %s\n  Port %s\n", s.Name, host, port)
	}
	fmt.Fprintf(&b, `Host *
  User %s
  IdentityFile "%s"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "%s"
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  LogLevel ERROR
`, SystemUser, l.key(), known)
	return os.WriteFile(l.Config(), []byte(b.String()), 0o600)
}

// farm are the SSH servers of a world.
type farm struct {
	*sshsim.Farm
	at map[int64]string // addresses, by server
}

// listen has every server of the world take SSH connections.
func (w *World) listen(read func() said) (*farm, error) {
	sim, err := sshsim.New(sshsim.Options{
		Listen: w.host.Listen, Now: w.Clock.Now,
		AuthorizedKeys: func(server int64, user string) ([]byte, bool) {
			return []byte(authorizedKeys(w.RunCloud.Keys(server), user)), user == SystemUser
		},
		Greet: func(l sshsim.Login) string { return w.greet(l, read()) },
	})
	if err != nil {
		return nil, err
	}
	f := &farm{sim, map[int64]string{}}
	for _, server := range w.RunCloud.Servers() {
		if f.at[server.ID], err = sim.Start(server.ID); err != nil {
			return nil, errors.Join(err, sim.Close())
		}
	}
	return f, nil
}

// greet returns who somebody is that logged in, where, and until when.
func (w *World) greet(l sshsim.Login, s said) string {
	server := fmt.Sprint(l.Server)
	for _, one := range w.RunCloud.Servers() {
		if one.ID == l.Server {
			server = one.Name
		}
	}
	key := s.identify(place{onRunCloud, server}, l.Comment)
	until := "and nothing says until when"
	switch {
	case key.Leaving:
		until = "though your access is over: the key is to be removed"
	case !key.Until.IsZero():
		until = "until " + key.Until.In(zoneOf(key.Person)).Format("Monday, 2 January 15:04 MST")
	}
	return fmt.Sprintf("You are %s, logged in to %s as %s, %s.\n", key.Owner, server, l.User, until)
}
