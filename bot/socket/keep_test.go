package socket

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/slacksim"
)

// short makes the pauses short.
func short(p *timing) {
	p.minBackoff, p.maxBackoff, p.opens, p.burst = 5*time.Millisecond, 20*time.Millisecond, rate.Inf, 1
}

// Only a person can mend a refused token: that shows, is tried again in large
// intervals, and heals by itself afterwards.
func TestRefusedTokenIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"invalid_auth", "account_inactive", "token_revoked", "not_allowed_token_type", "missing_scope"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			var out lockedText
			r := start(t, slacksim.Options{}, loggedTo(&out), timed(func(p *timing) { short(p); p.refusedBackoff = 300 * time.Millisecond }))
			r.connected(t)
			before, began := r.Count("apps.connections.open"), time.Now()
			r.cutOff(t, code)
			r.until(t, "it shows", func() bool { return r.client.Health().Refused == code })
			r.until(t, "it is asked again", func() bool { return r.Count("apps.connections.open") >= before+4 })
			r.ClearFaults()
			r.connected(t)
			if took := time.Since(began); took < 600*time.Millisecond {
				t.Errorf("asked again at once: connected after %s", took)
			}
			if h := r.client.Health(); h.Refused != "" {
				t.Errorf("it still shows: %+v", h)
			}
			if text := out.String(); !strings.Contains(text, "SLACK_APP_TOKEN") || !strings.Contains(text, code) || strings.Contains(text, r.AppToken()) {
				t.Errorf("the log says: %s", text)
			}
			for _, once := range []string{"no socket is connected to Slack", "Slack refuses the app-level token", "Slack accepts the app-level token again"} {
				if n := strings.Count(out.String(), once); n != 1 {
					t.Errorf("the log says %d times: %s\n%s", n, once, &out)
				}
			}
			if n := strings.Count(out.String(), "socket connected to Slack"); n != 2 {
				t.Errorf("the log says %d times that a socket is connected\n%s", n, &out)
			}
		})
	}
}

func TestOtherFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{}, timed(short))
	r.connected(t)
	r.Fail("apps.connections.open", slacksim.Fault{Error: "fatal_error"}, slacksim.Fault{Status: 500}, slacksim.Fault{Cut: true},
		slacksim.Fault{Status: 404}, slacksim.Fault{Error: "internal_error"})
	r.DropSockets()
	r.until(t, "two new connections", func() bool { h := r.client.Health(); return h.Sockets == overlap && h.Reconnects >= 2 })
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{}, timed(short))
	r.connected(t)
	before := r.Count("apps.connections.open")
	limited := slacksim.Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Second}
	r.Fail("apps.connections.open", limited, limited)
	began := time.Now()
	r.DropSockets()
	r.until(t, "two new connections", func() bool { h := r.client.Health(); return h.Sockets == overlap && h.Reconnects == 2 })
	if took := time.Since(began); took < time.Second {
		t.Errorf("connected again after %s", took)
	}
	if calls := r.Count("apps.connections.open") - before; calls != 4 {
		t.Errorf("%d calls", calls)
	}
}

// Each of these made slack-go call apps.connections.open hundreds of times a second.
func TestNoHotLoop(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]string{
		"accepted and dropped": "",
		"link disabled":        `{"type":"disconnect","reason":"link_disabled"}`,
		"too many websockets":  `{"type":"disconnect","reason":"too_many_websockets"}`,
		"greeted and dropped":  `{"type":"hello"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const took = time.Minute
				var network memnet.Network
				api, opens := droppingSlack(t, &network, reply)
				web := &http.Transport{DialContext: network.DialContext}
				defer web.CloseIdleConnections()
				c := New(Config{AppToken: "xapp-1", APIURL: api, HTTP: &http.Client{Transport: web}, Dial: network.DialContext, Log: slog.New(slog.DiscardHandler)})
				ctx, cancel := context.WithTimeout(t.Context(), took)
				defer cancel()
				c.Run(ctx)
				most := slackTiming.burst + 1 + int(took.Seconds()*float64(slackTiming.opens))
				if n := int(opens.Load()); n < overlap || n > most {
					t.Errorf("%d connections opened in %s", n, took)
				}
				if !c.Health().Deaf {
					t.Error("not deaf")
				}
			})
		})
	}
}

// droppingSlack opens every connection, says one thing and cuts it.
func droppingSlack(t *testing.T, network *memnet.Network, reply string) (api string, opens *atomic.Int32) {
	t.Helper()
	l, err := network.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opens = new(atomic.Int32)
	mux := http.NewServeMux()
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, _ *http.Request) {
		opens.Add(1)
		_, _ = w.Write([]byte(`{"ok":true,"url":"ws://` + l.Addr().String() + `/link/"}`))
	})
	mux.HandleFunc("/link/", func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		if reply != "" {
			_ = conn.WriteMessage(websocket.TextMessage, []byte(reply))
		}
		_ = conn.Close()
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		served.Wait()
	})
	return "http://" + l.Addr().String() + "/api/", opens
}

func TestEnvelopesAfterTheWarningAreHandled(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{WarningLead: patience}, timed(func(p *timing) { short(p); p.drainTimeout = patience }))
	r.connected(t)
	r.Warn()
	for range 20 { // spread over the old and the new connections
		if got := r.command(t, "list"); !got.Acked {
			t.Fatalf("lost: %+v", got)
		}
	}
	for _, d := range r.Deliveries() {
		if d.Other {
			t.Error("acknowledged over another connection though its own was open")
		}
	}
	r.until(t, "replacements beside them", func() bool { return r.client.Health().Reconnects >= overlap && r.Sockets() == 2*overlap })
}

func TestConnectionsEndAfterTheWarning(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{WarningLead: 50 * time.Millisecond}, timed(short))
	r.connected(t)
	r.Warn()
	r.until(t, "replacements", func() bool { return r.client.Health().Reconnects >= overlap })
	r.until(t, "the old ones gone", func() bool { return r.Sockets() == overlap })
}

func TestRefreshesLoseNothing(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{ConnectionLife: 150 * time.Millisecond, WarningLead: 100 * time.Millisecond},
		timed(func(p *timing) { short(p); p.stableAfter = time.Millisecond }))
	r.connected(t)
	sent := 0
	r.until(t, "several refreshes", func() bool {
		for range 50 {
			if got := r.command(t, "list"); !got.Acked && got.Error != "dispatch_failed" {
				t.Fatalf("command %d was sent and lost: %+v", sent, got)
			}
			sent++
		}
		return r.client.Health().Reconnects > 4
	})
}

func TestDeafConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{PingInterval: 20 * time.Millisecond, AckLimit: 500 * time.Millisecond}, timed(func(p *timing) {
		short(p)
		p.pingTimeout, p.pingInterval = 500*time.Millisecond, 10*time.Millisecond
	}))
	r.connected(t)
	r.Deafen()
	r.until(t, "new connections", func() bool { return r.client.Health().Reconnects >= overlap })
	r.until(t, "a command that is heard", func() bool { return r.command(t, "list").Acked })
}

func TestHealsAfterAnOutage(t *testing.T) {
	t.Parallel()
	for _, kind := range []slacksim.Outage{slacksim.Unavailable, slacksim.Refused} {
		r := startInMemory(t, timed(short))
		r.connected(t)
		if err := r.Outage(kind); err != nil {
			t.Fatal(err)
		}
		r.until(t, "deaf", func() bool { return r.client.Health().Deaf })
		if err := r.Outage(slacksim.Up); err != nil {
			t.Fatal(err)
		}
		r.connected(t)
		if r.client.Health().Deaf {
			t.Error("deaf after the outage")
		}
	}
}

func TestDuplicatesReachTheHandler(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	r := start(t, slacksim.Options{}, handledBy(func(context.Context, Envelope) (any, error) {
		calls.Add(1)
		return nil, nil
	}))
	r.connected(t)
	r.DuplicateNext(1)
	r.command(t, "list")
	r.until(t, "both acknowledged", func() bool { return calls.Load() == 2 && r.Deliveries()[0].Acks == 2 })
}

func TestEventsMissedWhileAwayComeLater(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	r := start(t, slacksim.Options{EventRetries: slices.Repeat([]time.Duration{100 * time.Millisecond}, 600)}, timed(short),
		handledBy(func(context.Context, Envelope) (any, error) {
			calls.Add(1)
			return nil, nil
		}))
	r.connected(t)
	r.DisableLink(true)
	r.until(t, "no connection", func() bool { return r.Sockets() == 0 })
	if _, err := r.OpenHome(t.Context(), "U1"); err != nil {
		t.Fatal(err)
	}
	r.DisableLink(false)
	r.until(t, "the repeated event", func() bool { return calls.Load() > 0 })
}

func TestCloseLetsHandlersFinishAndAcknowledge(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	unhurried := timed(func(p *timing) { p.closeTimeout = time.Hour }) // Slack's answer ends it, not the clock
	r := start(t, slacksim.Options{}, unhurried, handledBy(func(context.Context, Envelope) (any, error) {
		<-release
		return map[string]string{"text": "done"}, nil
	}))
	open := gate(t, release)
	r.connected(t)
	var sent sync.WaitGroup
	var acked atomic.Int32
	for range 40 {
		sent.Go(func() {
			if got, err := r.Command(t.Context(), "U1", "C1", "/sshkey list"); err == nil && got.Acked {
				acked.Add(1)
			}
		})
	}
	r.until(t, "all of them held", func() bool { return r.held() == 40 })
	closed := make(chan struct{})
	go func() {
		r.client.Close(t.Context())
		close(closed)
	}()
	r.until(t, "closing", r.client.isClosing)
	r.isLeftToOthers(t)
	open()
	await(t, closed, "the end of closing")
	await(t, r.ran, "the end of the client")
	sent.Wait()
	if acked.Load() != 40 {
		t.Errorf("%d of 40 acknowledged", acked.Load())
	}
}

// isLeftToOthers checks that an envelope that comes while closing is not touched.
func (r *rig) isLeftToOthers(t *testing.T) {
	t.Helper()
	if err := r.SendRaw(`{"envelope_id":"late","type":"events_api","payload":{}}`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, d := range r.Deliveries() {
			if d.EnvelopeID == "late" && d.Acked() {
				t.Error("an envelope that came while closing was acknowledged")
			}
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	t.Parallel()
	came := make(chan struct{})
	r := start(t, slacksim.Options{AckLimit: 10 * time.Millisecond}, handledBy(func(ctx context.Context, _ Envelope) (any, error) {
		close(came)
		<-ctx.Done() // for ever, if closing waited for it
		return nil, ctx.Err()
	}))
	r.connected(t)
	r.command(t, "list")
	await(t, came, "the command")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	closed := make(chan struct{})
	go func() {
		r.client.Close(ctx)
		close(closed)
	}()
	await(t, closed, "the end of closing")
	await(t, r.ran, "the end of the client")
}
