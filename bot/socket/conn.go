package socket

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxFrame     = 8 << 20
	writeTimeout = 5 * time.Second
)

// conn is one connection to Slack.
type conn struct {
	ws           *websocket.Conn
	timing       timing
	leaving      chan struct{} // closed when Slack has announced its end, or it has ended
	leave        func()
	answersPings bool // of ours, as Slack does here; for the reader alone
	writing      sync.Mutex
}

func newConn(ws *websocket.Conn, t timing) *conn {
	leaving := make(chan struct{})
	return &conn{ws: ws, timing: t, leaving: leaving, leave: sync.OnceFunc(func() { close(leaving) })}
}

// extendDeadline puts off the time at which the connection counts as dead, except
// where Slack has announced its end.
func (k *conn) extendDeadline() {
	limit := k.timing.pingTimeout
	if k.answersPings {
		limit = min(limit, k.timing.pongTimeout)
	}
	select {
	case <-k.leaving:
	default:
		_ = k.ws.SetReadDeadline(time.Now().Add(limit)) // fails on a closed connection, as the read will
	}
}

// drain makes room for a replacement and goes on reading for what still comes.
func (k *conn) drain() {
	k.leave()
	_ = k.ws.SetReadDeadline(time.Now().Add(k.timing.drainTimeout))
}

func (k *conn) send(raw []byte) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	if err := k.ws.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if err := k.ws.WriteMessage(websocket.TextMessage, raw); err != nil {
		_ = k.ws.Close() // the reader ends, and a new connection takes its place
		return fmt.Errorf("socket: %w", err)
	}
	return nil
}

func (k *conn) control(kind int, data []byte) {
	_ = k.ws.WriteControl(kind, data, time.Now().Add(time.Second)) // a dead peer shows in reading
}

func (k *conn) sendClose() {
	k.leave()
	k.control(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
}

// ping pings Slack until ctx ends, so that no router between takes the connection for
// idle, and a connection that died without a word is noticed soon: half of all commands
// go there.
func (k *conn) ping(ctx context.Context) {
	ticker := time.NewTicker(k.timing.pingInterval)
	defer ticker.Stop()
	for {
		k.control(websocket.PingMessage, nil)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// read reads frames until the connection ends.
func (c *Client) read(ctx context.Context, k *conn) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	c.reading.Go(func() { k.ping(inner) })
	context.AfterFunc(inner, func() { _ = k.ws.Close() })
	k.ws.SetReadLimit(maxFrame)
	k.ws.SetPingHandler(func(data string) error {
		k.extendDeadline()
		c.pinged()
		k.control(websocket.PongMessage, []byte(data))
		return nil
	})
	k.ws.SetPongHandler(func(string) error {
		k.answersPings = true
		k.extendDeadline()
		c.pinged()
		return nil
	})
	k.extendDeadline()
	for {
		_, raw, err := k.ws.ReadMessage()
		if err != nil {
			c.log.Debug("a socket ended", "error", err)
			c.ended(ctx, k, err)
			return
		}
		k.extendDeadline()
		c.receive(ctx, k, raw)
	}
}

// ended closes a connection that can be read no more.
func (c *Client) ended(ctx context.Context, k *conn, err error) {
	_ = k.ws.Close() // before it is removed: an acknowledgement written to a peer that is gone can seem sent
	k.leave()
	c.remove(k)
	c.fails(ctx, err)
}

// frame is whatever Slack sends: an envelope, or a message about the connection.
type frame struct {
	Envelope
	Reason string `json:"reason"` // of a disconnect
}

func (c *Client) receive(ctx context.Context, k *conn, raw []byte) {
	var f frame
	err := json.Unmarshal(raw, &f)
	f.At = time.Now()
	switch {
	case err == nil && f.Type == "hello":
		c.add(ctx, k)
	case err == nil && f.Type == "disconnect":
		c.log.Debug("Slack asks to reconnect", "cause", clip(f.Reason))
		k.drain()
	case err == nil && f.ID != "" && (f.Type == "events_api" || f.Type == "slash_commands" || f.Type == "interactive"):
		c.dispatch(ctx, k, f.Envelope)
	default:
		// Not acknowledged, it would come again and again.
		c.log.Warn("Slack sent something of an unknown form", "type", clip(f.Type), "envelope", clip(f.ID), "bytes", len(raw))
		if f.ID != "" {
			_ = c.ack(k, f.ID, nil) // where it fails the connection ends
		}
	}
}

func clip(text string) string { return text[:min(len(text), 60)] }

func (c *Client) add(ctx context.Context, k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf.Saw(ctx, "", nil)
	c.conns = append(c.conns, k)
	c.stats.connects++
	c.stats.refused = ""
	c.stats.ping = time.Now()
}

func (c *Client) remove(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = slices.DeleteFunc(c.conns, func(other *conn) bool { return other == k })
}

// fails says in the log why there is no connection, where there is none and should be.
func (c *Client) fails(ctx context.Context, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.conns) == 0 && !c.closing && ctx.Err() == nil {
		c.deaf.Saw(ctx, "", err)
	}
}

// open returns the connections that Slack has greeted, the newest last.
func (c *Client) open() []*conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.conns)
}
