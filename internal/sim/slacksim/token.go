package slacksim

import (
	"net/url"
	"regexp"
	"strings"
)

// token reads the inside of <…>.
func (r *renderer) token(s string) span {
	target, label, labelled := strings.Cut(s, "|")
	switch {
	case strings.HasPrefix(target, "@"):
		id := target[1:]
		return span{Kind: kindUser, Text: "@" + r.names.or(id, id), Ref: id, Me: id == r.viewer.User}
	case strings.HasPrefix(target, "#"):
		return r.channel(target[1:], label)
	case strings.HasPrefix(target, "!subteam^"):
		id := strings.TrimPrefix(target, "!subteam^")
		return span{Kind: kindGroup, Text: "@" + r.names.or(id, strings.TrimPrefix(label, "@"))}
	case strings.HasPrefix(target, "!date^"):
		return r.date(target, unescape(label))
	case strings.HasPrefix(target, "!"):
		return span{Kind: kindGroup, Text: "@" + target[1:]}
	case labelled:
		return linkTo(unescape(target), unescape(label))
	default:
		return linkTo(unescape(target), unescape(target))
	}
}

func (r *renderer) channel(id, label string) span {
	one := span{Kind: kindChannel, Text: "#" + r.names.or(id, label)}
	if r.names[id] != "" {
		one.Ref = id
	}
	return one
}

// permalink matches what chat.getPermalink returns.
var permalink = regexp.MustCompile(`^https://` + teamDomain + `\.slack\.com/archives/(\w+)/p(\d+)(\d{6})(?:\?thread_ts=[\d.]+&cid=\w+)?$`)

// linkTo returns a link, without an address where it must not be followed: only https may.
func linkTo(target, label string) span {
	if at := permalink.FindStringSubmatch(target); at != nil {
		return span{Kind: kindMessage, Text: label, Ref: at[1], TS: at[2] + "." + at[3]}
	}
	one := span{Kind: kindLink, Text: label}
	if u, err := url.Parse(target); err == nil && u.Scheme == "https" && u.Host != "" {
		one.Ref = target
	}
	return one
}
