package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// SubmitResult is the outcome of a submitted modal.
type SubmitResult struct {
	Outcome
	ResponseAction string            // "" or "errors"
	Errors         map[string]string // by block ID
}

// Submit fills the inputs of the open modal (by block and action, each with a
// string, or with a []string where several options can be chosen) and submits it.
// External options can be entered once they were suggested. Inputs that are not named keep what they hold. It fails
// when Slack's client would not let the person submit.
func (w *Workspace) Submit(ctx context.Context, user, viewID string, values map[string]map[string]any) (SubmitResult, error) {
	o, err := w.interact(ctx, "view_submission", user, func(payload map[string]any) error {
		v := w.modal(user, viewID)
		switch {
		case v == nil:
			return unknown("open modal", viewID)
		case v.submit == "":
			return errors.New("slacksim: the modal has no submit button")
		}
		if err := v.enter(values); err != nil {
			return err
		}
		if label := v.missing(); label != "" {
			return fmt.Errorf("slacksim: %q is required", label)
		}
		payload["view"] = v.json()
		return nil
	})
	if err != nil || !o.Acked { // the modal stays, with "trouble connecting"
		return SubmitResult{Outcome: o}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.notify()
	return w.applyAck(user, viewID, o), nil
}

// Enter fills the inputs of the open modal as Submit does, and sends nothing.
func (w *Workspace) Enter(user, viewID string, values map[string]map[string]any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.modal(user, viewID)
	if v == nil {
		return unknown("open modal", viewID)
	}
	defer w.notify()
	return v.enter(values)
}

// applyAck does what the acknowledgement of a submission asks for. The caller holds mu.
func (w *Workspace) applyAck(user, viewID string, o Outcome) SubmitResult {
	var ack struct {
		ResponseAction string            `json:"response_action"`
		Errors         map[string]string `json:"errors"`
	}
	invalid := func(what string) SubmitResult {
		w.violate("view_submission", what)
		o.Error = "invalid_payload"
		return SubmitResult{Outcome: o}
	}
	if len(o.response) > 0 && json.Unmarshal(o.response, &ack) != nil {
		return invalid("payload: not an object")
	}
	v := w.modal(user, viewID)
	switch {
	case v == nil: // another one took its place meanwhile
	case ack.ResponseAction == "":
		delete(w.modals, user)
	case ack.ResponseAction != "errors":
		return invalid("response_action: unknown here")
	case len(ack.Errors) == 0:
		return invalid("errors: is empty")
	}
	for id := range ack.Errors {
		if v != nil && v.state[id] == nil {
			return invalid("errors: " + id + " is no input block of the view")
		}
	}
	return SubmitResult{o, ack.ResponseAction, ack.Errors}
}
