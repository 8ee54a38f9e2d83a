package bottest

import (
	"context"
	"iter"
	"slices"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// eventsOnPage is the size of the pages of the log.
const eventsOnPage = 3

// Log returns a page of Events.
func (d *domain) Log(_ context.Context, actor access.UserID, q workflow.LogQuery) (workflow.LogPage, error) {
	d.Lock()
	defer d.Unlock()
	if !slices.Contains(d.Deciders, actor) {
		return workflow.LogPage{}, &access.Error{Code: access.Forbidden, Message: "Only an approver may do this."}
	}
	var all []workflow.LogEntry // the latest first
	for _, e := range slices.Backward(d.Events) {
		if q.About == "" || slices.Contains(e.Subjects(), q.About) {
			all = append(all, e)
		}
	}
	first := 0
	for first < len(all) && q.Before != 0 && all[first].Seq >= q.Before {
		first++
	}
	if after := slices.IndexFunc(all, func(e workflow.LogEntry) bool { return e.Seq == q.After }); after > 0 {
		first = max(0, after-eventsOnPage)
	}
	last := min(len(all), first+eventsOnPage)
	return workflow.LogPage{About: q.About, Entries: all[first:last], Older: last < len(all), Newer: first > 0}, nil
}

// WholeLog returns all Events, and LogBreaks after them.
func (d *domain) WholeLog(context.Context, access.UserID) (iter.Seq2[workflow.LogEntry, error], error) {
	return func(yield func(workflow.LogEntry, error) bool) {
		d.Lock()
		all, fault := slices.Clone(d.Events), d.LogBreaks
		d.Unlock()
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
		if fault != nil {
			yield(workflow.LogEntry{}, fault)
		}
	}, nil
}

// Record puts events into the log, about what their About says.
func (d *domain) Record(events ...access.Event) {
	d.Lock()
	defer d.Unlock()
	for _, e := range events {
		e.Seq = int64(len(d.Events) + 1)
		d.Events = append(d.Events, workflow.LogEntry{Event: e})
	}
}
