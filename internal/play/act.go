package play

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/sim/slacksim"
)

// call is what somebody does on the page. Which fields count depends on Act.
type call struct {
	viewpoint

	Act     string
	Text    string                         // what is typed
	In      string                         // what a button is in: "message", "only" (one that only they see), "view" or "home"
	Channel string                         // of the message
	TS      string                         // of the message
	View    string                         // the modal
	Block   string                         // of a field in it
	Action  string                         // of a button or menu
	Value   string                         // of a button
	Choose  string                         // of a menu
	Values  map[string]map[string][]string // of a form, by block and action
	Name    string                         // of a trouble, toggle or shortcut
	Server  int64
	On      bool
	By      string // how far the clock goes
	Servers int    // how many the account shall have
}

// acts are what somebody can do, by name.
var acts = map[string]func(*Page, context.Context, *game, call) (answer, error){
	"type": (*Page).typeText, "click": (*Page).click, "shortcut": (*Page).shortcut, "suggest": (*Page).suggest, "submit": (*Page).submit, "close": (*Page).closeModal, "home": (*Page).openHome,
	"complete": (*Page).complete, "follow": (*Page).follow, "tab": (*Page).tab,
	"trouble": (*Page).trouble, "cut": (*Page).cut, "toggle": (*Page).toggle, "clock": (*Page).moveClock, "reset": (*Page).resetGame,
}

// inSlack are the acts of a person in Slack.
var inSlack = []string{"type", "click", "shortcut", "suggest", "submit", "close", "home"}

// act does what somebody does on the page, and replies when Slack would.
func (p *Page) act(w http.ResponseWriter, r *http.Request) {
	var c call
	if !decode(w, r, &c) {
		return
	}
	do, known := acts[c.Act]
	if !known {
		reply(w, http.StatusBadRequest, answer{Error: "There is no such act."})
		return
	}
	c.viewpoint = c.corrected()
	g := p.current()
	if slices.Contains(inSlack, c.Act) && !g.in(c.As) {
		reply(w, http.StatusOK, answer{Error: nameOf(c.As) + " cannot do anything in Slack: the account is deactivated."})
		return
	}
	done, err := do(p, context.WithoutCancel(r.Context()), g, c)
	p.changed.wake()
	if err != nil {
		done.Error = sentence(err)
	}
	reply(w, http.StatusOK, done)
}

// sentence returns an error as somebody reads it.
func sentence(err error) string {
	text := strings.TrimPrefix(err.Error(), "slacksim: ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// outcome returns the error of what Slack delivered to nobody.
func outcome(o slacksim.Outcome, err error) error {
	switch {
	case err != nil:
		return err
	case o.Error == "dispatch_failed":
		return errors.New("the app is not connected to Slack (dispatch_failed)")
	case !o.Acked:
		return errors.New("the app did not answer in time (operation_timeout)")
	}
	return nil
}

func (p *Page) typeText(ctx context.Context, g *game, c call) (answer, error) {
	channel, text := g.channel(c.viewpoint), strings.TrimSpace(c.Text)
	switch {
	case text == "":
		return answer{}, nil
	case strings.HasPrefix(text, "/sshkey"):
		_, err := g.Slack.Command(ctx, c.As, channel, text) // Slackbot says so if it fails
		return answer{}, err
	case strings.HasPrefix(text, "/"):
		return answer{}, errors.New("here is one command only: /sshkey")
	}
	_, err := g.Slack.Say(c.As, channel, text)
	return answer{}, err
}

func (p *Page) click(ctx context.Context, g *game, c call) (answer, error) {
	pick := slacksim.Pick{ActionID: c.Action, Value: c.Value, Choose: c.Choose}
	switch c.In {
	case "only":
		return answer{}, outcome(g.Slack.ClickEphemeral(ctx, c.As, c.TS, pick))
	case "view":
		if err := g.Slack.Enter(c.As, c.View, c.entered()); err != nil {
			return answer{}, err
		}
		return answer{}, outcome(g.Slack.ClickView(ctx, c.As, c.View, pick))
	case "home":
		return answer{}, outcome(g.Slack.ClickHome(ctx, c.As, pick))
	}
	return answer{}, outcome(g.Slack.ClickStale(ctx, c.As, c.Channel, c.TS, pick))
}

// suggest returns what can be chosen in a field of a form, as the bot suggests.
func (p *Page) suggest(ctx context.Context, g *game, c call) (answer, error) {
	result, err := g.Slack.Suggest(ctx, c.As, c.View, c.Block, c.Action, c.Text)
	if err := outcome(result.Outcome, err); err != nil {
		return answer{}, err
	}
	if result.Error != "" {
		return answer{}, fmt.Errorf("what the app suggests is not taken by Slack (%s)", result.Error)
	}
	var all []suggestion
	for _, o := range result.Options {
		all = append(all, suggestion{o.Value, o.Text, o.Group})
	}
	return answer{Suggestions: all}, nil
}

func (p *Page) submit(ctx context.Context, g *game, c call) (answer, error) {
	result, err := g.Slack.Submit(ctx, c.As, c.View, c.entered())
	return answer{Errors: result.Errors}, outcome(result.Outcome, err)
}

// entered returns what the fields of a form hold.
func (c call) entered() map[string]map[string]any {
	values := map[string]map[string]any{}
	for block, actions := range c.Values {
		values[block] = map[string]any{}
		for action, value := range actions {
			values[block][action] = value
		}
	}
	return values
}

func (p *Page) closeModal(ctx context.Context, g *game, c call) (answer, error) {
	return answer{}, g.Slack.CloseView(c.As, c.View)
}

func (p *Page) openHome(ctx context.Context, g *game, c call) (answer, error) {
	result, err := g.Slack.OpenHome(ctx, c.As)
	return answer{}, outcome(result.Outcome, err)
}

// follow returns where somebody reads the message of a permalink.
func (p *Page) follow(_ context.Context, g *game, c call) (answer, error) {
	m, there := g.Slack.Message(c.Channel, c.TS)
	for _, r := range roomsOf(c.As) {
		if there && !m.Deleted && r.ID != placeHome && g.channel(viewpoint{As: c.As, Place: r.ID}) == c.Channel {
			return answer{Place: r.ID, Thread: m.ThreadTS}, nil
		}
	}
	return answer{}, errors.New("that message is gone, or you are not in its channel")
}

// tab returns a key for another tab.
func (p *Page) tab(context.Context, *game, call) (answer, error) {
	return answer{Key: p.keys.key()}, nil
}

// trouble gives a server a trouble, or ends it, and moves the clock where that is asked for as well.
func (p *Page) trouble(ctx context.Context, g *game, c call) (answer, error) {
	if !g.setTrouble(c.Server, c.Name) {
		return answer{}, errors.New("there is no such server, or no such trouble")
	}
	if c.By != "" {
		return p.moveClock(ctx, g, c)
	}
	return answer{}, nil
}

// cut cuts the connections between Slack and the bot, which connects again.
func (p *Page) cut(_ context.Context, g *game, _ call) (answer, error) {
	g.Slack.DropSockets()
	return answer{}, nil
}

func (p *Page) toggle(ctx context.Context, g *game, c call) (answer, error) {
	switch c.Name {
	case toggleBot:
		if c.On {
			return answer{}, g.startBot(ctx)
		}
		g.Kill()
		return answer{}, nil
	case toggleSlack, toggleToken, toggleScalingo:
		return answer{}, g.turn(c.Name, c.On)
	}
	if !slices.ContainsFunc(g.toggles(), func(t toggle) bool { return t.Name == c.Name }) {
		return answer{}, errors.New("there is no such switch")
	}
	return answer{}, g.setActive(ctx, c.Name, c.On)
}

const (
	afterwards   = time.Second      // how far the clock goes beyond a moment, so that it has passed
	endsTogether = 30 * time.Minute // what ends within that time after the next end is reached by the same jump
	sweepWithin  = 5 * time.Second  // how long an end is waited for, of a bot that may not run
)

func (p *Page) moveClock(ctx context.Context, g *game, c call) (answer, error) {
	s, err := g.read(ctx)
	if err != nil {
		return answer{}, err
	}
	switch c.By {
	case "quarter":
		g.Clock.Move(15 * time.Minute)
	case "day":
		g.Clock.Move(24 * time.Hour)
	case "reminder":
		err = g.reach(s.reminder, c.By)
	case "end":
		last := s.end.Add(endsTogether)
		for err = g.reach(s.end, c.By); err == nil && g.waitForSweep(ctx, &s) && s.end.Before(last); {
			err = g.reach(s.end, c.By)
		}
	default:
		err = errors.New("the clock cannot be moved so")
	}
	return answer{}, err
}

// reach moves the clock just beyond a moment, zero if there is none of that name.
func (g *game) reach(when time.Time, name string) error {
	if when.IsZero() {
		return fmt.Errorf("nobody has access that ends, so there is no %s to come", name)
	}
	g.Clock.Move(when.Sub(g.Clock.Now()) + afterwards)
	return nil
}

// waitForSweep waits until the bot has ended what was to end, and reports whether something else ends later, which it then
// puts into s. One that ends after another is not to be late because of that.
func (g *game) waitForSweep(ctx context.Context, s *said) bool {
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	for ctx.Err() == nil {
		next := g.changed.wait()
		now, err := g.read(ctx)
		if err == nil && now.overdue == 0 {
			*s = now
			return !now.end.IsZero()
		}
		sleepUntil(ctx, next, 50*time.Millisecond)
	}
	return false
}

// setActive activates or deactivates somebody's Slack account.
func (g *game) setActive(ctx context.Context, person string, active bool) error {
	set := g.Slack.Deactivate
	if active {
		set = g.Slack.Reactivate
	}
	_, err := set(ctx, person)
	return err
}

func (p *Page) resetGame(ctx context.Context, _ *game, c call) (answer, error) {
	if c.Servers < MinServers || c.Servers > MaxServers {
		return answer{}, fmt.Errorf("the account can have %d to %d servers", MinServers, MaxServers)
	}
	return answer{}, p.reset(ctx, c.Servers)
}
