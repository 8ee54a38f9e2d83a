package slacksim

import (
	"maps"
	"slices"
)

// UserGroup is a set of people with a handle.
type UserGroup struct {
	ID      string
	Handle  string
	Members []string
}

// AddUserGroup adds a user group, or replaces the one with the same ID.
func (w *Workspace) AddUserGroup(id, handle string, members ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups[id] = &UserGroup{ID: id, Handle: handle, Members: members}
	w.touch()
}

func (w *Workspace) groupsList(a args) (map[string]any, error) {
	list := []any{}
	for _, id := range slices.Sorted(maps.Keys(w.groups)) {
		list = append(list, w.groupJSON(w.groups[id], a.flag("include_users")))
	}
	return map[string]any{"usergroups": list}, nil
}

func (w *Workspace) groupJSON(g *UserGroup, withUsers bool) map[string]any {
	m := map[string]any{
		"id": g.ID, "team_id": w.opt.TeamID, "is_usergroup": true, "name": g.Handle, "handle": g.Handle,
		"description": "", "is_external": false, "date_create": 1, "date_update": 1, "date_delete": 0,
		"user_count": len(w.living(g.Members)), "prefs": map[string]any{"channels": []string{}, "groups": []string{}},
	}
	if withUsers {
		m["users"] = w.living(g.Members)
	}
	return m
}

func (w *Workspace) groupUsers(a args) (map[string]any, error) {
	g := w.groups[a.str("usergroup")]
	if g == nil {
		return nil, refuse("no_such_subteam")
	}
	return map[string]any{"users": w.living(g.Members)}, nil
}

// living leaves out deactivated people.
func (w *Workspace) living(ids []string) []string {
	out := []string{}
	for _, id := range ids {
		if u := w.users[id]; u != nil && !u.Deleted {
			out = append(out, id)
		}
	}
	return out
}
