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
	Retry      int   // retry_attempt
	Sockets    []int // connections it was routed to; none when none was open
	Sent       time.Time
	Acks       int             // how many acknowledgements came
	Latency    time.Duration   // of the first
	Late       bool            // the first came after the limit
	Other      bool            // the first came over another connection
	Response   json.RawMessage // its payload

	acked chan struct{}
}

// Acked tells whether an acknowledgement came, late ones included.
func (d Delivery) Acked() bool { return d.Acks > 0 }

// Deliveries lists every envelope so far, oldest first.
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
		w.record(&Delivery{EnvelopeID: head.EnvelopeID, Type: head.Type, Payload: head.Payload, Sockets: []int{s.number}})
	}
	w.mu.Unlock()
	return s.send([]byte(text))
}

func (w *Workspace) record(d *Delivery) {
	d.Sent, d.acked = time.Now(), make(chan struct{})
	w.deliveries = append(w.deliveries, d)
	w.touch()
}

// pick chooses a connection at random. The caller holds mu.
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
		e.mark(retry)
	}
	d := &Delivery{EnvelopeID: e.EnvelopeID, Type: kind, Payload: raw, Retry: retry}
	targets := w.targets(d)
	w.record(d)
	w.mu.Unlock()
	for _, s := range targets {
		s.sendJSON(e)
		s.routed.Done()
	}
	return d, nil
}

func (e *envelope) mark(retry int) {
	reason := ""
	if retry > 0 {
		reason = "timeout"
	}
	e.Retry, e.RetryReason = &retry, &reason
}

// targets routes an envelope, twice when a duplicate is due. Dead connections
// are routed to and get nothing. The caller holds mu, and marks as done what it has sent.
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
		d.Sockets = append(d.Sockets, s.number)
		if !s.deaf {
			s.routed.Add(1)
			live = append(live, s)
		}
	}
	return live
}

// uuid makes an envelope ID in Slack's form.
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
		d.Latency = time.Since(d.Sent)
		d.Late = d.Latency > w.opt.AckLimit
		d.Other = !slices.Contains(d.Sockets, s.number)
		d.Response = ack.Payload
		close(d.acked)
	}
	w.touch()
}

func (w *Workspace) delivery(id string) *Delivery {
	for _, d := range w.deliveries {
		if d.EnvelopeID == id {
			return d
		}
	}
	return nil
}

// Outcome is what came of an envelope, as the person concerned sees it.
type Outcome struct {
	EnvelopeID  string
	TriggerID   string
	ResponseURL string
	Acked       bool
	Latency     time.Duration
	Error       string // "dispatch_failed" without a connection, "operation_timeout" without a timely acknowledgement

	response json.RawMessage
}

// await waits for the acknowledgement or its limit; a cancelled ctx is an error.
func (w *Workspace) await(ctx context.Context, d *Delivery) (Outcome, error) {
	o := Outcome{EnvelopeID: d.EnvelopeID}
	if len(d.Sockets) == 0 {
		o.Error = "dispatch_failed"
		return o, nil
	}
	limit := time.NewTimer(w.opt.AckLimit - time.Since(d.Sent))
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
	o.Acked = d.Acks > 0 && !d.Late
	if o.Acked {
		o.Latency, o.response = d.Latency, d.Response
	} else {
		o.Error = "operation_timeout"
	}
	return o, nil
}
