package slacksim

import "context"

// EventResult is the outcome of the first delivery of an event.
type EventResult struct {
	Outcome
	EventID string
}

// Event sends an event (its inner object, with "type") and waits for the first
// acknowledgement or its limit. Without one the event is sent again after each of
// Options.EventRetries, in a new envelope with the same event_id, also when no
// connection was open.
func (w *Workspace) Event(ctx context.Context, event map[string]any) (EventResult, error) {
	w.mu.Lock()
	id := w.nextID("Ev")
	payload := map[string]any{
		"type": "event_callback", "token": "sim", "team_id": teamID, "context_team_id": teamID,
		"api_app_id": appID, "event": event, "event_id": id,
		"event_time": w.opt.Now().Unix(), "is_ext_shared_channel": false,
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": teamID, "user_id": botUserID, "is_bot": true,
			"is_enterprise_install": false,
		}},
	}
	w.mu.Unlock()
	d, err := w.post("events_api", payload, false, 0)
	if err != nil {
		return EventResult{}, err
	}
	o, err := w.await(ctx, d)
	if err == nil && !o.Acked {
		w.later(func() { w.resend(payload) })
	}
	return EventResult{Outcome: o, EventID: id}, err
}

func (w *Workspace) resend(payload map[string]any) {
	for i, wait := range w.opt.EventRetries {
		pause(w.ctx.Done(), wait)
		if w.ctx.Err() != nil {
			return
		}
		d, err := w.post("events_api", payload, false, i+1)
		if err != nil {
			return
		}
		if o, err := w.await(w.ctx, d); err != nil || o.Acked {
			return
		}
	}
}

// OpenHome opens the app's Home tab, and sends app_home_opened.
func (w *Workspace) OpenHome(ctx context.Context, user string) (EventResult, error) {
	w.mu.Lock()
	if w.users[user] == nil {
		w.mu.Unlock()
		return EventResult{}, unknown("user", user)
	}
	event := map[string]any{
		"type": "app_home_opened", "user": user, "channel": w.dm(user).ID, "tab": "home", "event_ts": w.nextTS(),
	}
	if home := w.homes[user]; home != nil {
		event["view"] = home.json()
	}
	w.mu.Unlock()
	return w.Event(ctx, event)
}
