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
	ws      *websocket.Conn
	pace    pace
	leaving chan struct{} // closed when it was told to go or has ended
	leave   func()
	answers bool // Slack answers our pings here; for the reader alone
	writing sync.Mutex
}

func newConn(ws *websocket.Conn, p pace) *conn {
	leaving := make(chan struct{})
	return &conn{ws: ws, pace: p, leaving: leaving, leave: sync.OnceFunc(func() { close(leaving) })}
}

// heard puts off the time at which the connection counts as dead. One that was
// told to go is not kept any longer.
func (k *conn) heard() {
	limit := k.pace.deaf
	if k.answers {
		limit = min(limit, k.pace.silent)
	}
	select {
	case <-k.leaving:
	default:
		_ = k.ws.SetReadDeadline(time.Now().Add(limit)) // fails on a closed connection, as the read will
	}
}

// told makes room for a replacement and reads on for what still comes.
func (k *conn) told() {
	k.leave()
	_ = k.ws.SetReadDeadline(time.Now().Add(k.pace.drain))
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

func (k *conn) sayGoodbye() {
	k.leave()
	k.control(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
}

// knock pings Slack, so that no router between takes the connection for idle, and a
// connection that died without a word is noticed soon: half of all commands go there.
func (k *conn) knock(ctx context.Context) {
	ticker := time.NewTicker(k.pace.knock)
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

// read takes frames until the connection ends.
func (c *Client) read(ctx context.Context, k *conn) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	c.reading.Go(func() { k.knock(inner) })
	context.AfterFunc(inner, func() { _ = k.ws.Close() })
	k.ws.SetReadLimit(maxFrame)
	k.ws.SetPingHandler(func(data string) error {
		k.heard()
		c.pinged()
		k.control(websocket.PongMessage, []byte(data))
		return nil
	})
	k.ws.SetPongHandler(func(string) error {
		k.answers = true
		k.heard()
		c.pinged()
		return nil
	})
	k.heard()
	for {
		_, raw, err := k.ws.ReadMessage()
		if err != nil {
			c.log.Debug("socket: ended", "error", err)
			break
		}
		k.heard()
		c.receive(ctx, k, raw)
	}
	k.leave()
	c.drop(k)
}

// frame is whatever Slack sends: an envelope, or a word about the connection.
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
		c.greet(k)
	case err == nil && f.Type == "disconnect":
		c.log.Info("socket: Slack asks to reconnect", "reason", f.Reason)
		k.told()
	case err == nil && f.ID != "" && (f.Type == "events_api" || f.Type == "slash_commands" || f.Type == "interactive"):
		c.dispatch(ctx, k, f.Envelope)
	default:
		// Not acknowledged, it would come again and again.
		c.log.Warn("socket: a frame of an unknown form", "type", clip(f.Type), "envelope", clip(f.ID), "bytes", len(raw))
		if f.ID != "" {
			_ = c.ack(k, f.ID, nil) // where it fails the connection ends
		}
	}
}

func clip(text string) string { return text[:min(len(text), 60)] }

func (c *Client) greet(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, k)
	c.health.connects++
	c.health.refused = ""
	c.health.ping = time.Now()
}

func (c *Client) drop(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = slices.DeleteFunc(c.conns, func(other *conn) bool { return other == k })
}

// open lists the greeted connections, the newest last.
func (c *Client) open() []*conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.conns)
}
