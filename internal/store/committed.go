package store

import (
	"context"
	"slices"
	"strconv"
	"time"

	"sshkeybot/internal/access"
)

// Committed is an event of the audit log that is committed, with what the ledger had about it in
// that transaction. Of its fields, only the event's Detail and the Rest of its Keys may hold what
// somebody typed.
type Committed struct {
	access.Event
	Of    access.UserID // whom it happened to; empty where that is nobody
	Keys  access.Keys   // where it is about keys
	Names []string      // of the servers of Keys, or of the one that it happened to
	Ends  time.Time     // of the grant that it happened to; zero where that has no end

	// What the first request asks for that it is about.
	Kind       access.RequestKind
	SystemUser string
	Duration   time.Duration
	Servers    int
}

const aboutAsked = "SELECT person, kind, system_user, duration, (SELECT COUNT(*) FROM request_places WHERE request_id = requests.id) FROM requests WHERE id = $1"

// everyServer is more servers than there are.
const everyServer = 1 << 20

// describeAll keeps the sealed events of the transaction with what the ledger has about them.
func (t *tx) describeAll(ctx context.Context) error {
	for _, e := range t.events {
		c, err := t.describe(ctx, e)
		if err != nil {
			return err
		}
		t.recorded = append(t.recorded, c)
	}
	return nil
}

// describe returns an event with what the ledger has about it.
func (t *tx) describe(ctx context.Context, e access.Event) (Committed, error) {
	c, err := t.describeRequest(ctx, e)
	if err != nil {
		return c, err
	}
	c.Keys, _ = e.Keys(everyServer)
	servers := c.Keys.Servers
	id, unnumbered := strconv.ParseInt(e.NounID, 10, 64)
	switch {
	case unnumbered != nil:
	case e.Noun == access.NounServer:
		servers = []int64{id}
	case e.Noun == access.NounGrant:
		c.Ends, err = first(many(ctx, t, scanEnd, "SELECT ends_at FROM grants WHERE id = $1", id))
	case e.Noun == access.NounPlacement && c.Keys.Count == 0:
		c.Keys, err = first(many(ctx, t, scanKeysThere, "SELECT place_id, system_user, "+fingerprintText+" FROM placements WHERE id = $1", id))
		servers = c.Keys.Servers
	}
	if err != nil {
		return c, err
	}
	found, err := t.ServersOf(ctx, servers)
	for _, server := range found {
		c.Names = append(c.Names, server.Name)
	}
	slices.Sort(c.Names)
	return c, err
}

// describeRequest returns an event with what its first request asks for.
func (t *tx) describeRequest(ctx context.Context, e access.Event) (Committed, error) {
	c := Committed{Of: e.Person()}
	scan := func(row scanner) (c Committed, err error) {
		err = row.Scan(&c.Of, &c.Kind, &c.SystemUser, span{&c.Duration}, &c.Servers)
		return c, err
	}
	var found []Committed
	var err error
	if id := e.Request(); id != 0 {
		found, err = many(ctx, t, scan, aboutAsked, id)
	}
	if len(found) > 0 {
		c = found[0]
	}
	c.Event = e
	return c, err
}

func scanEnd(row scanner) (at time.Time, err error) {
	err = row.Scan(instant{&at})
	return at, err
}

func scanKeysThere(row scanner) (k access.Keys, err error) {
	k.Servers, k.Count = make([]int64, 1), 1
	err = row.Scan(&k.Servers[0], &k.SystemUser, &k.Key)
	return k, err
}

// first returns the first of some rows; the zero value if there is none.
func first[T any](all []T, err error) (found T, _ error) {
	if len(all) > 0 {
		found = all[0]
	}
	return found, err
}
