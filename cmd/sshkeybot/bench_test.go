package main

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
)

// BenchmarkGrant500 grants access to 500 servers that take 50 ms each, sixteen at a time and
// without a rate limit. It measures the time from the click to the last confirmation.
func BenchmarkGrant500(b *testing.B) {
	const servers, latency, concurrency = 500, 50 * time.Millisecond, 16
	for b.Loop() {
		r := start(b, plan{servers: servers, latency: latency})
		key := r.Register(alice)
		id := r.Ask(alice, "grant @alice 12h")
		m := r.Posted(id)
		memory := watchMemory()
		begin := time.Now()
		outcome, err := r.slack.Click(b.Context(), bob, ops, m.TS, slacksim.Pick{Label: "Approve"})
		r.must(err)
		r.acked(outcome)
		last := r.lastConfirmed(id, servers)
		peak := memory()
		took := last.Sub(begin)
		r.isOn(key, servers)
		calls := r.account.Count(runcloudsim.OpAny)
		r.Settled(id)
		shown := time.Since(begin)

		ideal := (servers + concurrency - 1) / concurrency * latency
		b.ReportMetric(took.Seconds(), "s-to-last-server")
		b.ReportMetric(shown.Seconds(), "s-to-shown")
		loop := r.sequential(20) * servers / 20
		b.ReportMetric(took.Seconds()/ideal.Seconds(), "x-of-ideal")
		b.ReportMetric(loop.Seconds()/took.Seconds(), "x-faster-than-loop") // sixteen, if nothing else keeps the machine busy
		b.ReportMetric(peak, "MB-peak-memory")
		if peak > 64 {
			b.Errorf("it took %.0f MB of memory", peak)
		}
		b.ReportMetric(float64(calls), "calls")
		if want := (servers+39)/40 + servers; calls != want {
			b.Errorf("%d calls to RunCloud, want %d", calls, want)
		}
	}
}

// lastConfirmed waits until the ledger has the confirmation of every server of a request, and
// returns when the last one came.
func (r *rig) lastConfirmed(id int64, servers int) (last time.Time) {
	r.t.Helper()
	r.until("every server is confirmed", func() bool { return r.account.Count(runcloudsim.OpCreate) >= servers && rests(r.view(id).Results) })
	for _, result := range r.view(id).Results {
		if result.UpdatedAt.After(last) {
			last = result.UpdatedAt
		}
	}
	return last
}

// watchMemory samples the memory of the process, including the simulators and the test. The
// function that it returns ends that and returns the maximum in MB.
func watchMemory() (peak func() float64) {
	debug.FreeOSMemory() // of what ran before
	var most uint64
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most = max(most, now.Sys-now.HeapReleased)
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
		}
	})
	return func() float64 {
		close(stop)
		watching.Wait()
		return float64(most) / (1 << 20)
	}
}

// sequential makes n placements one after the other, as a simple loop would, and returns how
// long that takes.
func (r *rig) sequential(n int) time.Duration {
	r.t.Helper()
	base := r.cfg.RunClouds[0].APIURL
	begin := time.Now()
	for i, server := range r.servers[:n] {
		body := `{"label":"loop ` + strconv.Itoa(i) + `","username":"root","publicKey":"` + strings.TrimSpace(r.account.Keys(server)[0].PublicKey) + `"}`
		request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, base+"/servers/"+strconv.FormatInt(server, 10)+"/ssh/credentials", strings.NewReader(body))
		r.must(err)
		request.Header.Set("Authorization", "Bearer "+runcloudsim.DefaultToken)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", "application/json")
		answer, err := http.DefaultClient.Do(request)
		r.must(err)
		_ = answer.Body.Close()
		if answer.StatusCode >= http.StatusMultipleChoices {
			r.t.Fatalf("the loop was answered %s", answer.Status)
		}
	}
	return time.Since(begin)
}
