package bot

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// doors remembers what Slack keeps closed to us until somebody opens it: channels, and
// all of Slack while it refuses our token. One call at a time looks whether a door is
// open again, at growing intervals; the others are refused without asking Slack.
type doors struct {
	first, longest time.Duration // between two looks
	probe          time.Duration // that one look may take

	mu     sync.Mutex
	closed map[string]*door // by channel; that of the token is everywhere
}

type door struct {
	cause access.Error
	wait  time.Duration
	until time.Time // nobody looks before
}

// responseURL is answered without any token of ours.
const responseURL = "response_url"

// everywhere names the door that our token opens.
const everywhere = ""

func newDoors() *doors {
	return &doors{first: 20 * time.Second, longest: longestRefused, probe: 10 * time.Second, closed: map[string]*door{}}
}

// pass refuses a call through a closed door, unless it is its turn to look.
func (d *doors) pass(c call) error {
	if c.method == responseURL {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, name := range slices.Compact([]string{everywhere, c.channel}) {
		shut := d.closed[name]
		if shut == nil {
			continue
		}
		if wait := shut.until.Sub(now); wait > 0 {
			again := shut.cause
			again.RetryAfter = wait
			return &again
		}
		shut.until = now.Add(d.probe)
	}
	return nil
}

// learn takes from the outcome of a call what is open and what is closed, and answers
// the error with the time of the next look.
func (d *doors) learn(c call, err error) error {
	if c.method == responseURL {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	code := slackCode(err)
	e, _ := errors.AsType[*access.Error](err)
	name, longest := c.channel, d.longest
	switch {
	case err == nil:
		delete(d.closed, everywhere)
		delete(d.closed, c.channel)
		return nil
	case refusesToken(code):
		name, longest = everywhere, min(longest, time.Minute) // everybody waits for it
	case code == "":
		return err // Slack did not say
	default:
		delete(d.closed, everywhere)
		if c.channel == "" || !closesChannel(code) {
			return err
		}
	}
	shut := d.closed[name]
	if shut == nil {
		shut = &door{}
		d.closed[name] = shut
	}
	shut.wait = min(max(2*shut.wait, d.first), longest)
	shut.until = time.Now().Add(shut.wait)
	e.RetryAfter = shut.wait
	shut.cause = *e
	return e
}

// refused answers Slack's code while it refuses our token, and "" otherwise.
func (d *doors) refused() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if shut := d.closed[everywhere]; shut != nil {
		return slackCode(&shut.cause)
	}
	return ""
}

// refusesToken tells of a code with which every call is refused.
func refusesToken(code string) bool {
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return true
	}
	return false
}

// closesChannel tells of a code with which the channel takes no message of ours until
// somebody mends that.
func closesChannel(code string) bool {
	switch code {
	case "channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived", "no_permission", "posting_to_general_channel_denied", "ekm_access_denied":
		return true
	}
	return strings.HasPrefix(code, "restricted_action")
}
