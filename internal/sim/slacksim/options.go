package slacksim

import (
	"cmp"
	"math/rand/v2"
	"net"
	"time"
)

// The one team, and the app that is installed there.
const (
	teamID     = "T0SIM"
	teamDomain = "sim"
	appID      = "A0SIM"
	botID      = "B0SIM"
	botUserID  = "U0BOT"
	botName    = "sshkeybot"
)

// Options shape a Workspace. The zero value is a healthy workspace of one team
// with Slack's own deadlines, every scope granted and rate limits off.
type Options struct {
	Now  func() time.Time // clock for timestamps, expiries and rate limits; time.Now by default
	Date func() time.Time // the time in the Date header of answers; Now by default
	Seed uint64           // of the spread of envelopes over sockets

	Listen func(network, address string) (net.Listener, error) // net.Listen by default

	EnterpriseID string // empty: not part of an Enterprise organisation

	Scopes []string // bot scopes granted; nil grants all that any method here needs

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

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	if o.Date == nil {
		o.Date = o.Now
	}
	if o.Scopes == nil {
		o.Scopes = []string{
			"commands", "chat:write", "chat:write.public", "users:read", "usergroups:read", "files:write", "channels:read", "groups:read",
		}
	}
	if o.EventRetries == nil {
		o.EventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	o.PingInterval = cmp.Or(o.PingInterval, 5*time.Second)
	o.ConnectionLife = cmp.Or(o.ConnectionLife, time.Hour)
	o.WarningLead = cmp.Or(o.WarningLead, 10*time.Second)
	o.AckLimit = cmp.Or(o.AckLimit, 3*time.Second)
	o.TriggerLife = cmp.Or(o.TriggerLife, 3*time.Second)
	o.RateScale = cmp.Or(o.RateScale, 1)
	return o
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
