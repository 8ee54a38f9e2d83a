package slacksim

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// SuggestResult is the outcome of a search in a menu with external options.
type SuggestResult struct {
	Outcome
	Options []Option
}

// Option is a choice of a menu.
type Option struct {
	Text, Value string
	Group       string // what stands above it, empty for nothing
}

// Suggest types into a menu with external options of the open modal, and returns the
// options that the app suggests. They can be entered from then on. It fails when
// Slack's client would not ask the app.
func (w *Workspace) Suggest(ctx context.Context, user, viewID, blockID, actionID, query string) (SuggestResult, error) {
	o, err := w.interact(ctx, "block_suggestion", user, func(payload map[string]any) error {
		v := w.modal(user, viewID)
		if v == nil {
			return unknown("open modal", viewID)
		}
		e := v.input(blockID, actionID)
		if !e.external() {
			return unknown("menu with external options", blockID+"/"+actionID)
		}
		if least := e.leastQuery(); utf8.RuneCountInString(query) < least {
			return fmt.Errorf("slacksim: the app is asked from character %d on", least)
		}
		delete(payload, "trigger_id")
		payload["container"], payload["view"] = map[string]any{"type": "view", "view_id": v.ID}, v.json()
		payload["block_id"], payload["action_id"], payload["value"] = blockID, actionID, query
		return nil
	})
	if err != nil || !o.Acked {
		return SuggestResult{Outcome: o}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.offer(w.modal(user, viewID), inputID{blockID, actionID}, o), nil
}

// inputID names an input of a view.
type inputID struct{ block, action string }

// offer adds the options in an acknowledgement to those that can be entered in a view,
// nil when it was closed meanwhile. The caller holds mu.
func (w *Workspace) offer(v *View, at inputID, o Outcome) SuggestResult {
	var ack Block
	c := &checker{}
	if json.Unmarshal(o.response, &ack) != nil {
		c.fail("/payload", "is not an object")
	} else {
		c.suggestion(ack)
	}
	if len(c.problems) > 0 {
		w.violate("block_suggestion", c.problems...)
		o.Error = "invalid_payload"
		return SuggestResult{Outcome: o}
	}
	result := SuggestResult{Outcome: o}
	for _, group := range append(ack.list("option_groups"), ack) {
		for _, one := range group.list("options") {
			result.Options = append(result.Options, Option{one.text("text"), one.str("value"), group.text("label")})
		}
		if v != nil {
			v.offer(at, group["options"])
		}
	}
	w.notify()
	return result
}

// offer adds options to those that can be entered in an input.
func (v *View) offer(at inputID, options any) {
	list, _ := options.([]any)
	if v.offered == nil {
		v.offered = map[inputID][]any{}
	}
	v.offered[at] = append(v.offered[at], list...)
}

// external reports whether the app is asked for the options of a menu.
func (b Block) external() bool {
	return b.Type() == "external_select" || b.Type() == "multi_external_select"
}

// leastQuery returns how many characters are typed before the app is asked for options.
func (b Block) leastQuery() int {
	if b["min_query_length"] == nil {
		return 3
	}
	return number(b["min_query_length"])
}

// suggestion checks the payload that acknowledges a block_suggestion.
func (c *checker) suggestion(ack Block) {
	c.known("", ack, "options option_groups")
	c.choices("", ack, 0)
}
