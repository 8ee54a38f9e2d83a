package sshsim

import (
	"strconv"
	"strings"
)

const (
	maxHost   = 1025          // NI_MAXHOST of getnameinfo(3)
	maxTunnel = 1<<31 - 1 - 2 // SSH_TUNID_MAX of OpenSSH
)

// checkEnvironment checks a "NAME=value" (sshd(8)), whose name is of letters, digits and underscores.
func checkEnvironment(value string) error {
	name, _, ok := strings.Cut(value, "=")
	strange := strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if !ok || name == "" || strange {
		return errEnvironment
	}
	return nil
}

// checkPermitListen checks a "[host:]port" (sshd(8)).
func checkPermitListen(value string) error {
	if !strings.Contains(value, ":") {
		value = "*:" + value
	}
	return checkPermit(value)
}

// checkPermit checks a "host:port": "IPv6 addresses can be specified by enclosing the address in square brackets",
// and a port of * is any (sshd(8)). Between the two OpenSSH takes a slash, too.
func checkPermit(value string) error {
	end := strings.IndexAny(value, ":/")
	if strings.HasPrefix(value, "[") {
		end = strings.Index(value, "]") + 1
	}
	if end < 0 || end >= len(value) || end >= maxHost || value[end] != ':' && value[end] != '/' {
		return errPermit
	}
	port := value[end+1:]
	if n, err := strconv.ParseUint(port, 10, 16); port != "*" && (err != nil || n == 0) {
		return errPermit
	}
	return nil
}

// checkTunnel checks the number of a tun device; any is any.
func checkTunnel(value string) error {
	if n, err := strconv.ParseUint(value, 10, 31); !strings.EqualFold(value, "any") && (err != nil || n > maxTunnel) {
		return errTunnel
	}
	return nil
}
