package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"sshkeybot/internal/access"
)

var errReadOnly = errors.New("this transaction only reads")

// The queues of the work. Removals have one of their own, so that they never wait for a
// worker that is busy with a renewal or an addition. The first four may be split by target:
// see SplitQueues.
const (
	QueueRemove  = "remove"
	QueueRenew   = "renew"
	QueueAdd     = "add"
	QueueInspect = "inspect"
	QueueAlign   = "align"
	QueueSlack   = "slack"
	QueueFirst   = "slack_first" // messages about requests that end access
)

// RemoveOnServer is the job that removes keys from a server.
type RemoveOnServer struct {
	ServerID int64 `json:"place_id"`
}

// RenewOnServer is the job that removes keys from a server which are then placed anew.
type RenewOnServer struct {
	ServerID int64 `json:"place_id"`
}

// AddOnServer is the job that places keys on a server.
type AddOnServer struct {
	ServerID int64 `json:"place_id"`
}

// AlignServers is the job that brings the marked servers in line.
type AlignServers struct{}

// InspectServer is the job that finds candidates and sessions on a server.
type InspectServer struct {
	ServerID int64 `json:"place_id"`
}

// ListServers is the job that reads the list of a target's servers.
type ListServers struct {
	TargetID int64 `json:"target_id"`
}

// AnnounceRequest is the job that shows a request in Slack as it is now.
type AnnounceRequest struct {
	RequestID int64 `json:"request_id"`
}

// SendNotice is the job that sends a notice.
type SendNotice struct {
	NoticeID int64 `json:"notice_id"`
}

// Kind implements river.JobArgs.
func (RemoveOnServer) Kind() string { return "remove_on_server" }

// Kind implements river.JobArgs.
func (RenewOnServer) Kind() string { return "renew_on_server" }

// Kind implements river.JobArgs.
func (AddOnServer) Kind() string { return "add_on_server" }

// Kind implements river.JobArgs.
func (AlignServers) Kind() string { return "align_servers" }

// Kind implements river.JobArgs.
func (InspectServer) Kind() string { return "inspect_server" }

// Kind implements river.JobArgs.
func (ListServers) Kind() string { return "list_servers" }

// Kind implements river.JobArgs.
func (AnnounceRequest) Kind() string { return "announce_request" }

// Kind implements river.JobArgs.
func (SendNotice) Kind() string { return "send_notice" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (RemoveOnServer) InsertOpts() river.InsertOpts { return onceIn(QueueRemove) }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (RenewOnServer) InsertOpts() river.InsertOpts { return onceIn(QueueRenew) }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (AddOnServer) InsertOpts() river.InsertOpts { return onceIn(QueueAdd) }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (AlignServers) InsertOpts() river.InsertOpts { return onceIn(QueueAlign) }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (InspectServer) InsertOpts() river.InsertOpts { return onceIn(QueueInspect) }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (ListServers) InsertOpts() river.InsertOpts { return onceIn(QueueInspect) }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (AnnounceRequest) InsertOpts() river.InsertOpts { return onceIn(QueueSlack) }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (SendNotice) InsertOpts() river.InsertOpts { return onceIn(QueueSlack) }

// onceIn returns the options of a job that exists at most once until it has ended, so that no
// two replicas change the keys of one server at the same time.
//
// That includes a job that is running, so a wake-up that comes while it runs is lost. A job
// must therefore complete itself in its last transaction, look for work again in the same
// one, and roll back if there is some: a change that commits before that is seen there, and
// one that commits after it enqueues a new job.
//
// It may be tried without end: a job that River gave up on would be a removal that never
// happens.
func onceIn(queue string) river.InsertOpts {
	return river.InsertOpts{
		Queue:       queue,
		MaxAttempts: math.MaxInt16, // the column's largest value on PostgreSQL
		UniqueOpts: river.UniqueOpts{
			ByArgs: true,
			ByState: []rivertype.JobState{
				rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
				rivertype.JobStateRetryable, rivertype.JobStateScheduled,
			},
		},
	}
}

// Wake implements access.Tx. The jobs are inserted at the end of the transaction.
func (t *tx) Wake(_ context.Context, work ...access.Work) error {
	if t.enqueue == nil {
		return errReadOnly
	}
	for _, w := range work {
		if _, err := job(w); err != nil {
			return err
		}
		if t.work == nil {
			t.work = map[access.Work]bool{}
		}
		t.work[w] = true
	}
	return nil
}

// job returns the job for a piece of work.
func job(w access.Work) (river.JobArgs, error) {
	switch w.Kind {
	case access.WorkRemove:
		return RemoveOnServer{w.ID}, nil
	case access.WorkRenew:
		return RenewOnServer{w.ID}, nil
	case access.WorkAdd:
		return AddOnServer{w.ID}, nil
	case access.WorkAlign:
		return AlignServers{}, nil
	case access.WorkInspect:
		return InspectServer{w.ID}, nil
	case access.WorkList:
		return ListServers{w.ID}, nil
	case access.WorkAnnounce:
		return AnnounceRequest{w.ID}, nil
	case access.WorkNotice:
		return SendNotice{w.ID}, nil
	}
	return nil, fmt.Errorf("there is no work of kind %q", w.Kind)
}

// flushWork inserts the jobs, always in the same order: two transactions that insert the same
// jobs in different orders can deadlock, each waiting for the other's unique key.
func (t *tx) flushWork(ctx context.Context) error {
	if len(t.work) == 0 {
		return nil
	}
	byName := func(a, b access.Work) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) }
	queues, err := t.first(ctx)
	if err != nil {
		return err
	}
	split, err := t.splitOff(ctx)
	if err != nil {
		return err
	}
	maps.Copy(queues, split)
	jobs := make([]river.InsertManyParams, 0, len(t.work))
	for _, w := range slices.SortedFunc(maps.Keys(t.work), byName) {
		args, err := job(w)
		if err != nil {
			return err
		}
		params := river.InsertManyParams{Args: args}
		if queue := queues[w]; queue != "" {
			params.InsertOpts = &river.InsertOpts{Queue: queue}
		}
		jobs = append(jobs, params)
		t.queues = append(t.queues, queueOf(params))
	}
	slices.Sort(t.queues)
	t.queues = slices.Compact(t.queues)
	return t.enqueue(ctx, jobs)
}

// queueOf returns the queue into which a job is put.
func queueOf(params river.InsertManyParams) string {
	if params.InsertOpts != nil {
		return params.InsertOpts.Queue
	}
	return params.Args.(river.JobArgsWithInsertOpts).InsertOpts().Queue //nolint:forcetypeassert // each job says its queue
}

// endsAccess is the condition on a request that it is of a kind that ends access.
const endsAccess = "kind IN ('revoke', 'offboard', 'purge')"

// first returns the queue of what goes to QueueFirst: messages about requests that end access.
func (t *tx) first(ctx context.Context) (map[access.Work]string, error) {
	first := map[access.Work]string{}
	for kind, from := range map[access.WorkKind]string{
		access.WorkAnnounce: "requests r JOIN requests w ON w.id = r.id",
		access.WorkNotice:   "requests r JOIN notices w ON w.request_id = r.id",
	} {
		var asked []int64
		for w := range t.work {
			if w.Kind == kind {
				asked = append(asked, w.ID)
			}
		}
		if len(asked) == 0 {
			continue
		}
		var c conditions
		c.add("r." + endsAccess)
		addIn(&c, "w.id", asked)
		ending, err := many(ctx, t, column[int64], "SELECT w.id FROM "+from+c.where(), c.args...)
		if err != nil {
			return nil, err
		}
		for _, id := range ending {
			first[access.Work{Kind: kind, ID: id}] = QueueFirst
		}
	}
	return first, nil
}
