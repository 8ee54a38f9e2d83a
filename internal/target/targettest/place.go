package targettest

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"sshkeybot/internal/access"
)

func (c *trial) name() {
	name := c.Target.Name()
	if name == "" || name != c.Target.Name() || strings.ContainsAny(name, "/,*? \t\n") {
		c.Errorf("the target goes by %q, then by %q", name, c.Target.Name())
	}
}

// servers compares the list of places with what they really are.
func (c *trial) servers() {
	got, err := c.Target.Servers(c.Context())
	if !c.ok("Servers", err) {
		return
	}
	_, mayBeAway := c.Target.(access.ServerReader)
	want := c.Places()
	byID := func(a, b access.Server) int { return cmp.Compare(a.ExternalID, b.ExternalID) }
	slices.SortFunc(got, byID)
	slices.SortFunc(want, byID)
	if len(got) != len(want) {
		c.Errorf("%d places are listed of %d", len(got), len(want))
		return
	}
	for i := range want {
		if want := shown(want[i]); !same(got[i], want) {
			c.Errorf("a place is listed as %+v, want %+v", got[i], want)
		}
		if !got[i].Online && !mayBeAway {
			c.Errorf("%s is listed as offline, and nobody can be asked whether it still is", got[i].ExternalID)
		}
	}
}

// shown returns how a place is shown that really is so.
func shown(s access.Server) access.Server {
	s.Name, s.Tags = access.CleanText(s.Name), slices.Clone(s.Tags)
	for i, tag := range s.Tags {
		s.Tags[i] = access.CleanText(tag)
	}
	return s
}

// same reports whether two places are shown alike; no tags are none, however that is written.
func same(a, b access.Server) bool {
	if len(a.Tags) == 0 && len(b.Tags) == 0 {
		a.Tags, b.Tags = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// really returns a place as it is.
func (c *trial) really(place string) access.Server {
	all := c.Places()
	return all[slices.IndexFunc(all, func(s access.Server) bool { return s.ExternalID == place })]
}

// isShown compares what is said of a place that is asked for with what it really is.
func (c *trial) isShown(reader access.ServerReader, place string) {
	c.Helper()
	got, err := reader.Server(c.Context(), place)
	if want := shown(c.really(place)); c.ok("Server", err) && !same(got, want) {
		c.Errorf("a place is shown as %+v, want %+v", got, want)
	}
}

// offline asks for a place that goes offline and returns. What fails there meanwhile had no
// effect, unless it says that it may have had one.
func (c *trial) offline() {
	reader, ok := c.Target.(access.ServerReader)
	if !ok || c.SetOnline == nil {
		return
	}
	id := c.Plant(c.place, c.key())
	c.isShown(reader, c.place)
	c.SetOnline(c.place, false)
	c.isShown(reader, c.place)
	c.servers()
	for _, call := range c.calls(id) {
		before := len(c.Keys(c.place))
		err := call.do(c.Context())
		c.fit(call.name, err)
		if len(c.Keys(c.place)) != before && err != nil && code(err) != access.UnknownOutcome {
			c.Errorf("%s on a place that is offline took effect, and returned: %v", call.name, err)
		}
	}
	c.SetOnline(c.place, true)
	c.isShown(reader, c.place)
}

// left asks for a place that has left, and for all when none is left.
func (c *trial) left() {
	if c.RemovePlace == nil {
		return
	}
	id := c.Plant(c.place, c.key())
	c.RemovePlace(c.place)
	c.notThere(c.place, id)
	c.servers()
	for _, s := range c.Places() {
		c.RemovePlace(s.ExternalID)
	}
	c.servers()
	c.ok("Ping", c.Target.Ping(c.Context()))
}

func (c *trial) unknownPlace() {
	if c.Unknown != "" {
		c.notThere(c.Unknown, c.Plant(c.place, c.key()))
	}
}

// notThere makes calls to a place that the target does not have.
func (c *trial) notThere(place, credential string) {
	c.Helper()
	c.place = place
	for _, call := range c.calls(credential) {
		if call.name == "Servers" || call.name == "Ping" {
			continue // about no place
		}
		c.coded(call.name+" where nothing is", call.do(c.Context()), access.NotFound)
	}
}

func (c *trial) ping() { c.ok("Ping", c.Target.Ping(c.Context())) }

func (c *trial) sessions() {
	lister, ok := c.Target.(access.SessionLister)
	if !ok {
		return
	}
	none, err := lister.Sessions(c.Context(), c.place)
	if c.ok("Sessions", err) && len(none) > 0 {
		c.Errorf("nobody is logged in, and these are: %+q", none)
	}
	open := []access.Session{
		{SystemUser: c.User, Address: "198.51.100.7", Since: "06:10"},
		{SystemUser: "o\x00dd", Address: "198.51.100.8\x07", Since: "06:\x1b11"},
	}
	for _, s := range open {
		c.Login(c.place, s)
	}
	got, err := lister.Sessions(c.Context(), c.place)
	want := []access.Session{open[0], {SystemUser: "odd", Address: "198.51.100.8", Since: "06:11"}}
	if c.ok("Sessions", err) && (len(got) != len(want) || !slices.Contains(got, want[0]) || !slices.Contains(got, want[1])) {
		c.Errorf("logged in are %+q, want %+q", got, want)
	}
}

func (c *trial) figures() {
	if paced, ok := c.Target.(access.Paced); ok {
		if pace := paced.Pace(); pace.Pause != 0 || pace.PerMinute < 0 {
			c.Errorf("the pace of a target that nobody called is %+v", pace)
		}
	}
	if pager, ok := c.Target.(access.Pager); ok && pager.ServersPerCall() <= 0 {
		c.Errorf("%d servers in one call", pager.ServersPerCall())
	}
	if metered, ok := c.Target.(access.Metered); ok && metered.MonthlyQuota() < 0 {
		c.Errorf("%d calls a month", metered.MonthlyQuota())
	}
}
