package storetest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

const (
	eventServers = 50   // whose results are told in one event
	eventBatch   = 2000 // written in one transaction
	recently     = 7 * 24 * time.Hour
)

var (
	onPlaces = regexp.MustCompile(` on places [0-9,-]+`)
	onCount  = regexp.MustCompile(` on [0-9]+ servers?`)
)

// grantValues returns the row of a copy in aged_grant.
func (a *ager) grantValues(g agedGrant) []any {
	starts := g.of.grant.StartsAt.Add(g.shift)
	return []any{
		g.id, g.of.request, g.of.grant.ID, string(g.of.grant.Person), string(g.key.Person), g.alias, g.key.Fingerprint, access.Label(a.ledger, access.Grant{ID: g.id, Person: g.key.Person, Alias: g.alias}, g.key.Fingerprint), starts.UnixMilli(), g.shift.Milliseconds(),
		number(g.of == &a.live), number(time.Since(starts) < recently), g.first, g.servers,
	}
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// writeEvents writes the events of every grant, as those of its original are, with those that
// name places once for every eventServers of them.
func (a *ager) writeEvents(all []agedGrant) {
	a.t.Helper()
	var events []access.Event
	for _, g := range all {
		for _, e := range g.of.events {
			events = append(events, a.copiesOf(e, g)...)
		}
	}
	for batch := range slices.Chunk(events, eventBatch) {
		a.must(a.store.Update(a.ctx, func(tx access.Tx) error {
			for _, e := range batch {
				if err := tx.Audit(a.ctx, e); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func (a *ager) copiesOf(e access.Event, g agedGrant) (copies []access.Event) {
	person := strings.NewReplacer(string(g.of.grant.Person), string(g.key.Person), g.of.key, g.key.Fingerprint, string(access.AboutRequest(g.of.request)), string(access.AboutRequest(g.id)))
	e.At = e.At.Add(g.shift)
	e.Actor, e.About = access.UserID(person.Replace(string(e.Actor))), person.Replace(e.About)
	e.Detail = onCount.ReplaceAllLiteralString(person.Replace(e.Detail), " on "+strconv.Itoa(g.servers)+" servers")
	if e.NounID == strconv.FormatInt(g.of.request, 10) || e.NounID == strconv.FormatInt(g.of.grant.ID, 10) {
		e.NounID = strconv.FormatInt(g.id, 10)
	}
	if !onPlaces.MatchString(e.Detail) {
		return []access.Event{e}
	}
	for batch := range slices.Chunk(a.placesOf(g), eventServers) {
		some := e
		some.Detail = onPlaces.ReplaceAllLiteralString(e.Detail, " on places "+access.Ranges(batch))
		copies = append(copies, some)
	}
	return copies
}

// placesOf returns the places of the servers of a copy.
func (a *ager) placesOf(g agedGrant) []int64 {
	places := make([]int64, g.servers)
	for i := range places {
		places[i] = a.places[(g.first+i)%len(a.places)]
	}
	return places
}
