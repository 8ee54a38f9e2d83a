package slacksim

import (
	"net/http"
	"time"
)

// Outage is a way for the whole of Slack to be away.
type Outage int

// The outages: Up is none, Unavailable answers everything with 503, Refused
// stops listening. Both cut the sockets.
const (
	Up Outage = iota
	Unavailable
	Refused
)

// Outage begins or ends an outage. It fails only when the port cannot be
// listened on again.
func (w *Workspace) Outage(kind Outage) error {
	w.mu.Lock()
	was := w.outage
	w.outage = kind
	server := w.server
	w.mu.Unlock()
	if kind != Up {
		w.DropSockets()
	}
	if kind == Refused && was != Refused {
		return server.Close()
	}
	if kind != Refused && was == Refused {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.listen(w.addr)
	}
	return nil
}

// Fault makes calls fail. The zero Fault cuts nothing and answers as usual.
type Fault struct {
	Error      string        // answer ok:false with this code
	Status     int           // answer this HTTP status
	RetryAfter time.Duration // Retry-After header, with Status 429
	Cut        bool          // cut the connection instead of answering
	After      bool          // carry the call out first: its answer is what fails
	Delay      time.Duration // before anything else
}

// reply returns what the fault answers, and false when it only delays.
func (f Fault) reply() (reply, bool) {
	switch {
	case f.Cut:
		return reply{}, true
	case f.Status != 0:
		return reply{status: f.Status, retryAfter: f.RetryAfter}, true
	case f.Error != "":
		return refusal(refuse(f.Error)), true
	default:
		return reply{}, false
	}
}

// Fail makes the next calls of method fail, one per fault, before any other check.
func (w *Workspace) Fail(method string, faults ...Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[method] = append(w.faults[method], faults...)
}

// ClearFaults ends what Fail began.
func (w *Workspace) ClearFaults() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.faults)
}

func (w *Workspace) takeFault(method string) (f Fault, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := w.faults[method]
	if len(queue) == 0 {
		return Fault{}, false
	}
	w.faults[method] = queue[1:]
	return queue[0], true
}

// cut ends the connection of rw without an answer.
func cut(rw http.ResponseWriter) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}
