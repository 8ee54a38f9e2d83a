package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

// A target may be given another name in the settings, as when one account becomes the first of
// several. What was placed there would be owed for ever by a target that nobody configures any
// more. So before the servers of a target are stored that has none in the ledger yet, they are
// compared with those of the targets that are not configured: if nearly all of one's are among
// them, by ID and by name, and no other target has any of them, it is the same target by
// another name, and the ledger calls it by that from then on. While another target may have
// them, too, nothing is stored of either: the same server would be in the ledger twice, and a
// key that is placed on the one would not be known of the other.

// adoptFormer gives a target of which a list was read the servers of the target that it was before,
// if it was one. The error says why that cannot be told yet, and that the list must not be stored.
func (e *Engine) adoptFormer(ctx context.Context, tx access.Tx, t access.Target, list []access.Server) error {
	all, err := tx.AllServers(ctx)
	if err != nil || slices.ContainsFunc(all, func(s access.Server) bool { return s.Target == t.Name() }) {
		return err
	}
	former := e.formerNames(all, t, list)
	if len(former) == 0 {
		return nil
	}
	from := former[0]
	if len(former) > 1 {
		return undecided(e.Title(t.Name()) + " has the servers of " + strings.Join(former, " and of ") + ", which are not among my targets any more. Configure it under the name of the right one.")
	}
	if past, err := access.AdoptionOf(ctx, tx, from); err != nil || !e.Started.IsZero() && past.At.After(e.Started) {
		return errors.Join(err, undecided("Another process, with newer settings than mine, calls "+e.Title(t.Name())+" «"+from+"» now."))
	}
	if err := e.refuseDoubtful(ctx, tx, all, from, t); err != nil {
		return err
	}
	return e.rename(ctx, tx, from, t)
}

// formerNames returns the targets that are not configured any more and whose servers these are.
func (e *Engine) formerNames(all []access.Server, t access.Target, list []access.Server) (names []string) {
	listed := make(map[string]string, len(list))
	for _, s := range list {
		s.Target = t.Name()
		listed[s.ExternalID] = s.Bare()
	}
	there, same := map[string]int{}, map[string]int{}
	for _, s := range all {
		if _, err := e.target(s.Target); err == nil || s.Gone() {
			continue
		}
		there[s.Target]++
		if name, ok := listed[s.ExternalID]; ok && name == s.Bare() {
			same[s.Target]++
		}
	}
	for name, n := range same {
		if 10*n >= 9*there[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// refuseDoubtful returns an error while another target than t may have the servers of the target
// from, or has some of them.
func (e *Engine) refuseDoubtful(ctx context.Context, tx access.Tx, all []access.Server, from string, t access.Target) error {
	of := map[[2]string]bool{}
	for _, s := range all {
		if s.Target == from {
			of[[2]string{s.ExternalID, s.Bare()}] = true
		}
	}
	begin := e.Title(t.Name()) + " has the servers of «" + from + "», which is not among my targets any more. "
	for _, other := range e.Targets {
		if _, lends := other.(access.Lender); lends || other.Name() == t.Name() {
			continue
		}
		state, err := tx.Target(ctx, other.Name())
		switch {
		case err != nil:
			return err
		case state.ListedAt.IsZero():
			return undecided(begin + "I take over what I placed there once I know that " + other.Title() + " does not have them, too. If both have them, configure the right one under the name «" + from + "».")
		case slices.ContainsFunc(all, func(s access.Server) bool { return s.Target == other.Name() && of[[2]string{s.ExternalID, s.Bare()}] }):
			return undecided(begin + other.Title() + " has some of them, too. Configure the one that it was before under the name «" + from + "».")
		}
	}
	return nil
}

// undecided is why the list of a target is not stored.
func undecided(message string) error {
	return &access.Error{Code: access.Unavailable, Op: "adopt", Message: message}
}

// rename has the ledger call the target from by the name of t, and all that waits on its servers
// tried at once.
func (e *Engine) rename(ctx context.Context, tx access.Tx, from string, t access.Target) error {
	open, err := tx.OpenLists(ctx, from)
	if err != nil {
		return err
	}
	servers, err := tx.RenameTarget(ctx, from, t.Name())
	if err != nil {
		return err
	}
	state, err := tx.Target(ctx, t.Name())
	if err == nil && state.ID == 0 {
		state, err = tx.SaveTarget(ctx, state)
	}
	if err != nil {
		return err
	}
	if err := e.moveCalls(ctx, tx, from, t.Name()); err != nil {
		return err
	}
	now := e.Now()
	if err := access.KeepAdoption(ctx, tx, t.Name(), access.Adoption{From: from, At: now}); err != nil {
		return err
	}
	if err := access.Record(ctx, tx, now, "", access.DidTargetAdopt, access.NounTarget, state.ID, from, t.Name(), from+" is "+t.Name()+" now"); err != nil {
		return err
	}
	key := "adopted:" + from + ":" + t.Name() + ":" + now.UTC().Format(time.RFC3339Nano)
	if err := tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeAdopted, Target: t.Title(), Detail: from}); err != nil {
		return err
	}
	if len(open) > 0 {
		if err := tx.Wake(ctx, access.Work{Kind: access.WorkList, ID: state.ID}); err != nil {
			return err
		}
	}
	if err := e.makeDue(ctx, tx, servers, now); err != nil {
		return err
	}
	return announceUnsettled(ctx, tx)
}

// FindRenamed reads the lists of servers from which it can be told whether a target that is
// configured is one of before by another name. It reads those that were never read while the
// ledger knows a target that is not configured, and each once after other targets were configured,
// which may change what the servers are called.
func (e *Engine) FindRenamed(ctx context.Context) error {
	unread, err := e.unreadTargets(ctx)
	for progress := true; progress && err == nil; {
		progress = false
		var left []access.Target
		var trouble error
		for _, t := range unread {
			if err := e.refreshServers(ctx, t, freshness{within: ServersFresh}); err != nil {
				left, trouble = append(left, t), errors.Join(trouble, e.haltOr(ctx, t.Name(), err))
				continue
			}
			progress = true // what was read may settle what another one waits for
		}
		if unread = left; len(left) == 0 || !progress {
			return trouble
		}
	}
	return err
}

// unreadTargets returns the targets whose lists FindRenamed is to read now.
func (e *Engine) unreadTargets(ctx context.Context) (unread []access.Target, err error) {
	if err := e.noteConfigured(ctx); err != nil {
		return nil, err
	}
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		known, err := tx.Targets(ctx)
		former := slices.ContainsFunc(known, func(s access.TargetState) bool {
			_, err := e.target(s.Name)
			return err != nil
		})
		for _, t := range e.Targets {
			i := slices.IndexFunc(known, func(s access.TargetState) bool { return s.Name == t.Name() })
			if i < 0 && former || i >= 0 && known[i].ListedAt.IsZero() && !known[i].Halted() {
				unread = append(unread, t)
			}
		}
		return err
	})
	return slices.DeleteFunc(unread, func(t access.Target) bool {
		return refuseWhilePaused(t, access.Reading) != nil || !e.local(t.Name()).listing.take(e.Now())
	}), err
}

// flagConfigured keeps the names of the targets that were configured last.
const flagConfigured = "targets"

// noteConfigured has every list of servers read anew, once in the life of this process, if other
// targets are configured than before.
func (e *Engine) noteConfigured(ctx context.Context) error {
	if e.noted.Load() {
		return nil
	}
	names := make([]string, len(e.Targets))
	for i, t := range e.Targets {
		names[i] = t.Name()
	}
	now := strings.Join(names, ",")
	err := e.Store.Update(ctx, func(tx access.Tx) error {
		before, err := tx.Flag(ctx, flagConfigured)
		if err != nil || before == now {
			return err
		}
		known, err := tx.Targets(ctx)
		for _, state := range known {
			if state.ListedAt = (time.Time{}); err == nil && slices.Contains(names, state.Name) {
				_, err = tx.SaveTarget(ctx, state)
			}
		}
		return errors.Join(err, tx.SetFlag(ctx, flagConfigured, now))
	})
	e.noted.Store(err == nil)
	return err
}
