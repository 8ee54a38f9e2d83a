// Package redact finds access tokens and keys in text that was not written for others to read.
package redact

import "regexp"

var (
	// tokens matches those of Slack, and JSON web tokens such as RunCloud's, in full.
	tokens = regexp.MustCompile(`\b(?:xox[a-z](?:\.xox[a-z])?|xapp)-\d[A-Za-z0-9-]{8,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*`)
	// traces matches what tokens, private keys and public keys begin with, and all that follows: too much is better
	// than too little in a log.
	traces = regexp.MustCompile(`\b(?:xox[a-z](?:\.xox[a-z])?|xapp)-[\w.-]+|\beyJ[\w-]{8,}[\w.-]*|` +
		`-----BEGIN [A-Z0-9 ]*PRIVATE KEY[^"]*|b3BlbnNzaC1rZXktdjEA[A-Za-z0-9+/=]*|AAAA[A-Za-z0-9+/]{12,}={0,2}`)
)

// Holds reports whether a text holds an access token.
func Holds(text string) bool { return tokens.MatchString(text) }

// Line returns a line of a log with *** in place of tokens and keys, whole or in part.
func Line(line []byte) []byte { return traces.ReplaceAllLiteral(line, []byte("***")) }
