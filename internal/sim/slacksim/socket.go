package slacksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// maxSockets is how many connections an app may hold (Slack, "Using Socket Mode").
const maxSockets = 10

// writeLimit bounds a write to a peer that does not read.
const writeLimit = 5 * time.Second

// socket is one connection of the app.
type socket struct {
	number int
	conn   *websocket.Conn
	gone   chan struct{} // closed when the connection has ended

	writing sync.Mutex
	routed  sync.WaitGroup // envelopes on their way to it; none is added when the connection is leaving

	deaf, leaving bool // guarded by Workspace.mu
}

func (s *socket) send(text []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return fmt.Errorf("slacksim: socket: %w", err)
	}
	if err := s.conn.WriteMessage(websocket.TextMessage, text); err != nil {
		return fmt.Errorf("slacksim: socket: %w", err)
	}
	return nil
}

func (s *socket) sendJSON(v any) {
	if raw, err := json.Marshal(v); err == nil {
		_ = s.send(raw) // a dead peer shows in its reading loop
	}
}

func (s *socket) control(kind int, data []byte) {
	_ = s.conn.WriteControl(kind, data, time.Now().Add(writeLimit))
}

// leave begins the close handshake and cuts the connection if the peer does
// not answer within a second.
func (s *socket) leave() {
	s.control(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	pause(s.gone, time.Second)
	_ = s.conn.Close()
}

func (w *Workspace) serveSocket(rw http.ResponseWriter, r *http.Request) {
	if !w.redeem(r.URL.Query().Get("ticket")) {
		http.Error(rw, "bad ticket", http.StatusNotFound)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(rw, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	w.enter(conn)
}

// redeem reports whether a ticket is good, which it is for one connection.
func (w *Workspace) redeem(ticket string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	good := w.tickets[ticket]
	delete(w.tickets, ticket)
	return good
}

// enter greets a new connection, or turns it away, and reads it to its end.
func (w *Workspace) enter(conn *websocket.Conn) {
	s := &socket{conn: conn, gone: make(chan struct{})}
	w.mu.Lock()
	if w.ctx.Err() != nil || w.outage != Up {
		w.mu.Unlock()
		_ = conn.Close()
		return
	}
	w.serial++
	s.number = w.serial
	refused := ""
	if len(w.sockets) >= maxSockets {
		refused = "too_many_websockets"
	} else if w.linkDisabled {
		refused = "link_disabled"
	} else {
		// The greeting goes out under the lock, so that no envelope overtakes it.
		w.sockets = append(w.sockets, s)
		s.sendJSON(w.hello())
		w.notify()
	}
	w.wait.Go(func() { w.keep(s, refused) })
	w.mu.Unlock()
	w.read(s)
}

func (w *Workspace) hello() map[string]any {
	return map[string]any{
		"type": "hello", "num_connections": len(w.sockets),
		"connection_info": map[string]any{"app_id": appID},
		"debug_info": map[string]any{
			"host": "applink-sim", "build_number": 1, "started": w.opt.Now().UTC().Format(time.DateTime) + ".000",
			"approximate_connection_time": int(w.opt.ConnectionLife.Seconds()),
		},
	}
}

// keep pings a connection and ends it when its life is over, or at once when it is refused.
func (w *Workspace) keep(s *socket, refused string) {
	if refused != "" {
		s.sendJSON(disconnect(refused))
		s.leave()
		return
	}
	ping := time.NewTicker(w.opt.PingInterval)
	defer ping.Stop()
	phase := time.NewTimer(max(0, w.opt.ConnectionLife-w.opt.WarningLead))
	defer phase.Stop()
	warned := false
	for {
		select {
		case <-ping.C:
			if !w.isDeaf(s) {
				s.control(websocket.PingMessage, []byte("Ping from applink-sim"))
			}
		case <-phase.C:
			if warned {
				w.retire(s, "refresh_requested")
				continue
			}
			warned = true
			s.sendJSON(disconnect("warning"))
			phase.Reset(w.opt.WarningLead)
		case <-s.gone:
			return
		}
	}
}

func (w *Workspace) isDeaf(s *socket) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return s.deaf
}

func disconnect(reason string) map[string]any {
	return map[string]any{
		"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-sim"},
	}
}

// read reads acknowledgements until the connection ends.
func (w *Workspace) read(s *socket) {
	s.conn.SetPingHandler(func(data string) error {
		if !w.isDeaf(s) {
			s.control(websocket.PongMessage, []byte(data))
		}
		return nil
	})
	for {
		_, raw, err := s.conn.ReadMessage()
		if err != nil {
			break
		}
		if !w.isDeaf(s) {
			w.acknowledge(s, raw)
		}
	}
	_ = s.conn.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	close(s.gone)
	w.sockets = slices.DeleteFunc(w.sockets, func(x *socket) bool { return x == s })
	w.notify()
}

// retire announces the end of a connection, sends nothing more over it and closes it.
func (w *Workspace) retire(s *socket, reason string) {
	w.drain(s)
	s.sendJSON(disconnect(reason))
	s.leave()
}

// drain routes nothing more to a connection, and returns when everything routed to it is sent.
func (w *Workspace) drain(s *socket) {
	w.mu.Lock()
	s.leaving = true
	w.mu.Unlock()
	s.routed.Wait()
}

// Sockets returns how many connections the app holds now.
func (w *Workspace) Sockets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sockets)
}

func (w *Workspace) openSockets() []*socket {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sockets)
}

// Refresh recycles every connection as Slack does once every few hours: a
// disconnect message with refresh_requested, then the close handshake. It
// returns when they are closed.
func (w *Workspace) Refresh() {
	var all sync.WaitGroup
	for _, s := range w.openSockets() {
		all.Go(func() { w.retire(s, "refresh_requested") })
	}
	all.Wait()
}

// Warn sends every connection the disconnect message of its last seconds and
// closes it WarningLead later; until then envelopes still come over it.
func (w *Workspace) Warn() {
	for _, s := range w.openSockets() {
		s.sendJSON(disconnect("warning"))
		w.later(func() {
			pause(s.gone, w.opt.WarningLead)
			w.drain(s)
			s.leave()
		})
	}
}

// DisableLink turns Socket Mode off or on in the app's settings. While it is
// off, present and new connections are sent away with link_disabled.
func (w *Workspace) DisableLink(off bool) {
	w.mu.Lock()
	w.linkDisabled = off
	w.mu.Unlock()
	if !off {
		return
	}
	for _, s := range w.openSockets() {
		w.retire(s, "link_disabled")
	}
}

// DropSockets cuts every connection without a close frame.
func (w *Workspace) DropSockets() {
	for _, s := range w.openSockets() {
		_ = s.conn.Close()
	}
}

// Deafen leaves the present connections open but dead: no pings, no pongs, no
// envelopes, and what they send is lost. Slack still routes envelopes to them.
func (w *Workspace) Deafen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sockets {
		s.deaf = true
	}
}

// later runs f on a goroutine that Close waits for.
func (w *Workspace) later(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() == nil {
		w.wait.Go(f)
	}
}
