// Package scalingo makes a Scalingo account a target of grants: it translates
// between the words of the domain and those of the API client.
package scalingo

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/scalingo"
)

// Target is the Scalingo account that an API token belongs to. Its one place is the account itself: a key on it
// may do whatever the account may, and there are no system users.
type Target struct {
	Client *scalingo.Client
	Grants bool // the account may be lent

	mu      sync.Mutex
	account string // its id; empty until it was read
}

var (
	_ access.Target           = (*Target)(nil)
	_ access.Lender           = (*Target)(nil)
	_ access.ManualOffboarder = (*Target)(nil)
	_ access.Paced            = (*Target)(nil)
	_ access.Reserver         = (*Target)(nil)
)

// Name returns the name of the target, which is that of its place as well.
func (*Target) Name() string { return "scalingo" }

// Title returns what people call the target.
func (*Target) Title() string { return "Scalingo" }

// ManualOffboarding implements access.ManualOffboarder.
func (*Target) ManualOffboarding() string {
	return "To do by hand: take them out of the collaborators of every app at Scalingo, and change the passwords and environment " +
		"variables that they have seen; I see neither their own Scalingo account nor the apps that it owns."
}

// Servers asks which account the token is of, and returns that as the one place.
func (t *Target) Servers(ctx context.Context) ([]access.Server, error) {
	id, err := t.readAccount(limiter.WithPriority(ctx, limiter.High))
	if err != nil {
		return nil, err
	}
	return []access.Server{{ExternalID: id, Name: t.Name(), Online: true}}, nil
}

// Ping asks which account the token is of. Removals may wait for the answer.
func (t *Target) Ping(ctx context.Context) error {
	_, err := t.readAccount(limiter.WithPriority(ctx, limiter.High))
	return err
}

// readAccount asks for the id of the account, and remembers it: a token stays that of one account.
func (t *Target) readAccount(ctx context.Context) (string, error) {
	self, err := t.Client.Self(ctx)
	if err != nil {
		return "", failure("read account", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.account = self.ID
	return self.ID, nil
}

// at returns an error unless place is the account of the token. It never has code NotFound, since the keys of
// another account are out of reach but not gone.
func (t *Target) at(ctx context.Context, op, place string) error {
	t.mu.Lock()
	account := t.account
	t.mu.Unlock()
	if account == "" {
		var err error
		if account, err = t.readAccount(ctx); err != nil {
			return err
		}
	}
	if account != place {
		return &access.Error{Code: access.Unavailable, Op: op, Message: "The API token that is configured for Scalingo is of another account, so I do not reach this one."}
	}
	return nil
}

// Acquire waits for leave to make one call; what is more urgent goes first. An exchange of the token that the
// call needs waits for nothing more.
func (t *Target) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
	return t.Client.Limiter().Acquire(limiter.WithPriority(ctx, priorityOf(p)))
}

func priorityOf(p access.Priority) limiter.Priority {
	switch p {
	case access.Removal:
		return limiter.High
	case access.Renewal:
		return limiter.Elevated
	case access.Addition:
		return limiter.Normal
	case access.Reading:
	}
	return limiter.Low
}

// Pace returns what the limiter knows.
func (t *Target) Pace() access.Pace {
	state := t.Client.Limiter().State()
	return access.Pace{Pause: state.Pause, PerMinute: state.Limit}
}

// Reserve implements access.Reserver.
func (t *Target) Reserve(d time.Duration) { t.Client.Limiter().Reserve(d) }

// List reads all keys of the account, whole.
func (t *Target) List(ctx context.Context, place string) ([]access.Credential, error) {
	if err := t.at(ctx, "list keys", place); err != nil {
		return nil, err
	}
	keys, err := t.Client.Keys(ctx)
	if err != nil {
		return nil, failure("list keys", err)
	}
	credentials := make([]access.Credential, len(keys))
	for i, k := range keys {
		credentials[i] = credential(k)
	}
	return credentials, nil
}

func credential(k scalingo.Key) access.Credential {
	return access.Credential{ID: k.ID, Label: access.CleanText(k.Name), PublicKey: access.CleanText(k.Content), CreatedAt: k.CreatedAt}
}

// Add places a key under its label and returns it as Scalingo stored it. A system user means nothing there, nor
// does whether the key is temporary.
func (t *Target) Add(ctx context.Context, place string, c access.Credential) (access.Credential, error) {
	if err := t.at(ctx, "add key", place); err != nil {
		return access.Credential{}, err
	}
	made, err := t.Client.AddKey(ctx, c.Label, c.PublicKey)
	switch {
	case scalingo.IsInvalid(err):
		return access.Credential{}, t.refused(ctx, c, err)
	case err != nil:
		return access.Credential{}, failure("add key", err)
	case !sameKey(made.Content, c.PublicKey):
		return access.Credential{}, &access.Error{Code: access.UnknownOutcome, Op: "add key", Message: "Scalingo answered with another key than the one that I asked for."}
	}
	return credential(made), nil
}

// refused returns the error of a key that Scalingo refuses: what it says of one that is taken is not documented,
// so whether it is there already is read from the list.
func (t *Target) refused(ctx context.Context, c access.Credential, cause error) error {
	e := failure("add key", cause)
	keys, err := t.Client.Keys(ctx)
	switch {
	case err != nil:
		return failure("add key", err)
	case slices.ContainsFunc(keys, func(k scalingo.Key) bool { return sameKey(k.Content, c.PublicKey) }):
		e.Remedy, e.Err = access.RemedyKey, fmt.Errorf("%w: %w", access.ErrKeyTaken, cause)
	case status(cause) == http.StatusUnprocessableEntity:
		e.Message = "Scalingo refuses the key. It probably is on another Scalingo account, and a key can be on one only: " +
			"register a separate key. (" + e.Message + ")"
	}
	return e
}

// sameKey reports whether two lines have the same type and base64, whatever the comment.
func sameKey(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) > 1 && len(y) > 1 && x[0] == y[0] && x[1] == y[1]
}

// Remove deletes a key, or an API token that is not Fixed.
func (t *Target) Remove(ctx context.Context, place, credential string) error {
	if strings.HasPrefix(credential, tokenPrefix) {
		return t.removeToken(ctx, place, credential)
	}
	if err := t.at(ctx, "remove key", place); err != nil {
		return err
	}
	err := t.Client.DeleteKey(ctx, credential)
	if !scalingo.IsNotFound(err) {
		return failed("remove key", err)
	}
	keys, listErr := t.Client.Keys(ctx)
	there := slices.ContainsFunc(keys, func(k scalingo.Key) bool { return k.ID == credential })
	return missing("remove key", err, there, listErr)
}

// missing returns the error of a deletion that was answered with 404. That answer is a web page, which may come
// from anything on the way, so it settles nothing by itself: the list read after it has to be without the thing.
func missing(op string, notFound error, there bool, listErr error) error {
	e := failure(op, notFound)
	switch {
	case listErr != nil:
		return failure(op, listErr)
	case there:
		e.Message = "Scalingo says that there is no such thing, and lists it all the same."
	default:
		e.Code = access.NotFound
	}
	return e
}
