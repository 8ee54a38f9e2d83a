// Package targettest is the conformance suite of targets: what the engine relies on in each of
// them, whatever it is and whatever else it can do. It is for tests.
//
// The suite runs in the played time of testing/synctest, to which no network belongs: a
// simulator that speaks HTTP is served over package memnet, and answers without delay unless a fault
// delays it.
package targettest

import (
	"time"

	"sshkeybot/internal/access"
)

// Bench is a target before a simulator of its service, and a way to look behind that. No key
// stands there yet. What the target cannot do is left out.
type Bench struct {
	Target access.Target
	User   string // a system user that every place has; empty where the target knows none

	// Places returns the places as they really are: ExternalID, Name, Tags and Online. The
	// first two are online. Where the target has pages, they are more than two.
	Places func() []access.Server
	// Keys returns the keys that really stand on a place, whole. Temporary and CreatedAt are
	// nil and zero where the target does not say.
	Keys func(place string) []access.Credential
	// Shown returns what the target shows of a key; nil where it shows it whole.
	Shown func(publicKey string) string
	// Plant puts a key on a place as somebody else would, unchecked, and returns its id.
	Plant func(place string, c access.Credential) (id string)
	// Additions returns how many additions have arrived so far, carried out or not.
	Additions func() int

	Unknown     string                               // the id of a place that the target does not have, as its ids look
	SetOnline   func(place string, online bool)      // has a place go offline, or return; for a ServerReader
	RemovePlace func(place string)                   // removes a place for good; for a ServerReader
	Login       func(place string, s access.Session) // opens a session; for a SessionLister

	// Tokens returns the API tokens that really are there, as Lender.Tokens has to list them but
	// for their labels, which are as they are. The bot's own is among them. For a Lender.
	Tokens    func() []access.Credential
	MakeToken func(label string) // makes one, as the holder of a key that is there would; for a Lender

	TakenLabel bool // a label that is there already is refused
	TakenKey   bool // a key that is there already for that user is refused
	Limited    bool // calls wait for each other from some number on

	// Secrets are what no error may show: the token, and what stands in answers without being
	// meant for anybody.
	Secrets []string
	// Faults are all ways in which the simulator can go wrong.
	Faults []Fault
}

// Fault is a way in which a target's service goes wrong, and what has to come of it.
type Fault struct {
	Name string
	// Set has every call go wrong from now on, until heal is called; that is nil where the
	// fault cannot end.
	Set func() (heal func())

	Read    access.Code // of what only reads; empty when that succeeds all the same
	Write   access.Code // of Add and Remove; empty when they succeed all the same
	Applied bool        // a write that fails takes effect all the same, within an hour

	Lists      bool          // only Servers and List go wrong
	Keys       bool          // only List goes wrong
	Hangs      bool          // nothing is answered until the caller gives up
	RetryAfter time.Duration // for how long the target asks to be left alone; 0 when it does not say
	Words      string        // a part of what a person is told
}
