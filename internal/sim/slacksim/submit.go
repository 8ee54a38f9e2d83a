package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// SubmitResult is what came of a submitted modal.
type SubmitResult struct {
	Outcome
	ResponseAction string            // "", "errors", "update", "push" or "clear"
	Errors         map[string]string // by block ID
}

// Submit fills the inputs of the topmost modal (by block and action; strings,
// lists of strings) and submits it. Inputs that are not named keep what they
// hold. It fails when Slack's client would not let the person submit.
func (w *Workspace) Submit(ctx context.Context, user, viewID string, values map[string]map[string]any) (SubmitResult, error) {
	payload, err := w.submission(user, viewID, values)
	if err != nil {
		return SubmitResult{}, err
	}
	o, err := w.interact(ctx, payload, true)
	if err != nil {
		return SubmitResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.touch()
	if !o.Acked {
		return SubmitResult{Outcome: o}, nil // the modal stays, with "trouble connecting"
	}
	return w.settle(viewID, o), nil
}

func (w *Workspace) submission(user, viewID string, values map[string]map[string]any) (map[string]any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.top(user)
	switch {
	case v == nil || v.ID != viewID:
		return nil, unknown("open modal", viewID)
	case v.Submit == "":
		return nil, errors.New("slacksim: the modal has no submit button")
	}
	if err := v.enter(values); err != nil {
		return nil, err
	}
	if label := v.missing(); label != "" {
		return nil, fmt.Errorf("slacksim: %q is required", label)
	}
	payload, err := w.interaction("view_submission", user, v.ID)
	if err != nil {
		return nil, err
	}
	payload["view"], payload["response_urls"] = w.viewJSON(v), []any{}
	return payload, nil
}

// settle does what the acknowledgement of a submission says. The caller holds mu.
func (w *Workspace) settle(viewID string, o Outcome) SubmitResult {
	var ack struct {
		ResponseAction string            `json:"response_action"`
		Errors         map[string]string `json:"errors"`
		View           json.RawMessage   `json:"view"`
	}
	r := SubmitResult{Outcome: o}
	if len(o.response) > 0 && json.Unmarshal(o.response, &ack) != nil {
		w.violate("view_submission", "payload: not an object")
		r.Error = "invalid_payload"
		return r
	}
	r.ResponseAction, r.Errors = ack.ResponseAction, ack.Errors
	v := w.view(viewID)
	if v == nil {
		return r // closed meanwhile
	}
	switch ack.ResponseAction {
	case "":
		w.closeView(viewID)
	case "clear":
		w.closeAll(v.User)
	case "errors":
		r.Error = w.checkErrors(v, ack.Errors)
	case "update", "push":
		r.Error = w.follow(v, ack.ResponseAction, ack.View)
	default:
		w.violate("view_submission", "response_action: unknown")
		r.Error = "invalid_payload"
	}
	return r
}

// checkErrors wants every error under the block_id of an input.
func (w *Workspace) checkErrors(v *View, byBlock map[string]string) string {
	inputs := map[string]bool{}
	for _, b := range v.Blocks {
		inputs[b.str("block_id")] = b.Type() == "input"
	}
	for id := range byBlock {
		if !inputs[id] {
			w.violate("view_submission", "errors: "+id+" is no input block of the view")
			return "invalid_payload"
		}
	}
	if len(byBlock) == 0 {
		w.violate("view_submission", "errors: is empty")
		return "invalid_payload"
	}
	return ""
}

func (w *Workspace) follow(v *View, action string, raw json.RawMessage) string {
	from, err := w.readView("view_submission", "modal", raw)
	if bad := (*apiError)(nil); errors.As(err, &bad) {
		return bad.code
	}
	switch {
	case action == "update":
		w.fill(v, from)
	case w.depth(v.User) >= maxStack:
		w.violate("view_submission", "push: more than three views")
		return "push_limit_reached"
	default:
		w.stack(v.User, v.ID, from)
	}
	return ""
}

// CloseView closes the topmost modal; the app hears of it if the view asks for
// notify_on_close.
func (w *Workspace) CloseView(ctx context.Context, user, viewID string) (Outcome, error) {
	w.mu.Lock()
	v := w.top(user)
	if v == nil || v.ID != viewID {
		w.mu.Unlock()
		return Outcome{}, unknown("open modal", viewID)
	}
	payload, err := w.interaction("view_closed", user, "")
	if err == nil {
		payload["view"], payload["is_cleared"] = w.viewJSON(v), false
		w.closeView(viewID)
		w.touch()
	}
	w.mu.Unlock()
	if err != nil || !v.NotifyOnClose {
		return Outcome{}, err
	}
	return w.interact(ctx, payload, false)
}

// ClickView presses an element of an open modal that the person sees.
func (w *Workspace) ClickView(ctx context.Context, user, viewID string, p Pick) (Outcome, error) {
	return w.clickView(ctx, user, p, func() *View {
		if v := w.top(user); v != nil && v.ID == viewID {
			return v
		}
		return nil
	})
}

// ClickHome presses an element of the person's Home tab.
func (w *Workspace) ClickHome(ctx context.Context, user string, p Pick) (Outcome, error) {
	return w.clickView(ctx, user, p, func() *View { return w.homes[user] })
}

func (w *Workspace) clickView(ctx context.Context, user string, p Pick, find func() *View) (Outcome, error) {
	payload, err := w.viewClick(user, p, find)
	if err != nil {
		return Outcome{}, err
	}
	return w.interact(ctx, payload, false)
}

func (w *Workspace) viewClick(user string, p Pick, find func() *View) (map[string]any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := find()
	if v == nil {
		return nil, unknown("view of", user)
	}
	action, err := w.action(p, v.Blocks)
	if err != nil {
		return nil, err
	}
	if b, e := p.find(v.Blocks); stateful(e.Type()) {
		chosen := map[string]map[string]any{b.str("block_id"): {e.str("action_id"): p.Choose}}
		if err := v.enter(chosen); err != nil {
			return nil, err
		}
	}
	payload, err := w.interaction("block_actions", user, v.ID)
	if err != nil {
		return nil, err
	}
	payload["container"] = map[string]any{"type": "view", "view_id": v.ID}
	payload["view"], payload["actions"] = w.viewJSON(v), []any{action}
	return payload, nil
}
