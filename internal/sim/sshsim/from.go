package sshsim

import (
	"net/netip"
	"strconv"
	"strings"
)

// matchFrom reports whether an address is one of a "pattern-list" of from=: "a comma-separated list of patterns",
// each with wildcards * and ? or "CIDR address/masklen notation", and a negated match refuses (sshd(8), PATTERNS in
// ssh_config(5)). Names match nothing: with UseDNS off, as it is by default, sshd knows clients by their addresses
// alone. A list with an empty pattern, or with a network that has bits behind its mask, matches nothing either.
func matchFrom(addr netip.Addr, list string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		matches, ok := matchAddress(addr, pattern)
		if !ok || matches && negated {
			return false
		}
		found = found || matches
	}
	return found
}

// matchAddress reports whether one pattern matches; ok is false if it spoils its list.
func matchAddress(addr netip.Addr, pattern string) (matches, ok bool) {
	if pattern == "" {
		return false, false
	}
	host, mask, masked := strings.Cut(pattern, "/")
	network, err := netip.ParseAddr(host)
	bits := network.BitLen()
	if masked && err == nil {
		bits, err = readMask(mask)
	}
	if err != nil {
		return wildcard(strings.ToLower(pattern), addr.String()), true
	}
	prefix := netip.PrefixFrom(network, bits)
	if !prefix.IsValid() || prefix.Masked().Addr() != network {
		return false, false
	}
	return prefix.Contains(addr), true
}

// readMask reads the length of a mask, which is up to 128 for whatever family of addresses.
func readMask(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && (n > 128 || strings.Trim(text, digits) != "") {
		err = strconv.ErrRange
	}
	return n, err
}

// wildcard reports whether a text matches a pattern in which * stands for anything and ? for one character.
func wildcard(pattern, text string) bool {
	p, t := 0, 0
	star, from := -1, 0 // the last * and where what follows it was tried
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
