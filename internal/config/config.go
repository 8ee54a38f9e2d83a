// Package config reads the settings from the environment, checks them, and reports everything that is
// wrong with them at once.
package config

import (
	"os"
	"slices"
	"strings"
	"time"
)

// Config holds every setting, checked. Printing or encoding it shows no secret.
type Config struct {
	Slack     Slack
	RunClouds []RunCloud // at least one; no two have the same name
	Scalingo  *Scalingo  // nil: off
	Octopus   *Octopus   // nil: off

	Approvers       []string // IDs of users (U, W) and of user groups (S), at least one
	ApproversQuiet  []string // more of them, whom only the reminder mentions
	ApprovalChannel string   // ID; "" is the channel of the command
	AnnounceChannel string   // ID; "" when neither it nor the approval channel is set
	Approvals       int      // by different people, at least 1
	SelfApproval    bool
	RequestTTL      time.Duration
	MinDuration     time.Duration
	MaxDuration     time.Duration
	AllowForever    bool
	LongGrants      LongGrants
	SystemUser      string   // one of SystemUsers
	SystemUsers     []string // Linux users that a request may name
	Reason          Reason
	TicketURL       string // with %s for the ticket; "": tickets in a reason are no links

	KeyProof            KeyProof
	OffboardDeactivated OffboardDeactivated
	DailySummary        *TimeOfDay  // local time; nil: off
	Audit               *TimeOfWeek // local time; nil: off

	Keep        time.Duration // how long the details of what is over are kept, at least a day
	DatabaseURL Secret        // sqlite:PATH or postgres://…, which may hold a password
	Concurrency int           // servers worked on at the same time, 1 to 256
	HTTPAddr    string        // HOST:PORT; "": off
	HTTPAddrSet bool          // false: HTTPAddr is the default, which another bot on the machine may have
	LogLevel    string        // trace, debug, info, warn or error, as zerolog names them
	LogFormat   string        // json or console
}

// AllApprovers returns the IDs of all approvers, those whom only the reminder mentions last.
func (c Config) AllApprovers() []string { return slices.Concat(c.Approvers, c.ApproversQuiet) }

// Slack is the app's access to Slack.
type Slack struct {
	BotToken Secret
	AppToken Secret
	APIURL   string // ends with a slash, as slack-go needs it
}

// Scalingo is the access to the Scalingo account of the token's owner.
type Scalingo struct {
	Token   Secret
	AuthURL string // without a slash at the end
	Grants  bool   // whether the account may be lent
}

// Octopus is the access to Octopus Deploy.
type Octopus struct {
	URL    string // without a slash at the end
	APIKey Secret
	Space  string // "": the default space
}

// LongGrants is how a key is placed that stays longer than RunCloud keeps a temporary one.
type LongGrants string

// As temporary and renewed, or as permanent and removed by the bot.
const (
	LongGrantsRenew     LongGrants = "renew"
	LongGrantsPermanent LongGrants = "permanent"
)

// Reason is whether who asks for access has to say what it is for.
type Reason string

// As they like, or always.
const (
	ReasonOptional Reason = "optional"
	ReasonRequired Reason = "required"
)

// KeyProof is when somebody who registers a key has to sign with it.
type KeyProof string

// When somebody else had the key, or for every key.
const (
	KeyProofContested KeyProof = "contested"
	KeyProofAlways    KeyProof = "always"
)

// OffboardDeactivated is what happens when an account is deactivated in Slack.
type OffboardDeactivated string

// Offboard and announce it, post a request, or nothing.
const (
	OffboardDeactivatedRun OffboardDeactivated = "run"
	OffboardDeactivatedAsk OffboardDeactivated = "ask"
	OffboardDeactivatedOff OffboardDeactivated = "off"
)

// TimeOfDay is a time on the clock, without a zone.
type TimeOfDay struct{ Hour, Minute int }

// SinceMidnight returns how long after the beginning of a day it is, by the clock.
func (t TimeOfDay) SinceMidnight() time.Duration {
	return time.Duration(t.Hour)*time.Hour + time.Duration(t.Minute)*time.Minute
}

// TimeOfWeek is a day of the week and a time of that day.
type TimeOfWeek struct {
	Day time.Weekday
	TimeOfDay
}

// Load returns the settings in the environment of the process. An empty value counts as missing, except where
// it turns something off. The error is *Problems when settings are wrong; it never holds a value.
func Load() (Config, error) { return read(func(string) bool { return true }) }

// LoadFor is Load for a command that needs these settings alone: what is wrong with the
// others does not concern it, and they may be missing.
func LoadFor(needed ...string) (Config, error) {
	known := names()
	return read(func(name string) bool {
		_, _, ofAccount := accountOf(name)
		return !ofAccount && !slices.Contains(known, name) || slices.Contains(needed, base(name))
	})
}

// LoadWithout is Load for a command that needs all settings but these.
func LoadWithout(others ...string) (Config, error) {
	return read(func(name string) bool { return !slices.Contains(others, base(name)) })
}

// base returns the name of the setting that a variable sets, whatever account it is for.
func base(name string) string {
	if setting, _, ok := accountOf(name); ok {
		return setting
	}
	return strings.TrimSuffix(name, "_FILE")
}

func read(concerns func(name string) bool) (Config, error) {
	env, err := readEnvironment()
	if err != nil {
		return Config{}, err
	}
	var r reader
	r.unquote(&env)
	c := Config{Slack: r.slack(env), RunClouds: r.runClouds(env)}
	r.approval(env, &c)
	r.grants(env, &c)
	r.systemUsers(env, &c)
	r.operation(env, &c)
	c.Scalingo, c.Octopus = r.scalingo(env), r.octopus(env)
	r.unknown(os.Environ())
	r.problems.List = slices.DeleteFunc(r.problems.List, func(p Problem) bool { return !concerns(p.Name) })
	if err := r.problems.errorOrNil(); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (r *reader) slack(env environment) Slack {
	return Slack{
		BotToken: r.required(env.SlackBotToken, env.SlackBotTokenFile, "xoxb-"),
		AppToken: r.required(env.SlackAppToken, env.SlackAppTokenFile, "xapp-"),
		APIURL:   r.baseURL(env.SlackAPIURL) + "/",
	}
}

func (r *reader) approval(env environment, c *Config) {
	wrong := len(r.problems.List)
	const form = "IDs of Slack users (U… or W…) or user groups (S…)"
	c.Approvers = r.list(env.Approvers, approverID, form)
	if len(c.Approvers) == 0 && len(r.problems.List) == wrong {
		r.problems.add(env.Approvers.name, "is missing; list the "+form)
	}
	c.ApproversQuiet = slices.DeleteFunc(r.list(env.ApproversQuiet, approverID, form), func(id string) bool { return slices.Contains(c.Approvers, id) })
	c.ApprovalChannel = r.matching(env.ApprovalChannel, channelID, "the ID of a channel (C…, G… or D…), not its name")
	c.AnnounceChannel = r.matching(env.AnnounceChannel, channelID, "the ID of a channel (C…, G… or D…), not its name")
	if c.AnnounceChannel == "" {
		c.AnnounceChannel = c.ApprovalChannel
	}
	c.Approvals = r.number(env.Approvals, 1, 100)
	c.SelfApproval = r.boolean(env.SelfApproval)
	c.RequestTTL = r.duration(env.RequestTTL)
	all := c.AllApprovers()
	hasGroup := slices.ContainsFunc(all, func(id string) bool { return id[0] == 'S' })
	if len(r.problems.List) == wrong && !hasGroup && c.Approvals > len(all) {
		r.problems.add(env.Approvals.name, "asks for more approvals than %s and %s list people", env.Approvers.name, env.ApproversQuiet.name)
	}
}

func (r *reader) grants(env environment, c *Config) {
	c.MinDuration, c.MaxDuration = r.duration(env.MinDuration), r.duration(env.MaxDuration)
	if c.MaxDuration > 0 && c.MinDuration > c.MaxDuration {
		r.problems.add(env.MinDuration.name, "must not be longer than %s", env.MaxDuration.name)
	}
	c.AllowForever = r.boolean(env.AllowForever)
	c.LongGrants = LongGrants(r.oneOf(env.LongGrants, string(LongGrantsRenew), string(LongGrantsPermanent)))
}

// systemUsers lets the list default to the one user that keys are placed for, but never to root.
func (r *reader) systemUsers(env environment, c *Config) {
	const form = "(lower case letters, digits, - and _, at most 32)"
	wrong := len(r.problems.List)
	c.SystemUser = r.matching(env.SystemUser, linuxUser, "the name of a Linux user "+form)
	c.SystemUsers = r.list(env.SystemUsers, linuxUser, "names of Linux users "+form)
	if len(r.problems.List) > wrong {
		return
	}
	if len(c.SystemUsers) == 0 && c.SystemUser != "root" {
		c.SystemUsers = []string{c.SystemUser}
	}
	if !slices.Contains(c.SystemUsers, c.SystemUser) {
		r.problems.add(env.SystemUser.name, "must be one of those that %s lists", env.SystemUsers.name)
	}
}

// leastKeep is longer than a server is read again for a key whose removal was confirmed.
const leastKeep = 24 * time.Hour

func (r *reader) operation(env environment, c *Config) {
	c.Reason = Reason(r.oneOf(env.Reason, string(ReasonOptional), string(ReasonRequired)))
	c.TicketURL = r.ticketURL(env.TicketURL)
	c.KeyProof = KeyProof(r.oneOf(env.KeyProof, string(KeyProofContested), string(KeyProofAlways)))
	c.OffboardDeactivated = OffboardDeactivated(r.oneOf(env.OffboardDeactivated,
		string(OffboardDeactivatedRun), string(OffboardDeactivatedAsk), string(OffboardDeactivatedOff)))
	c.DailySummary = r.clock(env.DailySummary)
	c.Audit = r.weekly(env.Audit)
	if c.Keep = r.duration(env.Keep); c.Keep > 0 && c.Keep < leastKeep {
		r.problems.add(env.Keep.name, "must be at least 24h; the audit log is kept for ever, whatever it is")
	}
	c.DatabaseURL = r.database(env.DatabaseURL, env.DatabaseURLFile)
	c.Concurrency = r.number(env.Concurrency, 1, 256)
	c.HTTPAddr = r.address(env.HTTPAddr)
	_, c.HTTPAddrSet = os.LookupEnv(env.HTTPAddr.name)
	c.LogLevel = r.oneOf(env.LogLevel, "trace", "debug", "info", "warn", "error")
	c.LogFormat = r.oneOf(env.LogFormat, "json", "console")
}

func (r *reader) scalingo(env environment) *Scalingo {
	token := r.token(r.secret(env.ScalingoAPIToken, env.ScalingoAPITokenFile), "")
	address, grants := r.baseURL(env.ScalingoAuthURL), r.boolean(env.ScalingoGrants)
	if grants && env.ScalingoAPIToken.text == "" && env.ScalingoAPITokenFile.text == "" {
		r.problems.add(env.ScalingoGrants.name, "needs %s, the token of the account that may be lent", env.ScalingoAPIToken.name)
	}
	if token.Reveal() == "" {
		return nil
	}
	return &Scalingo{Token: token, AuthURL: address, Grants: grants}
}

func (r *reader) octopus(env environment) *Octopus {
	hasKey := env.OctopusAPIKey.text != "" || env.OctopusAPIKeyFile.text != ""
	if env.OctopusURL.text == "" && !hasKey && env.OctopusSpace.text == "" {
		return nil
	}
	if env.OctopusURL.text == "" {
		r.problems.add(env.OctopusURL.name, "is missing; Octopus Deploy needs it together with %s", env.OctopusAPIKey.name)
	}
	key := r.required(env.OctopusAPIKey, env.OctopusAPIKeyFile, "")
	return &Octopus{URL: r.baseURL(env.OctopusURL), APIKey: key, Space: r.matching(env.OctopusSpace, spaceName, "the name or ID of a space")}
}
