package slacksim

import (
	"math/rand/v2"
	"time"
)

// Options shape a Workspace. The zero value is a healthy workspace of one team
// with Slack's own deadlines, every scope granted and rate limits off.
type Options struct {
	Now  func() time.Time // clock for timestamps, expiries and rate limits; time.Now by default
	Date func() time.Time // what answers say of the time, in their Date; Now by default
	Seed uint64           // of the spread of envelopes over sockets

	TeamID       string // "T0SIM" by default
	TeamDomain   string // "sim" by default
	EnterpriseID string // empty: not part of an Enterprise organisation
	BotUserID    string // "U0BOT" by default
	BotName      string // "sshkey" by default
	AppID        string // "A0SIM" by default

	Scopes []string // bot scopes granted; nil grants DefaultScopes

	NoMessagesTab bool // posting to a person answers messages_tab_disabled
	NoHomeTab     bool // views.publish answers not_enabled

	RawCommandText bool // a manifest without should_escape: mentions arrive as typed
	MentionLabels  bool // escaped users carry the older "<@U1|name>" form

	RateLimits bool    // enforce the tiers and answer 429
	RateScale  float64 // how many times quicker the limits refill than Slack's; 1 by default

	PingInterval   time.Duration   // WebSocket pings; 5 s by default
	ConnectionLife time.Duration   // of one socket; 1 h by default
	WarningLead    time.Duration   // from the disconnect message to the closing; 10 s by default
	AckLimit       time.Duration   // 3 s by default
	TriggerLife    time.Duration   // how long a trigger_id can open a modal; 3 s by default
	EventRetries   []time.Duration // pauses before events are sent again; 0, 1 min, 5 min by default
}

// DefaultScopes are the bot scopes of a workspace whose Options name none.
func DefaultScopes() []string {
	return []string{
		"commands", "chat:write", "chat:write.public", "im:write", "users:read", "users:read.email",
		"usergroups:read", "files:write", "channels:read", "groups:read", "reactions:write",
	}
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Date == nil {
		o.Date = o.Now
	}
	if o.Scopes == nil {
		o.Scopes = DefaultScopes()
	}
	if o.EventRetries == nil {
		o.EventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	orText(&o.TeamID, "T0SIM")
	orText(&o.TeamDomain, "sim")
	orText(&o.BotUserID, "U0BOT")
	orText(&o.BotName, "sshkey")
	orText(&o.AppID, "A0SIM")
	orTime(&o.PingInterval, 5*time.Second)
	orTime(&o.ConnectionLife, time.Hour)
	orTime(&o.WarningLead, 10*time.Second)
	orTime(&o.AckLimit, 3*time.Second)
	orTime(&o.TriggerLife, 3*time.Second)
	if o.RateScale <= 0 {
		o.RateScale = 1
	}
	return o
}

func orText(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

func orTime(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
