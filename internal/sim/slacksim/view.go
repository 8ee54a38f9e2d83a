package slacksim

import (
	"cmp"
	"encoding/json"
)

// View is a modal before a person's eyes, or a person's Home tab.
type View struct {
	ID     string
	Type   string // "modal" or "home"
	Blocks []Block

	user, channel        string // who has it open, and where they were then, if that is known
	title, submit, close string // labels; no submit: no such button
	callbackID, metadata string
	state                map[string]map[string]any // what was entered so far, by block and action
	offered              map[inputID][]any         // options of menus with external options
}

// Buttons returns what can be pressed in the view outside its input blocks.
func (v View) Buttons() []Button { return buttonsOf(v.Blocks) }

// Title returns the title of a modal, "" for a Home tab.
func (v View) Title() string { return v.title }

// SubmitLabel returns what the button says that submits a modal, "" when there is none.
func (v View) SubmitLabel() string { return v.submit }

// CloseLabel returns what the button says that closes a modal.
func (v View) CloseLabel() string { return cmp.Or(v.close, "Cancel") }

// wireView is a view as apps send it.
type wireView struct {
	Type       string  `json:"type"`
	Title      Block   `json:"title"`
	Submit     Block   `json:"submit"`
	Close      Block   `json:"close"`
	Blocks     []Block `json:"blocks"`
	Metadata   string  `json:"private_metadata"`
	CallbackID string  `json:"callback_id"`
}

// readView reads the view argument of a call and checks it. The caller holds mu.
func (w *Workspace) readView(where, kind string, a args) (wireView, error) {
	var v wireView
	raw := a.raw("view")
	if err := json.Unmarshal(raw, &v); err != nil {
		w.violate(where, "view: not a view object")
		return v, refuse("invalid_arguments", "view: not a view object")
	}
	c := checkView(raw)
	if c.code == "" && v.Type != kind {
		c.failWith("invalid_arguments", "/view/type", "must be %s", kind)
	}
	w.violate(where, c.problems...)
	if c.code != "" {
		return v, refuse(c.code, c.problems...)
	}
	return v, nil
}

// fill replaces the content of v and returns the answer of the views methods. Inputs
// that were there before hold what was entered in them, not what they hold at first.
func (w *Workspace) fill(v *View, from wireView) map[string]any {
	v.Type, v.title, v.submit, v.close = from.Type, from.Title.str("text"), from.Submit.str("text"), from.Close.str("text")
	v.callbackID, v.metadata, v.Blocks = from.CallbackID, from.Metadata, w.nameBlocks(from.Blocks)
	v.state = w.states(v)
	v.offerInitial()
	return map[string]any{"view": v.json()}
}

// offerInitial has it that what is chosen at first in a menu with external options can
// be chosen.
func (v *View) offerInitial() {
	for _, b := range v.Blocks {
		if e := b.obj("element"); e.external() {
			at := inputID{b.str("block_id"), e.str("action_id")}
			if first := e["initial_option"]; first != nil {
				v.offer(at, []any{first})
			}
			v.offer(at, e["initial_options"])
		}
	}
}

// viewsOpen opens a modal instead of the one that the person had open.
func (w *Workspace) viewsOpen(a args) (map[string]any, error) {
	t, err := w.findTrigger(a.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	from, err := w.readView("views.open", "modal", a)
	if err != nil {
		return nil, err
	}
	t.used = true
	v := &View{ID: w.nextID("V"), user: t.user, channel: t.channel}
	w.modals[t.user] = v
	return w.fill(v, from), nil
}

// viewsUpdate replaces the content of an open modal.
func (w *Workspace) viewsUpdate(a args) (map[string]any, error) {
	for _, v := range w.modals {
		if v.ID != a.str("view_id") {
			continue
		}
		from, err := w.readView("views.update", "modal", a)
		if err != nil {
			return nil, err
		}
		return w.fill(v, from), nil
	}
	return nil, refuse("not_found")
}

func (w *Workspace) viewsPublish(a args) (map[string]any, error) {
	user := w.users[a.str("user_id")]
	if user == nil || user.Deleted {
		return nil, refuse("user_not_found")
	}
	from, err := w.readView("views.publish", "home", a)
	if err != nil {
		return nil, err
	}
	home := w.homes[user.ID]
	if home == nil {
		home = &View{ID: w.nextID("V")}
		w.homes[user.ID] = home
	}
	return w.fill(home, from), nil
}

// CloseView closes the modal that the person has open. The app hears of it only if it
// asked for that with notify_on_close, which is not played.
func (w *Workspace) CloseView(user, viewID string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.modal(user, viewID) == nil {
		return unknown("open modal", viewID)
	}
	delete(w.modals, user)
	w.notify()
	return nil
}

// modal returns the modal with an ID that a person has open, or nil.
func (w *Workspace) modal(user, id string) *View {
	if v := w.modals[user]; v != nil && v.ID == id {
		return v
	}
	return nil
}

// json returns the view as it stands in an answer or a payload.
func (v *View) json() map[string]any {
	return map[string]any{
		"id": v.ID, "team_id": teamID, "app_id": appID, "bot_id": botID, "type": v.Type, "blocks": v.Blocks,
		"private_metadata": v.metadata, "callback_id": v.callbackID,
		"title": plainText(v.title), "submit": plainText(v.submit), "close": plainText(v.close),
		"state": map[string]any{"values": v.state},
	}
}

// plainText returns a plain_text object, or nil for no text.
func plainText(text string) any {
	if text == "" {
		return nil
	}
	return map[string]any{"type": "plain_text", "text": text, "emoji": true}
}
