package workflow

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"sshkeybot/internal/access"
)

// ServerChoice is a pattern that somebody who asks for access may choose, with what it names.
type ServerChoice struct {
	Pattern string         // as access.MatchServers reads it; empty for every server
	Servers int            // how many it names
	Server  *access.Server // the one that it is for; nil for other patterns
	Every   string         // the account of which it is every server; empty for other patterns
}

const (
	choicesAtMost = 40
	longestChoice = 150 // characters of a pattern
)

// ServerChoices returns what somebody may mean who has typed a part of a name: first that itself, as a pattern,
// then every server of an account where there are several, then tags and servers, by name. Where nothing is typed,
// the first is every server. It reads the ledger alone.
func (s *Service) ServerChoices(ctx context.Context, actor access.UserID, typed string) ([]ServerChoice, error) {
	active, err := s.active(ctx, actor, viewMaxAge)
	if err != nil {
		return nil, err
	}
	var out bool
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		out, err = isOffboarded(ctx, tx, actor)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !active || out {
		return nil, access.NewForbidden("Only members of this workspace see the servers here.")
	}
	known, err := s.Engine.KnownServers(ctx)
	listed := slices.DeleteFunc(known.Listed(), func(server access.Server) bool { return server.Alone && !s.Engine.Lends(server.Target) })
	return choicesAmong(access.SortServers(listed), strings.TrimSpace(typed)), err
}

func choicesAmong(all []access.Server, typed string) (choices []ServerChoice) {
	sought, within := strings.ToLower(typed), access.Withins(all)
	every := everyOf(all, within, strings.Trim(sought, "*/"))
	if c, ok := typedChoice(all, typed); ok && (len(within) == 0 || strings.Trim(typed, "*") != "") {
		every = slices.DeleteFunc(every, func(e ServerChoice) bool { return strings.EqualFold(e.Pattern, c.Pattern) })
		choices = append(choices, c)
	}
	choices = append(choices, every...)
	names, tags := map[string]int{}, map[string]int{}
	for _, server := range all {
		names[strings.ToLower(server.Name)]++
		for _, tag := range server.Tags {
			tags["tag:"+strings.ToLower(tag)]++
		}
	}
	add := func(c ServerChoice) {
		same := func(other ServerChoice) bool { return strings.EqualFold(other.Pattern, c.Pattern) }
		if len(choices) < choicesAtMost && utf8.RuneCountInString(c.Pattern) <= longestChoice && !slices.ContainsFunc(choices, same) {
			choices = append(choices, c)
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if sought != "" && strings.Contains(tag, sought) {
			add(ServerChoice{Pattern: tag, Servers: tags[tag]})
		}
	}
	for i, server := range all {
		if strings.Contains(strings.ToLower(server.Name), sought) || sought == "#"+strings.ToLower(server.ExternalID) {
			add(ServerChoice{Pattern: patternOf(server, names), Servers: 1, Server: &all[i]})
		}
	}
	return choices
}

// everyOf returns the choice of every server for each account whose name has a part, and for all of them together
// where they are several.
func everyOf(all []access.Server, within []string, part string) (choices []ServerChoice) {
	var patterns []string
	total := 0
	for _, name := range within {
		if !strings.Contains(name, part) {
			continue
		}
		c := ServerChoice{Pattern: name + "/*", Every: name}
		for _, server := range all {
			c.Servers += oneIf(server.Target == name)
		}
		choices, patterns, total = append(choices, c), append(patterns, c.Pattern), total+c.Servers
	}
	if pattern := strings.Join(patterns, ","); len(choices) > 1 && utf8.RuneCountInString(pattern) <= longestChoice {
		choices = append(choices, ServerChoice{Pattern: pattern, Servers: total})
	}
	return choices
}

// typedChoice returns the choice of all servers whose names what was typed fits, as a pattern or else as a part.
func typedChoice(all []access.Server, typed string) (c ServerChoice, ok bool) {
	for _, pattern := range []string{typed, "*" + typed + "*"} {
		found, err := access.MatchServers(all, pattern)
		if err != nil || utf8.RuneCountInString(pattern) > longestChoice {
			continue
		}
		c = ServerChoice{Pattern: pattern, Servers: len(found)}
		if len(found) == 1 && !strings.ContainsAny(pattern, "*?") {
			c.Server = &found[0]
		}
		return c, true
	}
	return c, false
}

// patternOf returns the pattern that names one server alone: its name, if that is no pattern and no other has it.
// Names counts those of all servers, in lower case.
func patternOf(server access.Server, names map[string]int) string {
	name := strings.ToLower(server.Bare())
	if names[strings.ToLower(server.Name)] > 1 || strings.ContainsAny(name, ",*?/") || strings.HasPrefix(name, "#") || strings.HasPrefix(name, "tag:") || strings.TrimSpace(name) != name {
		return server.Within() + "#" + server.ExternalID
	}
	return server.Name
}
