package access

import (
	"cmp"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"sshkeybot/internal/nearest"
)

// MaxPattern is the maximum length of a pattern in characters: an approver has to read it.
const MaxPattern = 2000

// longestName is the length in characters up to which what was typed may be a mistyped name.
const longestName = 100

// MatchServers returns the servers that a pattern names, sorted by name. A pattern is a
// comma-separated list of names with * and ?, #ID with the ID exactly as the target has it,
// and tag:NAME, each of them behind TARGET/ if it is about that target alone; the empty pattern
// names all servers. One that is Alone is named by a pattern that is its whole name, and by no
// other. The error has code Invalid: for a part that matches
// nothing its message has the nearest names.
func MatchServers(all []Server, pattern string) ([]Server, error) {
	if utf8.RuneCountInString(pattern) > MaxPattern {
		return nil, NewInvalid("That names too many servers one by one. Name them with * and ?, or by a tag.")
	}
	parts := splitPattern(pattern)
	if alone, err := matchAlone(all, parts); err != nil || len(alone) > 0 {
		return alone, err
	}
	shared := slices.DeleteFunc(slices.Clone(all), func(s Server) bool { return s.Alone })
	switch {
	case len(parts) > 0:
		return matchParts(shared, all, parts)
	case strings.TrimSpace(pattern) != "": // commas
		return nil, NewInvalid("Name at least one server, or leave out `on` for all of them.")
	case len(shared) == 0:
		return nil, NewInvalid("There are no servers.")
	}
	return SortServers(shared), nil
}

// splitPattern returns the parts of a pattern, each once.
func splitPattern(pattern string) []string {
	var parts []string
	for part := range strings.SplitSeq(pattern, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return parts
}

// candidate is a server that a pattern may name.
type candidate struct {
	Server
	folded string // the bare name as names are compared
	chosen bool   // by one of the parts
}

// matchParts returns the servers that at least one part names. TARGET/PART is about the
// servers of that target alone, if there is one of that name. The names that a refusal
// proposes are those of known.
func matchParts(all, known []Server, parts []string) ([]Server, error) {
	candidates := make([]candidate, len(all))
	for i, server := range all {
		candidates[i] = candidate{Server: server, folded: folded(server.Bare())}
	}
	for _, part := range parts {
		target, rest := cutTarget(all, part)
		fits, err := matcher(rest)
		if err == nil && target == "" {
			err = refuseSharedID(all, rest)
		}
		if err != nil {
			return nil, err
		}
		if choose(candidates, target, fits) {
			continue
		}
		if target != "" {
			known = slices.DeleteFunc(slices.Clone(all), func(s Server) bool { return !s.isOn(target) })
		}
		return nil, nothingMatches(known, part, rest)
	}
	var chosen []Server
	for _, c := range candidates {
		if c.chosen {
			chosen = append(chosen, c.Server)
		}
	}
	return SortServers(chosen), nil
}

// choose marks the candidates that fit, on one target or on all, and reports whether there
// are any. One that is marked already is tried only until another fits.
func choose(candidates []candidate, target string, fits func(*candidate) bool) bool {
	found := false
	for i := range candidates {
		c := &candidates[i]
		if found && c.chosen || target != "" && !c.isOn(target) {
			continue
		}
		if fits(c) {
			found, c.chosen = true, true
		}
	}
	return found
}

// TargetsIn returns the words of a pattern that may be the names of targets, in lower case, if each of
// its parts is about one target: those before a slash. It returns none if a part may be about several.
func TargetsIn(pattern string) (names []string) {
	for _, part := range splitPattern(strings.ToLower(pattern)) {
		name, _, ok := strings.Cut(part, "/")
		if !ok {
			return nil
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// cutTarget cuts the target off a part that names one of the servers' targets.
func cutTarget(all []Server, part string) (target, rest string) {
	target, rest, ok := strings.Cut(part, "/")
	if ok && target != "" && slices.ContainsFunc(all, func(s Server) bool { return s.isOn(target) }) {
		return target, rest
	}
	return "", part
}

// refuseSharedID refuses an #ID that servers of several targets have.
func refuseSharedID(all []Server, part string) error {
	id, ok := strings.CutPrefix(part, "#")
	if !ok {
		return nil
	}
	var forms []string
	for _, s := range all {
		if form := s.Target + "/#" + id; s.ExternalID == id && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	if len(forms) < 2 {
		return nil
	}
	return NewInvalidWord(part, "There are several servers `…`. Say which one you mean: "+strings.Join(forms, " or ")+".")
}

// isOn reports whether the server is on the target of that name, as people write it.
func (s Server) isOn(target string) bool { return strings.EqualFold(s.Target, target) }

// matchAlone returns the server that the parts name alone, if they do. It is an error to name
// others as well.
func matchAlone(all []Server, parts []string) ([]Server, error) {
	for _, s := range all {
		if !s.Alone {
			continue
		}
		named := func(part string) bool { return strings.EqualFold(part, s.Name) }
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

// matcher returns the function that reports whether a server matches one part of a pattern.
func matcher(part string) (func(*candidate) bool, error) {
	if id, ok := strings.CutPrefix(part, "#"); ok {
		if id == "" {
			return nil, NewInvalidWord(part, "`…` is not a server ID; it is written like #1203.")
		}
		return func(c *candidate) bool { return c.ExternalID == id }, nil
	}
	if len(part) > 4 && strings.EqualFold(part[:4], "tag:") {
		return func(c *candidate) bool {
			return slices.ContainsFunc(c.Tags, func(tag string) bool { return strings.EqualFold(tag, part[4:]) })
		}, nil
	}
	// Only * and ? are special. path.Match has [classes] as well, which may be in a name.
	glob := strings.NewReplacer(`\`, `\\`, `[`, `\[`).Replace(folded(part))
	return func(c *candidate) bool {
		ok, err := path.Match(glob, c.folded)
		return err == nil && ok
	}, nil
}

// folded returns a name in the form in which names are compared: in lower case, with another
// character for the slash, which the * of path.Match does not match.
func folded(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "/", "\x00")
}

// nothingMatches refuses a part of a pattern that names none of these servers. Rest is the part
// without its target.
func nothingMatches(all []Server, part, rest string) error {
	if strings.HasPrefix(rest, "#") {
		return NewInvalidWord(part, "No server has the ID `…`.")
	}
	text := "No server matches `…`."
	if within := Withins(all); part == rest && strings.Contains(part, "/") && len(within) > 0 {
		text += " Before the slash stands one of " + strings.Join(within, ", ") + "."
	}
	if near := nearestNames(all, rest); len(near) > 0 {
		text += " The nearest: " + strings.Join(near, ", ") + "."
	}
	return NewInvalidWord(part, text)
}

// Withins returns the names of targets that stand before those of servers, sorted: none where the
// servers of one target are all there are.
func Withins(all []Server) (names []string) {
	for _, s := range all {
		if s.Within() != "" && !slices.Contains(names, s.Target) {
			names = append(names, s.Target)
		}
	}
	slices.Sort(names)
	return names
}

// nearestNames returns the up to five names of servers, or tags if the part is about one,
// that are the nearest to the part by edit distance. A part that is longer than any name
// has none.
func nearestNames(all []Server, part string) []string {
	if utf8.RuneCountInString(part) > longestName {
		return nil
	}
	plain := strings.ToLower(strings.NewReplacer("*", "", "?", "").Replace(part))
	distance := map[string]int{}
	add := func(name string, forms ...string) {
		distance[name] = math.MaxInt
		for _, form := range forms {
			distance[name] = min(distance[name], nearest.Distance(plain, strings.ToLower(form)))
		}
	}
	byTag := strings.HasPrefix(plain, "tag:")
	for _, server := range all {
		if !byTag {
			add(server.Name, server.Name, server.Bare())
			continue
		}
		for _, tag := range server.Tags {
			add("tag:"+tag, "tag:"+tag)
		}
	}
	names := slices.Sorted(maps.Keys(distance))
	slices.SortStableFunc(names, func(a, b string) int { return distance[a] - distance[b] })
	return names[:min(len(names), 5)]
}
