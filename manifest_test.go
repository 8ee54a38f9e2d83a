package sshkeybot

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/sim/slacksim"
)

// manifest returns manifest.yml, and fails the test if it has a key that Slack does not know.
func manifest(t *testing.T) slack.Manifest {
	t.Helper()
	var m slack.Manifest
	decoder := yaml.NewDecoder(strings.NewReader(Manifest))
	decoder.KnownFields(true)
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// The maximum lengths are from Slack's app manifest reference.
func TestManifestLengths(t *testing.T) {
	t.Parallel()
	m := manifest(t)
	if len(m.Features.SlashCommands) != 1 {
		t.Fatalf("%d slash commands", len(m.Features.SlashCommands))
	}
	if len(m.Features.Shortcuts) != 1 {
		t.Fatalf("%d shortcuts", len(m.Features.Shortcuts))
	}
	command, shortcut := m.Features.SlashCommands[0], m.Features.Shortcuts[0]
	for _, tt := range []struct {
		what, text string
		limit      int
		pattern    string
	}{
		{"name", m.Display.Name, 35, `.`},
		{"description", m.Display.Description, 140, `.`},
		{"background color", m.Display.BackgroundColor, 7, `^#[0-9a-f]{6}$`},
		{"display name", m.Features.BotUser.DisplayName, 80, `^[a-z0-9._-]+$`},
		{"command", command.Command, 32, `^/[a-z0-9_-]+$`},
		{"command's description", command.Description, 2000, `.`},
		{"usage hint", command.UsageHint, 1000, `.`},
		{"shortcut's name", shortcut.Name, 24, `.`},
		{"shortcut's callback", shortcut.CallbackID, 255, `.`},
		{"shortcut's description", shortcut.Description, 150, `.`},
	} {
		if n := utf8.RuneCountInString(tt.text); n > tt.limit || !regexp.MustCompile(tt.pattern).MatchString(tt.text) {
			t.Errorf("%s: %q has %d characters of %d, or is not %s", tt.what, tt.text, n, tt.limit, tt.pattern)
		}
	}
}

// The settings that the bot needs: without them the manifest is valid, but Slack sends the bot
// nothing.
func TestManifestSettings(t *testing.T) {
	t.Parallel()
	m := manifest(t)
	command, settings := m.Features.SlashCommands[0], m.Settings
	if settings.Interactivity == nil || settings.EventSubscriptions == nil {
		t.Fatal("no interactivity, or no events")
	}
	for what, ok := range map[string]bool{
		"major version 1":       m.Metadata.MajorVersion == 1,
		"Socket Mode":           settings.SocketModeEnabled,
		"interactivity":         settings.Interactivity.IsEnabled,
		"the Home tab":          m.Features.AppHome.HomeTabEnabled,
		"direct messages":       m.Features.AppHome.MessagesTabEnabled,
		"typing in them":        !m.Features.AppHome.MessagesTabReadOnlyEnabled,
		"mentions as user IDs":  command.ShouldEscape,
		"a shortcut anywhere":   m.Features.Shortcuts[0].Type == slack.GlobalShortcut,
		"a command without url": command.Url == "",
		"no request_url":        settings.EventSubscriptions.RequestUrl+settings.Interactivity.RequestUrl == "",
		"a token that stays":    !settings.TokenRotationEnabled,
		"no rights of a person": len(m.OAuthConfig.Scopes.User)+len(settings.EventSubscriptions.UserEvents) == 0,
	} {
		if !ok {
			t.Errorf("the manifest lacks %s", what)
		}
	}
}

// events are the events that the bot acts on, with the scope that each needs.
var events = map[string]string{"app_home_opened": "", "user_change": "users:read"}

// methods are the methods of slackapi.Client, with the scopes that they need. A method without
// one needs only the token, or a secret address.
var methods = map[string][]string{
	"Post":          {"chat:write", "chat:write.public"},
	"Update":        {"chat:write"},
	"PostEphemeral": {"chat:write"},
	"Permalink":     nil,
	"Respond":       nil,
	"OpenModal":     nil,
	"UpdateModal":   nil,
	"PublishHome":   nil,
	"Upload":        {"files:write"},
	"UploadFile":    {"files:write"},
	"User":          {"users:read"},
	"Users":         {"users:read"},
	"Group":         {"usergroups:read"},
	"Self":          nil,
	"Refused":       nil,
}

// checked are the scopes for conversations.info, which only internal/check calls, with slack-go itself.
var checked = []string{"channels:read", "groups:read"}

func TestManifestAsksForWhatIsUsed(t *testing.T) {
	t.Parallel()
	m := manifest(t)
	used := map[string]bool{"commands": true}
	api := reflect.TypeFor[*slackapi.Client]()
	for i := range api.NumMethod() {
		name := api.Method(i).Name
		scopes, known := methods[name]
		if !known {
			t.Errorf("which scopes does slackapi.Client.%s need?", name)
		}
		for _, scope := range scopes {
			used[scope] = true
		}
	}
	for _, event := range m.Settings.EventSubscriptions.BotEvents {
		scope, known := events[event]
		if !known {
			t.Errorf("nobody acts on the event %s", event)
		}
		used[scope] = true
	}
	if len(m.Settings.EventSubscriptions.BotEvents) != len(events) {
		t.Errorf("events %v, want %v", m.Settings.EventSubscriptions.BotEvents, events)
	}
	for _, scope := range checked {
		used[scope] = true
	}
	delete(used, "")
	var want []string
	for scope := range used {
		want = append(want, scope)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, m.OAuthConfig.Scopes.Bot); diff != "" {
		t.Errorf("scopes (-used +asked):\n%s", diff)
	}
}

// This checks the table above by making the calls: with every scope all of them succeed, and
// without any one scope some do not.
func TestManifestScopesSuffice(t *testing.T) {
	t.Parallel()
	scopes := manifest(t).OAuthConfig.Scopes.Bot
	if failed := callAll(t, scopes); len(failed) > 0 {
		t.Errorf("with every scope of the manifest: %v", failed)
	}
	for i, scope := range scopes {
		if scope == "commands" { // needed for the command to exist, but not for a call
			continue
		}
		if failed := callAll(t, slices.Delete(slices.Clone(scopes), i, i+1)); len(failed) == 0 {
			t.Errorf("nothing fails without %s", scope)
		}
	}
}

// callAll makes the calls that need a scope, and returns those that were refused.
func callAll(t *testing.T, scopes []string) []error {
	t.Helper()
	w := slacksim.New(slacksim.Options{Scopes: scopes})
	t.Cleanup(w.Close)
	url, err := w.Start()
	if err != nil {
		t.Fatal(err)
	}
	w.AddUser(slacksim.User{ID: "U1", Name: "one"})
	w.AddUserGroup("S1", "all", "U1")
	w.AddChannel(slacksim.Channel{ID: "C1", Name: "joined", Bot: true, Members: []string{"U1"}})
	w.AddChannel(slacksim.Channel{ID: "C2", Name: "public"})
	w.AddChannel(slacksim.Channel{ID: "C3", Name: "private", Bot: true, Private: true})
	check := slack.New(w.BotToken(), slack.OptionAPIURL(url))
	_, open := check.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: "C1"})
	_, private := check.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: "C3"})
	api, ctx, hello := slackapi.New(slackapi.Config{Token: w.BotToken(), URL: url}), t.Context(), render.Say("hello")
	at, err := api.Post(ctx, "C1", "", hello)
	_, direct := api.Post(ctx, "U1", "", hello)
	_, public := api.Post(ctx, "C2", "", hello)
	_, user := api.User(ctx, "U1")
	_, _, list := api.Users(ctx, "")
	_, group := api.Group(ctx, "S1")
	all := []error{
		err, direct, public, user, list, group, open, private,
		api.Update(ctx, at, hello), api.PostEphemeral(ctx, "C1", "U1", hello), api.Upload(ctx, at, "a.txt", "a", []byte("a")),
	}
	return slices.DeleteFunc(all, func(err error) bool { return err == nil })
}

// TestManifestAgainstSlacksTypes checks the manifest against the TypeScript type that Slack
// publishes for the argument of apps.manifest.validate, which has every scope and event.
func TestManifestAgainstSlacksTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages")
	}
	t.Parallel()
	var read map[string]any
	if err := yaml.Unmarshal([]byte(Manifest), &read); err != nil {
		t.Fatal(err)
	}
	literal, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	compile := typeScript(t)
	if out, err := compile(string(literal)); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
	if _, err := compile(strings.Replace(string(literal), "chat:write", "chat:wright", 1)); err == nil {
		t.Error("a scope that Slack does not have was taken")
	}
}
