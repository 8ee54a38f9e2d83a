package config

import "reflect"

// Setting is one variable of the environment, as people read about it.
type Setting struct {
	Name     string
	Default  string // the value that stands in for a missing one; "" if there is none
	Missing  string // what holds when it is missing and has no default, in words
	Meaning  string // one line of Markdown that begins in lower case and ends without a full stop
	Required bool
	Secret   bool // may be given in a file instead, whose path is in the variable Name + "_FILE"
}

// Settings returns all settings, in the order of the documentation.
func Settings() []Setting {
	all := described()
	for i := range all {
		s := &all[i]
		if s.Required {
			s.Missing = "required"
		}
		for field := range reflect.TypeFor[environment]().Fields() {
			switch name := field.Tag.Get("envconfig"); name {
			case s.Name:
				s.Default += field.Tag.Get("default")
			case s.Name + "_FILE":
				s.Secret = true
			}
		}
	}
	return all
}

// described returns the settings without what their fields in environment say.
func described() []Setting {
	return []Setting{
		{Name: "SLACK_BOT_TOKEN", Required: true, Meaning: "the *Bot User OAuth Token* of the Slack app, which begins with `xoxb-`"},
		{Name: "SLACK_APP_TOKEN", Required: true, Meaning: "its app-level token with the scope `connections:write`, which begins with `xapp-`"},
		{Name: "RUNCLOUD_API_TOKEN", Required: true, Meaning: "the token of the RunCloud workspace"},
		{Name: "RUNCLOUD_WORKSPACES", Missing: "one account", Meaning: "names of several RunCloud accounts, separated by commas, each with a token of its own in `RUNCLOUD_API_TOKEN_…` instead of `RUNCLOUD_API_TOKEN`"},
		{Name: "RUNCLOUD_MONTHLY_QUOTA", Meaning: "calls that RunCloud allows a month; at 80 % of it the bot says so in Slack, once a month; 0 turns that off"},
		{Name: "RUNCLOUD_TEMPORARY_LIFETIME", Meaning: "after how long RunCloud removes a temporary key by itself"},
		{Name: "SSHKEYBOT_APPROVERS", Required: true, Meaning: "who decides: IDs of users (`U…`, `W…`) and user groups (`S…`), separated by commas"},
		{Name: "SSHKEYBOT_APPROVERS_QUIET", Missing: "none", Meaning: "the same for approvers whom only the one reminder mentions, after a third of the wait: they decide as all others do. Where those who are mentioned at once cannot decide a request, everybody is; who is in both lists is mentioned at once"},
		{Name: "SSHKEYBOT_APPROVAL_CHANNEL", Missing: "the channel of the command", Meaning: "where requests are posted: the ID of a channel"},
		{Name: "SSHKEYBOT_ANNOUNCE_CHANNEL", Missing: "the approval channel", Meaning: "where offboardings, the daily summary and the weekly audit go: the ID of a channel. Without both channels they go to the approvers by direct message"},
		{Name: "SSHKEYBOT_APPROVALS", Meaning: "approvals needed, by different people who all may still give them when the last one comes"},
		{Name: "SSHKEYBOT_SELF_APPROVAL", Meaning: "whether who asks or receives may decide"},
		{Name: "SSHKEYBOT_REQUEST_TTL", Meaning: "how long a request waits for an answer"},
		{Name: "SSHKEYBOT_MIN_DURATION", Meaning: "shortest grant"},
		{Name: "SSHKEYBOT_MAX_DURATION", Meaning: "longest grant"},
		{Name: "SSHKEYBOT_ALLOW_FOREVER", Meaning: "whether a grant may have no end"},
		{Name: "SSHKEYBOT_LONG_GRANTS", Meaning: "how a key is placed that stays longer than a temporary one: as temporary keys, renewed (`renew`); or as a `permanent` one that only the bot removes"},
		{Name: "SSHKEYBOT_SYSTEM_USER", Meaning: "Linux user that keys are placed for"},
		{Name: "SSHKEYBOT_SYSTEM_USERS", Missing: "the one of `SSHKEYBOT_SYSTEM_USER`", Meaning: "Linux users that `as` may name, separated by commas; `root` only when it is listed"},
		{Name: "SSHKEYBOT_REASON", Meaning: "whether who asks for access has to say what it is for: `optional` or `required`"},
		{Name: "SSHKEYBOT_TICKET_URL", Missing: "none", Meaning: "where your tickets are, with `%s` for the name of one: with `https://tickets.example.com/browse/%s`, `OPS-123` in a reason becomes that link"},
		{Name: "SSHKEYBOT_KEY_PROOF", Meaning: "when who registers a key has to sign with it: `contested`, where somebody else has or had it; or `always`"},
		{Name: "SSHKEYBOT_OFFBOARD_DEACTIVATED", Meaning: "when a Slack account is deactivated, or becomes a guest: `run`, `ask` the approvers, or `off`. About accounts that Slack does not find or that are of another workspace, and about more than three people within an hour, `run` asks as well"},
		{Name: "SSHKEYBOT_AUDIT", Meaning: "day and local time (`TZ`) of the weekly audit; empty turns it off"},
		{Name: "SSHKEYBOT_DAILY_SUMMARY", Meaning: "local time (`TZ`) of the daily summary, which also reminds the approvers of keys to decide about; empty turns it off"},
		{Name: "SSHKEYBOT_KEEP", Meaning: "how long the details of what is over are kept, at least `24h`: requests, and what became of them on each server. The audit log, offboardings, refused keys, what was decided to be kept, and whatever is live or owed are kept for ever"},
		{Name: "SSHKEYBOT_DATABASE_URL", Default: defaultDatabase, Meaning: "the ledger: `sqlite:PATH`, or `postgres://…` for several replicas"},
		{Name: "SSHKEYBOT_CONCURRENCY", Meaning: "servers worked on at the same time"},
		{Name: "SSHKEYBOT_HTTP_ADDR", Meaning: "address of `/healthz`, `/readyz` and `/metrics`; empty turns them off. The bot starts without the default one where another process has it, and does not start without one that is set"},
		{Name: "SSHKEYBOT_LOG_LEVEL", Meaning: "`debug`, `info`, `warn` or `error`"},
		{Name: "SSHKEYBOT_LOG_FORMAT", Meaning: "`json`, or `console` for people"},
		{Name: "SCALINGO_API_TOKEN", Missing: "off", Meaning: "API token of the Scalingo account whose keys are looked after"},
		{Name: "SCALINGO_GRANTS", Meaning: "whether `grant … on scalingo` may lend that account"},
		{Name: "OCTOPUS_URL", Missing: "off", Meaning: "address of the portal of the Octopus Deploy whose keys `rotate` replaces"},
		{Name: "OCTOPUS_API_KEY", Missing: "off", Meaning: "API key for it, of a service account"},
		{Name: "OCTOPUS_SPACE", Missing: "`Default`", Meaning: "name or ID of the space there"},
		{Name: "SLACK_API_URL", Meaning: "another base address, for tests"},
		{Name: "RUNCLOUD_API_URL", Meaning: "another base address, for tests"},
		{Name: "SCALINGO_AUTH_URL", Meaning: "another base address, for tests"},
	}
}
