package targettest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// many is more keys than stand on two pages of any target.
const many = 205

// key returns a new key as the engine places it, with the longest label that it writes.
func (c *trial) key() access.Credential {
	c.made++
	grant := access.Grant{ID: int64(10_000 + c.made), Person: "U0123456789", Alias: "alexandria"}
	label := access.Label("abcde", grant, "SHA256:"+strings.Repeat("x", 43))
	return access.Credential{Label: label, SystemUser: c.User, PublicKey: publicKey(c.made) + " " + label, Temporary: new(false)}
}

// publicKey returns an Ed25519 key in the form of RFC 4253, section 6.6, as a line without a comment.
func publicKey(n int) string {
	const kind = "ssh-ed25519"
	raw := fmt.Sprintf("\x00\x00\x00\x0b%s\x00\x00\x00\x20key of the conformance suite%04d", kind, n)
	return kind + " " + base64.StdEncoding.EncodeToString([]byte(raw))
}

// list reads a place of no keys and one of many.
func (c *trial) list() {
	c.isListed()
	c.plantMany()
	c.isListed()
}

func (c *trial) plantMany() {
	for range many {
		c.Plant(c.place, c.key())
	}
}

// isListed compares the list of the place with what really stands there.
func (c *trial) isListed() {
	c.Helper()
	got, err := c.Target.List(c.Context(), c.place)
	if !c.ok("List", err) {
		return
	}
	there := c.Keys(c.place)
	if len(got) != len(there) {
		c.Errorf("%d keys are listed of %d", len(got), len(there))
	}
	for _, want := range there {
		i := slices.IndexFunc(got, func(k access.Credential) bool { return k.ID == want.ID })
		if i < 0 || !c.shows(got[i], want, true) {
			c.Errorf("%+v is not listed, or otherwise", want)
			return
		}
	}
}

// shows reports whether a key is shown as it really is. A list need not say whether it is
// temporary.
func (c *trial) shows(got, real access.Credential, list bool) bool {
	public := real.PublicKey
	if c.Shown != nil {
		public = c.Shown(public)
	}
	want := access.Credential{
		ID: real.ID, Label: access.CleanText(real.Label), SystemUser: access.CleanText(real.SystemUser),
		PublicKey: access.CleanText(public), Temporary: real.Temporary, CreatedAt: got.CreatedAt,
	}
	if list && got.Temporary == nil {
		want.Temporary = nil
	}
	return reflect.DeepEqual(got, want) && got.ID != "" && got.CreatedAt.Equal(real.CreatedAt)
}

// foreignText reads what others wrote: it comes as every database takes it, and else as it is.
func (c *trial) foreignText() {
	for _, label := range []string{"by\x00hand", "\x1b[31mred\x07", "  two  words\u00a0ünd more \U0001F511 ", strings.Repeat("long ", 10_000)} {
		k := c.key()
		k.Label = label
		if k.PublicKey += " \x00" + label; c.User != "" {
			k.SystemUser = "ro\x00ot"
		}
		c.Plant(c.place, k)
		c.isListed()
	}
}

// add places a new key, which has to be confirmed as it is.
func (c *trial) add(k access.Credential) (access.Credential, bool) {
	c.Helper()
	arrived, before := c.Additions(), len(c.Keys(c.place))
	got, err := c.Target.Add(c.Context(), c.place, k)
	if !c.ok("Add", err) {
		return got, false
	}
	there := c.Keys(c.place)
	i := slices.IndexFunc(there, func(k access.Credential) bool { return k.ID == got.ID })
	switch {
	case c.Additions() != arrived+1 || len(there) != before+1:
		c.Errorf("one key was added in %d calls, and %d more are there", c.Additions()-arrived, len(there)-before)
	case i < 0 || !c.shows(got, there[i], false):
		c.Errorf("confirmed was %+v, there are %+v", got, there)
	case there[i].PublicKey != k.PublicKey || there[i].SystemUser != k.SystemUser || !access.SameLabel(there[i].Label, k.Label):
		c.Errorf("placed was %+v, want %+v", there[i], k)
	case there[i].Temporary != nil && *there[i].Temporary != *k.Temporary:
		c.Errorf("placed as temporary: %v, want %v", *there[i].Temporary, *k.Temporary)
	default:
		return got, true
	}
	return got, false
}

// remove removes a key, and no other.
func (c *trial) remove(id string) {
	c.Helper()
	var left []string
	for _, k := range c.Keys(c.place) {
		if k.ID != id {
			left = append(left, k.ID)
		}
	}
	c.ok("Remove", c.Target.Remove(c.Context(), c.place, id))
	c.stand(left...)
}

func (c *trial) addAndRemove() {
	c.Plant(c.place, c.key())
	first, ok := c.add(c.key())
	if !ok {
		return
	}
	c.add(c.key())
	c.remove(first.ID)
	c.coded("Remove of what is gone", c.Target.Remove(c.Context(), c.place, first.ID), access.NotFound)
}

// apart has two places of one target that never touch each other.
func (c *trial) apart() {
	places := c.Places()
	if len(places) < 2 {
		return
	}
	here, there := places[0].ExternalID, places[1].ExternalID
	id := c.Plant(here, c.key())
	c.place = there
	c.isListed()
	c.coded("Remove of what is elsewhere", c.Target.Remove(c.Context(), there, id), access.NotFound)
	if k, ok := c.add(c.key()); ok {
		c.remove(k.ID)
	}
	if c.place = here; len(c.Keys(here)) != 1 {
		c.Errorf("another place has %+v", c.Keys(here))
	}
	c.isListed()
}

// taken adds a key with a label that is there, and one that is there itself.
func (c *trial) taken() {
	first := c.key()
	if _, ok := c.add(first); !ok {
		return
	}
	again := c.key()
	again.Label = first.Label
	c.refuses("a label that is taken", again, c.TakenLabel, false)
	again = c.key()
	again.PublicKey = first.PublicKey
	c.refuses("a key that is there", again, c.TakenKey, true)
}

// refuses adds a key that the target refuses, or else takes. isKey says that the key itself is
// the reason.
func (c *trial) refuses(what string, k access.Credential, refused, isKey bool) {
	c.Helper()
	if !refused {
		c.add(k)
		c.isListed()
		return
	}
	before := len(c.Keys(c.place))
	_, err := c.Target.Add(c.Context(), c.place, k)
	c.coded("Add of "+what, err, access.Invalid)
	if errors.Is(err, access.ErrKeyTaken) != isKey || len(c.Keys(c.place)) != before {
		c.Errorf("%s: the error is ErrKeyTaken: %v; there are %d keys, want %d", what, !isKey, len(c.Keys(c.place)), before)
	}
}

// temporary places a key that its target removes by itself, and one that it does not.
func (c *trial) temporary() {
	lasting, ok := c.add(c.key())
	expirer, ends := c.Target.(access.Expirer)
	if !ok || !ends {
		return
	}
	lifetime := expirer.TemporaryLifetime()
	if lifetime <= 0 {
		c.Errorf("a temporary key ends after %s", lifetime)
		return
	}
	k := c.key()
	k.Temporary = new(true)
	short, ok := c.add(k)
	if !ok {
		return
	}
	time.Sleep(lifetime - time.Minute)
	c.stand(lasting.ID, short.ID)
	time.Sleep(2 * time.Minute)
	c.stand(lasting.ID)
	c.coded("Remove of what has ended", c.Target.Remove(c.Context(), c.place, short.ID), access.NotFound)
}

// stand reports other keys than those on the place, and a list that is not of them.
func (c *trial) stand(ids ...string) {
	c.Helper()
	var got []string
	for _, k := range c.Keys(c.place) {
		got = append(got, k.ID)
	}
	if !slices.Equal(got, ids) {
		c.Errorf("the keys %q are there, want %q", got, ids)
	}
	c.isListed()
}

// together adds keys at the same time.
func (c *trial) together() {
	var all sync.WaitGroup
	for range 20 {
		k := c.key()
		all.Go(func() {
			_, err := c.Target.Add(c.Context(), c.place, k)
			c.ok("Add", err)
			_, err = c.Target.List(c.Context(), c.place)
			c.ok("List", err)
		})
	}
	all.Wait()
	if n := len(c.Keys(c.place)); n != 20 {
		c.Errorf("20 keys were added, and %d are there", n)
	}
	c.isListed()
}
