package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sshkeybot/internal/config"
	"sshkeybot/internal/scalingo"
	target "sshkeybot/internal/target/scalingo"
)

// scalingo checks the Scalingo account, if one is configured.
func (c Checker) scalingo(ctx context.Context) []Finding {
	if c.Config.Scalingo == nil {
		return nil
	}
	seen := c.observe("Scalingo")
	client := scalingoClient(*c.Config.Scalingo, seen)
	account := scalingoAccount(ctx, client)
	if account.Status != OK {
		return []Finding{account}
	}
	counts, token := scalingoCounts(ctx, client), ownToken(ctx, client)
	return []Finding{account, counts, scalingoForm(seen.form("keys")), token, lending(c.Config.Scalingo.Grants), seen.limit("scalingo limit")}
}

// reachesScalingo checks whether Scalingo accepts the token, if one is configured.
func (c Checker) reachesScalingo(ctx context.Context) []Finding {
	if c.Config.Scalingo == nil {
		return nil
	}
	return []Finding{scalingoAccount(ctx, scalingoClient(*c.Config.Scalingo, c.observe("Scalingo")))}
}

func scalingoClient(cfg config.Scalingo, transport http.RoundTripper) *scalingo.Client {
	return scalingo.New(cfg.Token.Reveal(), scalingo.WithBaseURL(cfg.AuthURL), scalingo.WithHTTPClient(&http.Client{Transport: transport}), scalingo.WithTimeout(allTimeout))
}

func scalingoAccount(ctx context.Context, client *scalingo.Client) Finding {
	const name = "scalingo"
	self, err := client.Self(ctx)
	if err != nil {
		return scalingoFailed(name, "the account", err)
	}
	return ok(name, fmt.Sprintf("The token is of the account %s (%s).", self.Username, self.ID))
}

func scalingoCounts(ctx context.Context, client *scalingo.Client) Finding {
	const name = "scalingo keys"
	keys, err := client.Keys(ctx)
	if err != nil {
		return scalingoFailed(name, "the account's keys", err)
	}
	tokens, err := client.APITokens(ctx)
	if err != nil {
		return scalingoFailed(name, "the account's API tokens", err)
	}
	return ok(name, fmt.Sprintf("The account has %s and %s.", count(len(keys), "key"), count(len(tokens), "API token")))
}

// scalingoForm says which fields of a key Scalingo shows, as far as there are keys.
func scalingoForm(keys listing) Finding {
	const name = "scalingo key form"
	if keys.entries == 0 {
		return note(name, "The account has no keys, so their form was not seen.")
	}
	return note(name, "A key in a list has "+keys.names()+".")
}

func count(n int, what string) string {
	switch stem, y := strings.CutSuffix(what, "y"); {
	case n != 1 && y && what != "key":
		what = stem + "ies"
	case n != 1:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// ownToken checks whether the bot can tell its own API token from the others.
func ownToken(ctx context.Context, client *scalingo.Client) Finding {
	const name = "scalingo token"
	switch _, err := client.OwnToken(ctx); {
	case errors.Is(err, scalingo.ErrOwnTokenUnknown):
		return warning(name, "It cannot be told which API token the bot uses itself, so it lists API tokens and removes none.",
			"Let no other program use the bot's token, and check again; until then remove tokens in Scalingo's dashboard.")
	case err != nil:
		return scalingoFailed(name, "the account's API tokens", err)
	}
	return ok(name, "The bot can tell its own API token from the others, and never removes that one.")
}

// lending returns what it means that the account may be lent, or that it is not.
func lending(grants bool) Finding {
	const name = "scalingo grants"
	if !grants {
		return ok(name, "The account is not lent: a grant on scalingo is refused.")
	}
	means, _ := (&target.Target{Grants: true}).Lending()
	return warning(name, "The account may be lent, by grant on scalingo. "+means,
		"Set SCALINGO_GRANTS=false unless people need it, and give the account no app that they must not have.")
}

// scalingoFailed is the finding on a call to Scalingo that failed.
func scalingoFailed(name, what string, err error) Finding {
	status := 0
	if e, is := errors.AsType[*scalingo.Error](err); is {
		status = e.Status
	}
	switch {
	case scalingo.IsUnauthorized(err):
		return problem(name, "Scalingo answers 401: the API token is wrong, or was deleted or regenerated.",
			"Make a new API token as the account whose keys are to be looked after, and put it into SCALINGO_API_TOKEN.")
	case scalingo.IsForbidden(err):
		return problem(name, fmt.Sprintf("Scalingo answers %d when asked for %s.", status, what), "See in Scalingo's dashboard whether the account is suspended or something is to be paid.")
	case scalingo.IsRateLimited(err):
		return problem(name, "Scalingo's rate limit is used up"+asksToWait(scalingo.RetryAfter(err))+".", "Check again in a minute, and see which other programs use the same account.")
	case status == 0:
		return problem(name, "Scalingo did not answer when asked for "+what+".", "Make sure that this machine may open https connections to the address in SCALINGO_AUTH_URL.")
	case errors.Is(err, scalingo.ErrPaginated):
		return problem(name, "Scalingo lists "+what+" in pages now, which this version cannot read.", "See whether there is a newer version of the bot.")
	}
	return problem(name, fmt.Sprintf("Scalingo answers %d when asked for %s, and not as its API does.", status, what),
		"If SCALINGO_AUTH_URL is set, make sure that it is the host for authentication, without a path; else check again later.")
}
