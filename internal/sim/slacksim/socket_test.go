package slacksim

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestHelloAndTicket(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{ConnectionLife: time.Hour})
	link := b.json("apps.connections.open", b.w.AppToken(), map[string]any{})["url"].(string)
	conn, _, err := websocket.DefaultDialer.DialContext(b.ctx, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var hello frame
	if err := conn.ReadJSON(&hello); err != nil || hello.Type != "hello" || hello.Num != 1 || hello.Debug.Life != 3600 {
		t.Errorf("hello: %+v %v", hello, err)
	}
	_, resp, err := websocket.DefaultDialer.DialContext(b.ctx, link, nil)
	if err == nil || resp.StatusCode != http.StatusNotFound {
		t.Error("a ticket was good twice")
	}
}

func TestPings(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{PingInterval: 2 * time.Millisecond})
	p := b.connect(nil)
	pongs := make(chan string, 1)
	pinged := func() int { p.mu.Lock(); defer p.mu.Unlock(); return p.pings }
	b.until("a ping", func() bool { return pinged() > 0 })

	q := b.dial()
	q.SetPongHandler(func(data string) error { pongs <- data; return nil })
	go func() {
		for {
			if _, _, err := q.ReadMessage(); err != nil {
				return
			}
		}
	}()
	if err := q.WriteControl(websocket.PingMessage, []byte("mine"), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := <-pongs; got != "mine" {
		t.Errorf("pong %q", got)
	}
}

func TestCloseHandshake(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(nil)
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := p.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if !websocket.IsCloseError(p.err, websocket.CloseNormalClosure) {
		t.Errorf("ended with %v, want the close frame back", p.err)
	}
	b.until("no socket left", func() bool { return b.w.Sockets() == 0 })
}

func TestDisconnects(t *testing.T) {
	t.Parallel()
	for reason, disturb := range map[string]func(*Workspace){
		"warning":           (*Workspace).Warn,
		"refresh_requested": (*Workspace).Refresh,
		"link_disabled":     func(w *Workspace) { w.DisableLink(true) },
	} {
		b := newBench(t, Options{WarningLead: time.Millisecond})
		p := b.connect(nil)
		disturb(b.w)
		<-p.done
		seen := p.seen()
		if last := seen[len(seen)-1]; last.Type != "disconnect" || last.Reason != reason {
			t.Errorf("%s: last frame %+v", reason, last)
		}
		if !websocket.IsCloseError(p.err, websocket.CloseNormalClosure) {
			t.Errorf("%s: ended with %v", reason, p.err)
		}
	}
}

func TestLinkStaysDisabled(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.w.DisableLink(true)
	p := b.connect(nil)
	if f := p.seen()[0]; f.Reason != "link_disabled" {
		t.Errorf("first frame %+v", f)
	}
	b.w.DisableLink(false)
	if f := b.connect(nil).seen()[0]; f.Type != "hello" {
		t.Errorf("first frame %+v", f)
	}
}

func TestTenSocketsAndSpread(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	for range maxSockets {
		b.connect(always(nil))
	}
	p := b.connect(nil)
	if f := p.seen()[0]; f.Type != "disconnect" || f.Reason != "too_many_websockets" {
		t.Errorf("eleventh socket got %+v", f)
	}
	used := map[int]bool{}
	for range 60 {
		if _, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey"); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range b.w.Deliveries() {
		used[d.sockets[0]] = true
	}
	if len(used) < 6 {
		t.Errorf("60 envelopes used %d of 10 sockets", len(used))
	}
}

func TestConnectionLife(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{ConnectionLife: 40 * time.Millisecond, WarningLead: 20 * time.Millisecond})
	p := b.connect(nil)
	<-p.done
	var reasons []string
	for _, f := range p.seen() {
		reasons = append(reasons, f.Type+" "+f.Reason)
	}
	if got := strings.Join(reasons, ", "); got != "hello , disconnect warning, disconnect refresh_requested" {
		t.Errorf("frames: %s", got)
	}
}

func TestDropDeafenDuplicateRaw(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(always(nil))
	b.w.DuplicateNext(1)
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	if err != nil || !r.Acked {
		t.Fatal(r, err)
	}
	b.until("both acknowledged", func() bool { return b.w.Deliveries()[0].Acks == 2 })
	if f := p.seen(); len(f) != 3 || f[1].EnvelopeID != f[2].EnvelopeID {
		t.Errorf("frames: %+v", f)
	}
	if err := b.w.SendRaw(`{"envelope_id":"raw-1","type":"novelty","payload":{}}`); err != nil {
		t.Fatal(err)
	}
	b.until("raw envelope acknowledged", func() bool { return b.w.Deliveries()[1].Acked() })

	b.ackLimit(100 * time.Millisecond)
	b.w.Deafen()
	if r, err = b.w.Command(b.ctx, "UA", "C1", "/sshkey"); err != nil || r.Error != "operation_timeout" || len(p.seen()) != 4 {
		t.Errorf("deaf: %+v %v, %d frames", r, err, len(p.seen()))
	}
	if b.w.Sockets() != 1 {
		t.Error("the deaf socket is closed")
	}
	b.w.DropSockets()
	<-p.done
	if closed := (*websocket.CloseError)(nil); errors.As(p.err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		t.Errorf("dropped with a close frame: %v", p.err)
	}
	b.until("no socket", func() bool { return b.w.Sockets() == 0 })
	if r, err = b.w.Command(b.ctx, "UA", "C1", "/sshkey"); err != nil || r.Error != "dispatch_failed" {
		t.Errorf("without a socket: %+v %v", r, err)
	}
	if err := b.w.SendRaw("{"); err == nil {
		t.Error("SendRaw without a socket succeeded")
	}
}

func TestAckRules(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{AckLimit: 400 * time.Millisecond})
	p := b.connect(never)
	big := make(chan struct{})
	go func() {
		defer close(big)
		b.until("envelope", func() bool { return len(p.seen()) == 2 })
		p.ack(p.seen()[1].EnvelopeID, map[string]any{"text": strings.Repeat("x", maxAck)})
	}()
	r, err := b.w.Command(b.ctx, "UA", "C1", "/sshkey")
	<-big
	if err != nil || r.Acked || r.Error != "operation_timeout" {
		t.Errorf("20 KB: %+v %v", r, err)
	}
	if e := b.w.Ephemeral("UA"); len(e) != 1 || e[0].User != "USLACKBOT" || !strings.Contains(e[0].Text, "operation_timeout") {
		t.Errorf("Slackbot says %+v", e)
	}
	p.ack(p.seen()[1].EnvelopeID, nil)
	b.until("late acknowledgement", func() bool { return b.w.Deliveries()[0].late })
	p.ack("never-sent", nil)
	b.until("stray acknowledgement", func() bool { return len(b.w.Violations()) == 2 })
	if n := len(p.seen()); n != 2 {
		t.Errorf("%d frames: commands are not sent again", n)
	}
}

func TestEventRetries(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	b := newBench(t, Options{AckLimit: 10 * ms, EventRetries: []time.Duration{0, ms, ms}})
	r, err := b.w.Event(b.ctx, map[string]any{"type": "team_join"}) // no socket is open
	if err != nil || r.Acked {
		t.Fatal(r, err)
	}
	b.until("four deliveries", func() bool { return len(b.w.Deliveries()) == 4 })

	every := make([]time.Duration, 1000)
	for i := range every {
		every[i] = 5 * ms
	}
	late := newBench(t, Options{EventRetries: every})
	if _, err := late.w.Deactivate(late.ctx, "UB"); err != nil {
		t.Fatal(err)
	}
	p := late.connect(always(nil))
	late.until("the event comes once a socket is there", func() bool { return len(p.seen()) == 2 })
	f := p.seen()[1]
	event := f.Payload["event"].(map[string]any)
	user := event["user"].(map[string]any)
	if f.Type != "events_api" || f.Retry < 1 || event["type"] != "user_change" || user["deleted"] != true {
		t.Errorf("event: %+v", f)
	}
}
