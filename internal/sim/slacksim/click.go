package slacksim

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// Pick names one interactive element; every field that is set must match. The options
// of an overflow menu are named as buttons are: Pick{Label: "Withdraw"} chooses the one
// that says so.
type Pick struct {
	ActionID string
	Label    string
	Value    string
	Choose   string // for menus: the value or text of an option, or a user ID
}

func (p Pick) matches(b Button) bool {
	return (p.ActionID == "" || p.ActionID == b.ActionID) && (p.Label == "" || p.Label == b.Label) && (p.Value == "" || p.Value == b.Value)
}

// find returns the first element of blocks that p names, and its block. Of inputs only
// those count that dispatch what is chosen in them.
func (p Pick) find(blocks []Block) (b, e Block) {
	for _, b := range blocks {
		pressed := b.controls()
		if b.flag("dispatch_action") {
			pressed = b.elements()
		}
		for _, e := range pressed {
			if slices.ContainsFunc(e.buttons(), p.matches) {
				return b, e
			}
		}
	}
	return nil, nil
}

// choice returns what p chooses of a menu: a value, a text, or "".
func (p Pick) choice(e Block) string {
	if e.Type() == "overflow" {
		return cmp.Or(p.Choose, p.Value, p.Label)
	}
	return p.Choose
}

// unknown returns the error of an act on an element that is not there.
func (p Pick) unknown() error { return unknown("element", cmp.Or(p.ActionID, p.Label, p.Value)) }

// Click presses an element of a message and waits for the acknowledgement or
// its limit. A confirmation dialog counts as confirmed. It fails when the message
// or the element is not there, or the person cannot see the channel.
func (w *Workspace) Click(ctx context.Context, user, channel, ts string, p Pick) (Outcome, error) {
	return w.press(ctx, user, p, func() (*Message, error) {
		m := w.find(channel, ts)
		if m == nil {
			return nil, unknown("message", ts)
		}
		if c := w.channels[channel]; !c.has(user) && c.Private {
			return nil, unknown("channel", channel)
		}
		return m, nil
	})
}

// ClickStale presses an element that the message has or once had, as somebody
// does whose screen lags behind: the newest version with the element counts.
func (w *Workspace) ClickStale(ctx context.Context, user, channel, ts string, p Pick) (Outcome, error) {
	return w.press(ctx, user, p, func() (*Message, error) {
		m := w.stored(channel, ts)
		if m == nil {
			return nil, unknown("message", ts)
		}
		return m.versionWith(p)
	})
}

// stored returns a message, deleted and ephemeral ones included, or nil.
func (w *Workspace) stored(channel, ts string) *Message {
	for _, m := range append(slices.Clone(w.messages), w.ephemerals...) {
		if m.Channel == channel && m.TS == ts {
			return m
		}
	}
	return nil
}

func (m *Message) versionWith(p Pick) (*Message, error) {
	if _, e := p.find(m.Blocks); e != nil {
		return m, nil
	}
	for _, old := range slices.Backward(m.Edits) {
		if _, e := p.find(old.Blocks); e != nil {
			return &old, nil
		}
	}
	return nil, p.unknown()
}

// ClickEphemeral presses an element of a message that only this person sees.
func (w *Workspace) ClickEphemeral(ctx context.Context, user, ts string, p Pick) (Outcome, error) {
	return w.press(ctx, user, p, func() (*Message, error) {
		for _, m := range w.ephemerals {
			if m.To == user && m.TS == ts {
				return m, nil
			}
		}
		return nil, unknown("message", ts)
	})
}

// press presses an element of the message that source returns.
func (w *Workspace) press(ctx context.Context, user string, p Pick, source func() (*Message, error)) (Outcome, error) {
	return w.interact(ctx, "block_actions", user, func(payload map[string]any) error {
		m, err := source()
		if err != nil {
			return err
		}
		w.addMessage(payload, user, m)
		return w.addAction(payload, p, m.Blocks)
	})
}

// addMessage adds where the click was, in a version of a message. An ephemeral message
// is not included.
func (w *Workspace) addMessage(payload map[string]any, user string, m *Message) {
	container := map[string]any{
		"type": "message", "message_ts": m.TS, "channel_id": m.Channel, "is_ephemeral": m.To != "",
	}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	channel := map[string]any{"id": m.Channel, "name": "directmessage"}
	if c := w.channels[m.Channel]; c != nil {
		channel["name"] = c.commandName()
	}
	if m.To == "" {
		payload["message"] = m.json()
	}
	payload["container"], payload["channel"] = container, channel
	w.triggers[payload["trigger_id"].(string)].channel = m.Channel
	payload["response_url"] = w.newResponseURL(user, m.Channel, w.stored(m.Channel, m.TS))
}

// ClickView presses an element of an open modal that the person sees, or chooses in an
// input of it that dispatches, which then holds what was chosen.
func (w *Workspace) ClickView(ctx context.Context, user, viewID string, p Pick) (Outcome, error) {
	return w.pressView(ctx, user, p, func() *View { return w.modal(user, viewID) })
}

// ClickHome presses an element of the person's Home tab.
func (w *Workspace) ClickHome(ctx context.Context, user string, p Pick) (Outcome, error) {
	return w.pressView(ctx, user, p, func() *View { return w.homes[user] })
}

// pressView presses an element of the view that source returns.
func (w *Workspace) pressView(ctx context.Context, user string, p Pick, source func() *View) (Outcome, error) {
	return w.interact(ctx, "block_actions", user, func(payload map[string]any) error {
		v := source()
		if v == nil {
			return unknown("view of", user)
		}
		if err := w.addAction(payload, p, v.Blocks); err != nil {
			return err
		}
		if b, e := p.find(v.Blocks); b.Type() == "input" {
			if err := v.enter(map[string]map[string]any{b.str("block_id"): {e.str("action_id"): p.Choose}}); err != nil {
				return err
			}
		}
		payload["container"], payload["view"] = map[string]any{"type": "view", "view_id": v.ID}, v.json()
		return nil
	})
}

// addAction adds "actions" with the element that p names.
func (w *Workspace) addAction(payload map[string]any, p Pick, blocks []Block) error {
	b, e := p.find(blocks)
	if e == nil {
		return p.unknown()
	}
	a := map[string]any{
		"action_id": e.str("action_id"), "block_id": b.str("block_id"), "type": e.Type(), "action_ts": w.nextTS(),
	}
	if e.Type() == "button" {
		for _, key := range []string{"text", "value", "style"} {
			if e[key] != nil {
				a[key] = e[key]
			}
		}
	} else {
		choice := p.choice(e)
		if choice == "" {
			return unknown("option", choice)
		}
		state, err := choose(e, choice)
		if err != nil {
			return err
		}
		maps.Copy(a, state)
	}
	payload["actions"] = []any{a}
	return nil
}

// interact sends an interactive payload, to which add adds its part with mu held,
// and waits for what comes of it.
func (w *Workspace) interact(ctx context.Context, kind, user string, add func(payload map[string]any) error) (Outcome, error) {
	w.mu.Lock()
	payload, err := w.interaction(kind, user)
	if err == nil {
		err = add(payload)
	}
	w.mu.Unlock()
	if err != nil {
		return Outcome{}, err
	}
	return w.deliver(ctx, "interactive", payload, kind == "view_submission" || kind == "block_suggestion")
}

// interaction returns what every interactive payload has. The caller holds mu.
func (w *Workspace) interaction(kind, user string) (map[string]any, error) {
	u := w.users[user]
	if u == nil {
		return nil, unknown("user", user)
	}
	who := map[string]any{"id": u.ID, "username": u.Name, "name": u.Name}
	if !u.NoTeam {
		who["team_id"] = u.TeamID
	}
	return map[string]any{
		"type": kind, "user": who, "api_app_id": appID, "token": "sim",
		"team":                  map[string]any{"id": teamID, "domain": teamDomain},
		"is_enterprise_install": false, "trigger_id": w.newTrigger(user),
	}, nil
}
