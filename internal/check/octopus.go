package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"sshkeybot/internal/octopus"
)

// octopus checks whether `rotate` can do its work: the version, who the API key belongs to, the space, and what
// of its rights can be seen without changing anything. It returns nothing where Octopus Deploy is not configured.
func (c Checker) octopus(ctx context.Context) []Finding {
	o := c.Config.Octopus
	if o == nil {
		return nil
	}
	client := octopus.New(o.URL, o.APIKey.Reveal(), octopus.WithHTTPClient(&http.Client{Transport: c.observe("Octopus Deploy")}),
		octopus.WithTimeout(allTimeout), octopus.WithRetry(1, 0))
	version := octopusVersion(ctx, client)
	if version.Status == Problem {
		return []Finding{version}
	}
	user := octopusUser(ctx, client)
	if user.Status == Problem {
		return []Finding{version, user}
	}
	space, err := client.Space(ctx, cmp.Or(o.Space, defaultSpace))
	if err != nil {
		return []Finding{version, user, octopusFailed("octopus space", "the space", err)}
	}
	return []Finding{version, user, octopusAccounts(ctx, client, space), octopusRights(ctx, client, space)}
}

// defaultSpace is the name of the space that every server has at first.
const defaultSpace = "Default"

func octopusVersion(ctx context.Context, client *octopus.Client) Finding {
	const name = "octopus"
	info, err := client.Server(ctx)
	if err != nil {
		return octopusFailed(name, "its version", err)
	}
	version, err := octopus.ParseVersion(info.Version)
	switch {
	case err != nil:
		return problem(name, "Octopus Deploy does not say which version it is.", "Make sure that OCTOPUS_URL is the address of its web portal.")
	case !version.TakesEd25519():
		return problem(name, fmt.Sprintf("Octopus Deploy %s takes no Ed25519 keys.", version), "Update it to "+octopus.Ed25519Since+" or newer.")
	}
	return ok(name, fmt.Sprintf("Octopus Deploy %s takes Ed25519 keys.", version))
}

func octopusUser(ctx context.Context, client *octopus.Client) Finding {
	const name = "octopus user"
	me, err := client.Me(ctx)
	switch {
	case err != nil:
		return octopusFailed(name, "the user of the API key", err)
	case !me.IsService:
		return warning(name, "The API key belongs to a user who can sign in to the portal.", "Make a service account for me, with a key of its own.")
	}
	return ok(name, "The API key belongs to a service account.")
}

func octopusAccounts(ctx context.Context, client *octopus.Client, space octopus.Space) Finding {
	const name = "octopus space"
	n, err := client.CountAccounts(ctx, space.ID)
	switch {
	case err != nil:
		return octopusFailed(name, "the accounts", err)
	case n == 0:
		return warning(name, fmt.Sprintf("The space %s (%s) has no SSH key pair account that the API key may see.", space.Name, space.ID),
			"Make sure that OCTOPUS_SPACE is the right one, and give the service account the right AccountView.")
	}
	return ok(name, fmt.Sprintf("The space %s (%s) has %d SSH key pair accounts.", space.Name, space.ID, n))
}

// octopusRights reads what a rotation reads. What it may write shows only when it does.
func octopusRights(ctx context.Context, client *octopus.Client, space octopus.Space) Finding {
	const name = "octopus rights"
	for _, right := range []struct {
		name, what string
		read       func() error
	}{
		{"MachineView", "the deployment targets", func() error { _, err := client.Machines(ctx, space.ID); return err }},
		{"WorkerView", "the workers", func() error { _, err := client.Workers(ctx, space.ID); return err }},
		{"TaskView", "the tasks", func() error { _, err := client.ActiveTasks(ctx, space.ID); return err }},
	} {
		err := right.read()
		if octopus.IsForbidden(err) {
			return problem(name, "Octopus Deploy does not let the API key read "+right.what+".", "Give the service account the right "+right.name+".")
		}
		if err != nil {
			return octopusFailed(name, right.what, err)
		}
	}
	return ok(name, "Targets, workers and tasks can be read. Whether accounts may be changed (AccountEdit, AccountCreate) and tasks started (TaskCreate) shows only when that is done.")
}

// octopusFailed is the finding on a call to Octopus Deploy that failed.
func octopusFailed(name, what string, err error) Finding {
	status := 0
	if e, is := errors.AsType[*octopus.Error](err); is {
		status = e.Status
	}
	switch {
	case octopus.IsUnauthorized(err):
		return problem(name, "Octopus Deploy answers 401: the API key is wrong, or has expired.", "Make a new one for the service account and put it into OCTOPUS_API_KEY.")
	case octopus.IsForbidden(err):
		return problem(name, "Octopus Deploy does not let the API key read "+what+".", "Give the service account the rights that the README names.")
	case octopus.IsNotFound(err), octopus.IsAmbiguous(err):
		return problem(name, "Octopus Deploy has not exactly one space of that name, or shows none to the API key.", "Put its name or id into OCTOPUS_SPACE.")
	case octopus.IsRateLimited(err):
		return problem(name, "Octopus Deploy's rate limit is used up.", "Check again in a minute.")
	case status == 0:
		return problem(name, "Octopus Deploy did not answer when asked for "+what+".", "Make sure that this machine may open connections to the address in OCTOPUS_URL.")
	}
	return problem(name, fmt.Sprintf("Octopus Deploy answers %d when asked for %s.", status, what), "Make sure that OCTOPUS_URL is the address of its web portal.")
}
