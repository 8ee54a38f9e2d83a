package slackapi

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// MaxBackoff is the longest time between two tries of what Slack refuses until somebody
// mends it. The ledger takes a time that is more than ten minutes off for that of a wrong
// clock.
const MaxBackoff = 8 * time.Minute

// breakers are the circuit breakers of what Slack refuses until somebody mends it: of one
// channel each, and of all calls while it refuses our token. While one is open, a single
// call at a time tries again, at growing intervals; the others fail without a call.
type breakers struct {
	first, longest time.Duration // between two tries
	probe          time.Duration // that one try may take

	mu   sync.Mutex
	open map[string]*breaker // by channel; that of the token is allChannels
}

// breaker is one that is open.
type breaker struct {
	cause access.Error
	wait  time.Duration
	until time.Time // of the next try
}

// responseURL stands for calls that need no token of ours.
const responseURL = "response_url"

// allChannels names the breaker of the token.
const allChannels = ""

// newBreakers returns breakers whose intervals are so many times shorter than usual.
func newBreakers(speed float64) *breakers {
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speed) }
	return &breakers{first: scaled(20 * time.Second), longest: scaled(MaxBackoff), probe: scaled(10 * time.Second), open: map[string]*breaker{}}
}

// allow returns the error that opened a breaker which the call has to pass, unless it is
// the call's turn to try.
func (b *breakers) allow(c call) error {
	if c.method == responseURL {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, name := range slices.Compact([]string{allChannels, c.channel}) {
		open := b.open[name]
		if open == nil {
			continue
		}
		if wait := open.until.Sub(now); wait > 0 {
			again := open.cause
			again.RetryAfter = wait
			return &again
		}
		open.until = now.Add(b.probe)
	}
	return nil
}

// record opens and closes breakers by the outcome of a call, and returns its error with
// the time until the next try.
func (b *breakers) record(c call, err error) error {
	if c.method == responseURL {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	code := ErrorCode(err)
	e, _ := errors.AsType[*access.Error](err)
	name, longest := c.channel, b.longest
	switch {
	case err == nil:
		delete(b.open, allChannels)
		delete(b.open, c.channel)
		return nil
	case refusesToken(code):
		name, longest = allChannels, min(longest, time.Minute) // everybody waits for it
	case code == "":
		return err // Slack did not say
	default:
		delete(b.open, allChannels)
		if c.channel == "" || !closesChannel(code) {
			return err
		}
	}
	open := b.open[name]
	if open == nil {
		open = &breaker{}
		b.open[name] = open
	}
	open.wait = min(max(2*open.wait, b.first), longest)
	open.until = time.Now().Add(open.wait)
	e.RetryAfter = open.wait
	open.cause = *e
	return e
}

// refused returns Slack's code while it refuses our token, and "" otherwise.
func (b *breakers) refused() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if open := b.open[allChannels]; open != nil {
		return ErrorCode(&open.cause)
	}
	return ""
}

// refusesToken reports whether every call is refused with that code.
func refusesToken(code string) bool {
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return true
	}
	return false
}

// closesChannel reports whether the channel takes no message of ours, with that code,
// until somebody mends it.
func closesChannel(code string) bool {
	switch code {
	case "channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived", "no_permission", "posting_to_general_channel_denied", "ekm_access_denied":
		return true
	}
	return strings.HasPrefix(code, "restricted_action")
}
