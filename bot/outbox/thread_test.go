package outbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

func TestFiveHundredServers(t *testing.T) {
	t.Parallel()
	const servers = 500
	r := asked(t, slacksim.Options{RateLimits: true, RateScale: 20})
	r.announcer.API = r.API(20)
	r.announce(t, 1)
	r.running(t, servers, access.Waiting)
	r.announce(t, 1)
	if got := r.thread(t); len(got) != 1 || !strings.Contains(got[0].Text, "500") {
		t.Fatalf("progress: %v", got)
	}
	r.results(access.PhaseAdd, 60, access.Done)
	r.announce(t, 1)
	r.results(access.PhaseAdd, 70, access.Done) // ten more are not worth a message yet
	r.announce(t, 1)
	if got := len(r.Domain.Told); got != 1 {
		t.Fatalf("%d batches told while it runs", got)
	}
	r.results(access.PhaseAdd, servers, access.Done)
	r.set(477, func(x *access.Result) {
		x.State, x.Setback = access.Failed, access.Setback{Problem: access.ProblemRefused, Detail: "username is <!channel>"}
	})
	r.announce(t, 1)
	r.shownWhole(t, servers)
	before := len(r.Calls())
	r.announce(t, 1)
	if got := r.Calls()[before:]; len(got) > 0 {
		t.Errorf("the same was sent again: %v", got)
	}
	for _, c := range r.Calls() {
		if c.Status == http.StatusTooManyRequests {
			t.Errorf("too fast: %+v", c)
		}
	}
}

// shownWhole checks that the thread names every server, the failure first, and
// holds a summary and the file.
func (r *rig) shownWhole(t *testing.T, servers int) {
	t.Helper()
	thread := r.thread(t)
	var all strings.Builder
	for _, m := range thread {
		all.WriteString(m.Text + "\n")
		for _, token := range m.Mentions() {
			if strings.HasPrefix(token, "<!") {
				t.Errorf("addresses everybody: %s", token)
			}
		}
	}
	for i := range servers {
		if !strings.Contains(all.String(), fmt.Sprintf("server-%03d.example.com", i)) {
			t.Fatalf("server %d is not in the thread", i)
		}
	}
	if at, done := strings.Index(all.String(), "server-477"), strings.Index(all.String(), "server-078"); at > done {
		t.Error("the failure does not come first")
	}
	if len(thread) > 20 {
		t.Errorf("%d messages", len(thread))
	}
	if files := r.Files("C1"); len(files) != 1 || strings.Count(string(files[0].Content), "server-") != servers {
		t.Errorf("%d files", len(files))
	}
}

func TestFileThatTheChannelDoesNotTake(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.Domain.Views[1].Request.Channel = "C2" // open to everybody, but we are no member: files are refused there
	r.running(t, 200, access.Done)
	for range 2 {
		if err := r.announcer.Announce(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.Count("files.completeUploadExternal"); n != 1 {
		t.Errorf("tried %d times", n)
	}
}

func TestHomesAreDrawnAnewOnceTheWorkRests(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	v := r.Domain.Views[1]
	v.Deciders, v.Approvals = []string{"U4", "S0LEADS"}, []access.Approval{{Approver: "U3"}}
	r.running(t, 3, access.Done)
	r.set(1, func(x *access.Result) { x.State = access.Waiting })
	r.announce(t, 1)
	if len(r.Domain.Changed) > 0 {
		t.Errorf("queued while the work goes on: %v", r.Domain.Changed)
	}
	r.set(1, func(x *access.Result) { x.State = access.Done })
	r.announce(t, 1)
	homes := slices.Sorted(slices.Values(r.Domain.Changed))
	if want := []access.UserID{"S0LEADS", "U1", "U2", "U3", "U4"}; !slices.Equal(homes, want) {
		t.Errorf("drawn anew: %v, want %v", homes, want)
	}
}

// What stands in the way of a file stands in the way of nothing else, and not for ever.
func TestFileThatSlackDoesNotTakeNow(t *testing.T) {
	t.Parallel()
	for fault, tries := range map[slacksim.Fault]int{
		{Status: http.StatusBadGateway}: fileTries, {Cut: true}: fileTries, {Error: "internal_error"}: fileTries, {Error: "missing_scope"}: 1,
	} {
		r := asked(t, slacksim.Options{})
		r.Fail("files.getUploadURLExternal", slices.Repeat([]slacksim.Fault{fault}, 100)...)
		r.running(t, 200, access.Done)
		r.results(access.PhaseRemove, 200, access.Done)
		for try := range 2 * fileTries {
			if open := try < tries-1; !open {
				r.announce(t, 1)
			} else if wait := r.unshown(t, 1); wait < fileRetry-time.Second {
				t.Errorf("%+v: try %d: due again in %s", fault, try, wait)
			}
			var said []string
			for _, m := range r.thread(t) {
				said = append(said, m.Text)
			}
			if all := strings.Join(said, "\n"); !strings.Contains(all, "Placed on all 200 servers.") || !strings.Contains(all, "Removed on all 200 servers.") {
				t.Fatalf("%+v: a phase waits for a file of another:\n%s", fault, all)
			} else if missing := strings.Count(all, "could not be attached"); try >= tries && missing != 2 {
				t.Errorf("%+v: it is said %d times that a list is missing, want twice", fault, missing)
			}
		}
		if n := r.Count("files.getUploadURLExternal"); n != 2*tries {
			t.Errorf("%+v: two files were tried %d times, want %d each", fault, n, tries)
		}
	}
}

// A file that comes late is attached all the same.
func TestFileAtTheSecondTry(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.Fail("files.getUploadURLExternal", slacksim.Fault{Status: http.StatusBadGateway})
	r.running(t, 200, access.Done)
	r.unshown(t, 1)
	r.announce(t, 1)
	if n := len(r.Files("C1")); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
}

// Slack has enough in the middle of a long list of failures: what stands is not said again.
func TestResultsThatStandAreNotRepeated(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.announce(t, 1)
	r.failing(t, 100)
	for range 4 {
		r.Fail("chat.postMessage", slacksim.Fault{}, slacksim.Fault{Error: "internal_error"})
		r.unshown(t, 1)
	}
	r.announce(t, 1)
	var all strings.Builder
	for _, m := range r.thread(t) {
		all.WriteString(m.Text + "\n")
	}
	for i := range 100 {
		if n := strings.Count(all.String(), fmt.Sprintf("`server-%03d.example.com`", i)); n != 1 {
			t.Fatalf("server %d is named %d times", i, n)
		}
	}
}

func TestBatchesKeepServersTogether(t *testing.T) {
	t.Parallel()
	var rs []access.Result
	for i := range 400 {
		rs = append(rs, access.Result{ServerID: int64(i / 7)})
	}
	total, before := 0, access.Result{ServerID: -1}
	for _, batch := range batches(rs) {
		if batch[0].ServerID == before.ServerID || len(batch) > maxBatch+6 {
			t.Errorf("server %d is in two batches, or %d are too many", before.ServerID, len(batch))
		}
		total, before = total+len(batch), batch[len(batch)-1]
	}
	if total != 400 || batches(nil) != nil {
		t.Errorf("%d results", total)
	}
}

// One message of the thread says it all where the servers are few; what changes later is
// said in a message of its own, since nobody is told of an edit.
func TestFewServersMakeOneMessage(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.running(t, 3, access.Waiting)
	r.announce(t, 1)
	if all := r.thread(t); len(all) != 1 || !strings.Contains(all[0].Text, "0 of 3 servers") {
		t.Fatalf("while it runs: %v", all)
	}
	r.results(access.PhaseAdd, 3, access.Done)
	r.set(0, func(x *access.Result) { x.State, x.Problem = access.Waiting, access.ProblemOffline })
	for range 2 {
		r.announce(t, 1)
		all := r.thread(t)
		if len(all) != 1 {
			t.Fatalf("at the end: %v", all)
		}
		for _, words := range []string{"Placed on 2 of 3 servers: 1 waiting.", "Still to place on 1 server: offline", "server-000", "server-001", "server-002"} {
			if !strings.Contains(all[0].Text, words) {
				t.Errorf("it does not say %q: %s", words, all[0].Text)
			}
		}
	}
	r.set(0, func(x *access.Result) { x.State, x.Problem = access.Done, access.NoProblem })
	for range 2 {
		r.announce(t, 1)
		all := r.thread(t)
		if len(all) != 2 || !strings.HasPrefix(all[0].Text, "*Placed on 3 servers*") || all[1].Text != "*Placed on 1 server*\n`server-000.example.com`" {
			t.Fatalf("after the last: %v", all)
		}
	}
}

// A phase is one message as long as that holds what each server came to; one that has been begun
// otherwise goes on so.
func TestWhatFitsIntoOneMessageIsOne(t *testing.T) {
	t.Parallel()
	long := access.Setback{Problem: access.ProblemTrouble, Detail: strings.Repeat("words of RunCloud ", 8)}
	for name, tt := range map[string]struct {
		meanwhile access.Setback
		end       access.ResultState
		posts     int
	}{
		"all is well":                    {access.Setback{}, access.Done, 1},
		"trouble, which is over":         {long, access.Done, 3},   // progress, results, summary
		"trouble, of which much is said": {long, access.Failed, 5}, // results in three
	} {
		r := asked(t, slacksim.Options{})
		r.running(t, 40, access.Waiting)
		for i := range 39 { // the last is still on its way
			r.set(i, func(x *access.Result) { x.Setback = tt.meanwhile })
		}
		r.announce(t, 1)
		r.results(access.PhaseAdd, 40, tt.end)
		r.announce(t, 1)
		r.announce(t, 1)
		all := r.thread(t)
		if len(all) != tt.posts {
			t.Errorf("%s: %d posts, want %d", name, len(all), tt.posts)
		}
		for i := range 40 {
			if !slices.ContainsFunc(all, func(m slacksim.Message) bool { return strings.Contains(m.Text, fmt.Sprintf("server-%03d", i)) }) {
				t.Errorf("%s: server %d is not named", name, i)
			}
		}
	}
}

func TestEstimateLeavesOutTheTimeBeforeARetry(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(m int, s access.ResultState) access.Result {
		return access.Result{State: s, UpdatedAt: start.Add(time.Duration(m) * time.Minute)}
	}
	day := 24 * 60
	for name, tt := range map[string]struct {
		now  int // minutes after the start
		all  []access.Result
		want time.Duration
		pace access.Pace
	}{
		"nothing is done": {now: 5, all: []access.Result{at(0, access.Waiting), at(0, access.Waiting)}},
		"a third is done": {now: 5, all: []access.Result{at(4, access.Done), at(0, access.Waiting), at(0, access.Waiting)}, want: 10 * time.Minute},
		"RunCloud has taken a burst and takes two calls a minute from now on": {
			now: 0, all: []access.Result{at(0, access.Done), at(0, access.Waiting), at(0, access.Waiting)}, want: time.Minute, pace: access.Pace{PerMinute: 2},
		},
		"RunCloud asks for a pause": {
			now: 0, all: []access.Result{at(0, access.Done), at(0, access.Waiting)}, want: 90 * time.Second, pace: access.Pace{Pause: time.Minute, PerMinute: 2},
		},
		"retried the next day": {
			now: day + 3, all: []access.Result{at(1, access.Done), at(2, access.Done), at(day+1, access.Done), at(day+3, access.Done), at(day, access.Waiting)}, want: 90 * time.Second,
		},
		"all is done": {now: 5, all: []access.Result{at(4, access.Done)}},
	} {
		n := &thread{view: &request{RequestView: workflow.RequestView{Pace: tt.pace}}, Announcer: &Announcer{Now: func() time.Time { return start.Add(time.Duration(tt.now) * time.Minute) }}}
		if got := n.timeLeft(tt.all); got != tt.want {
			t.Errorf("%s: %s left, want %s", name, got, tt.want)
		}
	}
}

// The list is called complete, and attached once more, when nothing in it can change.
func TestFileIsRenewedWhenNothingIsLeftToChange(t *testing.T) {
	t.Parallel()
	r := asked(t, slacksim.Options{})
	r.running(t, 60, access.Done)
	r.set(0, func(x *access.Result) { x.State, x.Problem = access.Waiting, access.ProblemOffline })
	titles := func() (all []string) {
		for range 2 {
			r.announce(t, 1)
		}
		for _, f := range r.Files("C1") {
			all = append(all, f.Title)
		}
		return all
	}
	if got := titles(); !slices.Equal(got, []string{"Results so far"}) {
		t.Errorf("while a server is away: %v", got)
	}
	r.results(access.PhaseAdd, 60, access.Done)
	if got := titles(); !slices.Equal(got, []string{"Results so far", "Results, complete"}) {
		t.Errorf("once it is back: %v", got)
	}
}
