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
	"sshkeybot/internal/workflow"
)

const (
	pollEvery = 200 * time.Millisecond
	// drawnWithin is how long the command waits until Slack shows a finished offboarding. What
	// Slack does not show by then, a running bot will.
	drawnWithin = 10 * time.Second
	// haltSure is how long a target must refuse the token before the command says so. A halt
	// from before the command started ends at the first call, if the token is right now.
	haltSure = 3 * time.Second
)

// follower prints how the work on a request goes on: a line for each server where something
// happened.
type follower struct {
	service  *workflow.Service
	outbox   delivery.Store
	out      io.Writer
	told     map[int64]string // the last line for each server
	toldHalt bool
	halted   string    // since when a target refuses the token; empty while none does
	seen     time.Time // when the follower noticed that
}

func newFollower(service *workflow.Service, outbox delivery.Store, out io.Writer) *follower {
	return &follower{service: service, outbox: outbox, out: out, told: map[int64]string{}}
}

// follow prints the progress until no work is left that can be done now, or ctx ends, and
// returns the request as it is then.
func (f *follower) follow(ctx context.Context, id int64) (workflow.RequestView, error) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var restSince time.Time
	for {
		over := ctx.Err() != nil // look once more, then return
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

// atEnd reports whether every removal and every reading is done, or refused for good.
func atEnd(results []access.Result) bool {
	open := slices.ContainsFunc(results, func(r access.Result) bool {
		return r.Phase != access.PhaseAdd && !r.State.Final() && r.State != access.Failed
	})
	return len(results) > 0 && !open
}

// haltedSince returns since when the first of these targets has refused our credentials, so
// that its work waits, in RFC 3339. It is empty if there are none.
func haltedSince(halted []access.TargetState) string {
	if len(halted) == 0 {
		return ""
	}
	first := slices.MinFunc(halted, func(a, b access.TargetState) int { return a.HaltedAt.Compare(b.HaltedAt) })
	return first.HaltedAt.UTC().Format(time.RFC3339)
}

func (f *follower) tell(ctx context.Context, view workflow.RequestView) error {
	halted, err := f.service.Engine.Halted(ctx)
	if err != nil {
		return err
	}
	since := haltedSince(halted)
	switch {
	case since == "" || f.halted == "":
		f.seen = time.Now()
	case !f.toldHalt && time.Since(f.seen) > haltSure:
		f.toldHalt = true
		for _, t := range halted {
			fmt.Fprintf(f.out, "%s refuses the token (401), so all work there waits: the token is wrong, or this machine's address is not on the allow list.\n", plain(f.service.Engine.Title(t.Name)))
		}
	}
	f.halted = since
	for _, s := range byServer(view.Results) {
		if text := s.say(); text != "" && text != f.told[s.id] {
			f.told[s.id] = text
			fmt.Fprintf(f.out, "%s: %s\n", plain(s.name), plain(text))
		}
	}
	return nil
}

// serverWork is the results of a request on one server.
type serverWork struct {
	id      int64
	name    string
	target  string // what people call its target
	results []access.Result
}

// byServer returns the results by server, without additions and readings of lists of servers.
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
			all = append(all, serverWork{id: r.ServerID, name: r.ServerName, target: r.TargetTitle})
		}
		all[i].results = append(all[i].results, r)
	}
	return all
}

// say returns a line about the server, or "" if there is nothing to say: the work goes on
// without trouble, or the server had no key of theirs.
func (s serverWork) say() string {
	removed, kept, lost := 0, 0, 0
	for _, r := range s.results {
		switch {
		case !r.State.Final() && (r.State == access.Failed || r.Problem != access.NoProblem):
			return "still owed, " + why(s.target, r.Problem, r.Detail)
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
		parts = append(parts, counted(lost, "key")+" out of reach: "+why(s.target, access.ProblemServerLeft, ""))
	}
	return strings.Join(parts, ", ")
}
