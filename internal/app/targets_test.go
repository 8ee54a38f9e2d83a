package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"sshkeybot/internal/health"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/workflow/workflowtest"
)

// Each target has its own count of calls, its own figures and its own check.
func TestSeveralTargets(t *testing.T) {
	t.Parallel()
	h := workflowtest.NewHarness(t, 1)
	vault := &workflowtest.Vault{}
	h.Engine.Targets = append(h.Engine.Targets, vault)
	a := &App{Service: h.Service, targets: []*configured{
		{target: h.Account, limiter: limiter.New(1)}, {target: vault, limiter: limiter.New(1)},
	}}
	call := func(target, times int) {
		for range times {
			h.Must(a.targets[target].limiter.Do(t.Context(), func() limiter.Answer { return limiter.Answer{Status: http.StatusOK} }))
		}
	}
	call(0, 2)
	call(1, 3)
	h.Must(a.countCalls(t.Context()))
	call(1, 4)
	figures, err := a.targetFigures(t.Context())
	h.Must(err)
	for i := range figures {
		figures[i].Listed, figures[i].ListAge = false, 0
	}
	counted, err := h.Engine.CallsThisMonth(t.Context(), vault.Name())
	h.Must(err)
	want := []health.Target{{Name: h.Account.Name(), CallsThisMonth: 2}, {Name: vault.Name(), CallsThisMonth: 7}}
	if counted != 3 || !slices.Equal(figures, want) {
		t.Errorf("of the vault %d calls are counted, figures %+v", counted, figures)
	}

	h.Must(a.counting.Lock(t.Context())) // as it is while the database takes long
	soon, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.targetFigures(soon); !errors.Is(err, context.Canceled) {
		t.Errorf("a scrape waits longer than it may: %v", err)
	}
	a.counting.Unlock()

	h.MustRegister(workflowtest.Alice, "alice laptop")
	h.Account.Next = func(int64, bool) workflowtest.Fault { return workflowtest.Unauthorized }
	h.Grant(workflowtest.Alice, time.Hour, "")
	h.Work()
	refused := map[string]bool{}
	for _, c := range a.targetChecks() {
		refused[c.Name] = c.Do(t.Context()) != nil
	}
	if len(refused) != 2 || !refused["account"] || refused["vault"] {
		t.Errorf("refused by %v", refused)
	}
}
