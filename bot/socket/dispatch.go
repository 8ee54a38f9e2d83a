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

// MaxAck is how long an acknowledgement may be, in bytes. Slack drops those of
// 20 KB and more without a word.
const MaxAck = 20<<10 - 1

// ackAgain is the pause before an acknowledgement is sent once more.
const ackAgain = 50 * time.Millisecond

// dispatch starts a handler and never waits.
func (c *Client) dispatch(ctx context.Context, k *conn, e Envelope) {
	if !c.begin() {
		c.log.Warn("socket: an envelope is left to Slack's redelivery", "envelope", e.ID, "type", e.Type)
		return
	}
	go func() {
		defer c.end()
		select {
		case c.turns <- struct{}{}:
			defer func() { <-c.turns }()
		case <-ctx.Done():
			return
		}
		payload, err := c.handle(ctx, e)
		if err != nil {
			c.log.Error("socket: an envelope was not handled", "envelope", e.ID, "type", e.Type, "error", err)
			return
		}
		err = c.ack(k, e.ID, payload)
		for err != nil && time.Since(e.At) < c.pace.ack && sleep(ctx, ackAgain) { // a new connection is on its way
			err = c.ack(k, e.ID, payload)
		}
		if err != nil {
			c.log.Warn("socket: an acknowledgement could not be sent", "envelope", e.ID, "error", err)
		}
		if err != nil && payload != nil && c.lost != nil {
			c.lost(e, payload)
		}
	}()
}

// begin counts a handler in, unless no more may start.
func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.health.event = time.Now()
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

// handle contains a panic of the handler.
func (c *Client) handle(ctx context.Context, e Envelope) (payload any, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return c.handler(ctx, e)
}

// ack acknowledges over the connection that the envelope came on, or over
// another one when that is gone. Once the write has succeeded it has left us.
func (c *Client) ack(k *conn, id string, payload any) error {
	raw, err := json.Marshal(acknowledgement{id, payload})
	if err != nil || len(raw) > MaxAck {
		c.log.Error("socket: the answer in an acknowledgement is dropped", "envelope", id, "bytes", len(raw), "error", err)
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
