package store

import (
	"context"
	"errors"
	"maps"
	"slices"

	"sshkeybot/internal/access"
)

// Where there are several accounts, each has queues of its own for the work on its servers, so
// that one which hangs, or asks for patience, keeps no worker from the others: with hundreds of
// servers it would keep all of them.

// ofServer are the queues of the kinds of work on a server.
var ofServer = map[access.WorkKind]string{ //nolint:gochecknoglobals // a constant
	access.WorkRemove: QueueRemove, access.WorkRenew: QueueRenew, access.WorkAdd: QueueAdd, access.WorkInspect: QueueInspect,
}

// QueueOf returns the name of the queue that a target has of its own beside a common one.
func QueueOf(queue, target string) string { return queue + "_" + target }

// SplitQueues has the work on the servers of each of these targets put into the queues of QueueOf
// from now on, and that of all others into the common ones. A process that serves queues must call
// it, with the targets whose own queues it serves.
func (s *Store) SplitQueues(targets []string) {
	split := make(map[string]bool, len(targets))
	for _, t := range targets {
		split[t] = true
	}
	s.split.Store(&split)
}

// splitOff returns the queue of each piece of work whose target has queues of its own.
func (t *tx) splitOff(ctx context.Context) (map[access.Work]string, error) {
	if len(t.split) == 0 {
		return nil, nil
	}
	var ids []int64
	var lists []access.TargetState
	for w := range t.work {
		var err error
		switch {
		case ofServer[w.Kind] != "":
			ids = append(ids, w.ID)
		case w.Kind == access.WorkList && lists == nil:
			lists, err = t.Targets(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	servers, err := t.ServersOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	queues := make(map[access.Work]string, len(t.work))
	for _, server := range servers {
		for kind, queue := range ofServer {
			t.splitInto(queues, access.Work{Kind: kind, ID: server.ID}, queue, server.Target)
		}
	}
	for _, list := range lists {
		t.splitInto(queues, access.Work{Kind: access.WorkList, ID: list.ID}, QueueInspect, list.Name)
	}
	return queues, nil
}

func (t *tx) splitInto(queues map[access.Work]string, w access.Work, queue, target string) {
	if t.work[w] && t.split[target] {
		queues[w] = QueueOf(queue, target)
	}
}

// gather moves the jobs to the common queues that wait in a target's own queue which this process
// does not serve: they were put there by one with other accounts in its settings, which may have
// ended. The targets are those of SplitQueues; a process that serves no queues gathers nothing.
func (t *tx) gather(ctx context.Context, split *map[string]bool) error {
	if split == nil {
		return nil
	}
	var trouble error
	for _, queue := range slices.Sorted(maps.Values(ofServer)) {
		var c conditions
		c.add("state IN ('available', 'retryable', 'scheduled')")
		c.add("substr(queue, 1, ?) = ?", len(queue)+1, QueueOf(queue, ""))
		for target := range *split {
			c.add("queue <> ?", QueueOf(queue, target))
		}
		_, err := t.Exec(ctx, "UPDATE river_job SET queue = '"+queue+"'"+c.where(), c.args...)
		trouble = errors.Join(trouble, err)
	}
	return trouble
}
