package slacksim

import (
	"encoding/json"
	"maps"
	"slices"
)

// View is a modal before a person's eyes, or a person's Home tab.
type View struct {
	ID         string
	User       string
	Type       string // "modal" or "home"
	Title      string
	CallbackID string
	Metadata   string // private_metadata
	Submit     string // label; empty without a submit button
	Close      string // label
	Blocks     []Block
	Hash       string
	Root       string // ID of the lowest view of the stack
	Previous   string // ID of the view below, empty for the lowest
	ExternalID string

	NotifyOnClose bool
	state         map[string]map[string]any // what was chosen so far, by block and action
}

// Buttons lists what can be pressed in the view outside its input blocks.
func (v View) Buttons() []Button { return buttonsOf(v.Blocks) }

// wireView is a view as apps send it.
type wireView struct {
	Type          string  `json:"type"`
	Title         Block   `json:"title"`
	Submit        Block   `json:"submit"`
	Close         Block   `json:"close"`
	Blocks        []Block `json:"blocks"`
	Metadata      string  `json:"private_metadata"`
	CallbackID    string  `json:"callback_id"`
	ExternalID    string  `json:"external_id"`
	NotifyOnClose bool    `json:"notify_on_close"`
}

// maxStack is how many modals may lie on each other.
const maxStack = 3

// readView reads and checks a view. The caller holds mu.
func (w *Workspace) readView(where, kind string, raw []byte) (wireView, error) {
	var v wireView
	if err := json.Unmarshal(raw, &v); err != nil {
		w.violate(where, "view: not a view object")
		return v, refuse("invalid_arguments", "view: not a view object")
	}
	c := checkView(raw)
	if c.code == "" && v.Type != kind {
		c.add("/view/type", "must be "+kind)
		c.code = "invalid_arguments"
	}
	w.violate(where, c.problems...)
	if c.code != "" {
		return v, refuse(c.code, c.problems...)
	}
	return v, nil
}

// rawView takes the view argument as JSON, from a form or a JSON body.
func rawView(a args) []byte {
	if s, ok := a["view"].(string); ok {
		return []byte(s)
	}
	raw, err := json.Marshal(a["view"])
	if err != nil {
		return nil
	}
	return raw
}

// fill replaces the content of v. Choices stay where block and action stay.
func (w *Workspace) fill(v *View, from wireView) {
	v.Type, v.Title, v.Submit, v.Close = from.Type, from.Title.str("text"), from.Submit.str("text"), from.Close.str("text")
	v.CallbackID, v.Metadata, v.ExternalID = from.CallbackID, from.Metadata, from.ExternalID
	v.NotifyOnClose = from.NotifyOnClose
	v.Blocks = nameBlocks(from.Blocks, func() string { return w.nextID("b") })
	v.Hash = w.nextID("hash")
	v.state = v.initialState()
}

// initialState keeps what was chosen and adds the initial values of new inputs.
func (v *View) initialState() map[string]map[string]any {
	state := map[string]map[string]any{}
	for _, b := range v.Blocks {
		for _, e := range b.elements() {
			if e == nil || !stateful(e.Type()) {
				continue
			}
			block, action := b.str("block_id"), e.str("action_id")
			value, kept := v.state[block][action]
			if !kept {
				value = initialValue(e)
			}
			if state[block] == nil {
				state[block] = map[string]any{}
			}
			state[block][action] = value
		}
	}
	return state
}

func (w *Workspace) viewsOpen(a args) (map[string]any, error) {
	t, err := w.peekTrigger(a.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	from, err := w.readView("views.open", "modal", rawView(a))
	if err != nil {
		return nil, err
	}
	if err := w.uniqueExternal(from.ExternalID, nil); err != nil {
		return nil, err
	}
	t.used = true
	w.closeAll(t.user)
	return map[string]any{"view": w.viewJSON(w.stack(t.user, "", from))}, nil
}

func (w *Workspace) viewsPush(a args) (map[string]any, error) {
	t, err := w.peekTrigger(a.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	if w.view(t.view) == nil {
		return nil, refuse("not_found")
	}
	from, err := w.readView("views.push", "modal", rawView(a))
	if err != nil {
		return nil, err
	}
	if w.depth(t.user) >= maxStack {
		return nil, refuse("push_limit_reached")
	}
	t.used = true
	return map[string]any{"view": w.viewJSON(w.stack(t.user, w.top(t.user).ID, from))}, nil
}

// stack opens a view on top of previous.
func (w *Workspace) stack(user, previous string, from wireView) *View {
	v := &View{ID: w.nextID("V"), User: user, Previous: previous}
	v.Root = v.ID
	if below := w.view(previous); below != nil {
		v.Root = below.Root
	}
	w.fill(v, from)
	w.views = append(w.views, v)
	return v
}

func (w *Workspace) viewsUpdate(a args) (map[string]any, error) {
	v := w.view(a.str("view_id"))
	if ext := a.str("external_id"); v == nil && ext != "" {
		v = w.external(ext)
	}
	switch {
	case v == nil:
		return nil, refuse("not_found")
	case a.str("hash") != "" && a.str("hash") != v.Hash:
		return nil, refuse("hash_conflict")
	}
	from, err := w.readView("views.update", v.Type, rawView(a))
	if err != nil {
		return nil, err
	}
	if err := w.uniqueExternal(from.ExternalID, v); err != nil {
		return nil, err
	}
	w.fill(v, from)
	return map[string]any{"view": w.viewJSON(v)}, nil
}

func (w *Workspace) viewsPublish(a args) (map[string]any, error) {
	user := w.users[a.str("user_id")]
	switch {
	case w.opt.NoHomeTab:
		return nil, refuse("not_enabled")
	case user == nil || user.Deleted:
		return nil, refuse("user_not_found")
	}
	home := w.homes[user.ID]
	if hash := a.str("hash"); hash != "" && home != nil && hash != home.Hash {
		return nil, refuse("hash_conflict")
	}
	from, err := w.readView("views.publish", "home", rawView(a))
	if err != nil {
		return nil, err
	}
	if home == nil {
		home = &View{ID: w.nextID("V"), User: user.ID}
		home.Root = home.ID
		w.homes[user.ID] = home
	}
	w.fill(home, from)
	return map[string]any{"view": w.viewJSON(home)}, nil
}

func (w *Workspace) uniqueExternal(id string, self *View) error {
	if other := w.external(id); id != "" && other != nil && other != self {
		return refuse("duplicate_external_id")
	}
	return nil
}

// view finds an open modal or a Home tab.
func (w *Workspace) view(id string) *View {
	return w.viewWhere(func(v *View) bool { return v.ID == id })
}

func (w *Workspace) external(id string) *View {
	return w.viewWhere(func(v *View) bool { return v.ExternalID == id })
}

func (w *Workspace) viewWhere(match func(*View) bool) *View {
	if i := slices.IndexFunc(w.views, match); i >= 0 {
		return w.views[i]
	}
	for _, v := range w.homes {
		if match(v) {
			return v
		}
	}
	return nil
}

func (w *Workspace) depth(user string) int {
	n := 0
	for _, v := range w.views {
		if v.User == user {
			n++
		}
	}
	return n
}

func (w *Workspace) top(user string) *View {
	for _, v := range slices.Backward(w.views) {
		if v.User == user {
			return v
		}
	}
	return nil
}

func (w *Workspace) closeView(id string) {
	w.views = slices.DeleteFunc(w.views, func(v *View) bool { return v.ID == id })
}

func (w *Workspace) closeAll(user string) {
	w.views = slices.DeleteFunc(w.views, func(v *View) bool { return v.User == user })
}

func (v *View) copy() View {
	c := *v
	c.state = maps.Clone(v.state)
	return c
}

func (w *Workspace) viewJSON(v *View) map[string]any {
	m := map[string]any{
		"id": v.ID, "team_id": w.opt.TeamID, "type": v.Type, "blocks": v.Blocks, "private_metadata": v.Metadata,
		"callback_id": v.CallbackID, "external_id": v.ExternalID, "hash": v.Hash, "root_view_id": v.Root,
		"previous_view_id": nil, "app_id": w.opt.AppID, "bot_id": w.botID(), "app_installed_team_id": w.opt.TeamID,
		"clear_on_close": false, "notify_on_close": v.NotifyOnClose, "title": plain(v.Title), "submit": plain(v.Submit),
		"close": plain(v.Close), "state": map[string]any{"values": v.state},
	}
	if v.Previous != "" {
		m["previous_view_id"] = v.Previous
	}
	return m
}

// plain is a plain_text object, or null for no text.
func plain(text string) any {
	if text == "" {
		return nil
	}
	return map[string]any{"type": "plain_text", "text": text, "emoji": true}
}
