package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/workflow"
)

// userID is the form of a Slack user ID.
var userID = regexp.MustCompile(`^[UW][A-Z0-9]{2,}$`)

func listCommand(now func() time.Time) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list [USER_ID]", Short: "Show who has access now, and which keys still have to go", Args: atMostOneUser, GroupID: groupLook,
		Long: "Reads the ledger, beside a running bot or without one, and asks nobody outside.\n" +
			"Exits 0 when it was read, 1 when it was not, 2 for wrong usage.",
		Example: "  sshkeybot list\n  sshkeybot list U012ABCDEF --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			var of access.UserID
			if len(args) == 1 {
				of = access.UserID(args[0])
			}
			return list(cmd, of, asJSON, now)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

func atMostOneUser(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%q is an argument too many", args[1])}
	}
	if len(args) == 1 && !userID.MatchString(args[0]) {
		return usageError{fmt.Errorf("%q is not a Slack user ID: it begins with U or W and stands in the profile's menu in Slack", args[0])}
	}
	return nil
}

func list(cmd *cobra.Command, of access.UserID, asJSON bool, now func() time.Time) error {
	cfg, err := config.LoadFor(ledgerSetting)
	if err != nil {
		return err
	}
	ledger, err := openToRead(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer ledger.Close()
	overview, err := app.ReadOnly(ledger, cfg, now).Overview(cmd.Context(), of)
	if err != nil {
		return err
	}
	listing := listingOf(overview)
	if asJSON {
		return printJSON(cmd.OutOrStdout(), listing)
	}
	return listing.print(cmd.OutOrStdout())
}

// listing is what list prints; with --json, as it is here.
type listing struct {
	Grants    []grantLine     `json:"grants"`
	Waiting   []requestLine   `json:"waiting"`
	Owed      []owedLine      `json:"owed"`
	Undecided []undecidedLine `json:"undecided"`
}

// undecidedLine is a request with keys that approvers have to decide about, one by one.
type undecidedLine struct {
	Request    int64              `json:"request"`
	Kind       access.RequestKind `json:"kind"`
	Person     access.UserID      `json:"person"`
	Keys       int                `json:"keys"` // without the lookalikes
	Tokens     int                `json:"tokens"`
	Lookalikes int                `json:"lookalikes"` // keys that merely begin like one that is looked for, as every key of its type does
}

type grantLine struct {
	Grant      int64         `json:"grant"`
	Request    int64         `json:"request"`
	Person     access.UserID `json:"person"`
	Account    string        `json:"account,omitempty"` // whose key it is instead of a person's
	SystemUser string        `json:"system_user"`
	Pattern    string        `json:"pattern"` // as it was typed; empty is every server
	Servers    int           `json:"servers"`
	Placed     int           `json:"keys_placed"`
	Missing    int           `json:"keys_missing"`
	Ends       *time.Time    `json:"ends"` // null is for ever
	account    string        // what people call the account that is lent instead of servers; empty for servers
	within     string        // whose servers they are, where there are several accounts and few servers
}

func (g grantLine) where() string {
	if g.account != "" {
		return "the " + g.account + " account"
	}
	switch {
	case g.within != "":
		return counted(g.Servers, "server") + " of " + g.within
	case strings.Contains(g.Pattern, "/"):
		return counted(g.Servers, "server") + " (" + plain(g.Pattern) + ")"
	}
	return counted(g.Servers, "server")
}

type requestLine struct {
	Request int64               `json:"request"`
	Kind    access.RequestKind  `json:"kind"`
	State   access.RequestState `json:"state"`
	Asker   access.UserID       `json:"asker"`
	Person  access.UserID       `json:"person"`
	Expires time.Time           `json:"expires"`
}

// owedLine is a key that must go and is not confirmed to be gone.
type owedLine struct {
	ServerID    string         `json:"server_id"`
	Server      string         `json:"server"`
	Person      access.UserID  `json:"person"`
	SystemUser  string         `json:"system_user"`
	Fingerprint string         `json:"fingerprint"`
	Problem     access.Problem `json:"problem"`
	Detail      string         `json:"detail"`
	Overdue     bool           `json:"overdue"` // false while it is being removed
	target      string         // what people call the server's target
}

func listingOf(o workflow.Overview) listing {
	l := listing{Grants: []grantLine{}, Waiting: []requestLine{}, Owed: []owedLine{}, Undecided: []undecidedLine{}}
	for _, v := range o.Grants {
		g := grantLine{
			Grant: v.Grant.ID, Request: v.Grant.RequestID, Person: v.Grant.Person, SystemUser: v.Grant.SystemUser,
			Pattern: v.Pattern, Servers: v.Servers, Placed: v.Placed, Missing: v.Wanted, account: v.Account, within: strings.Join(v.Within, " and "),
		}
		if v.Grant.OfAccount() {
			g.Account = v.Grant.Alias
		}
		if !v.Grant.EndsAt.IsZero() {
			ends := v.Grant.EndsAt.UTC()
			g.Ends = &ends
		}
		l.Grants = append(l.Grants, g)
	}
	for _, r := range o.Waiting {
		l.Waiting = append(l.Waiting, requestLine{Request: r.ID, Kind: r.Kind, State: r.State, Asker: r.Asker, Person: r.Person, Expires: r.ExpiresAt.UTC()})
	}
	for _, u := range o.Undecided {
		l.Undecided = append(l.Undecided, undecidedLine{Request: u.Request.ID, Kind: u.Request.Kind, Person: u.Request.Person, Keys: u.Keys, Tokens: u.Tokens, Lookalikes: u.Lookalikes})
	}
	for _, d := range o.Debt {
		p := d.Placement
		l.Owed = append(l.Owed, owedLine{
			ServerID: d.Server.ExternalID, Server: d.Server.Name, Person: p.Person, SystemUser: p.SystemUser,
			Fingerprint: p.Fingerprint, Problem: p.Problem, Detail: p.Detail, Overdue: !d.Moving, target: d.Title,
		})
	}
	return l
}

// ifAny returns a person behind a word, and nothing where there is none.
func ifAny(word string, person access.UserID) string {
	if person == "" {
		return ""
	}
	return word + string(person)
}

func (l listing) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s live\n", counted(len(l.Grants), "grant"))
	for _, g := range l.Grants {
		ends := "with no end date"
		if g.Ends != nil {
			ends = "until " + g.Ends.Format("2006-01-02 15:04 MST")
		}
		fmt.Fprintf(w, "  request %d\t%s\ton %s%s\t%s\t%s placed, %d missing\n",
			g.Request, cmp.Or(string(g.Person), "account "+plain(g.Account)), g.where(), asUser(g.SystemUser), ends, counted(g.Placed, "key"), g.Missing)
	}
	if len(l.Waiting) > 0 {
		fmt.Fprintf(w, "%s waiting\n", counted(len(l.Waiting), "request"))
	}
	for _, r := range l.Waiting {
		fmt.Fprintf(w, "  request %d\t%s\t%s\t%s\t%s\n", r.Request, r.Kind, ifAny("for ", r.Person), ifAny("asked by ", r.Asker), r.State)
	}
	if len(l.Undecided) > 0 {
		fmt.Fprintf(w, "%s with keys to decide about in Slack\n", counted(len(l.Undecided), "request"))
	}
	for _, u := range l.Undecided {
		fmt.Fprintf(w, "  request %d\t%s\t%s\t%s, %s, %s\n", u.Request, u.Kind, ifAny("of ", u.Person), counted(u.Keys, "key"), counted(u.Tokens, "API token"), counted(u.Lookalikes, "lookalike"))
	}
	if len(l.Owed) > 0 {
		fmt.Fprintf(w, "%s still to remove\n", counted(len(l.Owed), "key"))
	}
	for _, o := range l.Owed {
		fmt.Fprintf(w, "  %s%s\t%s\t%s\t%s\n", plain(o.Server), asUser(o.SystemUser), o.Person, o.Fingerprint, plain(o.why()))
	}
	return w.Flush()
}

func (o owedLine) why() string {
	if !o.Overdue {
		return "being removed now"
	}
	return why(o.target, o.Problem, o.Detail)
}

// why returns why a key is not removed yet from a server of a target with that title.
func why(target string, p access.Problem, detail string) string {
	if p == access.ProblemOffline {
		return "the server is offline"
	}
	if p == access.ProblemServerLeft {
		return "the server has left the " + target + " account; the key may still be on it"
	}
	if detail != "" {
		return detail
	}
	return "not removed yet"
}
