package socket

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/sim/memnet"

	"github.com/gorilla/websocket"
)

// A connection lives while something comes over it, and is replaced when nothing does any
// more. One over which our own pings were answered counts as dead long before Slack's own
// pings would show it.
func TestSilentConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		slack *quietSlack
		every time.Duration // between two signs of life
		limit time.Duration
	}{
		"Slack answers our pings": {&quietSlack{answers: true}, slackTiming.pingInterval, slackTiming.pongTimeout},
		"Slack only pings":        {&quietSlack{pings: 10 * time.Second}, 10 * time.Second, slackTiming.pingTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tt.slack
				c := s.start(t)
				sleep(t.Context(), 5*time.Minute)
				if h := c.Health(); h.Sockets != overlap || h.Reconnects > 0 {
					t.Errorf("replaced though they are heard of: %+v", h)
				}
				s.deaf.Store(s.links.Load())
				sleep(t.Context(), tt.limit-tt.every-time.Second)
				if h := c.Health(); h.Sockets != overlap || h.Reconnects > 0 {
					t.Errorf("given up too soon: %+v", h)
				}
				sleep(t.Context(), tt.every+2*time.Second)
				if h := c.Health(); h.Sockets != overlap || h.Reconnects != overlap {
					t.Errorf("not replaced: %+v", h)
				}
			})
		})
	}
}

// quietSlack says hello, and then no more than a sign of life, in played time.
type quietSlack struct {
	pings   time.Duration // every so often; 0 is never
	answers bool          // our pings

	links atomic.Int64 // opened so far
	deaf  atomic.Int64 // the first so many are dead
}

// start runs a client on it until the test is over.
func (s *quietSlack) start(t *testing.T) *Client {
	t.Helper()
	var network memnet.Network
	listener, err := network.Listen("tcp", "slack.test:80")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"ok":true,"url":"ws://slack.test/link"}`))
	})
	mux.HandleFunc("/link", s.link)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(listener) }()
	c := New(Config{
		AppToken: "xapp-1", APIURL: "http://slack.test/api/", Log: slog.New(slog.DiscardHandler),
		HTTP: &http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}},
		Dial: network.DialContext,
	})
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		c.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ran
		_ = server.Close()
	})
	return c
}

func (s *quietSlack) link(w http.ResponseWriter, r *http.Request) {
	number := s.links.Add(1)
	conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	say := func(kind int) error {
		if s.deaf.Load() >= number {
			return nil
		}
		return conn.WriteControl(kind, nil, time.Now().Add(time.Second))
	}
	conn.SetPingHandler(func(string) error {
		if !s.answers {
			return nil
		}
		return say(websocket.PongMessage)
	})
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)); err != nil {
		return
	}
	if s.pings > 0 {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			for sleep(ctx, s.pings) {
				_ = say(websocket.PingMessage)
			}
		}()
	}
	for err == nil {
		_, _, err = conn.ReadMessage()
	}
}
