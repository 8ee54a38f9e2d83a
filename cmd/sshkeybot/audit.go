package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/workflow"
)

// auditSettings are the settings that an audit from the shell needs: the ledger, and the targets.
func auditSettings() []string {
	return []string{ledgerSetting, "RUNCLOUD_API_TOKEN", "RUNCLOUD_WORKSPACES", "RUNCLOUD_API_URL", "RUNCLOUD_TEMPORARY_LIFETIME", "SCALINGO_API_TOKEN", "SCALINGO_AUTH_URL", "SSHKEYBOT_CONCURRENCY"}
}

func auditCommand(now func() time.Time) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "audit [SERVERS]", Short: "Compare the keys on the servers with the ledger", Args: atMostOnePattern, GroupID: groupLook,
		Long: "Reads the servers that the bot knows, beside a running bot or without one, and prints what is\n" +
			"missing, what is left over, what carries the bot's label without the ledger knowing it, and\n" +
			"what nobody manages. It changes nothing. Exits 0 when all was read, whatever it found,\n" +
			"1 if a server could not be read, 2 for wrong usage or settings.",
		Example: "  sshkeybot audit\n  sshkeybot audit 'web-*,#1203' --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return auditServers(cmd, strings.Join(args, ""), asJSON, now)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

func atMostOnePattern(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%q is an argument too many: name several servers with commas, like web-*,db-01", args[1])}
	}
	return nil
}

func auditServers(cmd *cobra.Command, pattern string, asJSON bool, now func() time.Time) error {
	cfg, err := config.LoadFor(auditSettings()...)
	if err != nil {
		return err
	}
	ledger, err := openToRead(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer ledger.Close()
	all, err := app.ReadOnly(ledger, cfg, now).AuditNow(cmd.Context(), pattern)
	if access.CodeOf(err) == access.Invalid {
		e, _ := errors.AsType[*access.Error](err)
		return usageError{errors.New(strings.Replace(e.Message, "`…`", "«"+plain(e.Word)+"»", 1))}
	}
	if err != nil {
		return err
	}
	found := findingsOf(all)
	if asJSON {
		err = printJSON(cmd.OutOrStdout(), found)
	} else {
		err = found.print(cmd.OutOrStdout())
	}
	if err == nil && len(found.NotRead) > 0 {
		return failed{}
	}
	return err
}

// findings is what audit prints; with --json, as it is here.
type findings struct {
	Missing   []missingKey   `json:"missing"`
	Leftover  []keyOnServer  `json:"leftover"`
	Unknown   []keyOnServer  `json:"unknown"`
	Unmanaged []unmanagedKey `json:"unmanaged"`
	NotRead   []notRead      `json:"not_read"`
}

type foundAt struct {
	Target   string `json:"target"`
	Server   string `json:"server"`
	ServerID string `json:"server_id"`
}

type missingKey struct {
	foundAt
	SystemUser  string        `json:"system_user"`
	Person      access.UserID `json:"person"`
	Fingerprint string        `json:"fingerprint"`
	Credential  string        `json:"credential"`
}

type keyOnServer struct {
	foundAt
	SystemUser string    `json:"system_user"`
	Label      string    `json:"label"`
	Credential string    `json:"credential"`
	PlacedAt   time.Time `json:"placed_at,omitzero"`
	Kept       bool      `json:"kept,omitempty"`
}

// unmanagedKey are the credentials with the same label and the same visible key.
type unmanagedKey struct {
	Label  string        `json:"label"`
	Key    string        `json:"key"`
	Copies []keyOnServer `json:"copies"`
}

type notRead struct {
	foundAt
	Why string `json:"why"`
}

func findingsOf(all []workflow.Audited) findings {
	out := findings{Missing: []missingKey{}, Leftover: []keyOnServer{}, Unknown: []keyOnServer{}, Unmanaged: []unmanagedKey{}, NotRead: []notRead{}}
	for _, a := range all {
		at := foundAt{a.Server.Target, a.Server.Name, a.Server.ExternalID}
		if a.Unread != nil {
			out.NotRead = append(out.NotRead, notRead{at, access.MessageOf(a.Unread)})
			continue
		}
		for _, p := range a.Missing {
			out.Missing = append(out.Missing, missingKey{at, p.SystemUser, p.Person, p.Fingerprint, p.CredentialID})
		}
		for _, l := range a.Leftover {
			out.Leftover = append(out.Leftover, keyOn(at, l.Key))
		}
		for _, c := range a.Unknown {
			out.Unknown = append(out.Unknown, keyOn(at, c))
		}
		for _, c := range a.Unmanaged {
			key := keyOn(at, c)
			key.Kept = slices.Contains(a.Kept, c.ID)
			out.addUnmanaged(c, key)
		}
	}
	return out
}

func keyOn(at foundAt, c access.Credential) keyOnServer {
	return keyOnServer{foundAt: at, SystemUser: c.SystemUser, Label: c.Label, Credential: c.ID, PlacedAt: c.CreatedAt.UTC()}
}

func (f *findings) addUnmanaged(c access.Credential, key keyOnServer) {
	i := slices.IndexFunc(f.Unmanaged, func(u unmanagedKey) bool { return u.Label == c.Label && u.Key == c.PublicKey })
	if i < 0 {
		i = len(f.Unmanaged)
		f.Unmanaged = append(f.Unmanaged, unmanagedKey{Label: c.Label, Key: c.PublicKey})
	}
	f.Unmanaged[i].Copies = append(f.Unmanaged[i].Copies, key)
}

// print prints the findings for people; the error is that of writing.
func (f findings) print(out io.Writer) error {
	p := printer{out: out}
	for _, m := range f.Missing {
		p.say("missing: %s: the key %s of %s%s", plain(m.Server), m.Fingerprint, m.Person, asUser(m.SystemUser))
	}
	for _, k := range f.Leftover {
		p.say("left over: %s", k)
	}
	for _, k := range f.Unknown {
		p.say("with our label, unknown to the ledger: %s", k)
	}
	for _, u := range f.Unmanaged {
		kept := ""
		if !slices.ContainsFunc(u.Copies, func(k keyOnServer) bool { return !k.Kept }) {
			kept = ", kept"
		}
		p.say("unmanaged: «%s» %s, %s%s", plain(u.Label), plain(u.Key), counted(len(u.Copies), "time"), kept)
		for _, k := range u.Copies {
			p.say("  %s", k)
		}
	}
	for _, n := range f.NotRead {
		p.say("not read: %s: %s", plain(n.Server), plain(n.Why))
	}
	p.say("%d missing, %d left over, %d unknown with our label, %d unmanaged, %d not read", len(f.Missing), len(f.Leftover), len(f.Unknown), len(f.Unmanaged), len(f.NotRead))
	return p.err
}

// String names the key for people.
func (k keyOnServer) String() string {
	return fmt.Sprintf("%s: credential %s «%s»%s", plain(k.Server), plain(k.Credential), plain(k.Label), asUser(k.SystemUser))
}
