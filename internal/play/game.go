package play

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sshkeybot/internal/sim/octopussim"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/scalingosim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/store"
)

// game is a world that people play in, from one reset to the next.
type game struct {
	*World
	ledger   *store.Store
	farm     *farm
	logins   map[string]Login // by user ID
	dir      string
	changed  *changes
	prologue int64 // the last request of before the tour
	watching context.CancelFunc
	watched  sync.WaitGroup

	mu     sync.Mutex
	seen   map[seenBy]string // the last message that somebody has seen
	broken map[int64]bool    // servers that were ill while the bot had something to do there
	healed bool              // one of them is in order again, and settled
}

// seenBy is a person and a place.
type seenBy struct{ person, place string }

// yesterday is how long before the present a game begins: what happened before somebody came to it.
const yesterday = 25 * time.Hour

// open opens a world in a folder of its own below Dir, and plays what happened before somebody came to it.
func open(ctx context.Context, o Options, logins map[string]Login, changed *changes) (*game, error) {
	var err error
	if o.Dir, err = os.MkdirTemp(o.Dir, "world-"); err != nil {
		return nil, err
	}
	o.Ago = yesterday
	world, err := Open(o)
	if err != nil {
		return nil, err
	}
	g := &game{World: world, logins: logins, dir: o.Dir, changed: changed, seen: map[seenBy]string{}, broken: map[int64]bool{}, watching: func() {}}
	if err := g.begin(ctx); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

func (g *game) begin(ctx context.Context) (err error) {
	if err := g.AddDeployments(); err != nil {
		return err
	}
	if err := g.startBot(ctx); err != nil {
		return err
	}
	if g.ledger, err = openLedger(ctx, g.World); err != nil {
		return err
	}
	if err := g.before(ctx); err != nil {
		return err
	}
	g.Clock.Move(yesterday)
	g.seeAll()
	if g.farm, err = g.listen(func() said { s, _ := g.read(ctx); return s }); err != nil {
		return err
	}
	t := g.look(said{})
	for _, login := range g.logins {
		if err := login.configure(g.farm.KnownHosts(), t.tiles, g.farm.at); err != nil {
			return err
		}
	}
	g.watch(ctx)
	return nil
}

func (g *game) startBot(ctx context.Context) error {
	return g.Start(ctx, slog.New(slog.DiscardHandler))
}

// before has the people register their keys, and Carol lend Alice the Scalingo account for a week.
func (g *game) before(ctx context.Context) error {
	for person, login := range g.logins {
		if _, err := g.Slack.Command(ctx, person, g.Slack.DM(person), "/sshkey register "+login.Public.Line(login.name+" laptop")); err != nil {
			return err
		}
	}
	if _, err := g.Slack.Command(ctx, Alice, g.Slack.DM(Alice), "/sshkey grant @alice 7d on scalingo for the move to the new region"); err != nil {
		return err
	}
	request, err := g.Posted(ctx, "Request 1:")
	if err != nil {
		return err
	}
	if _, err := g.Slack.Click(ctx, Carol, Ops, request.TS, slacksim.Pick{Label: "Approve"}); err != nil {
		return err
	}
	g.prologue = 1
	return g.Slack.Wait(ctx, func(*slacksim.Workspace) bool { return len(g.Scalingo.Keys()) > 0 }) // the bot tells Slack of it a little later
}

// seeAll has everybody have seen everything.
func (g *game) seeAll() {
	for _, p := range players() {
		for _, place := range roomsOf(p.ID) {
			g.see(viewpoint{As: p.ID, Place: place.ID})
		}
	}
}

// watch wakes who waits after every change, until close.
func (g *game) watch(ctx context.Context) {
	g.RunCloud.OnCall(func(runcloudsim.Call) { g.changed.wake() })
	g.Scalingo.OnCall(func(scalingosim.Call) { g.changed.wake() })
	g.Octopus.OnCall(func(octopussim.Call) { g.changed.wake() })
	ctx, g.watching = context.WithCancel(context.WithoutCancel(ctx))
	g.watched.Go(func() {
		_ = g.Slack.Wait(ctx, func(*slacksim.Workspace) bool { g.changed.wake(); return false }) // until close
	})
}

// read reads what the ledger says now.
func (g *game) read(ctx context.Context) (said, error) {
	return readLedger(ctx, g.ledger, g.Clock.Now(), g.prologue)
}

// truth returns what is, and notes how far the tour is.
func (g *game) truth(ctx context.Context) (truth, error) {
	s, err := g.read(ctx)
	if err != nil {
		return truth{}, fmt.Errorf("the ledger cannot be read: %w", err)
	}
	t := g.look(s)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, server := range t.tiles {
		switch troubled := server.Trouble != inOrder; {
		case troubled && server.Unsettled:
			g.broken[server.ID] = true
		case !troubled && !server.Unsettled && g.broken[server.ID]:
			g.healed = true
		}
	}
	return t, nil
}

// close ends everything of the game, and removes its ledger.
func (g *game) close() error {
	g.watching()
	err := g.World.Close()
	g.watched.Wait()
	if g.farm != nil {
		err = errors.Join(err, g.farm.Close())
	}
	if g.ledger != nil {
		g.ledger.Close()
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}

// newLogins makes key pairs for those who ask for access, in a folder of its own.
func newLogins(dir string) (map[string]Login, error) {
	folder := filepath.Join(dir, "ssh")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	logins := map[string]Login{}
	for _, id := range []string{Alice, Dave} {
		person, _ := playerWith(id)
		login, err := NewLogin(folder, person.Name)
		if err != nil {
			return nil, err
		}
		logins[id] = login
	}
	return logins, nil
}

// sleepUntil is a wait that a change ends early.
func sleepUntil(ctx context.Context, changed <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer.C:
	}
}
