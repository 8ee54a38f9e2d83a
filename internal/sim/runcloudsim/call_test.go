package runcloudsim

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCallLog(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{})
	path := fmt.Sprintf("/servers/%d/ssh/credentials", id)
	b.post(id, keyForm(t, 1, "a"))
	b.clock.add(time.Second)
	b.want("DELETE", path+"/4701", nil, 200, "")
	b.want("DELETE", path+"/4701", nil, 404, "")
	b.want("GET", "/nowhere", nil, 404, "")
	want := []Call{
		{start, "POST", OpCreate, id, After, true},
		{start.Add(time.Second), "DELETE", OpDelete, id, After, true},
		{start.Add(time.Second), "DELETE", OpDelete, id, After, false},
		{start.Add(time.Second), "GET", OpOther, 0, After, false},
	}
	if diff := cmp.Diff(want, b.Calls()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b.Count(OpDelete) != 2 || b.Count(OpAny) != 4 || b.Count(OpPing) != 0 {
		t.Errorf("counts %d %d", b.Count(OpDelete), b.Count(OpAny))
	}
	b.ResetCalls()
	if len(b.Calls()) != 0 || b.Count(OpAny) != 0 {
		t.Error("not reset")
	}
}

func TestResetInTheMiddleOfACall(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	b.OnCall(func(Call) { b.ResetCalls() })
	b.want("GET", "/ping", nil, 200, "")
	b.until("ended", func() bool { return b.inFlight() == 0 })
	if len(b.Calls()) != 0 {
		t.Errorf("log %v", b.Calls())
	}
}

func TestHookSeesBothSidesOfAWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t, Rules{})
	id := b.AddServer(Server{})
	type seen struct {
		Phase
		Applied bool
		Keys    int
	}
	got := make(chan seen, 4)
	b.OnCall(func(c Call) { got <- seen{c.Phase, c.Applied, len(b.Keys(c.Server))} })
	b.Fault(FaultRule{Kind: FaultDrop, After: true})
	if r := b.post(id, keyForm(t, 1, "a")); r.err == nil {
		t.Errorf("answered %d", r.status)
	}
	b.OnCall(nil)
	close(got)
	var all []seen
	for s := range got {
		all = append(all, s)
	}
	if diff := cmp.Diff([]seen{{Before, false, 0}, {After, true, 1}}, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManyClients(t *testing.T) {
	t.Parallel()
	const servers, workers = 500, 32
	b := newBench(t, Rules{})
	ids := b.AddServers(servers)
	var arrived atomic.Int32
	all := make(chan struct{})
	b.OnCall(func(c Call) {
		if c.Phase == Before && arrived.Add(1) == workers {
			close(all)
		}
		select { // no call is answered before all are there
		case <-all:
		case <-t.Context().Done():
		}
	})
	queue := make(chan int64, servers)
	for _, id := range ids {
		queue <- id
	}
	close(queue)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for id := range queue {
				if r := b.post(id, keyForm(t, 1, "a")); r.status != 200 {
					t.Errorf("server %d: %d %v", id, r.status, r.err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(b.AllKeys()); got != servers {
		t.Errorf("%d keys", got)
	}
}
