package slacksim

import (
	"fmt"
	"time"
)

// trigger is the right to open one modal before somebody's eyes.
type trigger struct {
	user    string
	channel string // where they were, as far as that is known
	till    time.Time
	used    bool
}

// newTrigger returns a trigger_id. The caller holds mu.
func (w *Workspace) newTrigger(user string) string {
	w.serial++
	id := fmt.Sprintf("%d.%d.sim%05d", w.opt.Now().Unix(), w.serial, w.serial)
	w.triggers[id] = &trigger{user: user, till: w.opt.Now().Add(w.opt.TriggerLife)}
	return id
}

// findTrigger returns a trigger that may still be used.
func (w *Workspace) findTrigger(id string) (*trigger, error) {
	t := w.triggers[id]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case w.opt.Now().After(t.till):
		return nil, refuse("expired_trigger_id")
	}
	return t, nil
}
