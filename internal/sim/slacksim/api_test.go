package slacksim

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{EnterpriseID: "E1"})
	if got := b.form("auth.test"); got["team_id"] != "T0SIM" || got["user_id"] != b.w.BotUserID() || got["enterprise_id"] != "E1" {
		t.Errorf("auth.test by form: %v", got)
	}
	if got := b.json("auth.test", b.w.BotToken(), map[string]any{}); got["ok"] != true {
		t.Errorf("auth.test by header: %v", got)
	}
	b.wantError(b.json("auth.test", "", map[string]any{}), "not_authed")
	b.wantError(b.json("auth.test", "xoxb-other", map[string]any{}), "invalid_auth")
	b.wantError(b.json("apps.connections.open", b.w.BotToken(), map[string]any{}), "not_allowed_token_type")
	b.wantError(b.form("apps.connections.open", "token", b.w.AppToken()), "not_authed")
	b.wantError(b.form("no.such"), "unknown_method")
}

func TestScopes(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.w.SetScopes("commands", "users:read")
	got := b.form("chat.postMessage", "channel", "C1", "text", "x")
	if got["error"] != "missing_scope" || got["needed"] != "chat:write" || got["provided"] != "commands,users:read" {
		t.Errorf("got %v", got)
	}
	resp, _ := b.send("auth.test", b.w.BotToken(), "application/json", "{}")
	if s := resp.Header.Get("X-OAuth-Scopes"); s != "commands,users:read" {
		t.Errorf("X-OAuth-Scopes = %q", s)
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := newBench(t, Options{RateLimits: true, Now: c.now})
	for range 4 {
		b.post("channel", "C1", "text", "x")
	}
	v := "token=" + b.w.BotToken() + "&channel=C1&text=x"
	resp, body := b.send("chat.postMessage", "", "application/x-www-form-urlencoded", v)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" || body["error"] != "ratelimited" {
		t.Errorf("fifth post: %d %q %v", resp.StatusCode, resp.Header.Get("Retry-After"), body)
	}
	b.post("channel", "C2", "text", "another channel is free")
	c.add(time.Second)
	b.post("channel", "C1", "text", "x")
	for range 20 {
		b.form("users.list")
	}
	b.wantError(b.form("users.list"), "ratelimited")
	if got := b.w.Count("users.list"); got != 21 {
		t.Errorf("counted %d", got)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.w.Fail("chat.postMessage", Fault{Cut: true, After: true}, Fault{Error: "fatal_error"}, Fault{Status: 500})
	if got := b.form("chat.postMessage", "channel", "C1", "text", "lost answer"); got != nil {
		t.Errorf("answer %v, want a cut connection", got)
	}
	if n := len(b.w.Messages("C1")); n != 1 {
		t.Errorf("%d messages, want the one whose answer was lost", n)
	}
	b.wantError(b.form("chat.postMessage", "channel", "C1", "text", "x"), "fatal_error")
	b.form("chat.postMessage", "channel", "C1", "text", "x")
	calls := b.w.Calls()
	if len(calls) != 3 || calls[0].Status != 0 || calls[2].Status != 500 || calls[0].Channel != "C1" {
		t.Errorf("calls: %+v", calls)
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	p := b.connect(nil)
	for _, kind := range []Outage{Unavailable, Refused} {
		if err := b.w.Outage(kind); err != nil {
			t.Fatal(err)
		}
		<-p.done
		resp, _ := b.send("auth.test", b.w.BotToken(), "application/json", "{}")
		if (kind == Refused) != (resp == nil) || resp != nil && resp.StatusCode != 503 {
			t.Errorf("outage %d: %v", kind, resp)
		}
		if err := b.w.Outage(Up); err != nil {
			t.Fatal(err)
		}
		if got := b.form("auth.test"); got["ok"] != true {
			t.Errorf("after outage %d: %v", kind, got)
		}
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{EnterpriseID: "E1"})
	b.w.AddUser(User{ID: "UX", Name: "gone", Deleted: true})
	b.w.AddUser(User{ID: "UF", Name: "partner", TeamID: "T9", IsRestricted: true})
	b.w.AddUser(User{ID: "UN", Name: "teamless", NoTeam: true})
	get := func(id string) map[string]any { return b.form("users.info", "user", id)["user"].(map[string]any) }
	alive, gone := get("UA"), get("UX")
	missing := 0
	for key := range alive {
		if _, has := gone[key]; !has {
			missing++
		}
	}
	if missing != 11 || gone["deleted"] != true || gone["team_id"] != "T0SIM" {
		t.Errorf("deactivated record lacks %d fields: %v", missing, gone)
	}
	if f := get("UF"); f["team_id"] != "T9" || f["is_restricted"] != true || f["enterprise_user"] != nil {
		t.Errorf("foreign guest: %v", f)
	}
	if _, has := get("UN")["team_id"]; has {
		t.Error("team_id is there")
	}
	b.wantError(b.form("users.info", "user", "U404"), "user_not_found")
	b.w.AddUserGroup("S1", "approvers", "UA", "UX")
	if got := b.form("usergroups.users.list", "usergroup", "S1")["users"].([]any); len(got) != 1 || got[0] != "UA" {
		t.Errorf("group: %v", got)
	}
	b.wantError(b.form("usergroups.users.list", "usergroup", "S404"), "no_such_subteam")
	first := b.form("users.list", "limit", "2")
	cursor := first["response_metadata"].(map[string]any)["next_cursor"].(string)
	if rest := b.form("users.list", "cursor", cursor)["members"].([]any); len(rest) != len(b.w.Users())-2 {
		t.Errorf("second page has %d people", len(rest))
	}
}

func TestChannels(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	b.w.AddChannel(Channel{ID: "C3", Name: "shared", Bot: true, Shared: true})
	if c := b.form("conversations.info", "channel", "C3")["channel"].(map[string]any); c["is_ext_shared"] != true || c["is_member"] != true {
		t.Errorf("info: %v", c)
	}
	b.wantError(b.form("conversations.info", "channel", "G1"), "channel_not_found")
	b.wantError(b.form("conversations.info", "channel", b.w.DM("UA")), "missing_scope")
	b.w.SetScopes("groups:read")
	b.wantError(b.form("conversations.info", "channel", "C3"), "missing_scope")
	b.w.SetScopes("chat:write", "chat:write.public")
	b.wantError(b.form("conversations.info", "channel", "C3"), "missing_scope")
	id := b.w.DM("UA")
	b.post("channel", id, "text", "one")
	b.post("channel", "UA", "text", "two")
	if dms := b.w.DMs("UA"); len(dms) != 2 || dms[1].Channel != id {
		t.Errorf("DMs: %+v", dms)
	}
	if all := b.w.Channels(); len(all) != 5 || all[0].ID != "C1" || all[4].ID != "G1" {
		t.Errorf("channels: %+v", all)
	}
}

func TestWaitGivesUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	got := make(chan error)
	go func() { got <- b.w.Wait(b.ctx, func(w *Workspace) bool { return len(w.Messages("C1")) == 1 }) }()
	b.post("channel", "C1", "text", strings.Repeat("x", 4000))
	if err := <-got; err != nil {
		t.Error(err)
	}
}
