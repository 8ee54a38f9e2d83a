package slacksim

import (
	"context"
	"slices"
	"time"
)

// User is a person, guest, bot or stranger as users.info tells of them.
type User struct {
	ID           string
	Name         string // handle, typed as @name
	RealName     string
	Email        string
	TZ           string // zone name; "Europe/Berlin" style, UTC by default
	TeamID       string // home team; the workspace's by default
	EnterpriseID string // of enterprise_user; the workspace's by default for its own people

	Deleted           bool
	Forgotten         bool
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
	orText(&u.TZ, "UTC")
	if u.TeamID == "" {
		u.TeamID = w.opt.TeamID
		orText(&u.EnterpriseID, w.opt.EnterpriseID)
	}
	orText(&u.RealName, u.Name)
	if w.users[u.ID] == nil {
		w.order = append(w.order, u.ID)
	}
	w.users[u.ID] = &u
	w.touch()
}

// Deactivate ends a person's account and sends user_change, as Slack does at
// that moment. It waits until the event was acknowledged or given up, or ctx ends.
func (w *Workspace) Deactivate(ctx context.Context, id string) (EventResult, error) {
	return w.Change(ctx, id, func(u *User) { u.Deleted = true })
}

// Reactivate is the opposite of Deactivate.
func (w *Workspace) Reactivate(ctx context.Context, id string) (EventResult, error) {
	return w.Change(ctx, id, func(u *User) { u.Deleted = false })
}

// Change changes a person's account and sends user_change, like Deactivate.
func (w *Workspace) Change(ctx context.Context, id string, change func(*User)) (EventResult, error) {
	w.mu.Lock()
	u := w.users[id]
	if u == nil {
		w.mu.Unlock()
		return EventResult{}, unknown("user", id)
	}
	change(u)
	event := map[string]any{
		"type": "user_change", "user": w.userJSON(u), "cache_ts": w.opt.Now().Unix(), "event_ts": w.nextTS(),
	}
	w.touch()
	w.mu.Unlock()
	return w.Event(ctx, event)
}

// userJSON is the record in users.info. Of a deactivated user eleven fields are
// missing rather than false. The caller holds mu.
func (w *Workspace) userJSON(u *User) map[string]any {
	m := map[string]any{
		"id": u.ID, "name": u.Name, "deleted": u.Deleted, "updated": w.opt.Now().Unix(),
		"is_bot": u.IsBot, "is_app_user": false, "profile": u.profile(w.granted("users:read.email")),
		"who_can_share_contact_card": "EVERYONE",
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
	if u.Forgotten {
		m["is_forgotten"] = true
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

func (u *User) profile(withEmail bool) map[string]any {
	p := map[string]any{
		"real_name": u.RealName, "real_name_normalized": u.RealName,
		"display_name": u.Name, "display_name_normalized": u.Name, "team": u.TeamID,
	}
	if withEmail && u.Email != "" {
		p["email"] = u.Email
	}
	return p
}

func (w *Workspace) usersInfo(a args) (map[string]any, error) {
	u := w.users[a.str("user")]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	return map[string]any{"user": w.userJSON(u)}, nil
}

func (w *Workspace) usersList(a args) (map[string]any, error) {
	page, next, err := paginate(w.order, a)
	if err != nil {
		return nil, err
	}
	members := make([]any, len(page))
	for i, id := range page {
		members[i] = w.userJSON(w.users[id])
	}
	return map[string]any{"members": members, "cache_ts": w.opt.Now().Unix(), "response_metadata": next}, nil
}

func (w *Workspace) usersLookup(a args) (map[string]any, error) {
	for _, id := range w.order {
		if u := w.users[id]; u.Email != "" && u.Email == a.str("email") && !u.Deleted {
			return map[string]any{"user": w.userJSON(u)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

// paginate cuts one page out of ids; the cursor is the first ID of the next page.
func paginate(ids []string, a args) (page []string, metadata map[string]any, err error) {
	from := 0
	if c := a.str("cursor"); c != "" {
		if from = slices.Index(ids, c); from < 0 {
			return nil, nil, refuse("invalid_cursor")
		}
	}
	limit := a.number("limit", 1000)
	if limit < 1 || limit > 1000 {
		return nil, nil, refuse("invalid_limit")
	}
	end, next := min(from+limit, len(ids)), ""
	if end < len(ids) {
		next = ids[end]
	}
	return ids[from:end], map[string]any{"next_cursor": next}, nil
}
