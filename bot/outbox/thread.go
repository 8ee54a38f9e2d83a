package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
)

const (
	minBatch = 50  // results that are worth a message while the work goes on
	maxBatch = 150 // results that are posted and recorded together

	fileTries = 4                // of attaching the complete list
	fileRetry = 10 * time.Second // between them; what is new waits that long as well
)

// thread is one phase of a request in the thread of its message.
type thread struct {
	*Announcer
	view   *request
	parent slackapi.Ref
	phase  access.Phase
}

// drawPhase brings the thread in line with the results of a phase: in one message, or, where
// that does not hold them, with progress while it runs, results in batches, and a summary at
// the end.
func (n *Announcer) drawPhase(ctx context.Context, t *thread) error {
	all := t.results()
	if len(all) == 0 {
		return nil
	}
	settled := t.settled()
	if _, begun := newest(t.view.messages, roleProgress+":"+string(t.phase)); !begun && render.Complete(t.view.RequestView, t.phase) {
		return t.singleMessage(ctx, all, settled)
	}
	if err := t.progress(ctx, all, settled); err != nil {
		return err
	}
	if err := t.postResults(ctx, all, settled); err != nil {
		return err
	}
	if !settled {
		return nil
	}
	return t.summary(ctx)
}

// singleMessage shows a phase in one message: how far it is, and at the end what it came to.
// What changes after that is posted in messages of its own.
func (t *thread) singleMessage(ctx context.Context, all []access.Result, settled bool) error {
	m := render.Progress(t.view.RequestView, t.phase, t.timeLeft(all))
	if !settled {
		_, err := t.show(ctx, t.view, roleSummary+":"+string(t.phase), t.parent.Channel, t.parent.TS, m)
		return err
	}
	if err := t.summary(ctx); err != nil {
		return err
	}
	first := slices.DeleteFunc(slices.Clone(all), func(r access.Result) bool { return r.Told != "" })
	if err := t.markTold(ctx, first); err != nil {
		return err
	}
	return t.postResults(ctx, slices.DeleteFunc(slices.Clone(all), func(r access.Result) bool { return r.Told == "" }), settled)
}

// settled reports whether nothing of the phase is under way, so that its list is complete.
func (t *thread) settled() bool {
	all := t.results()
	return len(all) > 0 && !slices.ContainsFunc(all, access.Result.Moving)
}

func (t *thread) results() []access.Result {
	var all []access.Result
	for _, r := range t.view.Results {
		if r.Phase == t.phase || t.phase == access.PhaseInspect && r.Phase == access.PhaseList {
			all = append(all, r)
		}
	}
	return all
}

// progress keeps one message up to date while the work goes on. Work that was quick
// needs none.
func (t *thread) progress(ctx context.Context, all []access.Result, settled bool) error {
	role := roleProgress + ":" + string(t.phase)
	_, begun := newest(t.view.messages, role)
	if settled && !begun {
		return nil
	}
	single := roleSummary + ":" + string(t.phase)
	if _, shown := newest(t.view.messages, single); shown && !begun && t.phase == access.PhaseInspect {
		role = single // it was posted when only the lists of servers were to be read
	}
	_, err := t.show(ctx, t.view, role, t.parent.Channel, t.parent.TS, render.Progress(t.view.RequestView, t.phase, t.timeLeft(all)))
	return err
}

// timeLeft estimates how long the rest takes, from how long the results took that came since
// the oldest of the rest began to wait; 0 while there are none. What was settled before a
// retry says nothing about it. It is never less than the target's limit takes.
func (t *thread) timeLeft(all []access.Result) time.Duration {
	var began time.Time
	moving, done := 0, 0
	for _, r := range all {
		if r.Moving() {
			moving++
			if began.IsZero() || r.UpdatedAt.Before(began) {
				began = r.UpdatedAt
			}
		}
	}
	for _, r := range all {
		if !r.Moving() && !r.UpdatedAt.Before(began) {
			done++
		}
	}
	if moving == 0 || done == 0 {
		return 0
	}
	pace := t.view.Pace
	least := pace.Pause
	if pace.PerMinute > 0 {
		least += time.Minute * time.Duration(moving) / time.Duration(pace.PerMinute)
	}
	return max(least, t.Now().Sub(began)*time.Duration(moving)/time.Duration(done))
}

// postResults posts results that the thread has not shown, failures first, and records each
// batch as shown.
func (t *thread) postResults(ctx context.Context, all []access.Result, settled bool) error {
	var fresh []access.Result
	for _, r := range all {
		if r.State != r.Told && !r.Moving() && (settled || r.State != access.Waiting) && t.isNews(r) {
			fresh = append(fresh, r)
		}
	}
	if !settled && len(fresh) < minBatch {
		return nil
	}
	slices.SortStableFunc(fresh, func(a, b access.Result) int { return cmp.Compare(urgency(a.State), urgency(b.State)) })
	for _, batch := range batches(byServer(fresh)) {
		if err := t.postBatch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// isNews reports whether a result is shown: that a server could be read is not.
func (t *thread) isNews(r access.Result) bool {
	return t.phase != access.PhaseInspect || r.State == access.Failed || r.State == access.Waiting
}

func urgency(s access.ResultState) int {
	switch s {
	case access.Failed:
		return 0
	case access.Waiting:
		return 1
	default:
		return 2
	}
}

// byServer sorts the results of one server together, at the place of the worst.
func byServer(sorted []access.Result) []access.Result {
	place := map[int64]int{}
	for _, r := range sorted {
		if _, ok := place[r.ServerID]; !ok {
			place[r.ServerID] = len(place)
		}
	}
	slices.SortStableFunc(sorted, func(a, b access.Result) int { return cmp.Compare(place[a.ServerID], place[b.ServerID]) })
	return sorted
}

// batches cuts results between servers, so that each server is in one line.
func batches(sorted []access.Result) (all [][]access.Result) {
	for i, r := range sorted {
		last := len(all) - 1
		if last < 0 || len(all[last]) >= maxBatch && r.ServerID != sorted[i-1].ServerID {
			all = append(all, nil)
			last++
		}
		all[last] = append(all[last], r)
	}
	return all
}

// postBatch records after each message what it showed, so that none is repeated when the
// next one is refused.
func (t *thread) postBatch(ctx context.Context, batch []access.Result) error {
	for _, m := range render.Results(t.view.RequestView, batch) {
		if _, err := t.API.Post(ctx, t.parent.Channel, t.parent.TS, m.Message); err != nil {
			return err
		}
		if err := t.markTold(ctx, m.Results); err != nil {
			return err
		}
	}
	return nil
}

func (t *thread) markTold(ctx context.Context, rs []access.Result) error {
	if len(rs) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	return t.Store.Update(ctx, func(tx delivery.Tx) error { return tx.Tell(ctx, rs) })
}

func (t *thread) summary(ctx context.Context) error {
	role := roleSummary + ":" + string(t.phase)
	before, _ := newest(t.view.messages, role)
	if _, err := t.show(ctx, t.view, role, t.parent.Channel, t.parent.TS, render.Summary(t.view.RequestView, t.phase)); err != nil {
		return err
	}
	if now, _ := newest(t.view.messages, role); now.Digest != before.Digest {
		untold := !slices.ContainsFunc(t.results(), func(r access.Result) bool { return r.Told != "" })
		t.logOutcome(ctx, untold || before.Digest == "")
	}
	return nil
}

// attachFile attaches the complete list where messages do not hold it: once when the phase
// is settled, and once more when nothing in it can change. After some failures the thread
// says that there is none: the messages name every server all the same.
func (t *thread) attachFile(ctx context.Context) error {
	role := roleFile + ":" + string(t.phase)
	name, title := fmt.Sprintf("request-%d-%s", t.view.Request.ID, t.phase), "Results so far"
	if !slices.ContainsFunc(t.results(), func(r access.Result) bool { return !r.State.Final() }) {
		name, title = name+"-complete", "Results, complete"
	}
	name += ".csv"
	last, _ := newest(t.view.messages, role)
	if last.Digest == name || !render.NeedsFile(t.view.RequestView, t.phase) {
		return nil
	}
	err := t.API.Upload(ctx, t.parent, name, title, render.CSV(t.view.RequestView, t.phase))
	if ctx.Err() != nil || access.CodeOf(err) == access.RateLimited {
		return err
	}
	place := slackapi.Ref{Channel: t.parent.Channel, TS: "file"}
	tried, _ := strconv.Atoi(last.Digest) // 0 when this was the first
	if tried++; err != nil && slackapi.IsTemporary(err) && tried < fileTries {
		again := &access.Error{Code: access.Unavailable, Op: "announce", Message: "The list is not attached yet.", RetryAfter: fileRetry, Err: err}
		return errors.Join(t.record(ctx, t.view, role, place, strconv.Itoa(tried)), again)
	}
	if err != nil {
		t.Log.Warn("the list of results could not be attached", "request", t.view.Request.ID, "error", err)
		if _, postErr := t.API.Post(ctx, t.parent.Channel, t.parent.TS, render.NoFile(slackapi.ErrorCode(err), t.self(ctx))); postErr != nil {
			return postErr
		}
	}
	return t.record(ctx, t.view, role, place, name)
}
