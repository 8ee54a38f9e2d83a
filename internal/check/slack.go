package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sshkeybot/bot/slackapi"

	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"
)

// workspace checks everything in Slack that the bot token is for.
func (c Checker) workspace(ctx context.Context) []Finding {
	seen := c.observe("Slack")
	web := &http.Client{Transport: seen, Timeout: allTimeout}
	bot := c.slackClient(web)
	self, err := bot.AuthTestContext(ctx)
	if err != nil {
		return []Finding{tokenRefused("bot token", err, mendBotToken),
			note("slack", "Scopes, approvers, channels and clock were not asked for, since Slack did not take the bot token.")}
	}
	granted := split(self.Header.Get("X-OAuth-Scopes"))
	findings := []Finding{
		ok("bot token", fmt.Sprintf("The bot is @%s in the workspace %s.", self.User, self.Team)),
		c.sameWorkspace(ctx, self), scopes(c.Manifest, granted), seen.clock("slack clock"),
	}
	findings = append(findings, c.approvers(ctx, web)...)
	return append(findings, c.channels(ctx, bot)...)
}

const (
	mendAppToken = "In the app's settings under Basic Information, App-Level Tokens, make a token with the scope connections:write, and put it into SLACK_APP_TOKEN."
	mendBotToken = "In the app's settings under OAuth & Permissions, install the app to the workspace and put the Bot User OAuth Token into SLACK_BOT_TOKEN."
	mendScopes   = "Put the output of `sshkeybot manifest` into the app's settings under App Manifest, then reinstall the app to the workspace (OAuth & Permissions)."
	mendWay      = "Make sure that this machine may open https connections to slack.com, and that a proxy, if there is one, is set in HTTPS_PROXY."
)

func (c Checker) slackClient(web *http.Client) *slack.Client {
	return slack.New(c.Config.Slack.BotToken.Reveal(), slack.OptionHTTPClient(web), slack.OptionAPIURL(c.Config.Slack.APIURL),
		slack.OptionAppLevelToken(c.Config.Slack.AppToken.Reveal()))
}

// socket checks whether the app token opens a socket. It is not among the checks at the
// start: the bot opens sockets itself then, and Slack limits how often an app may.
func (c Checker) socket(ctx context.Context) Finding {
	_, _, err := c.slackClient(&http.Client{Transport: c.observe("Slack"), Timeout: allTimeout}).StartSocketModeContext(ctx)
	if err != nil {
		return tokenRefused("app token", err, mendAppToken)
	}
	return ok("app token", "Slack opens a socket for it.")
}

// tokenRefused is the finding on a token with which a call to Slack failed.
func tokenRefused(name string, err error, remedy string) Finding {
	if limit, is := errors.AsType[*slack.RateLimitedError](err); is {
		return problem(name, fmt.Sprintf("Slack asks to wait %s.", limit.RetryAfter), "Check again after that; another process may be using the same app.")
	}
	code := slackCode(err)
	switch code {
	case "":
		return problem(name, "Slack did not answer.", mendWay) // the text of the error may contain a secret address
	case "missing_scope":
		return problem(name, "The token lacks a scope.", remedy)
	case "not_allowed_token_type":
		return problem(name, "This is a token of another kind.", remedy)
	case "link_disabled", "socket_mode_disabled":
		return problem(name, "Socket Mode is off.", "Turn it on in the app's settings under Socket Mode.")
	}
	return problem(name, "Slack refuses the token: "+code+".", remedy)
}

func slackCode(err error) string {
	if answer, is := errors.AsType[slack.SlackErrorResponse](err); is {
		return answer.Err
	}
	return ""
}

// checkScopes are those of the manifest that only a check needs, to see the bot's channels.
var checkScopes = []string{"channels:read", "groups:read"}

// scopes compares the scopes that were granted with those of the manifest.
func scopes(manifest string, granted []string) Finding {
	const name = "scopes"
	wanted := manifestScopes(manifest)
	missing, more := without(wanted, granted), without(granted, wanted)
	needed := without(missing, checkScopes)
	switch {
	case len(granted) == 0:
		return note(name, "Slack did not tell which scopes the bot has.")
	case len(needed) > 0:
		return problem(name, "The bot lacks "+strings.Join(missing, ", ")+".", mendScopes)
	case len(missing) > 0:
		return warning(name, "The bot lacks "+strings.Join(missing, ", ")+", so this check cannot see whether it is in its channels.", mendScopes)
	case len(more) > 0:
		return warning(name, "The bot has more scopes than it uses: "+strings.Join(more, ", ")+".", mendScopes)
	}
	return ok(name, fmt.Sprintf("The bot has the %d scopes of the manifest, and no other.", len(wanted)))
}

// manifestScopes returns the bot's scopes in the manifest.
func manifestScopes(manifest string) []string {
	var m slack.Manifest
	if yaml.Unmarshal([]byte(manifest), &m) != nil {
		return nil
	}
	return m.OAuthConfig.Scopes.Bot
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(others, s) })
}

// directory returns the directory with which the bot itself looks people up.
func (c Checker) directory(web *http.Client) *slackapi.Directory {
	return slackapi.NewDirectory(slackapi.New(slackapi.Config{Token: c.Config.Slack.BotToken.Reveal(), URL: c.Config.Slack.APIURL, HTTP: web}))
}
