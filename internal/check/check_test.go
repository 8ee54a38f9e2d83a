package check_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot"
	"sshkeybot/internal/access"
	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/store"
	"sshkeybot/internal/store/storetest"
)

// scopes are those of the manifest, copied by hand.
var scopes = []string{"channels:read", "chat:write", "chat:write.public", "commands", "files:write", "groups:read", "usergroups:read", "users:read"}

// bench is a checker with simulated services, on all of which it finds nothing wrong.
type bench struct {
	check.Checker
	slack   *slacksim.Workspace
	account *runcloudsim.Account
	servers []int64
	path    string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{slack: slacksim.New(slacksim.Options{Scopes: scopes}), account: runcloudsim.New(runcloudsim.Options{}), path: filepath.Join(t.TempDir(), "bot.db")}
	slackURL, err := b.slack.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.slack.Close)
	accountURL, err := b.account.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.account.Close() })
	for _, id := range []string{"U0BOB", "U0CAROL", "U0DAVE"} {
		b.slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id[2:])})
	}
	b.slack.AddUserGroup("S0OPS", "ops", "U0CAROL", "U0DAVE")
	b.slack.AddChannel(slacksim.Channel{ID: "C0OPS", Name: "ops", Bot: true})
	b.slack.AddChannel(slacksim.Channel{ID: "C0NEWS", Name: "news", Bot: true})
	b.servers = b.account.AddServers(3)
	b.Checker = check.Checker{
		Manifest: sshkeybot.Manifest, Now: time.Now,
		Config: config.Config{
			Slack:     config.Slack{BotToken: config.NewSecret(b.slack.BotToken()), AppToken: config.NewSecret(b.slack.AppToken()), APIURL: slackURL},
			RunClouds: []config.RunCloud{{Name: "runcloud", Token: config.NewSecret(runcloudsim.DefaultToken), APIURL: accountURL, TemporaryLifetime: 12 * time.Hour}},
			Approvers: []string{"U0BOB", "S0OPS"}, ApprovalChannel: "C0OPS", AnnounceChannel: "C0NEWS", Approvals: 1,
			MinDuration: 5 * time.Minute, MaxDuration: 30 * 24 * time.Hour, LongGrants: config.LongGrantsRenew,
			DailySummary: &config.TimeOfDay{Hour: 9}, DatabaseURL: config.NewSecret("sqlite:" + b.path),
		},
	}
	return b
}

// ledger makes the database with some events in its audit log.
func (b *bench) ledger(t *testing.T) *store.Store {
	t.Helper()
	ledger, err := store.Open(t.Context(), "sqlite:"+b.path, store.Options{Replica: "bot"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ledger.Close)
	for _, action := range []access.Action{"one", "two", "three"} {
		err := ledger.Update(t.Context(), func(tx access.Tx) error { return tx.Audit(t.Context(), access.Event{Action: action, At: time.Now()}) })
		if err != nil {
			t.Fatal(err)
		}
	}
	return ledger
}

// tamper changes the database file with SQL.
func (b *bench) tamper(t *testing.T, statement string) {
	t.Helper()
	ledger := b.ledger(t)
	for _, statement := range []string{"DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", statement} {
		if _, err := ledger.SQLite().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	ledger.Close()
}

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ledger(t).Close()
	findings := b.Run(t.Context())
	if !check.Good(findings) || !check.Spotless(findings) {
		t.Error("something is a problem, or a warning")
	}
	for _, f := range findings {
		if f.Status != check.OK && f.Status != check.Note {
			t.Errorf("not ok: %+v", f)
		}
	}
	if n := len(b.slack.Messages("C0OPS")); n > 0 {
		t.Errorf("%d messages were posted to find out", n)
	}
	for _, call := range b.account.Calls() {
		if call.Method != "GET" {
			t.Errorf("RunCloud was asked to change something: %+v", call)
		}
	}
}

// none stands for a finding without a remedy.
const none = ""

// finding is what the checker finds after one change to the settings or the services.
type finding struct {
	change func(t *testing.T, b *bench)
	of     string
	status check.Status
	text   string
	remedy string
}

func TestFindingsInSlack(t *testing.T) {
	t.Parallel()
	says(t, map[string]finding{
		"app token wrong":    {func(_ *testing.T, b *bench) { b.Config.Slack.AppToken = config.NewSecret("xapp-nix") }, "app token", check.Problem, "invalid_auth", "connections:write"},
		"app token is other": {func(_ *testing.T, b *bench) { b.Config.Slack.AppToken = config.NewSecret(b.slack.BotToken()) }, "app token", check.Problem, "another kind", "SLACK_APP_TOKEN"},
		"bot token wrong":    {func(_ *testing.T, b *bench) { b.Config.Slack.BotToken = config.NewSecret("xoxb-nix") }, "bot token", check.Problem, "invalid_auth", "SLACK_BOT_TOKEN"},
		"slack hurries not": {func(_ *testing.T, b *bench) {
			b.slack.Fail("apps.connections.open", slacksim.Fault{Status: 429, RetryAfter: time.Minute})
		}, "app token", check.Problem, "1m0s", "again"},
		"slack away":        {func(_ *testing.T, b *bench) { b.Config.Slack.APIURL = nobody + "/api/" }, "bot token", check.Problem, "did not answer", "slack.com"},
		"scope missing":     {func(_ *testing.T, b *bench) { b.slack.SetScopes(slices.Delete(slices.Clone(scopes), 1, 2)...) }, "scopes", check.Problem, "lacks chat:write.", "reinstall"},
		"scopes of check":   {withoutChannels, "scopes", check.Warning, "cannot see whether it is in its channels", "reinstall"},
		"scope too many":    {func(_ *testing.T, b *bench) { b.slack.SetScopes(append(slices.Clone(scopes), "admin")...) }, "scopes", check.Warning, "admin", "manifest"},
		"approver unknown":  {func(_ *testing.T, b *bench) { b.Config.Approvers = []string{"U0NIX", "U0BOB"} }, "approver U0NIX", check.Problem, "no such user", "SSHKEYBOT_APPROVERS"},
		"approver is guest": {func(_ *testing.T, b *bench) { b.slack.AddUser(slacksim.User{ID: "U0BOB", IsRestricted: true}) }, "approver U0BOB", check.Problem, "guest", "SSHKEYBOT_APPROVERS"},
		"approver left":     {func(_ *testing.T, b *bench) { b.slack.AddUser(slacksim.User{ID: "U0BOB", Deleted: true}) }, "approver U0BOB", check.Problem, "deactivated", "SSHKEYBOT_APPROVERS"},
		"group unknown":     {func(_ *testing.T, b *bench) { b.Config.Approvers = []string{"S0NIX", "U0BOB"} }, "approver group S0NIX", check.Problem, "no such user group", "S"},
		"group empty":       {func(_ *testing.T, b *bench) { b.slack.AddUserGroup("S0OPS", "ops") }, "approver group S0OPS", check.Problem, "Nobody", "Add people"},
		"approver not told": {func(_ *testing.T, b *bench) { b.slack.SetScopes("chat:write") }, "approver U0BOB", check.Problem, "does not let", "App Manifest"},
		"approver too soon": {func(_ *testing.T, b *bench) {
			b.slack.Fail("users.info", slices.Repeat([]slacksim.Fault{{Status: 429, RetryAfter: time.Minute}}, 9)...)
		}, "approver U0BOB", check.Warning, "asks to wait", "again"},
		"group large":        {largeGroup, "approver group S0OPS", check.OK, "25 of the first 25", none},
		"group of guests":    {func(_ *testing.T, b *bench) { b.slack.AddUser(slacksim.User{ID: "U0DAVE", IsRestricted: true}) }, "approver group S0OPS", check.OK, "1 of its 2", none},
		"too few approvers":  {func(_ *testing.T, b *bench) { b.Config.Approvals = 4 }, "approvals", check.Problem, "4 of the 3", "SSHKEYBOT_APPROVALS"},
		"just enough":        {func(_ *testing.T, b *bench) { b.Config.Approvals = 3 }, "approvals", check.Warning, "their own access", "one more"},
		"twice the same":     {func(_ *testing.T, b *bench) { b.Config.Approvers = append(b.Config.Approvers, "U0DAVE") }, "approvals", check.OK, "1 of the 3", none},
		"channel unknown":    {func(_ *testing.T, b *bench) { b.Config.ApprovalChannel = "C0NIX" }, "approval channel", check.Problem, "does not exist, or is private", "/invite"},
		"channel private":    {func(_ *testing.T, b *bench) { b.slack.AddChannel(slacksim.Channel{ID: "C0NEWS", Private: true}) }, "announce channel", check.Problem, "private", "/invite"},
		"channel unproven":   {withoutChannels, "approval channel", check.Note, "cannot be seen", none},
		"channel is direct":  {func(_ *testing.T, b *bench) { b.Config.ApprovalChannel = b.slack.DM("U0BOB") }, "approval channel", check.OK, "direct message", none},
		"channel none":       {func(_ *testing.T, b *bench) { b.Config.AnnounceChannel = "" }, "announce channel", check.Warning, "direct message", "SSHKEYBOT_ANNOUNCE_CHANNEL"},
		"channel archived":   {channelSeen(slacksim.Channel{ID: "C0OPS", Bot: true, Archived: true}), "approval channel", check.Problem, "archived", "another"},
		"channel shared":     {channelSeen(slacksim.Channel{ID: "C0OPS", Bot: true, Shared: true}), "approval channel", check.Warning, "another organisation", "your own"},
		"channel not joined": {channelSeen(slacksim.Channel{ID: "C0OPS", Name: "ops"}), "approval channel", check.Problem, "cannot share files there", "/invite @sshkeybot"},
		"channel joined":     {channelSeen(slacksim.Channel{ID: "C0OPS", Name: "ops", Bot: true}), "approval channel", check.OK, "#ops", none},
	})
}

// nobody is an address at which nobody listens. The port of a service that was closed may be
// given to that of another test.
const nobody = "http://127.0.0.1:1"

func TestFindingsElsewhere(t *testing.T) {
	t.Parallel()
	says(t, map[string]finding{
		"clock ahead":  {clockOff(40 * time.Second), "slack clock", check.Problem, "ahead of Slack", "NTP"},
		"clock behind": {clockOff(-2 * time.Minute), "runcloud clock", check.Problem, "behind RunCloud", "NTP"},
		"clock near":   {clockOff(20 * time.Second), "slack clock", check.OK, "agrees", none},

		"database not yet": {func(*testing.T, *bench) {}, "database", check.OK, "does not exist yet", none},
		"database no folder": {func(t *testing.T, b *bench) {
			b.Config.DatabaseURL = config.NewSecret("sqlite:" + b.path + "/no/bot.db")
		}, "database folder", check.Problem, "does not exist", "folder"},
		"database folder open": {func(t *testing.T, b *bench) { mode(t, 0o777, b) }, "database folder", check.Warning, "Everybody may replace", "chmod"},
		"database in use":      {func(t *testing.T, b *bench) { b.ledger(t) }, "database", check.OK, "can be written", none},
		"log beside the bot":   {func(t *testing.T, b *bench) { b.ledger(t) }, "audit log", check.OK, "3 events", none},
		"database restored":    {func(t *testing.T, b *bench) { restored(t, b.ledger(t)) }, "restored", check.Warning, "Nothing is granted until an approver has pressed Continue on request 41", "Continue"},
		"database no ledger":   {func(t *testing.T, b *bench) { write(t, b.path, "this is not a database at all", 0o600) }, "database", check.Problem, "is not a SQLite database", "SSHKEYBOT_DATABASE_URL"},
		"database readable":    {func(t *testing.T, b *bench) { write(t, b.path, "", 0o644) }, "database file", check.Warning, "0644", "0600"},
		"log changed":          {func(t *testing.T, b *bench) { b.tamper(t, "UPDATE audit SET detail = 'x' WHERE seq = 2") }, "audit log", check.Problem, "event 2", "log verify"},
		"log with a gap":       {func(t *testing.T, b *bench) { b.tamper(t, "DELETE FROM audit WHERE seq = 2") }, "audit log", check.Problem, "event 3", "backup"},

		"zone unknown":  {func(_ *testing.T, b *bench) { b.Zone = "Europe/Nix" }, "time zone", check.Problem, "UTC is used", "Europe/Lisbon"},
		"zone known":    {func(_ *testing.T, b *bench) { b.Zone = "Europe/Lisbon" }, "time zone", check.OK, "09:00", none},
		"durations":     {func(*testing.T, *bench) {}, "durations", check.OK, "from 5m to 30d", none},
		"for ever":      {func(_ *testing.T, b *bench) { b.Config.AllowForever = true }, "durations", check.Warning, "no end date", "SSHKEYBOT_ALLOW_FOREVER"},
		"permanent":     {func(_ *testing.T, b *bench) { b.Config.LongGrants = config.LongGrantsPermanent }, "long grants", check.Warning, "longer than 12h is placed as a permanent", "renew"},
		"folder":        {func(*testing.T, *bench) {}, "database folder", check.OK, "others do not get into it", none},
		"disk":          {func(t *testing.T, b *bench) { b.ledger(t) }, "disk", check.OK, "MiB are left", none},
		"no reason":     {func(*testing.T, *bench) {}, "reasons", check.OK, "needs no reason.", none},
		"reasons":       {func(_ *testing.T, b *bench) { b.Config.Reason = config.ReasonRequired }, "reasons", check.OK, "needs a reason.", none},
		"tickets":       {func(_ *testing.T, b *bench) { b.Config.TicketURL = "https://t.example/%s" }, "reasons", check.OK, "https://t.example/OPS-123", none},
		"self-approval": {func(_ *testing.T, b *bench) { b.Config.SelfApproval = true }, "self-approval", check.Warning, "their own", "SSHKEYBOT_SELF_APPROVAL"},
	})
}

func says(t *testing.T, findings map[string]finding) {
	t.Helper()
	for name, tt := range findings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			tt.change(t, b)
			findings := b.Run(t.Context())
			i := slices.IndexFunc(findings, func(f check.Finding) bool { return f.Name == tt.of })
			if i < 0 {
				t.Fatalf("nothing is said of %s: %+v", tt.of, findings)
			}
			f := findings[i]
			if f.Status != tt.status || !strings.Contains(f.Text, tt.text) || !strings.Contains(f.Remedy, tt.remedy) {
				t.Errorf("it says: %+v", f)
			}
			if (f.Status == check.Problem || f.Status == check.Warning) != (f.Remedy != "") {
				t.Errorf("what is wrong, and nothing else, needs a remedy: %+v", f)
			}
			if check.Good(findings) && tt.status == check.Problem {
				t.Error("a problem passes as good")
			}
			b.noSecret(t, findings)
		})
	}
}

func (b *bench) noSecret(t *testing.T, findings []check.Finding) {
	t.Helper()
	for _, f := range findings {
		for _, secret := range []config.Secret{b.Config.Slack.AppToken, b.Config.Slack.BotToken, b.Config.RunClouds[0].Token, config.NewSecret(scalingoToken)} {
			if strings.Contains(f.Text+f.Remedy, secret.Reveal()) {
				t.Errorf("a secret is told: %+v", f)
			}
		}
	}
}

func channelSeen(c slacksim.Channel) func(*testing.T, *bench) {
	return func(_ *testing.T, b *bench) {
		b.slack.AddChannel(c)
	}
}

func withoutChannels(_ *testing.T, b *bench) {
	b.slack.SetScopes(slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "channels:read" || s == "groups:read" })...)
}

func mode(t *testing.T, mode os.FileMode, b *bench) {
	t.Helper()
	if err := os.Chmod(filepath.Dir(b.path), mode); err != nil {
		t.Fatal(err)
	}
}

func clockOff(by time.Duration) func(*testing.T, *bench) {
	return func(_ *testing.T, b *bench) { b.Now = func() time.Time { return time.Now().Add(by) } }
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // regardless of the umask
		t.Fatal(err)
	}
}

// A database that does not exist is not made: it would belong to the user who runs the check.
func TestCheckMakesNoDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Run(t.Context())
	left, err := os.ReadDir(filepath.Dir(b.path))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func largeGroup(_ *testing.T, b *bench) {
	var members []string
	for i := range 200 {
		id := fmt.Sprintf("U0M%03d", i)
		b.slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id)})
		members = append(members, id)
	}
	b.slack.AddUserGroup("S0OPS", "ops", members...)
}

// A bot may be running on a PostgreSQL ledger, so the check makes and changes no table.
func TestCheckLeavesPostgresAsItIs(t *testing.T) {
	t.Parallel()
	server, err := url.Parse(storetest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	query := server.Query()
	query.Set("search_path", storetest.PostgresSchema(t))
	server.RawQuery = query.Encode()
	b := newBench(t)
	b.Config.DatabaseURL = config.NewSecret(server.String())
	found := func() check.Finding {
		all := b.Run(t.Context())
		return all[slices.IndexFunc(all, func(f check.Finding) bool { return f.Name == "database" })]
	}
	for range 2 {
		if f := found(); f.Status != check.OK || !strings.Contains(f.Text, "no tables yet") {
			t.Errorf("an empty database: %+v", f)
		}
	}
	ledger, err := store.Open(t.Context(), server.String(), store.Options{Replica: "bot"})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	if f := found(); f.Status != check.OK || !strings.Contains(f.Text, "can be written") {
		t.Errorf("beside a bot: %+v", f)
	}
}

// Whatever the file is, its content and mode stay as they are, and no file is made beside it.
func TestCheckWritesNothing(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, b *bench){
		"another program's file": func(t *testing.T, b *bench) { write(t, b.path, "127.0.0.1 localhost", 0o644) },
		"a ledger at rest":       func(t *testing.T, b *bench) { b.ledger(t).Close() },
		"an empty file":          func(t *testing.T, b *bench) { write(t, b.path, "", 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			prepare(t, b)
			before := held(t, filepath.Dir(b.path))
			b.Run(t.Context())
			if diff := cmp.Diff(before, held(t, filepath.Dir(b.path))); diff != "" {
				t.Errorf("it was changed (-want +got):\n%s", diff)
			}
		})
	}
}

// held returns the files in a folder, with mode and content.
func held(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		found[entry.Name()] = fmt.Sprintf("%s %x", info.Mode(), content)
	}
	return found
}
