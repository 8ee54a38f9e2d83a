package sshsim

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// Options are known or spoil the line; those that are known let a key in, unless they say otherwise.
func TestOptions(t *testing.T) {
	t.Parallel()
	const in, out = true, false
	for text, want := range map[string]struct {
		admits bool
		err    error
	}{
		"":                    {in, nil},
		"restrict":            {in, nil},
		"Restrict,PTY,no-PTY": {in, nil},
		",,restrict,,pty,":    {in, nil},
		"no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-pty,no-user-rc,no-touch-required,no-verify-required": {in, nil},
		"port-forwarding,agent-forwarding,x11-forwarding,pty,user-rc,touch-required,verify-required":                      {in, nil},
		`command="echo \"a, b\" \\",no-pty`:                                                {out, errQuote},
		`command="echo \"a, b\" \x",no-pty`:                                                {in, nil},
		`COMMAND=""`:                                                                       {in, nil},
		`environment="A_1=b=c",environment="A_1="`:                                         {in, nil},
		`permitopen="host:80",permitopen="[::1]:22,x"`:                                     {out, errPermit},
		`permitopen="host:80",permitopen="[::1]:22"`:                                       {in, nil},
		`permitopen="*:*",permitlisten="8080",permitlisten="localhost:*",permitlisten="*"`: {in, nil},
		`tunnel="0",tunnel="any"`:                                                          {in, nil},

		"cert-authority":                    {out, nil},
		`Cert-Authority,principals="alice"`: {out, nil},
		`principals="alice"`:                {out, nil},
		`from="127.0.0.1"`:                  {in, nil},
		`no-pty,from="10.0.0.0/8"`:          {out, nil},
		`expiry-time="20260723"`:            {out, nil},
		`expiry-time="20260724"`:            {in, nil},
		`expiry-time="20260724",expiry-time="20260722",expiry-time="20260725"`: {out, nil},

		"unknown":                      {out, errUnknownOption},
		"restricted":                   {out, errUnknownOption},
		"no-restrict":                  {out, errUnknownOption},
		"no-cert-authority":            {out, errUnknownOption},
		"no-no-pty":                    {out, errUnknownOption},
		"no-":                          {out, errUnknownOption},
		"pty=yes":                      {out, errUnknownOption},
		`no-command="ls"`:              {out, errUnknownOption},
		"command":                      {out, errUnknownOption},
		`command="ls"x`:                {out, errUnknownOption},
		`"`:                            {out, errUnknownOption},
		"command=ls":                   {out, errNoQuote},
		"command=":                     {out, errNoQuote},
		`command="ls`:                  {out, errQuote},
		`command="ls\"`:                {out, errQuote},
		`command="a",command="b"`:      {out, errTwice},
		`from="*",from="*"`:            {out, errTwice},
		`principals="a",principals=""`: {out, errTwice},
		`expiry-time="never"`:          {out, errTime},
		`expiry-time=20260724`:         {out, errNoQuote},
		`environment="A"`:              {out, errEnvironment},
		`environment="=b"`:             {out, errEnvironment},
		`environment="Ä=b"`:            {out, errEnvironment},
		`permitopen="80"`:              {out, errPermit},
		`permitopen="host:0"`:          {out, errPermit},
		`permitopen="host:65536"`:      {out, errPermit},
		`permitopen="[::1]"`:           {out, errPermit},
		`permitopen="[::1"`:            {out, errPermit},
		`permitlisten=""`:              {out, errPermit},
		`tunnel="2147483646"`:          {out, errTunnel},
		`tunnel=""`:                    {out, errTunnel},
	} {
		o, err := readOptions(text, time.UTC)
		if !errors.Is(err, want.err) || err == nil && o.admit(noon, loopback) != want.admits {
			t.Errorf("%s: admits %t, %v, want %t, %v", text, o.admit(noon, loopback), err, want.admits, want.err)
		}
	}
}

// A time is one of the forms of sshd(8), in the zone of the server or in UTC.
func TestReadTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*3600)
	for text, want := range map[string]string{
		"20260723":          "2026-07-22T22:00:00Z",
		"20260723Z":         "2026-07-23T00:00:00Z",
		"202607231405":      "2026-07-23T12:05:00Z",
		"202607231405z":     "2026-07-23T14:05:00Z",
		"20260723140506":    "2026-07-23T12:05:06Z",
		"20260723140506UTC": "2026-07-23T14:05:06Z",
		"20260230Z":         "2026-03-02T00:00:00Z",
		"20261231235960Z":   "2027-01-01T00:00:00Z",
		"99991231Z":         "9999-12-31T00:00:00Z",
		"19691231Z":         "", "19700101Z": "", "": "", "Z": "", "UTC": "", "2026": "", "2026072314": "", "2026072314050": "",
		"202607231405061": "", "20261301": "", "20260001": "", "20260732": "", "20260700": "", "202607232400": "", "202607232360": "",
		"2026072a": "", "+2026072": "", " 20260723": "", "20260723 Z": "", "2026-7-1": "", "20260723ZZ": "",
	} {
		at, err := readTime(text, zone)
		if got := at.UTC().Format(time.RFC3339); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %s, %v, want %q", text, got, err, want)
		}
	}
}

// The second that a line names is the last one in which it holds.
func TestExpires(t *testing.T) {
	t.Parallel()
	o, err := readOptions(`expiry-time="20260723120000"`, noon.Location())
	if err != nil || !o.admit(noon.Add(time.Second-1), loopback) || o.admit(noon.Add(time.Second), loopback) {
		t.Errorf("ends at %s: %v", o.expires, err)
	}
}

// Patterns of from= match as those of OpenSSH.
func TestMatchFrom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list, addr string
		want       bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.2", "127.0.0.1", false},
		{"127.0.0.0/8", "127.0.0.1", true},
		{"127.0.0.1/32", "127.0.0.1", true},
		{"0.0.0.0/0", "127.0.0.1", true},
		{"10.0.0.0/8,127.0.0.0/24", "127.0.0.1", true},
		{"10.0.0.0/8", "127.0.0.1", false},
		{"127.*", "127.0.0.1", true},
		{"127.0.0.?", "127.0.0.1", true},
		{"127.0.0.??", "127.0.0.1", false},
		{"*", "127.0.0.1", true},
		{"*.0.*.1*", "127.0.0.1", true},
		{"*.0.*.2", "127.0.0.1", false},
		{"127.0.0.1?*", "127.0.0.1", false},
		{"localhost,*.example.com", "127.0.0.1", false},
		{"!localhost,127.0.0.1", "127.0.0.1", true},
		{"!127.0.0.1", "127.0.0.1", false},
		{"*,!127.0.0.1", "127.0.0.1", false},
		{"!127.0.0.0/8,*", "127.0.0.1", false},
		{"!127.0.0.?,*", "127.0.0.1", false},
		{"!10.0.0.0/8", "127.0.0.1", false},
		{"!10.0.0.0/8,*", "127.0.0.1", true},
		{"", "127.0.0.1", false},
		{"!", "127.0.0.1", false},
		{"127.0.0.1,", "127.0.0.1", false},
		{",127.0.0.1", "127.0.0.1", false},
		{" 127.0.0.1", "127.0.0.1", false},
		{"127.0.0.1,10.0.0.1/8", "127.0.0.1", false},
		{"127.0.0.1,10.0.0.0/33", "127.0.0.1", false},
		{"127.0.0.1,10.0.0.0/129", "127.0.0.1", true},
		{"127.0.0.1,10.0.0.0/999", "127.0.0.1", true},
		{"127.0.0.1,10.0.0.0/+99", "127.0.0.1", true},
		{"127.0.0.1,10.0.0.0/x", "127.0.0.1", true},
		{"127.0.0.1,10.0.0.0/", "127.0.0.1", true},
		{"::1", "::1", true},
		{"::/64", "::1", true},
		{"0:0::1", "::1", true},
		{"FE80:*", "fe80::1", true},
		{"::1/64", "::1", false},
		{"127.0.0.0/8", "::1", false},
	} {
		if got := matchFrom(netip.MustParseAddr(c.addr), c.list); got != c.want {
			t.Errorf("from=%q at %s: %t", c.list, c.addr, got)
		}
	}
	if matchFrom(netip.Addr{}, "0.0.0.0/0") {
		t.Error("no address is in a network")
	}
}
