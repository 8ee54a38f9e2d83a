package slacksim

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// User is a person, guest, bot or stranger as users.info shows them.
type User struct {
	ID           string
	Name         string // handle, typed as @name
	RealName     string // Name by default
	TZ           string // zone name, such as "Europe/Berlin"; UTC by default
	TeamID       string // home team; the workspace's by default
	EnterpriseID string // of enterprise_user; the workspace's by default for its own people

	Deleted           bool
	IsBot             bool
	IsRestricted      bool // multi-channel guest
	IsUltraRestricted bool // single-channel guest
	IsStranger        bool
	NoTeam            bool // the record lacks team_id
}

// AddUser adds a person, or replaces the one with the same ID.
func (w *Workspace) AddUser(u User) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u.TZ = cmp.Or(u.TZ, "UTC")
	u.RealName = cmp.Or(u.RealName, u.Name)
	if u.TeamID == "" {
		u.TeamID = teamID
		u.EnterpriseID = cmp.Or(u.EnterpriseID, w.opt.EnterpriseID)
	}
	if w.users[u.ID] == nil {
		w.order = append(w.order, u.ID)
	}
	w.users[u.ID] = &u
	w.notify()
}

// Deactivate ends a person's account and sends user_change, as Slack does at
// that moment. It waits until the event was acknowledged or given up, or ctx ends.
func (w *Workspace) Deactivate(ctx context.Context, id string) (EventResult, error) {
	return w.setDeleted(ctx, id, true)
}

// Reactivate is the opposite of Deactivate.
func (w *Workspace) Reactivate(ctx context.Context, id string) (EventResult, error) {
	return w.setDeleted(ctx, id, false)
}

func (w *Workspace) setDeleted(ctx context.Context, id string, deleted bool) (EventResult, error) {
	w.mu.Lock()
	u := w.users[id]
	if u == nil {
		w.mu.Unlock()
		return EventResult{}, unknown("user", id)
	}
	u.Deleted = deleted
	event := map[string]any{
		"type": "user_change", "user": w.userJSON(u), "cache_ts": w.opt.Now().Unix(), "event_ts": w.nextTS(),
	}
	w.notify()
	w.mu.Unlock()
	return w.Event(ctx, event)
}

// userJSON returns the record in users.info. Of a deactivated user eleven fields
// are missing rather than false. The caller holds mu.
func (w *Workspace) userJSON(u *User) map[string]any {
	m := map[string]any{
		"id": u.ID, "name": u.Name, "deleted": u.Deleted, "updated": w.opt.Now().Unix(),
		"is_bot": u.IsBot, "is_app_user": false, "who_can_share_contact_card": "EVERYONE",
		"profile": map[string]any{"real_name": u.RealName, "display_name": u.Name, "team": u.TeamID},
	}
	if !u.NoTeam {
		m["team_id"] = u.TeamID
	}
	if u.IsStranger {
		m["is_stranger"] = true
	}
	if u.EnterpriseID != "" {
		m["enterprise_user"] = map[string]any{
			"id": u.ID, "enterprise_id": u.EnterpriseID, "enterprise_name": "Sim", "teams": []string{u.TeamID},
			"is_admin": false, "is_owner": false,
		}
	}
	if !u.Deleted {
		u.addLiving(m)
	}
	return m
}

func (u *User) addLiving(m map[string]any) {
	m["real_name"] = u.RealName
	m["color"] = "9f69e7"
	m["tz"] = u.TZ
	m["tz_label"] = u.TZ
	m["tz_offset"] = u.offset()
	m["is_admin"] = false
	m["is_owner"] = false
	m["is_primary_owner"] = false
	m["is_restricted"] = u.IsRestricted || u.IsUltraRestricted
	m["is_ultra_restricted"] = u.IsUltraRestricted
	m["is_email_confirmed"] = !u.IsBot
}

func (u *User) offset() int {
	zone, err := time.LoadLocation(u.TZ)
	if err != nil {
		return 0
	}
	_, seconds := time.Unix(0, 0).In(zone).Zone()
	return seconds
}

func (w *Workspace) usersInfo(a args) (map[string]any, error) {
	u := w.users[a.str("user")]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	return map[string]any{"user": w.userJSON(u)}, nil
}

// usersList returns one page of the users; the cursor is the first ID of the next page.
func (w *Workspace) usersList(a args) (map[string]any, error) {
	from := 0
	if c := a.str("cursor"); c != "" {
		if from = slices.Index(w.order, c); from < 0 {
			return nil, refuse("invalid_cursor")
		}
	}
	limit := a.number("limit", 1000)
	if limit < 1 || limit > 1000 {
		return nil, refuse("invalid_limit")
	}
	end, next := min(from+limit, len(w.order)), ""
	if end < len(w.order) {
		next = w.order[end]
	}
	members := []any{}
	for _, id := range w.order[from:end] {
		members = append(members, w.userJSON(w.users[id]))
	}
	return map[string]any{"members": members, "response_metadata": map[string]any{"next_cursor": next}}, nil
}

// userGroup is a set of people with a handle.
type userGroup struct {
	handle  string
	members []string
}

// AddUserGroup adds a user group, or replaces the one with the same ID.
func (w *Workspace) AddUserGroup(id, handle string, members ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups[id] = userGroup{handle, members}
	w.notify()
}

// groupUsers returns the members of a user group who are not deactivated.
func (w *Workspace) groupUsers(a args) (map[string]any, error) {
	g, known := w.groups[a.str("usergroup")]
	if !known {
		return nil, refuse("no_such_subteam")
	}
	active := []string{}
	for _, id := range g.members {
		if u := w.users[id]; u != nil && !u.Deleted {
			active = append(active, id)
		}
	}
	return map[string]any{"users": active}, nil
}
