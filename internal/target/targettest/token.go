package targettest

import (
	"reflect"
	"slices"

	"sshkeybot/internal/access"
)

// lending asks what it means to hold a key of an account, which is said whether or not one may be lent.
func (c *trial) lending() {
	lender, ok := c.Target.(access.Lender)
	if !ok {
		return
	}
	means, err := lender.Lending()
	if means == "" || means != access.CleanText(means) {
		c.Errorf("a person would read %q", means)
	}
	c.coded("Lending", err, code(err))
	if err != nil && code(err) != access.Forbidden {
		c.Errorf("keys are not lent with code %q", code(err))
	}
}

// tokens lists the API tokens of an account, and removes those that may be removed: no key, and none that is Fixed.
func (c *trial) tokens() {
	lender, ok := c.Target.(access.Lender)
	if !ok {
		return
	}
	planted := c.Plant(c.place, c.key())
	c.MakeToken("made with a key")
	c.MakeToken("by\x00hand")
	for _, t := range c.areListed(lender) {
		before := c.Tokens()
		if t.ID == planted {
			c.Errorf("a token and a key have the id %q", t.ID)
		}
		want := access.Code("")
		if t.Fixed {
			want = access.Forbidden
		}
		c.coded("Remove of a token", c.Target.Remove(c.Context(), c.place, t.ID), want)
		if got := len(before) - len(c.Tokens()); t.Fixed != (got == 0) || got > 1 {
			c.Errorf("%d tokens are removed for one that is fixed: %v", got, t.Fixed)
		}
		c.stand(planted)
		if want == "" {
			c.coded("Remove of a token that is gone", c.Target.Remove(c.Context(), c.place, t.ID), access.NotFound)
		}
	}
	c.areListed(lender)
}

// areListed compares the list of the API tokens with those that really are there, and returns it.
func (c *trial) areListed(lender access.Lender) []access.Credential {
	c.Helper()
	got, err := lender.Tokens(c.Context(), c.place)
	if !c.ok("Tokens", err) {
		return nil
	}
	there := c.Tokens()
	if len(got) != len(there) {
		c.Errorf("%d tokens are listed of %d", len(got), len(there))
	}
	for _, want := range there {
		i := slices.IndexFunc(got, func(t access.Credential) bool { return t.ID == want.ID })
		if want.Label = access.CleanText(want.Label); i < 0 || !reflect.DeepEqual(inUTC(got[i]), inUTC(want)) {
			c.Errorf("%+v is not listed, or otherwise: %+v", want, got)
		}
	}
	return got
}

func inUTC(t access.Credential) access.Credential {
	t.CreatedAt, t.UsedAt = t.CreatedAt.UTC(), t.UsedAt.UTC()
	return t
}
