package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/runcloud"
)

// runCloudAccount is one account as the checks see it.
type runCloudAccount struct {
	config.RunCloud
	finding string // the name of its findings
	setting string // the variable that holds its token
}

// runCloudAccounts returns the accounts. The findings on several say which one they are about.
func (c Checker) runCloudAccounts() []runCloudAccount {
	all := make([]runCloudAccount, len(c.Config.RunClouds))
	for i, account := range c.Config.RunClouds {
		all[i] = runCloudAccount{RunCloud: account, finding: "runcloud", setting: "RUNCLOUD_API_TOKEN"}
		if len(all) > 1 {
			all[i].finding += " " + account.Name
			all[i].setting = config.VariableOf(all[i].setting, account.Name)
		}
	}
	return all
}

// runCloud checks each account: what the bot needs of it, and how it does what RunCloud does not document.
func (c Checker) runCloud(ctx context.Context) (findings []Finding) {
	owners := map[sighting]string{}
	for _, account := range c.runCloudAccounts() {
		of, servers := account.check(ctx, c.observe("RunCloud"))
		findings = append(append(findings, of...), account.sharing(owners, servers)...)
	}
	return findings
}

// sighting is what the list of an account says of a server. Two accounts of different workspaces may
// have servers with the same id, or the same name, but not with the same of all three.
type sighting struct {
	id            int64
	name, address string
}

// sharing returns a problem if some of the servers have another account as their owner. The others it
// adds to owners.
func (a runCloudAccount) sharing(owners map[sighting]string, servers []runcloud.Server) []Finding {
	var other string
	var shared []string
	for _, s := range servers {
		key := sighting{s.ID, s.Name, s.IPAddress}
		if of, known := owners[key]; known && s.IPAddress != "" {
			other, shared = of, append(shared, s.Name)
		} else {
			owners[key] = a.Name
		}
	}
	if len(shared) == 0 {
		return nil
	}
	return []Finding{problem(a.finding+" servers", fmt.Sprintf("%s of %s, such as %s, are in %s as well, so both tokens are of one workspace.", count(len(shared), "server"), a.Name, slices.Min(shared), other),
		"Leave one of the two names out of RUNCLOUD_WORKSPACES: each of these servers is two in the ledger, and what is taken back on the one stays on the other. End what was granted on that one first.")}
}

func (a runCloudAccount) check(ctx context.Context, seen *observer) ([]Finding, []runcloud.Server) {
	client := a.client(seen)
	servers, err := client.AllServers(ctx)
	if err != nil {
		return []Finding{a.callFailed(a.finding, "the list of servers", err), seen.limit(a.finding + " limit")}, nil
	}
	findings := []Finding{a.serverCount(servers), seen.form("servers").paging(a.finding+" pages", "RunCloud")}
	findings = append(findings, a.serverKeys(ctx, client, seen, servers)...)
	return append(findings, seen.limit(a.finding+" limit"), seen.clock(a.finding+" clock")), servers
}

func (a runCloudAccount) client(transport http.RoundTripper) *runcloud.Client {
	return runcloud.New(a.Token.Reveal(), runcloud.WithBaseURL(a.APIURL),
		runcloud.WithHTTPClient(&http.Client{Transport: transport}), runcloud.WithTimeout(allTimeout), runcloud.WithRetry(1, 0))
}

// reachesRunCloud checks whether RunCloud accepts each token, by asking for one server.
func (c Checker) reachesRunCloud(ctx context.Context) (findings []Finding) {
	for _, account := range c.runCloudAccounts() {
		findings = append(findings, account.reached(ctx, c.observe("RunCloud"))...)
	}
	return findings
}

func (a runCloudAccount) reached(ctx context.Context, seen *observer) []Finding {
	for _, err := range a.client(seen).Servers(ctx, runcloud.ServerListOpts{PerPage: 1}) {
		if err != nil {
			return []Finding{a.callFailed(a.finding, "the list of servers", err)}
		}
		break
	}
	return []Finding{ok(a.finding, "RunCloud takes the token."), seen.clock(a.finding + " clock")}
}

func (a runCloudAccount) serverCount(servers []runcloud.Server) Finding {
	offline := 0
	for _, s := range servers {
		if !s.Online {
			offline++
		}
	}
	text := fmt.Sprintf("The account has %s, %d of them offline.", count(len(servers), "server"), offline)
	if len(servers) == 0 {
		return warning(a.finding, text, "Make sure that the token is of the workspace that owns the servers.")
	}
	return ok(a.finding, text)
}

// mostServers is of how many servers the keys are listed at most, to see one that has any.
const mostServers = 10

// serverKeys lists the keys of a server that is online: a token may be allowed to list servers but
// not their keys. Where it has none, another server is looked at, to see the form of a key.
func (a runCloudAccount) serverKeys(ctx context.Context, client *runcloud.Client, seen *observer, servers []runcloud.Server) []Finding {
	name := a.finding + " keys"
	online := slices.DeleteFunc(slices.Clone(servers), func(s runcloud.Server) bool { return !s.Online })
	if len(online) == 0 {
		return []Finding{note(name, "No server is online, so listing keys was not tried.")}
	}
	var keys []runcloud.SSHCredential
	for _, s := range online[:min(len(online), mostServers)] {
		var err error
		if keys, err = client.SSHCredentials(ctx, s.ID); err != nil {
			return []Finding{a.callFailed(name, fmt.Sprintf("the keys of server #%d", s.ID), err)}
		}
		if len(keys) > 0 {
			break
		}
	}
	return []Finding{ok(name, fmt.Sprintf("The keys of a server can be listed (%d).", len(keys))), keyForm(a.finding+" key form", keys, seen.form("credentials"))}
}

// keyForm says how keys are shown in a list: RunCloud documents neither whether temporary ones are
// told from others there, nor whether a key is ever shown whole.
func keyForm(name string, keys []runcloud.SSHCredential, form listing) Finding {
	if len(keys) == 0 {
		return note(name, "There were no keys, so their form was not seen.")
	}
	text := "A key in a list has " + form.names() + "; "
	if untold := len(keys) - told(keys); untold > 0 {
		text += fmt.Sprintf("temporary is not told of %d of %d.", untold, len(keys))
	} else {
		text += "temporary is told."
	}
	return note(name, text+" "+lengths(keys))
}

// told returns of how many keys it is told whether they are temporary.
func told(keys []runcloud.SSHCredential) (n int) {
	for _, k := range keys {
		if k.Temporary != nil {
			n++
		}
	}
	return n
}

// lengths says how many keys are cut, and what is left of them.
func lengths(keys []runcloud.SSHCredential) string {
	var cut []int
	for _, k := range keys {
		if visible, dots := strings.CutSuffix(strings.ReplaceAll(k.PublicKey, "…", "..."), "..."); dots {
			cut = append(cut, len(visible))
		}
	}
	switch whole := len(keys) - len(cut); {
	case whole == len(keys):
		return "All are shown whole."
	case slices.Min(cut) != slices.Max(cut):
		return fmt.Sprintf("%d are shown whole, %d cut to %d up to %d characters.", whole, len(cut), slices.Min(cut), slices.Max(cut))
	default:
		return fmt.Sprintf("%d are shown whole, %d cut to %d characters.", whole, len(cut), cut[0])
	}
}

// callFailed is the finding on a call to RunCloud that failed.
func (a runCloudAccount) callFailed(name, what string, err error) Finding {
	status := 0
	if e, is := errors.AsType[*runcloud.Error](err); is {
		status = e.Status
	}
	changed, incomplete := errors.AsType[*runcloud.ListError](err)
	switch {
	case incomplete:
		return problem(name, fmt.Sprintf("RunCloud's answers to the question for %s do not agree: %d came of %d (-1: it states no number).", what, changed.Got, changed.Want),
			"Check again when nobody changes servers or keys. If it stays so, the bot cannot tell whether it sees all of them.")
	case runcloud.IsUnauthorized(err):
		return problem(name, "RunCloud answers 401 when asked for "+what+". It does so for a wrong token and for a machine that may not call.",
			"Either make a new token (Workspace, Settings, API Management) and put it into "+a.setting+", or add this machine's public address to the allow list on the same page.")
	case runcloud.IsForbidden(err):
		return problem(name, "RunCloud does not let the token read "+what+".", "Make the token as somebody who may manage all servers of the workspace.")
	case runcloud.IsRateLimited(err):
		return problem(name, "RunCloud's rate limit or monthly quota is used up"+asksToWait(runcloud.RetryAfter(err))+".", "Check again later, and see which other programs use the same workspace.")
	case status == 0:
		return problem(name, "RunCloud did not answer when asked for "+what+".", "Make sure that this machine may open https connections to the address in RUNCLOUD_API_URL.")
	}
	return problem(name, fmt.Sprintf("RunCloud answers %d when asked for %s.", status, what), "If RUNCLOUD_API_URL is set, make sure that it ends in /api/v3; else check again later.")
}

// asksToWait says how long a service asks to wait, if it does.
func asksToWait(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return ": it asks to wait " + d.Round(time.Second).String()
}
