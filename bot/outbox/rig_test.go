package outbox

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sshkeybot/bot/bottest"
	"sshkeybot/internal/access"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a played workspace, a played ledger, and an Announcer of ours between them.
type rig struct {
	*bottest.Scene
	announcer *Announcer
}

func scene(t *testing.T, o slacksim.Options) *rig {
	t.Helper()
	s := bottest.New(t, o)
	return &rig{s, &Announcer{API: s.API(bottest.Unlimited), Uses: s.Domain, Store: s.Domain, Log: slog.New(slog.DiscardHandler), Now: time.Now}}
}

func (r *rig) announce(t *testing.T, id int64) slacksim.Message {
	t.Helper()
	if err := r.announcer.Announce(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return r.Request(t)
}

// unshown announces a request that Slack does not take, and returns when it is due again.
func (r *rig) unshown(t *testing.T, id int64) time.Duration {
	t.Helper()
	if err := r.announcer.Announce(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	d := r.Drawing(id)
	if d.Shown == d.Version {
		t.Errorf("it counts as shown: %+v", d)
	}
	return time.Until(d.NextAt)
}

// asked is a scene with one pending request of U1's for U2, posted.
func asked(t *testing.T, o slacksim.Options) *rig {
	t.Helper()
	r := scene(t, o)
	if _, err := r.Domain.AskGrant(t.Context(), workflow.GrantAsk{Source: "s", Asker: "U1", Person: "U2", Duration: time.Hour, Channel: "C1"}); err != nil {
		t.Fatal(err)
	}
	return r
}

// running approves the request with servers in a state.
func (r *rig) running(t *testing.T, servers int, state access.ResultState) {
	t.Helper()
	r.Approve(t)
	r.results(access.PhaseAdd, servers, state)
}

// failing approves the request with servers that each fail in their own way.
func (r *rig) failing(t *testing.T, servers int) {
	t.Helper()
	r.running(t, servers, access.Failed)
	for i := range servers {
		r.set(i, func(x *access.Result) {
			x.Setback = access.Setback{Problem: access.ProblemRefused, Detail: fmt.Sprintf("%d: %s", i, strings.Repeat("words of RunCloud ", 8))}
		})
	}
}

// results sets the results of a phase.
func (r *rig) results(phase access.Phase, servers int, state access.ResultState) {
	r.Domain.Lock()
	defer r.Domain.Unlock()
	v := r.Domain.Views[1]
	for i := range servers {
		name := fmt.Sprintf("server-%03d.example.com", i)
		j := slices.IndexFunc(v.Results, func(x access.Result) bool { return x.Phase == phase && x.ServerName == name })
		if j < 0 {
			v.Results = append(v.Results, access.Result{
				RequestID: 1, Phase: phase, ServerID: int64(i + 1), ServerName: name, SystemUser: "runcloud", Fingerprint: "SHA256:abcdefghijklmnop",
			})
			j = len(v.Results) - 1
		}
		v.Results[j].State = state
	}
	v.Drawing.Version++
}

// set changes one result.
func (r *rig) set(i int, change func(*access.Result)) {
	r.Domain.Lock()
	defer r.Domain.Unlock()
	change(&r.Domain.Views[1].Results[i])
	r.Domain.Views[1].Drawing.Version++
}

func (r *rig) thread(t *testing.T) []slacksim.Message {
	t.Helper()
	return r.Thread("C1", r.Request(t).TS)[1:]
}
