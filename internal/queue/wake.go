package queue

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// localDriver is River's driver for SQLite, except that its notifications never leave this
// process, the only one there is: River would write each to a table, and ask that table twenty
// times a second.
type localDriver struct {
	*riversqlite.Driver
	wakes *wakes
}

// GetListener implements riverdriver.Driver.
func (d localDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.wakes
}

// SupportsListenNotify implements riverdriver.Driver. Nobody is notified through the database.
func (localDriver) SupportsListenNotify() bool { return false }

// insertTopic is the topic of River's notifications that a queue has got jobs.
const insertTopic = "river_insert"

// wakes is a riverdriver.Listener that is told within the process that queues have jobs to be
// fetched.
type wakes struct {
	some chan struct{} // has an element if queues has

	mu     sync.Mutex
	queues map[string]bool
}

func newWakes() *wakes { return &wakes{some: make(chan struct{}, 1), queues: map[string]bool{}} }

// add has the queues fetch their jobs. It never waits.
func (w *wakes) add(queues ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, queue := range queues {
		w.queues[queue] = true
	}
	w.signal()
}

// signal must be called with mu held.
func (w *wakes) signal() {
	if len(w.queues) == 0 {
		return
	}
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// take returns one of the queues, unless there are none.
func (w *wakes) take() (queue string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.signal()
	for queue := range w.queues {
		delete(w.queues, queue)
		return queue, true
	}
	return "", false
}

// WaitForNotification implements riverdriver.Listener.
func (w *wakes) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-w.some:
		}
		if queue, ok := w.take(); ok {
			payload, err := json.Marshal(map[string]string{"queue": queue})
			return &riverdriver.Notification{Topic: insertTopic, Payload: string(payload)}, err
		}
	}
}

// Close implements riverdriver.Listener.
func (*wakes) Close(context.Context) error { return nil }

// Connect implements riverdriver.Listener.
func (*wakes) Connect(context.Context) error { return nil }

// Listen implements riverdriver.Listener.
func (*wakes) Listen(context.Context, string) error { return nil }

// Unlisten implements riverdriver.Listener.
func (*wakes) Unlisten(context.Context, string) error { return nil }

// Ping implements riverdriver.Listener.
func (*wakes) Ping(context.Context) error { return nil }

// Schema implements riverdriver.Listener.
func (*wakes) Schema() string { return "" }

// SetAfterConnectExec implements riverdriver.Listener.
func (*wakes) SetAfterConnectExec(string) {}
