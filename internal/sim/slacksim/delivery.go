package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxAck is the size from which Slack silently drops an acknowledgement.
const maxAck = 20 << 10

// Delivery is one envelope and what became of it.
type Delivery struct {
	EnvelopeID string
	Type       string
	Payload    json.RawMessage
	Acks       int  // how many acknowledgements came
	Other      bool // the first came over another connection than the envelope's

	sockets  []int // connections it was routed to; none when none was open
	sent     time.Time
	latency  time.Duration   // of the first acknowledgement
	late     bool            // it came after the limit
	response json.RawMessage // its payload
	acked    chan struct{}
}

// Acked reports whether an acknowledgement came, late ones included.
func (d Delivery) Acked() bool { return d.Acks > 0 }

// Deliveries returns every envelope so far, oldest first.
func (w *Workspace) Deliveries() []Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Delivery, len(w.deliveries))
	for i, d := range w.deliveries {
		out[i] = *d
	}
	return out
}

// DuplicateNext sends the next n envelopes twice.
func (w *Workspace) DuplicateNext(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.duplicate += n
}

// SendRaw writes a text frame of any content to one connection. If it is a JSON
// object with an envelope_id, acknowledgements of it are recorded.
func (w *Workspace) SendRaw(text string) error {
	var head struct {
		EnvelopeID string `json:"envelope_id"`
		Type       string
		Payload    json.RawMessage
	}
	known := json.Unmarshal([]byte(text), &head) == nil && head.EnvelopeID != ""
	w.mu.Lock()
	s := w.pick()
	if s == nil {
		w.mu.Unlock()
		return errors.New("slacksim: no connection is open")
	}
	if known {
		w.record(&Delivery{EnvelopeID: head.EnvelopeID, Type: head.Type, Payload: head.Payload, sockets: []int{s.number}})
	}
	w.mu.Unlock()
	return s.send([]byte(text))
}

func (w *Workspace) record(d *Delivery) {
	d.sent, d.acked = time.Now(), make(chan struct{})
	w.deliveries = append(w.deliveries, d)
	w.notify()
}

// pick returns a connection at random, nil when none is open. The caller holds mu.
func (w *Workspace) pick() *socket {
	var fit []*socket
	for _, s := range w.sockets {
		if !s.leaving {
			fit = append(fit, s)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[w.rand.IntN(len(fit))]
}

// envelope wraps a payload for the socket.
type envelope struct {
	EnvelopeID  string          `json:"envelope_id"`
	Type        string          `json:"type"`
	Accepts     bool            `json:"accepts_response_payload"`
	Payload     json.RawMessage `json:"payload"`
	Retry       *int            `json:"retry_attempt,omitempty"`
	RetryReason *string         `json:"retry_reason,omitempty"`
}

// post sends a payload in a new envelope to one connection.
func (w *Workspace) post(kind string, payload map[string]any, accepts bool, retry int) (*Delivery, error) {
	w.mu.Lock()
	raw, err := json.Marshal(payload)
	if err != nil {
		w.mu.Unlock()
		return nil, fmt.Errorf("slacksim: payload: %w", err)
	}
	e := envelope{EnvelopeID: w.uuid(), Type: kind, Accepts: accepts, Payload: raw}
	if kind == "events_api" {
		e.Retry, e.RetryReason = &retry, new("")
		if retry > 0 {
			e.RetryReason = new("timeout")
		}
	}
	d := &Delivery{EnvelopeID: e.EnvelopeID, Type: kind, Payload: raw}
	targets := w.targets(d)
	w.record(d)
	w.mu.Unlock()
	for _, s := range targets {
		s.sendJSON(e)
		s.routed.Done()
	}
	return d, nil
}

// targets routes an envelope, twice when a duplicate is due. Dead connections
// are routed to and get nothing. The caller holds mu, and calls routed.Done of each
// connection when it has sent the envelope.
func (w *Workspace) targets(d *Delivery) []*socket {
	times := 1
	if w.duplicate > 0 {
		w.duplicate--
		times = 2
	}
	var live []*socket
	for range times {
		s := w.pick()
		if s == nil {
			break
		}
		d.sockets = append(d.sockets, s.number)
		if !s.deaf {
			s.routed.Add(1)
			live = append(live, s)
		}
	}
	return live
}

// uuid returns an envelope ID in Slack's form. The caller holds mu.
func (w *Workspace) uuid() string {
	w.serial++
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", w.rand.Uint32(), w.rand.Uint32()&0xffff, w.rand.Uint32()&0xfff,
		w.rand.Uint32()&0xfff, w.serial)
}

// acknowledge records what the app sent over s.
func (w *Workspace) acknowledge(s *socket, raw []byte) {
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(raw) >= maxAck {
		w.violate("acknowledgement", fmt.Sprintf("%d bytes: 20 KB or more are dropped", len(raw)))
		return
	}
	d := (*Delivery)(nil)
	if json.Unmarshal(raw, &ack) == nil {
		d = w.delivery(ack.EnvelopeID)
	}
	if d == nil {
		w.violate("acknowledgement", "names no envelope that was sent")
		return
	}
	d.Acks++
	if d.Acks == 1 {
		d.latency = time.Since(d.sent)
		d.late = d.latency > w.opt.AckLimit
		d.Other = !slices.Contains(d.sockets, s.number)
		d.response = ack.Payload
		close(d.acked)
	}
	w.notify()
}

func (w *Workspace) delivery(id string) *Delivery {
	for _, d := range w.deliveries {
		if d.EnvelopeID == id {
			return d
		}
	}
	return nil
}

// Outcome is the outcome of an envelope, as the person concerned sees it.
type Outcome struct {
	EnvelopeID string
	Acked      bool // in time
	Latency    time.Duration
	Error      string // "dispatch_failed" without a connection, "operation_timeout" without a timely acknowledgement

	triggerID   string
	responseURL string
	response    json.RawMessage
}

// deliver sends what a person did and waits for what comes of it.
func (w *Workspace) deliver(ctx context.Context, kind string, payload map[string]any, accepts bool) (Outcome, error) {
	d, err := w.post(kind, payload, accepts, 0)
	if err != nil {
		return Outcome{}, err
	}
	o, err := w.await(ctx, d)
	o.triggerID, _ = payload["trigger_id"].(string)
	o.responseURL, _ = payload["response_url"].(string)
	return o, err
}

// await waits for the acknowledgement or its limit; a cancelled ctx is an error.
func (w *Workspace) await(ctx context.Context, d *Delivery) (Outcome, error) {
	o := Outcome{EnvelopeID: d.EnvelopeID}
	if len(d.sockets) == 0 {
		o.Error = "dispatch_failed"
		return o, nil
	}
	limit := time.NewTimer(w.opt.AckLimit - time.Since(d.sent))
	defer limit.Stop()
	select {
	case <-d.acked:
	case <-limit.C:
	case <-w.ctx.Done():
		return o, errors.New("slacksim: the workspace was closed")
	case <-ctx.Done():
		return o, fmt.Errorf("slacksim: await: %w", ctx.Err())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	o.Acked = d.Acks > 0 && !d.late
	if o.Acked {
		o.Latency, o.response = d.latency, d.response
	} else {
		o.Error = "operation_timeout"
	}
	return o, nil
}
