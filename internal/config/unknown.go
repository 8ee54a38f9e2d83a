package config

import (
	"regexp"
	"slices"
	"strings"

	"sshkeybot/internal/nearest"
)

const prefix = "SSHKEYBOT_"

// Kubernetes gives every pod such variables for a Service whose name begins with «sshkeybot»
// (Kubernetes, «Service: environment variables»); they are not meant for the bot.
var (
	serviceName = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	servicePort = regexp.MustCompile(`_PORT=(tcp|udp|sctp)://`)
)

// unknown adds a problem for every variable that looks like a setting and is none: a misspelt setting must not
// be ignored.
func (r *reader) unknown(environ []string) {
	known := names()
	environ = slices.Sorted(slices.Values(environ))
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		foreign := serviceName.MatchString(name) || servicePort.MatchString(entry)
		if strings.HasPrefix(name, "RUNCLOUD_") && !foreign {
			r.unlisted(name)
		}
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) || foreign {
			continue
		}
		if near := closest(name, known); near != "" {
			r.problems.add(name, "is no setting; did you mean %s?", near)
		} else {
			r.problems.add(name, "is no setting; remove it")
		}
	}
}

// closest returns the known name that needs the fewest changes, or "" if they are many for its length.
func closest(name string, known []string) string {
	return nearest.Closest(name, known, func(c string) int { return len(strings.TrimPrefix(c, prefix)) / 2 })
}
