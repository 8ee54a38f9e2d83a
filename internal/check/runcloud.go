package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sshkeybot/internal/config"
	"sshkeybot/runcloud"
)

// runCloudAccount is one account as the checks see it.
type runCloudAccount struct {
	config.RunCloud
	finding string // the name of its findings
	suffix  string // behind the names of its own settings
}

// runCloudAccounts returns the accounts. The findings on several say which one they are about.
func (c Checker) runCloudAccounts() []runCloudAccount {
	all := make([]runCloudAccount, len(c.Config.RunClouds))
	for i, account := range c.Config.RunClouds {
		all[i] = runCloudAccount{RunCloud: account, finding: "runcloud"}
		if len(all) > 1 {
			all[i].finding += " " + account.Name
			all[i].suffix = "_" + strings.ToUpper(strings.ReplaceAll(account.Name, "-", "_"))
		}
	}
	return all
}

func (c Checker) runCloud(ctx context.Context) (findings []Finding) {
	for _, account := range c.runCloudAccounts() {
		findings = append(findings, c.runCloudAccount(ctx, account)...)
	}
	return findings
}

func (c Checker) runCloudAccount(ctx context.Context, a runCloudAccount) []Finding {
	clock := &dateTransport{now: c.Now}
	client := a.client(clock)
	servers, err := client.AllServers(ctx)
	if err != nil {
		return []Finding{a.callFailed(a.finding, "the list of servers", err)}
	}
	return []Finding{a.serverCount(servers), a.serverKeys(ctx, client, servers), clock.finding(a.finding+" clock", "RunCloud")}
}

func (a runCloudAccount) client(transport http.RoundTripper) *runcloud.Client {
	return runcloud.New(a.Token.Reveal(), runcloud.WithBaseURL(a.APIURL),
		runcloud.WithHTTPClient(&http.Client{Transport: transport}), runcloud.WithTimeout(callTimeout), runcloud.WithRetry(1, 0))
}

// reachesRunCloud checks whether RunCloud accepts each token, by asking for one server.
func (c Checker) reachesRunCloud(ctx context.Context) (findings []Finding) {
	for _, account := range c.runCloudAccounts() {
		findings = append(findings, account.reached(ctx))
	}
	return findings
}

func (a runCloudAccount) reached(ctx context.Context) Finding {
	for _, err := range a.client(http.DefaultTransport).Servers(ctx, runcloud.ServerListOpts{PerPage: 1}) {
		if err != nil {
			return a.callFailed(a.finding, "the list of servers", err)
		}
		break
	}
	return ok(a.finding, "RunCloud takes the token.")
}

func (a runCloudAccount) serverCount(servers []runcloud.Server) Finding {
	offline := 0
	for _, s := range servers {
		if !s.Online {
			offline++
		}
	}
	text := fmt.Sprintf("The account has %d servers, %d of them offline.", len(servers), offline)
	if len(servers) == 0 {
		return warning(a.finding, text, "Make sure that the token is of the workspace that owns the servers.")
	}
	return ok(a.finding, text)
}

// serverKeys lists the keys of one server that is online: a token may be allowed to list
// servers but not their keys.
func (a runCloudAccount) serverKeys(ctx context.Context, client *runcloud.Client, servers []runcloud.Server) Finding {
	name := a.finding + " keys"
	i := slices.IndexFunc(servers, func(s runcloud.Server) bool { return s.Online })
	if i < 0 {
		return note(name, "No server is online, so listing keys was not tried.")
	}
	keys, err := client.SSHCredentials(ctx, servers[i].ID)
	if err != nil {
		return a.callFailed(name, "the keys of "+servers[i].Name, err)
	}
	return ok(name, fmt.Sprintf("The keys of %s can be listed (%d).", servers[i].Name, len(keys)))
}

// callFailed is the finding on a call to RunCloud that failed.
func (a runCloudAccount) callFailed(name, what string, err error) Finding {
	status := 0
	if e, is := errors.AsType[*runcloud.Error](err); is {
		status = e.Status
	}
	switch {
	case runcloud.IsUnauthorized(err):
		return problem(name, "RunCloud answers 401 when asked for "+what+". It does so for a wrong token and for a machine that may not call.",
			"Either make a new token (Workspace, Settings, API Management) and put it into RUNCLOUD_API_TOKEN"+a.suffix+", or add this machine's public address to the allow list on the same page.")
	case runcloud.IsForbidden(err):
		return problem(name, "RunCloud does not let the token read "+what+".", "Make the token as somebody who may manage all servers of the workspace.")
	case runcloud.IsRateLimited(err):
		return problem(name, "RunCloud's rate limit or monthly quota is used up.", "Check again later, and see which other programs use the same workspace.")
	case status == 0:
		return problem(name, "RunCloud did not answer when asked for "+what+".", "Make sure that this machine may open https connections to the address in RUNCLOUD_API_URL.")
	}
	return problem(name, fmt.Sprintf("RunCloud answers %d when asked for %s.", status, what), "If RUNCLOUD_API_URL is set, make sure that it ends in /api/v3; else check again later.")
}
