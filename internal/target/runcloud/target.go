// Package runcloud makes a RunCloud account a target of grants: it translates
// between the words of the domain and those of the API client.
package runcloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/limiter"
	"sshkeybot/runcloud"
)

// Target is a RunCloud account.
type Target struct {
	Client   *runcloud.Client
	Account  string        // its name among the targets; empty is "runcloud"
	Several  bool          // there are other accounts, so people have to be told which this is
	Lifetime time.Duration // after which RunCloud removes a temporary key by itself
	Quota    int           // calls a month that are paid for; 0 when that is not known
}

var (
	_ access.Target           = Target{}
	_ access.ServerReader     = Target{}
	_ access.Pager            = Target{}
	_ access.SessionLister    = Target{}
	_ access.Expirer          = Target{}
	_ access.ManualOffboarder = Target{}
	_ access.Paced            = Target{}
	_ access.Metered          = Target{}
	_ access.Reserver         = Target{}
)

// Name returns the name of the account.
func (t Target) Name() string { return cmp.Or(t.Account, "runcloud") }

// Title returns what people call the account.
func (t Target) Title() string {
	if !t.Several {
		return "RunCloud"
	}
	return "RunCloud (" + t.Name() + ")"
}

// TemporaryLifetime implements access.Expirer.
func (t Target) TemporaryLifetime() time.Duration { return t.Lifetime }

// ServersPerCall implements access.Pager.
func (t Target) ServersPerCall() int { return runcloud.MaxPerPage }

// ManualOffboarding implements access.ManualOffboarder.
func (t Target) ManualOffboarding() string {
	return "To do by hand: delete their keys from the SSH Key Vault in " + t.Title() + "'s dashboard; it has no API."
}

// MonthlyQuota implements access.Metered.
func (t Target) MonthlyQuota() int { return t.Quota }

// Servers reads all servers.
func (t Target) Servers(ctx context.Context) ([]access.Server, error) {
	list, err := t.Client.AllServers(limiter.WithPriority(ctx, limiter.High))
	if err != nil {
		return nil, failure("list servers", err)
	}
	servers := make([]access.Server, len(list))
	for i, s := range list {
		servers[i] = t.server(s)
	}
	return servers, nil
}

// Server reads one server.
func (t Target) Server(ctx context.Context, id string) (access.Server, error) {
	n, err := number(id)
	if err != nil {
		return access.Server{}, err
	}
	s, err := t.Client.Server(ctx, n)
	if err != nil {
		return access.Server{}, failure("read server", err)
	}
	return t.server(s), nil
}

// server returns a server as the domain knows it: with the account in its name where there are several.
func (t Target) server(s runcloud.Server) access.Server {
	name := access.CleanText(s.Name)
	if t.Several {
		name = t.Name() + "/" + name
	}
	tags := slices.Clone(s.Tags)
	for i, tag := range tags {
		tags[i] = access.CleanText(tag)
	}
	return access.Server{ExternalID: strconv.FormatInt(s.ID, 10), Name: name, Tags: tags, Online: s.Online, Address: address(s.IPAddress)}
}

// address returns an IP address in its usual form, and nothing for other texts.
func address(text string) string {
	parsed, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil {
		return ""
	}
	return parsed.Unmap().String()
}

// Acquire waits for leave to make one call; what is more urgent goes first.
func (t Target) Acquire(ctx context.Context, p access.Priority) (context.Context, func(), error) {
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
func (t Target) Pace() access.Pace {
	state := t.Client.Limiter().State()
	return access.Pace{Pause: state.Pause, PerMinute: state.Limit}
}

// Reserve implements access.Reserver.
func (t Target) Reserve(d time.Duration) { t.Client.Limiter().Reserve(d) }

// List reads all credentials of a server.
func (t Target) List(ctx context.Context, server string) ([]access.Credential, error) {
	id, err := number(server)
	if err != nil {
		return nil, err
	}
	list, err := t.Client.SSHCredentials(ctx, id)
	if err != nil {
		return nil, failure("list keys", err)
	}
	credentials := make([]access.Credential, len(list))
	for i, c := range list {
		credentials[i] = credential(c)
	}
	return credentials, nil
}

func credential(c runcloud.SSHCredential) access.Credential {
	return access.Credential{
		ID: strconv.FormatInt(c.ID, 10), Label: access.CleanText(c.Label), SystemUser: access.CleanText(c.User), PublicKey: access.CleanText(c.PublicKey), Temporary: c.Temporary, CreatedAt: c.CreatedAt,
	}
}

// Add places a key and returns it as RunCloud stored it.
func (t Target) Add(ctx context.Context, server string, c access.Credential) (access.Credential, error) {
	id, err := number(server)
	if err != nil {
		return access.Credential{}, err
	}
	made, err := t.Client.CreateSSHCredential(ctx, id, runcloud.SSHCredentialCreateOpts{
		Label: c.Label, Username: c.SystemUser, PublicKey: c.PublicKey, Temporary: c.Temporary != nil && *c.Temporary,
	})
	if err != nil {
		return access.Credential{}, failure("add key", err)
	}
	return credential(made), nil
}

// Remove deletes a credential.
func (t Target) Remove(ctx context.Context, server, credential string) error {
	on, err := number(server)
	if err != nil {
		return err
	}
	id, err := number(credential)
	if err != nil {
		return err
	}
	if err := t.Client.DeleteSSHCredential(ctx, on, id); err != nil {
		return failure("remove key", err)
	}
	return nil
}

// number reads an id of RunCloud's.
func number(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, &access.Error{Code: access.Internal, Message: "«" + id + "» is no id of RunCloud's.", Err: err}
	}
	return n, nil
}

// Sessions lists the open SSH sessions of a server.
func (t Target) Sessions(ctx context.Context, server string) ([]access.Session, error) {
	id, err := number(server)
	if err != nil {
		return nil, err
	}
	list, err := t.Client.SSHSessions(ctx, id)
	if err != nil {
		return nil, failure("list sessions", err)
	}
	sessions := make([]access.Session, len(list))
	for i, s := range list {
		sessions[i] = access.Session{SystemUser: access.CleanText(s.Username), Address: access.CleanText(s.IPAddress), Since: access.CleanText(s.LoginSince)}
	}
	return sessions, nil
}

// Ping asks for one server, since RunCloud does not say that its ping looks at the token.
// Removals may wait for its answer.
func (t Target) Ping(ctx context.Context) error {
	ctx = limiter.WithPriority(ctx, limiter.High)
	for _, err := range t.Client.Servers(ctx, runcloud.ServerListOpts{PerPage: 1}) {
		if err != nil {
			return failure("ping", err)
		}
		return nil
	}
	return nil
}

// keyTaken matches what RunCloud says when it has the key already, under whatever label.
var keyTaken = regexp.MustCompile(`(?i)\bpublic ?key has already been taken`)

// What RunCloud says of a user that the server does not have, and of a label that is in use.
var (
	noUser     = regexp.MustCompile(`(?i)\b(username|system user)\b`)
	labelTaken = regexp.MustCompile(`(?i)\blabel\b`)
)

// remedy returns what a person can do about a 422. Which words RunCloud uses is not documented,
// so nothing but the advice depends on the user and the label.
func remedy(words string) access.Remedy {
	switch {
	case keyTaken.MatchString(words):
		return access.RemedyKey
	case noUser.MatchString(words):
		return access.RemedyUser
	case labelTaken.MatchString(words):
		return access.RemedyLabel
	}
	return access.NoRemedy
}

// failure translates an error of the client into the domain's. No caller looks at the client's own.
func failure(op string, err error) error {
	e := &access.Error{Op: op, Message: access.CleanText(message(err)), RetryAfter: runcloud.RetryAfter(err), Err: err}
	switch {
	case runcloud.IsUnauthorized(err):
		e.Code = access.Unauthorized
		e.Message = "RunCloud answers 401: the API token is wrong, or this machine's address is not on the workspace's allow list."
	case runcloud.IsOutcomeUnknown(err):
		e.Code = access.UnknownOutcome
	case runcloud.IsRateLimited(err):
		e.Code = access.RateLimited
	case runcloud.IsNotFound(err):
		e.Code, e.Remedy = access.NotFound, access.RemedyServer
	case runcloud.IsForbidden(err):
		e.Code, e.Remedy = access.Forbidden, access.RemedyPermission
	case runcloud.IsInvalid(err):
		e.Code, e.Remedy = access.Invalid, remedy(e.Message)
		if e.Remedy == access.RemedyKey {
			e.Err = fmt.Errorf("%w: %w", access.ErrKeyTaken, err)
		}
	default:
		e.Code = access.Unavailable
	}
	return e
}

// message returns RunCloud's own words with the fields that a 422 names, or what was
// wrong when there was no proper answer.
func message(err error) string {
	e, ok := errors.AsType[*runcloud.Error](err)
	switch {
	case !ok:
		return "RunCloud did not answer with a complete list."
	case e.Status == 0:
		return "RunCloud did not answer in time, or the connection was cut."
	case errors.Is(err, runcloud.ErrNotJSON), errors.Is(err, runcloud.ErrUnexpected):
		return "RunCloud answered with something that is not an answer of its API."
	}
	return words(e)
}

// words joins RunCloud's message with what it says of each field.
func words(e *runcloud.Error) string {
	text := strings.TrimSpace(e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		for _, said := range e.Fields[name] {
			if !strings.Contains(text, said) {
				text += " " + said
			}
		}
	}
	if text = strings.TrimSpace(text); text == "" {
		text = "no reason given"
	}
	return fmt.Sprintf("RunCloud answers %d: %s", e.Status, text)
}
