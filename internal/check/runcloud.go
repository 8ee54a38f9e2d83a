package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sshkeybot/runcloud"
)

func (c Checker) runCloud(ctx context.Context) []Finding {
	clock := &dateTransport{now: c.Now}
	client := c.runCloudClient(clock)
	servers, err := client.AllServers(ctx)
	if err != nil {
		return []Finding{callFailed("runcloud", "the list of servers", err)}
	}
	return []Finding{serverCount(servers), serverKeys(ctx, client, servers), clock.finding("runcloud clock", "RunCloud")}
}

func (c Checker) runCloudClient(transport http.RoundTripper) *runcloud.Client {
	return runcloud.New(c.Config.RunCloud.Token.Reveal(), runcloud.WithBaseURL(c.Config.RunCloud.APIURL),
		runcloud.WithHTTPClient(&http.Client{Transport: transport}), runcloud.WithTimeout(callTimeout), runcloud.WithRetry(1, 0))
}

// reachesRunCloud checks whether RunCloud accepts the token, by asking for one server.
func (c Checker) reachesRunCloud(ctx context.Context) Finding {
	for _, err := range c.runCloudClient(http.DefaultTransport).Servers(ctx, runcloud.ServerListOpts{PerPage: 1}) {
		if err != nil {
			return callFailed("runcloud", "the list of servers", err)
		}
		break
	}
	return ok("runcloud", "RunCloud takes the token.")
}

func serverCount(servers []runcloud.Server) Finding {
	offline := 0
	for _, s := range servers {
		if !s.Online {
			offline++
		}
	}
	text := fmt.Sprintf("The account has %d servers, %d of them offline.", len(servers), offline)
	if len(servers) == 0 {
		return warning("runcloud", text, "Make sure that the token is of the workspace that owns the servers.")
	}
	return ok("runcloud", text)
}

// serverKeys lists the keys of one server that is online: a token may be allowed to list
// servers but not their keys.
func serverKeys(ctx context.Context, client *runcloud.Client, servers []runcloud.Server) Finding {
	const name = "runcloud keys"
	i := slices.IndexFunc(servers, func(s runcloud.Server) bool { return s.Online })
	if i < 0 {
		return note(name, "No server is online, so listing keys was not tried.")
	}
	keys, err := client.SSHCredentials(ctx, servers[i].ID)
	if err != nil {
		return callFailed(name, "the keys of "+servers[i].Name, err)
	}
	return ok(name, fmt.Sprintf("The keys of %s can be listed (%d).", servers[i].Name, len(keys)))
}

// callFailed is the finding on a call to RunCloud that failed.
func callFailed(name, what string, err error) Finding {
	status := 0
	if e, is := errors.AsType[*runcloud.Error](err); is {
		status = e.Status
	}
	switch {
	case runcloud.IsUnauthorized(err):
		return problem(name, "RunCloud answers 401 when asked for "+what+". It does so for a wrong token and for a machine that may not call.",
			"Either make a new token (Workspace, Settings, API Management) and put it into RUNCLOUD_API_TOKEN, or add this machine's public address to the allow list on the same page.")
	case runcloud.IsForbidden(err):
		return problem(name, "RunCloud does not let the token read "+what+".", "Make the token as somebody who may manage all servers of the workspace.")
	case runcloud.IsRateLimited(err):
		return problem(name, "RunCloud's rate limit or monthly quota is used up.", "Check again later, and see which other programs use the same workspace.")
	case status == 0:
		return problem(name, "RunCloud did not answer when asked for "+what+".", "Make sure that this machine may open https connections to the address in RUNCLOUD_API_URL.")
	}
	return problem(name, fmt.Sprintf("RunCloud answers %d when asked for %s.", status, what), "If RUNCLOUD_API_URL is set, make sure that it ends in /api/v3; else check again later.")
}
