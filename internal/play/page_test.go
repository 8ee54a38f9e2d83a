package play

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/app"
	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/slacksim"
)

// visitor is a browser with a page.
type visitor struct {
	*rig
	page  *Page
	token string
}

// visit opens a page that is served, and exchanges its key.
func visit(t *testing.T, servers int) *visitor {
	t.Helper()
	p, err := NewPage(t.Context(), "127.0.0.1:0", servers)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve() }()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(p.Folder()); !os.IsNotExist(err) {
			t.Errorf("it left its folder behind: %v", err)
		}
	})
	v := &visitor{rig: &rig{p.current(), t}, page: p}
	_, key, _ := strings.Cut(p.Address(), "#key=")
	status, got := v.post("/session", map[string]string{"Key": key}, nil)
	if status != http.StatusOK || got.Token == "" {
		t.Fatalf("the key was not taken: %d %+v", status, got)
	}
	v.token = got.Token
	return v
}

// post makes a call as the page does, with headers changed.
func (v *visitor) post(path string, body any, change func(*http.Request)) (int, answer) {
	v.t.Helper()
	text, err := json.Marshal(body)
	v.must(err)
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, "http://"+v.page.host+path, bytes.NewReader(text))
	v.must(err)
	r.Header.Set("Origin", "http://"+v.page.host)
	r.Header.Set(tokenHeader, v.token)
	if change != nil {
		change(r)
	}
	response, err := http.DefaultClient.Do(r)
	v.must(err)
	defer response.Body.Close()
	var got answer
	_ = json.NewDecoder(response.Body).Decode(&got) // some refusals are plain text
	return response.StatusCode, got
}

// acts does something on the page, and returns what it is told.
func (v *visitor) acts(c call) answer {
	v.t.Helper()
	status, got := v.post("/act", c, nil)
	if status != http.StatusOK {
		v.t.Fatalf("%+v: %d %+v", c, status, got)
	}
	return got
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// Only the page itself, at its own address and with a token, may call anything.
func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	v := visit(t, 1)
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"as the page":      {nil, http.StatusOK},
		"without a token":  {func(r *http.Request) { r.Header.Del(tokenHeader) }, http.StatusUnauthorized},
		"another token":    {func(r *http.Request) { r.Header.Set(tokenHeader, "x") }, http.StatusUnauthorized},
		"token in a query": {func(r *http.Request) { r.Header.Del(tokenHeader); r.URL.RawQuery = "token=" + v.token }, http.StatusUnauthorized},
		"another site":     {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, http.StatusForbidden},
		"another port":     {func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }, http.StatusForbidden},
		"no origin":        {func(r *http.Request) { r.Header.Del("Origin") }, http.StatusForbidden},
		"opaque origin":    {func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden},
		"another name":     {func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
		"localhost":        {func(r *http.Request) { r.Host = "localhost" }, http.StatusMisdirectedRequest},
	} {
		for _, path := range []string{"/act", "/stream"} {
			if path == "/stream" && c.want == http.StatusOK {
				continue // it does not end
			}
			if status, _ := v.post(path, call{Act: "complete"}, c.change); status != c.want {
				t.Errorf("%s, %s: %d", path, name, status)
			}
		}
	}
	_, key, _ := strings.Cut(v.page.Address(), "#key=")
	for _, want := range []int{http.StatusOK, http.StatusForbidden} {
		status, got := v.post("/session", map[string]string{"Key": key}, nil)
		if status != want || (want != http.StatusOK && !strings.Contains(got.Error, "Press Enter in the terminal")) {
			t.Errorf("the same key once more: %d %+v", status, got)
		}
	}
	if status, _ := v.post("/act", call{Act: "complete", Text: strings.Repeat("x", maxBody)}, nil); status != http.StatusBadRequest {
		t.Errorf("a body too large: %d", status)
	}
	if status, _ := v.post("/act", call{Act: "nothing"}, nil); status != http.StatusBadRequest {
		t.Errorf("an unknown act: %d", status)
	}
}

// The page and its files come with headers that let the browser load and run nothing else.
func TestHeaders(t *testing.T) {
	t.Parallel()
	v := visit(t, 1)
	for _, path := range []string{"/", "/play.js", "/search.js", "/play.css", "/icon.svg"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+v.page.host+path, nil)
		v.must(err)
		response, err := http.DefaultClient.Do(r)
		v.must(err)
		_ = response.Body.Close()
		h := response.Header
		if response.StatusCode != http.StatusOK || h.Get("Content-Security-Policy") != policy || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", path, response.StatusCode, h)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy is not strict: %s", policy)
	}
	files, err := filepath.Glob("web/*")
	v.must(err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		v.must(err)
		for _, word := range []string{"https://", "style=\"", "onclick", "<script>"} {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s has %s", file, word)
			}
		}
	}
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"127.0.0.1:0": true, "127.0.0.1:8000": true, "[::1]:8000": true, "127.8.0.1:1": true,
		":8000": false, "0.0.0.0:8000": false, "[::]:1": false, "192.168.1.2:80": false, "localhost:80": false, "example.com:80": false, "127.0.0.1": false, "": false,
	} {
		if err := CheckAddress(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := NewPage(t.Context(), "0.0.0.0:0", 1); err == nil {
		t.Error("a page that everybody can reach was opened")
	}
}

// The stream brings every part of the page, and then only what changed.
func TestStream(t *testing.T) {
	t.Parallel()
	v := visit(t, 40)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+v.page.host+"/stream", strings.NewReader(`{"as":"U0BOB","place":"C0OPS"}`))
	v.must(err)
	r.Header.Set("Origin", "http://"+v.page.host)
	r.Header.Set(tokenHeader, v.token)
	response, err := http.DefaultClient.Do(r)
	v.must(err)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	next := func() map[string]patch {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var patches map[string]patch
				v.must(json.Unmarshal([]byte(data), &patches))
				return patches
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return nil
	}
	first := next()
	for _, region := range regions {
		if _, there := first[region]; !there {
			t.Errorf("%s is missing at first", region)
		}
	}
	if n := len(first["tiles"].HTML); n != 40 {
		t.Errorf("%d tiles", n)
	}
	server := v.RunCloud.Servers()[7]
	if told := v.acts(call{Act: "trouble", Server: server.ID, Name: offline}); told.Error != "" {
		t.Fatal(told.Error)
	}
	for {
		tiles, changed := next()["tiles"]
		if !changed {
			continue // the bot at its own work
		}
		if len(tiles.HTML) != 1 || len(tiles.Order) != 40 {
			t.Errorf("for one server, %d of %d tiles were sent", len(tiles.HTML), len(tiles.Order))
		}
		for _, html := range tiles.HTML {
			if !strings.Contains(html, server.Name) || !strings.Contains(html, `value="offline" selected`) {
				t.Errorf("sent was %s", html)
			}
		}
		return
	}
}

// Somebody asks on the page, somebody else approves, two at once, and the one who was late is told.
func TestActs(t *testing.T) {
	t.Parallel()
	v := visit(t, 2)
	at := func(person string) viewpoint { return viewpoint{As: person, Place: Ops} }
	if told := v.acts(call{viewpoint: at(Alice), Act: "type", Text: "/sshkey grant @alice 2h for <script>alert(1)</script>"}); told.Error != "" {
		t.Fatal(told.Error)
	}
	request := v.request(2)
	html := string(v.Slack.HTML(request, at(Bob).viewer()))
	if strings.Contains(html, "<script>") || !strings.Contains(html, "&lt;script&gt;") {
		t.Errorf("the reason is drawn as %s", html)
	}
	approve := request.Buttons()[0]
	press := call{Act: "click", In: "message", Channel: Ops, TS: request.TS, Action: approve.ActionID, Value: approve.Value}
	for _, approver := range []string{Bob, Carol} {
		press.viewpoint = at(approver)
		if told := v.acts(press); told.Error != "" {
			t.Fatalf("%s: %s", approver, told.Error)
		}
	}
	v.until("the keys are there", func(t truth) bool { return t.found == 2 && t.said.placed[onRunCloud] == 2 })
	v.until("whoever was late is told", func(truth) bool { // either of them may have been first
		return slices.ContainsFunc(append(v.Slack.Ephemeral(Bob), v.Slack.Ephemeral(Carol)...), func(m slacksim.Message) bool { return strings.Contains(m.Text, "already") })
	})
	for name, c := range map[string]call{
		"another command":  {Act: "type", Text: "/remind me"},
		"unknown server":   {Act: "trouble", Server: 1, Name: offline},
		"unknown trouble":  {Act: "trouble", Server: v.RunCloud.Servers()[0].ID, Name: "plague"},
		"unknown switch":   {Act: "toggle", Name: "gravity"},
		"no such jump":     {Act: "clock", By: "-1"},
		"no servers":       {Act: "reset"},
		"too many servers": {Act: "reset", Servers: MaxServers + 1},
		"unknown message":  {Act: "click", In: "message", Channel: Ops, TS: "1.1", Action: "x"},
		"unknown modal":    {Act: "submit", View: "V1"},
	} {
		if told := v.acts(c); told.Error == "" || !strings.HasSuffix(told.Error, ".") || strings.Contains(told.Error, "slacksim") {
			t.Errorf("%s: told %q", name, told.Error)
		}
	}
	for _, on := range []bool{false, true} {
		if told := v.acts(call{Act: "toggle", Name: Gus, On: on}); told.Error != "" {
			t.Error(told.Error)
		}
		if told := v.acts(call{viewpoint: at(Gus), Act: "type", Text: "hello"}); (told.Error == "") != on {
			t.Errorf("with an account (%v), Gus is told %q", on, told.Error)
		}
	}
	if told := v.acts(call{Act: "reset", Servers: 3}); told.Error != "" || len(v.page.current().RunCloud.Servers()) != 3 {
		t.Errorf("after the reset: %+v, %d servers", told, len(v.page.current().RunCloud.Servers()))
	}
}

// played returns a world in played time, whose network is within the process.
func played(servers int) Options {
	var network memnet.Network
	return Options{Servers: servers, Host: app.Host{
		Dial: network.DialContext, Listen: network.Listen,
		ListenShell: func(path string) (net.Listener, error) { return network.Listen("unix", path) },
	}}
}

// Whatever goes wrong, once it is put right the bot and the servers say the same, and nothing is left to do.
func TestTroubles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testTroubles)
}

func testTroubles(t *testing.T) {
	g := newGame(t, played(3))
	asked := 1
	ask := func() {
		g.types(Dave, "grant @dave 2h")
		asked++
		g.presses(Carol, g.request(asked), "Approve")
	}
	first := g.RunCloud.Servers()[0].ID
	for _, name := range []string{"fails", "silent", "busy", offline} {
		g.Clock.Move(time.Hour) // so that the servers are read anew
		if !g.setTrouble(first, name) || g.troubled()[first] != name {
			t.Fatalf("%s: the server is %q", name, g.troubled()[first])
		}
		ask()
		if name == offline {
			g.until("the others have it", func(t truth) bool { return t.found == 2 && t.said.unsettled[place{onRunCloud, "web-01"}] })
			g.setTrouble(first, inOrder)
			g.Clock.Move(15 * time.Minute)
		}
		g.until("all have it, "+name, func(t truth) bool {
			return t.found == 3 && t.said.placed[onRunCloud] == 3 && len(t.said.unsettled) == 0
		})
		if len(g.troubled()) > 0 {
			t.Errorf("%s: still ill: %v", name, g.troubled())
		}
		g.Clock.Move(3 * time.Hour)
		g.until("none has it, "+name, func(t truth) bool { return t.found == 0 && len(t.said.unsettled) == 0 })
	}
}

// A bot that was killed at work goes on after its start, and nothing is done twice.
func TestKill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testKill)
}

func testKill(t *testing.T) {
	g := newGame(t, played(40))
	g.RunCloud.SetLatency(30 * time.Millisecond)
	g.types(Dave, "grant @dave 2h")
	g.presses(Carol, g.request(2), "Approve")
	g.until("some have it", func(t truth) bool { return t.found > 3 })
	g.Kill()
	g.Kill()
	if g.Running() {
		t.Error("it runs")
	}
	if err := outcome(g.Slack.Click(t.Context(), Carol, Ops, g.request(2).TS, slacksim.Pick{Label: "Approve"})); err == nil {
		t.Error("somebody answered")
	}
	there := len(g.RunCloud.AllKeys())
	g.must(g.startBot(t.Context()))
	g.must(g.startBot(t.Context()))
	g.Clock.Move(time.Minute)
	g.until("all have it", func(t truth) bool {
		return t.found == 40 && t.said.placed[onRunCloud] == 40 && len(t.said.unsettled) == 0
	})
	if keys := len(g.RunCloud.AllKeys()); keys != 41 || there > 41 { // with the one of the deployments
		t.Errorf("%d keys when it was killed, %d in the end", there, keys)
	}
}
