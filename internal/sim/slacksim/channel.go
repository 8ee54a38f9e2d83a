package slacksim

import "slices"

// Channel is a public or private channel or a direct message.
type Channel struct {
	ID       string
	Name     string
	Members  []string // people; the bot is a member when Bot is set
	Bot      bool
	Private  bool
	Archived bool
	Shared   bool // with another organisation (Slack Connect)

	dmWith string // the person of a direct message with the bot
}

// AddChannel adds a channel, or replaces the one with the same ID.
func (w *Workspace) AddChannel(c Channel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.channels[c.ID] = &c
	w.notify()
}

func (c *Channel) has(user string) bool {
	return c.dmWith == user && user != "" || slices.Contains(c.Members, user)
}

// sees reports whether a person finds a channel in a menu of conversations.
func (u *User) sees(c *Channel) bool {
	guest := u.IsRestricted || u.IsUltraRestricted
	return !c.Archived && (c.has(u.ID) || !c.Private && !guest)
}

// passes reports whether a channel is one of those that a filter leaves in a menu of
// conversations.
func (c *Channel) passes(filter Block) bool {
	kind := "public"
	switch {
	case c.dmWith != "":
		kind = "im"
	case c.Private:
		kind = "private"
	}
	kinds, some := filter["include"].([]any)
	return (!some || slices.Contains(kinds, any(kind))) &&
		!(c.Shared && filter.flag("exclude_external_shared_channels")) &&
		!(c.dmWith != "" && filter.flag("exclude_bot_users"))
}

// dm returns the direct message channel of a person with the bot. The caller holds mu.
func (w *Workspace) dm(user string) *Channel {
	for _, c := range w.channels {
		if c.dmWith == user {
			return c
		}
	}
	c := &Channel{ID: w.nextID("D"), Name: "directmessage", Bot: true, Private: true, dmWith: user}
	w.channels[c.ID] = c
	return c
}

// visible returns a channel the bot may know of: private ones only as a member.
func (w *Workspace) visible(id string) (*Channel, error) {
	c := w.channels[id]
	if c == nil || c.Private && !c.Bot {
		return nil, refuse("channel_not_found")
	}
	return c, nil
}

// writable returns the channel of a post; a user ID means the person's DM.
// A public channel needs no membership with chat:write.public.
func (w *Workspace) writable(id string) (*Channel, error) {
	if u := w.users[id]; u != nil {
		return w.writableDM(u)
	}
	c, err := w.visible(id)
	switch {
	case err != nil:
		return nil, err
	case c.Archived:
		return nil, refuse("is_archived")
	case c.dmWith != "":
		return w.writableDM(w.users[c.dmWith])
	case !c.Bot && !w.granted("chat:write.public"):
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

func (w *Workspace) writableDM(u *User) (*Channel, error) {
	switch {
	case u.Deleted:
		return nil, refuse("user_disabled")
	case u.IsBot:
		return nil, refuse("cannot_dm_bot")
	}
	return w.dm(u.ID), nil
}

// conversationsInfo needs a scope for the kind of channel (Slack API, conversations.info).
func (w *Workspace) conversationsInfo(a args) (map[string]any, error) {
	const public, private, direct = "channels:read", "groups:read", "im:read"
	if !w.granted(public) && !w.granted(private) && !w.granted(direct) {
		return nil, w.lacks(public)
	}
	c, err := w.visible(a.str("channel"))
	if err != nil {
		return nil, err
	}
	needed := public
	if c.dmWith != "" {
		needed = direct
	} else if c.Private {
		needed = private
	}
	if !w.granted(needed) {
		return nil, w.lacks(needed)
	}
	return map[string]any{"channel": map[string]any{
		"id": c.ID, "name": c.Name, "created": 1, "creator": "U0CREATOR", "context_team_id": teamID,
		"is_channel": !c.Private, "is_group": c.Private && c.dmWith == "", "is_im": c.dmWith != "", "is_mpim": false,
		"is_private": c.Private, "is_member": c.Bot, "is_archived": c.Archived,
		"is_shared": c.Shared, "is_ext_shared": c.Shared, "is_org_shared": false, "is_pending_ext_shared": false,
	}}, nil
}
