package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow"
)

const (
	lookEvery = 200 * time.Millisecond
	// drawnWithin is how long a finished offboarding is given to show in Slack before
	// the command ends; what is not shown then, the bot shows.
	drawnWithin = 10 * time.Second
	// haltSure is how long RunCloud must refuse the token before that is told: what
	// is left of an old refusal is gone at the first question.
	haltSure = 3 * time.Second
)

// follower tells how the work on a request goes, a line for each server that has
// something to say.
type follower struct {
	service  *workflow.Service
	outbox   delivery.Store
	out      io.Writer
	told     map[int64]string // by server
	toldHalt bool
	halted   string    // since when RunCloud refuses the token; empty while it does not
	seen     time.Time // when that was noticed here
}

func newFollower(service *workflow.Service, outbox delivery.Store, out io.Writer) *follower {
	return &follower{service: service, outbox: outbox, out: out, told: map[int64]string{}}
}

// follow answers the request as it stands when nothing of it moves by itself any
// more, or when ctx ends.
func (f *follower) follow(ctx context.Context, id int64) (workflow.RequestView, error) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var restSince time.Time
	for {
		over := ctx.Err() != nil // this is the last look
		view, err := f.service.View(context.WithoutCancel(ctx), id)
		if err != nil {
			return view, err
		}
		if err := f.tell(context.WithoutCancel(ctx), view); err != nil {
			return view, err
		}
		if !atEnd(view.Results) {
			restSince = time.Time{}
		} else if restSince.IsZero() {
			restSince = time.Now()
		}
		drawn, err := delivery.Shown(context.WithoutCancel(ctx), f.outbox, id)
		if err != nil {
			return view, err
		}
		if over || !restSince.IsZero() && (drawn || time.Since(restSince) > drawnWithin) {
			return view, nil
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// atEnd tells that every removal and every reading is done, or refused for good.
func atEnd(results []access.Result) bool {
	open := slices.ContainsFunc(results, func(r access.Result) bool {
		return r.Phase != access.PhaseAdd && !r.State.Final() && r.State != access.Failed
	})
	return len(results) > 0 && !open
}

// haltedSince returns since when work waits on a target that refuses our credentials, in
// RFC 3339; empty while it does on none.
func haltedSince(ctx context.Context, engine *reconcile.Engine) (string, error) {
	halted, err := engine.Halted(ctx)
	if err != nil || len(halted) == 0 {
		return "", err
	}
	first := slices.MinFunc(halted, func(a, b access.TargetState) int { return a.HaltedAt.Compare(b.HaltedAt) })
	return first.HaltedAt.UTC().Format(time.RFC3339), nil
}

func (f *follower) tell(ctx context.Context, view workflow.RequestView) error {
	halted, err := haltedSince(ctx, f.service.Engine)
	if err != nil {
		return err
	}
	switch {
	case halted == "" || f.halted == "":
		f.seen = time.Now()
	case !f.toldHalt && time.Since(f.seen) > haltSure:
		f.toldHalt = true
		fmt.Fprintln(f.out, "RunCloud answers 401, so all work waits: the API token is wrong, or the address that calls is not on the workspace's allow list.")
	}
	f.halted = halted
	for _, s := range byServer(view.Results) {
		if text := s.say(); text != "" && text != f.told[s.id] {
			f.told[s.id] = text
			fmt.Fprintf(f.out, "%s: %s\n", plain(s.name), plain(text))
		}
	}
	return nil
}

// serverWork is what the request came to on one server.
type serverWork struct {
	id      int64
	name    string
	results []access.Result
}

// byServer leaves out the reading of the list of servers, which is about none.
func byServer(results []access.Result) (all []serverWork) {
	index := map[int64]int{}
	for _, r := range results {
		if r.Phase == access.PhaseList || r.Phase == access.PhaseAdd {
			continue
		}
		i, known := index[r.ServerID]
		if !known {
			i = len(all)
			index[r.ServerID] = i
			all = append(all, serverWork{id: r.ServerID, name: r.ServerName})
		}
		all[i].results = append(all[i].results, r)
	}
	return all
}

// say is empty where there is nothing to say: the work goes on without trouble, or the
// server had no key of theirs.
func (s serverWork) say() string {
	removed, kept, lost := 0, 0, 0
	for _, r := range s.results {
		switch {
		case !r.State.Final() && (r.State == access.Failed || r.Problem != access.NoProblem):
			return "still owed, " + why(r.Problem, r.Detail)
		case !r.State.Final():
			return ""
		case r.Phase == access.PhaseRemove && r.State == access.Kept:
			kept++
		case r.Phase == access.PhaseRemove && r.State == access.OutOfReach:
			lost++
		case r.Phase == access.PhaseRemove:
			removed++
		}
	}
	var parts []string
	if removed > 0 {
		parts = append(parts, counted(removed, "key")+" removed")
	}
	if kept > 0 {
		parts = append(parts, counted(kept, "key")+" kept for another grant")
	}
	if lost > 0 {
		parts = append(parts, counted(lost, "key")+" out of reach: "+why(access.ProblemServerLeft, ""))
	}
	return strings.Join(parts, ", ")
}
