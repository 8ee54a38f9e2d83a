package render

import (
	"cmp"
	"slices"
	"strings"

	"sshkeybot/internal/access"
)

// outcome is what a phase of a request came to on one server: the worst over its keys and system users.
type outcome struct {
	Server  int64
	Name    string
	Phase   access.Phase
	State   access.ResultState
	Of      int             // keys
	Like    int             // of them in State
	Title   string          // what people call the target
	Account bool            // it is an account, and no server
	Results []access.Result // that it sums up
	access.Setback
}

// severity orders states from what needs a person to what needs nobody.
func severity(s access.ResultState) int {
	order := []access.ResultState{
		access.Failed, access.Waiting, access.Unsure, access.OutOfReach, access.Kept, access.Done, access.AlreadyThere, access.Dropped,
	}
	return slices.Index(order, s)
}

// outcomes puts the keys of each server together, one for each server and phase, by phase and name.
func outcomes(results []access.Result) []outcome {
	type place struct {
		phase  access.Phase
		server int64
		target string
	}
	index := map[place]int{}
	var out []outcome
	for _, r := range results {
		if isList(r) && r.State.Final() {
			continue // the list of servers, which is no server
		}
		phase := r.Phase
		if isList(r) {
			phase = access.PhaseInspect // it is shown among them
		}
		at := place{phase, r.ServerID, r.Target}
		i, known := index[at]
		if !known {
			i = len(out)
			index[at] = i
			out = append(out, outcome{Server: r.ServerID, Name: r.ServerName, Phase: phase, State: r.State, Title: r.TargetTitle, Account: r.Account, Setback: r.Setback})
		}
		out[i].add(r)
	}
	slices.SortStableFunc(out, func(a, b outcome) int {
		return cmp.Or(strings.Compare(string(a.Phase), string(b.Phase)), strings.Compare(a.Name, b.Name), cmp.Compare(a.Server, b.Server))
	})
	return out
}

func (o *outcome) add(r access.Result) {
	o.Of++
	o.Results = append(o.Results, r)
	switch was, is := severity(o.State), severity(r.State); {
	case is < was:
		o.State, o.Setback, o.Like = r.State, r.Setback, 1
	case is == was:
		o.Like++
	}
}

// tally counts the servers of one phase by outcome.
type tally struct {
	servers  int
	accounts int // of them that are accounts
	moving   int // expected to change in a moment; what waits for a server may take days
	by       map[access.ResultState]int
}

func tallyOf(results []access.Result, phase access.Phase) tally {
	t := tally{by: map[access.ResultState]int{}}
	for _, o := range outcomes(results) {
		if o.Phase != phase {
			continue
		}
		t.servers++
		if o.Account {
			t.accounts++
		}
		t.by[o.State]++
		if (access.Result{State: o.State, Setback: o.Setback}).Moving() {
			t.moving++
		}
	}
	return t
}

// count writes a number of the places that are counted, with what they are.
func (t tally) count(n int) string { return places(n, t.accounts, t.servers) }

// places writes a number of places with what they are, some or all of which are accounts.
func places(n, accounts, all int) string {
	switch accounts {
	case 0:
		return servers(n)
	case all:
		return count(n, "account", "accounts")
	}
	return count(n, "place", "places")
}

// all writes that it is every place.
func (t tally) all() string {
	switch t.servers {
	case 1:
		return t.count(1)
	case 2:
		_, what, _ := strings.Cut(t.count(2), " ")
		return "both " + what
	}
	return "all " + t.count(t.servers)
}

// open counts the servers that will still change by themselves.
func (t tally) open() int { return t.by[access.Waiting] + t.by[access.Unsure] }

// owed counts the servers where something is left to do, by itself or by a person.
func (t tally) owed() int { return t.open() + t.by[access.Failed] }

// good counts the servers that are done.
func (t tally) good() int { return t.servers - t.owed() - t.by[access.Dropped] }

// notDone writes the counts of what is not plainly done: «2 failed, 1 waiting».
func (t tally) notDone() string {
	return t.words(access.Failed, access.Waiting, access.Unsure, access.OutOfReach, access.AlreadyThere, access.Kept, access.Dropped)
}

func (t tally) words(states ...access.ResultState) string {
	var parts []string
	for _, s := range states {
		if n := t.by[s]; n > 0 {
			parts = append(parts, grouped(n)+" "+stateWord(s))
		}
	}
	return strings.Join(parts, ", ")
}

func stateWord(s access.ResultState) string {
	switch s {
	case access.Done:
		return "done"
	case access.AlreadyThere:
		return "already there"
	case access.Kept:
		return "with a key kept for other access"
	case access.OutOfReach:
		return "out of reach"
	case access.Failed:
		return "failed"
	case access.Waiting:
		return "waiting"
	case access.Unsure:
		return "being checked"
	case access.Dropped:
		return "not needed any more"
	}
	return "unknown"
}
