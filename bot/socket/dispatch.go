package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// maxAck is the longest acknowledgement, in bytes. Slack drops those of 20 KB and more
// without a word.
const maxAck = 20<<10 - 1

// ackAgain is the pause before an acknowledgement is sent once more.
const ackAgain = 50 * time.Millisecond

// dispatch starts a handler for an envelope and acknowledges the envelope when the
// handler returns. It never waits.
func (c *Client) dispatch(ctx context.Context, k *conn, e Envelope) {
	if !c.begin() {
		c.log.Warn("a delivery is left to Slack, which makes it again", "envelope", e.ID, "type", e.Type)
		return
	}
	go func() {
		defer c.end()
		select {
		case c.slots <- struct{}{}:
			defer func() { <-c.slots }()
		case <-ctx.Done():
			return
		}
		payload, err := c.handle(ctx, e)
		if err != nil {
			c.log.Warn("a delivery was not stored", "envelope", e.ID, "type", e.Type, "error", err)
			return
		}
		err = c.ack(k, e.ID, payload)
		for err != nil && time.Since(e.At) < c.timing.ackTimeout && sleep(ctx, ackAgain) { // a new connection is on its way
			err = c.ack(k, e.ID, payload)
		}
		if err != nil {
			c.log.Warn("an acknowledgement could not be sent", "envelope", e.ID, "error", err)
		}
		if err != nil && payload != nil && c.lost != nil {
			c.lost(e, payload)
		}
	}()
}

// begin counts a handler in and reports whether it may start.
func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.event = time.Now()
	if c.closing || c.held >= maxHeld {
		return false
	}
	c.held++
	c.handling.Add(1)
	return true
}

func (c *Client) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

func (c *Client) end() {
	c.mu.Lock()
	c.held--
	c.mu.Unlock()
	c.handling.Done()
}

// handle calls the handler. A panic of it is an error.
func (c *Client) handle(ctx context.Context, e Envelope) (payload any, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return c.handler(ctx, e)
}

// ack acknowledges an envelope over the connection on which it came, or over another
// one when that is gone. It returns nil when a write has succeeded.
func (c *Client) ack(k *conn, id string, payload any) error {
	raw, err := json.Marshal(acknowledgement{id, payload})
	if err != nil || len(raw) > maxAck {
		c.log.Error("the answer in an acknowledgement is dropped", "envelope", id, "bytes", len(raw), "error", err)
		raw, err = json.Marshal(acknowledgement{EnvelopeID: id})
	}
	for _, to := range append([]*conn{k}, slices.DeleteFunc(c.open(), func(o *conn) bool { return o == k })...) {
		sent := to.send(raw)
		if sent == nil {
			return nil
		}
		err = errors.Join(err, sent)
	}
	return err
}

type acknowledgement struct {
	EnvelopeID string `json:"envelope_id"`
	Payload    any    `json:"payload,omitempty"`
}
