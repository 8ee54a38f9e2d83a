package play

import (
	"context"
	"errors"
	"slices"

	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"

	"sshkeybot"
)

// shortcuts are the global shortcuts of the app.
var shortcuts = globalShortcuts(sshkeybot.Manifest)

// globalShortcuts returns the global shortcuts that a manifest states.
func globalShortcuts(manifest string) []slack.Shortcut {
	var m slack.Manifest
	if err := yaml.Unmarshal([]byte(manifest), &m); err != nil {
		panic(err) // it is embedded
	}
	return slices.DeleteFunc(m.Features.Shortcuts, func(s slack.Shortcut) bool { return s.Type != slack.GlobalShortcut })
}

// shortcut uses a shortcut of the app.
func (p *Page) shortcut(ctx context.Context, g *game, c call) (answer, error) {
	if !slices.ContainsFunc(shortcuts, func(s slack.Shortcut) bool { return s.CallbackID == c.Name }) {
		return answer{}, errors.New("there is no such shortcut")
	}
	return answer{}, outcome(g.Slack.Shortcut(ctx, c.As, c.Name))
}
