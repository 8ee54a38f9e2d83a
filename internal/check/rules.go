package check

import (
	"fmt"
	"strings"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/duration"
)

// rules puts the chosen settings into sentences, so that a mistake is noticed.
func (c Checker) rules() []Finding {
	return []Finding{c.zone(), c.durations(), c.longGrants(), c.selfApproval(), c.reasons()}
}

func (c Checker) zone() Finding {
	const name = "time zone"
	zone := strings.TrimPrefix(c.Zone, ":")
	if _, err := time.LoadLocation(zone); zone != "" && !strings.HasPrefix(zone, "/") && err != nil {
		return problem(name, "TZ names a zone that this machine does not know, so UTC is used instead.", "Set TZ to a name such as Europe/Lisbon, and see that the machine has a time zone database.")
	}
	now := c.Now().Local()
	text := "It is " + now.Format("15:04 -07:00") + " here."
	if at := c.Config.DailySummary; at != nil {
		text += fmt.Sprintf(" The daily summary comes at %02d:%02d.", at.Hour, at.Minute)
	}
	return ok(name, text)
}

func (c Checker) durations() Finding {
	text := fmt.Sprintf("A grant lasts from %s to %s", duration.Format(c.Config.MinDuration), duration.Format(c.Config.MaxDuration))
	if c.Config.AllowForever {
		return warning("durations", text+", or with no end date.", "Set SSHKEYBOT_ALLOW_FOREVER=false unless somebody needs access with no end date.")
	}
	return ok("durations", text+"; each has an end date.")
}

func (c Checker) longGrants() Finding {
	const name = "long grants"
	lifetime := c.lifetimes()
	if c.Config.LongGrants == config.LongGrantsPermanent {
		return warning(name, "A grant longer than "+lifetime+" is placed as a permanent key, which only the bot removes: if it is gone, the key stays.",
			"Set SSHKEYBOT_LONG_GRANTS=renew, and RunCloud ends such keys by itself.")
	}
	return ok(name, "A grant longer than "+lifetime+" is placed as a temporary key and renewed, so RunCloud ends it should the bot be gone.")
}

// lifetimes says for how long RunCloud keeps a temporary key, on each account where that differs.
func (c Checker) lifetimes() string {
	var each []string
	differ := false
	for _, account := range c.Config.RunClouds {
		differ = differ || account.TemporaryLifetime != c.Config.RunClouds[0].TemporaryLifetime
		each = append(each, duration.Format(account.TemporaryLifetime)+" on "+account.Name)
	}
	if differ {
		return strings.Join(each, ", ")
	}
	return duration.Format(c.Config.RunClouds[0].TemporaryLifetime)
}

func (c Checker) selfApproval() Finding {
	const name = "self-approval"
	if c.Config.SelfApproval {
		return warning(name, "An approver may approve their own access.", "Set SSHKEYBOT_SELF_APPROVAL=false to have two people in every grant.")
	}
	return ok(name, "Nobody decides on what they ask for or receive.")
}

func (c Checker) reasons() Finding {
	text := "A grant needs no reason."
	if c.Config.Reason == config.ReasonRequired {
		text = "A grant needs a reason."
	}
	if at := c.Config.TicketURL; at != "" {
		text += " OPS-123 in a reason becomes a link to " + strings.Replace(at, "%s", "OPS-123", 1) + "."
	}
	return ok("reasons", text)
}
