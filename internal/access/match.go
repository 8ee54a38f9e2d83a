package access

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"sshkeybot/internal/nearest"
)

// MaxPattern is the maximum length of a pattern in characters: an approver has to read it.
const MaxPattern = 2000

// MatchServers returns the servers that a pattern names, sorted by name. A pattern is a
// comma-separated list of names with * and ?, #ID with the ID exactly as the target has it,
// and tag:NAME; the empty pattern names all servers. One that is Alone is named by a pattern
// that is its whole name, and by no other. The error has code Invalid: for a part that matches
// nothing its message has the nearest names.
func MatchServers(all []Server, pattern string) ([]Server, error) {
	if utf8.RuneCountInString(pattern) > MaxPattern {
		return nil, NewInvalid("That names too many servers one by one. Name them with * and ?, or by a tag.")
	}
	if alone, err := matchAlone(all, pattern); err != nil || len(alone) > 0 {
		return alone, err
	}
	known := all
	all = slices.DeleteFunc(slices.Clone(all), func(s Server) bool { return s.Alone })
	if strings.TrimSpace(pattern) == "" {
		if len(all) == 0 {
			return nil, NewInvalid("There are no servers.")
		}
		return SortServers(slices.Clone(all)), nil
	}
	chosen := map[int64]Server{}
	for part := range strings.SplitSeq(pattern, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		found, err := matchPart(all, known, part)
		if err != nil {
			return nil, err
		}
		for _, server := range found {
			chosen[server.ID] = server
		}
	}
	if len(chosen) == 0 {
		return nil, NewInvalid("Name at least one server, or leave out `on` for all of them.")
	}
	result := make([]Server, 0, len(chosen))
	for _, server := range chosen {
		result = append(result, server)
	}
	return SortServers(result), nil
}

// matchAlone returns the server that a pattern names alone, if it does. It is an error to name
// others as well.
func matchAlone(all []Server, pattern string) ([]Server, error) {
	parts := strings.Split(pattern, ",")
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	for _, s := range all {
		named := func(part string) bool { return s.Alone && strings.EqualFold(part, s.Name) }
		switch {
		case !slices.ContainsFunc(parts, named):
		case !slices.ContainsFunc(parts, func(part string) bool { return !named(part) }):
			return []Server{s}, nil
		default:
			return nil, NewInvalidWord(s.Name, "`…` is an account, and no server: ask for it alone. A server of that name is named by its ID, like #1203.")
		}
	}
	return nil, nil
}

// SortServers sorts servers by name, in place, and returns them.
func SortServers(servers []Server) []Server {
	slices.SortFunc(servers, func(a, b Server) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return servers
}

// matchPart returns the servers that one part of a pattern names. TARGET/PART is about the
// servers of that target alone, if there is one of that name. The names that a refusal
// proposes are those of known.
func matchPart(all, known []Server, part string) ([]Server, error) {
	if target, rest, ok := strings.Cut(part, "/"); ok && target != "" {
		of := slices.DeleteFunc(slices.Clone(all), func(s Server) bool { return !strings.EqualFold(s.Target, target) })
		if len(of) > 0 {
			all, known, part = of, of, rest
		}
	}
	fits, err := matcher(part)
	if err != nil {
		return nil, err
	}
	var found []Server
	for _, server := range all {
		if fits(server) {
			found = append(found, server)
		}
	}
	if len(found) == 0 {
		return nil, nothingMatches(known, part)
	}
	return found, nil
}

// matcher returns the function that reports whether a server matches one part of a pattern.
func matcher(part string) (func(Server) bool, error) {
	if id, ok := strings.CutPrefix(part, "#"); ok {
		if id == "" {
			return nil, NewInvalidWord(part, "`…` is not a server ID; it is written like #1203.")
		}
		return func(s Server) bool { return s.ExternalID == id }, nil
	}
	if len(part) > 4 && strings.EqualFold(part[:4], "tag:") {
		return func(s Server) bool {
			return slices.ContainsFunc(s.Tags, func(tag string) bool { return strings.EqualFold(tag, part[4:]) })
		}, nil
	}
	// Only * and ? are special. path.Match also has [classes], and its * does not match a
	// slash: both may be in a name.
	glob := strings.NewReplacer(`\`, `\\`, `[`, `\[`).Replace(strings.ToLower(part))
	glob = strings.ReplaceAll(glob, "/", "\x00")
	return func(s Server) bool {
		ok, err := path.Match(glob, strings.ReplaceAll(strings.ToLower(s.Name), "/", "\x00"))
		return err == nil && ok
	}, nil
}

func nothingMatches(all []Server, part string) error {
	if strings.HasPrefix(part, "#") {
		return NewInvalidWord(part, "No server has the ID `…`.")
	}
	near := nearestNames(all, part)
	if len(near) == 0 {
		return NewInvalidWord(part, "No server matches `…`.")
	}
	return NewInvalidWord(part, "No server matches `…`. The nearest: "+strings.Join(near, ", ")+".")
}

// nearestNames returns the up to five names of servers, or tags if the part is about one,
// that are the nearest to the part by edit distance.
func nearestNames(all []Server, part string) []string {
	plain := strings.ToLower(strings.NewReplacer("*", "", "?", "").Replace(part))
	var names []string
	byTag := strings.HasPrefix(plain, "tag:")
	for _, server := range all {
		if !byTag {
			names = append(names, server.Name)
			continue
		}
		for _, tag := range server.Tags {
			names = append(names, "tag:"+tag)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	distance := map[string]int{}
	for _, name := range names {
		distance[name] = nearest.Distance(plain, strings.ToLower(name))
	}
	slices.SortStableFunc(names, func(a, b string) int { return distance[a] - distance[b] })
	return names[:min(len(names), 5)]
}
