package slacksim

import (
	"context"
	"maps"
	"slices"
)

// Pick names one interactive element; every field that is set must match.
type Pick struct {
	ActionID string
	BlockID  string
	Label    string
	Value    string
	Choose   any // for menus: an option's value or text, a user ID, a date, or a list of them
}

func (p Pick) matches(b, e Block) bool {
	got := buttonOf(b, e)
	return (p.ActionID == "" || p.ActionID == got.ActionID) && (p.BlockID == "" || p.BlockID == got.BlockID) &&
		(p.Label == "" || p.Label == got.Label) && (p.Value == "" || p.Value == got.Value)
}

// find returns the first element of blocks that p names.
func (p Pick) find(blocks []Block) (b, e Block) {
	for _, top := range blocks {
		for _, b := range top.nested() {
			for _, e := range b.elements() {
				if e != nil && p.matches(b, e) {
					return b, e
				}
			}
		}
	}
	return nil, nil
}

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
		for _, m := range append(slices.Clone(w.messages), w.ephemerals...) {
			if m.Channel == channel && m.TS == ts {
				return m.versionWith(p)
			}
		}
		return nil, unknown("message", ts)
	})
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
	return nil, unknown("element", p.name())
}

func (p Pick) name() string {
	for _, s := range []string{p.ActionID, p.Label, p.Value, p.BlockID} {
		if s != "" {
			return s
		}
	}
	return ""
}

// ClickEphemeral presses an element of a message that only this person sees.
func (w *Workspace) ClickEphemeral(ctx context.Context, user, ts string, p Pick) (Outcome, error) {
	return w.press(ctx, user, p, func() (*Message, error) {
		for _, m := range w.ephemerals {
			if m.To == user && m.TS == ts && !m.Deleted {
				return m, nil
			}
		}
		return nil, unknown("message", ts)
	})
}

func (w *Workspace) press(ctx context.Context, user string, p Pick, source func() (*Message, error)) (Outcome, error) {
	payload, err := w.pressPayload(user, p, source)
	if err != nil {
		return Outcome{}, err
	}
	return w.interact(ctx, payload, false)
}

func (w *Workspace) pressPayload(user string, p Pick, source func() (*Message, error)) (map[string]any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, err := source()
	if err != nil {
		return nil, err
	}
	action, err := w.action(p, m.Blocks)
	if err != nil {
		return nil, err
	}
	payload, err := w.interaction("block_actions", user, "")
	if err != nil {
		return nil, err
	}
	payload["actions"] = []any{action}
	w.addMessage(payload, user, m)
	return payload, nil
}

// addMessage tells where the click was. An ephemeral message is not included.
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
		payload["message"] = w.messageJSON(m)
	}
	payload["container"], payload["channel"] = container, channel
	payload["state"] = map[string]any{"values": map[string]any{}}
	payload["response_url"] = w.newHook(user, m.Channel, w.stored(m))
}

// stored is the message that stands now for a version of it.
func (w *Workspace) stored(version *Message) *Message {
	for _, m := range append(slices.Clone(w.messages), w.ephemerals...) {
		if m.TS == version.TS && m.Channel == version.Channel {
			return m
		}
	}
	return version
}

// action is the entry of "actions" for the element that p names.
func (w *Workspace) action(p Pick, blocks []Block) (map[string]any, error) {
	b, e := p.find(blocks)
	if e == nil || e.Type() == "image" {
		return nil, unknown("element", p.name())
	}
	a := map[string]any{
		"action_id": e.str("action_id"), "block_id": b.str("block_id"), "type": e.Type(), "action_ts": w.nextTS(),
	}
	if e.Type() == "button" {
		for _, key := range []string{"text", "value", "style", "url"} {
			if e[key] != nil {
				a[key] = e[key]
			}
		}
		return a, nil
	}
	state, err := choose(e, p.Choose)
	if err != nil {
		return nil, err
	}
	maps.Copy(a, state)
	return a, nil
}

// interaction is what every interactive payload has. The caller holds mu.
func (w *Workspace) interaction(kind, user, view string) (map[string]any, error) {
	u := w.users[user]
	if u == nil {
		return nil, unknown("user", user)
	}
	who := map[string]any{"id": u.ID, "username": u.Name, "name": u.Name}
	if !u.NoTeam {
		who["team_id"] = u.TeamID
	}
	payload := map[string]any{
		"type": kind, "user": who, "api_app_id": w.opt.AppID, "token": "sim",
		"team": map[string]any{"id": w.opt.TeamID, "domain": w.opt.TeamDomain}, "enterprise": nil,
		"is_enterprise_install": false,
	}
	if w.opt.EnterpriseID != "" {
		payload["enterprise"] = map[string]any{"id": w.opt.EnterpriseID, "name": "Sim"}
	}
	if kind != "view_closed" {
		payload["trigger_id"] = w.newTrigger(user, view)
	}
	return payload, nil
}

// interact sends an interactive payload and waits for what comes of it.
func (w *Workspace) interact(ctx context.Context, payload map[string]any, accepts bool) (Outcome, error) {
	d, err := w.post("interactive", payload, accepts, 0)
	if err != nil {
		return Outcome{}, err
	}
	o, err := w.await(ctx, d)
	o.TriggerID, _ = payload["trigger_id"].(string)
	o.ResponseURL, _ = payload["response_url"].(string)
	return o, err
}
