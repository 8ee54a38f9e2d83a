package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"plain words, 50 %", 40, "plain words, 50 %"},
		{"<!channel> & <@U1>", 60, "&lt;!channel&gt; &amp; &lt;@U1&gt;"},
		{"&lt;!here&gt;", 60, "&amp;lt;!here&amp;gt;"},
		{"*b* _i_ ~s~ `c`", 60, "∗b∗ ＿i＿ ∼s∼ ˋcˋ"},
		{"db_master_01", 60, "db_master_01"},
		{":warning: at 12:30:45", 60, "∶warning∶ at 12∶30∶45"},
		{"one\n> two\r\n\tthree\u2028four\u202e\u200b", 60, "one &gt; two three four"},
		{"naïve 日本語", 60, "naïve 日本語"},
		{"exactly", 7, "exactly"},
		{"exactly", 6, "exact…"},
		{"ab&cd", 6, "ab…"},
		{"bad \xff byte", 60, "bad \uFFFD byte"},
		{" \n ", 60, ""},
	} {
		if got := escape(tt.in, tt.limit); got != tt.want {
			t.Errorf("escape(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func TestSentenceKeepsItsCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"No server is called `web-*`. Try `db`.": "No server is called `web-*`. Try `db`.",
		"A lone ` stays":                         "A lone ˋ stays",
		"a `b` c ` d":                            "a `b` c ˋ d",
		"`x`":                                    "`x`",
		"<!channel> `<@U1>`":                     "&lt;!channel&gt; `&lt;@U1&gt;`",
	} {
		if got := sentence(in, 200); got != want {
			t.Errorf("sentence(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestOnlySlackIDsAreMentioned(t *testing.T) {
	t.Parallel()
	if got := mention("U1|x><!channel"); got != "an unknown person" {
		t.Errorf("mention: %q", got)
	}
	if got := mentionAll([]string{"U1", "<!here>", "S2", "C3", "W4"}); got != "<@U1> <!subteam^S2> <@W4>" {
		t.Errorf("mentionAll: %q", got)
	}
}

func TestDigestIsOfWhatIsShown(t *testing.T) {
	t.Parallel()
	draw := func(id, label string) string {
		return Digest(Message{Text: "x", Blocks: []slack.Block{slack.NewActionBlock(id, button(ActionDone, "1", label))}})
	}
	if draw("a", "Done") != draw("b", "Done") {
		t.Error("a block id changes the digest")
	}
	if draw("a", "Done") == draw("a", "Keep") || Digest(Message{Text: "x"}) == Digest(Message{Text: "y"}) {
		t.Error("the digest does not tell contents apart")
	}
}

func TestDrawingIsDeterministic(t *testing.T) {
	t.Parallel()
	first, second := allCases()["big"], big().cases()
	for name := range first {
		if !reflect.DeepEqual(first[name], second[name]) {
			t.Errorf("%s is drawn differently the second time", name)
		}
	}
	early, late := Request(big().live(mixed), noon()), Request(big().live(mixed), noon().Add(time.Hour))
	if Digest(early) != Digest(late) {
		t.Error("the time alone changes a message")
	}
}

// pressable lists action id and value of all that can be pressed or chosen.
func pressable(t *testing.T, drawn any) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(encode(t, drawn), &value); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(any)
	walk = func(x any) {
		switch v := x.(type) {
		case map[string]any:
			if id, ok := v["action_id"].(string); ok {
				label := id
				if v["confirm"] != nil {
					label += " confirm"
				}
				out = append(out, label)
			}
			for _, key := range []string{"blocks", "elements", "accessory"} {
				walk(v[key])
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(value)
	return out
}

func TestButtonsPerState(t *testing.T) {
	t.Parallel()
	w := small()
	with := func(v workflow.RequestView, change func(*workflow.RequestView)) workflow.RequestView {
		change(&v)
		return v
	}
	pending := w.request(access.KindGrant, access.Pending)
	decide, confirm := []string{"approve", "deny", "edit", "cancel"}, []string{"approve confirm", "deny", "edit", "cancel"}
	withServers := func(buttons []string) []string {
		return slices.Insert(slices.Clone(buttons), len(buttons)-1, "servers")
	}
	failed := func(int) access.Result { return access.Result{State: access.Failed} }
	unread := with(w.offboarding(allDone, 2), func(v *workflow.RequestView) { v.Results[len(v.Results)-1].State = access.Waiting })
	for name, tt := range map[string]struct {
		v    workflow.RequestView
		want []string
	}{
		"pending":              {pending, decide},
		"root":                 {with(pending, func(v *workflow.RequestView) { v.Request.SystemUser = "root" }), confirm},
		"forever":              {with(pending, func(v *workflow.RequestView) { v.Request.Duration = 0 }), confirm},
		"20 of all servers":    {with(pending, func(v *workflow.RequestView) { v.Servers = make([]access.ServerRef, 20) }), withServers(decide)},
		"21, all servers":      {with(pending, func(v *workflow.RequestView) { v.Servers = make([]access.ServerRef, 21) }), withServers(confirm)},
		"21 by pattern":        {with(pending, func(v *workflow.RequestView) { v.Servers, v.Request.Pattern = make([]access.ServerRef, 21), "web-*" }), withServers(decide)},
		"extend":               {w.request(access.KindExtend, access.Pending), decide},
		"revoke":               {w.request(access.KindRevoke, access.Pending), []string{"approve", "deny", "cancel"}},
		"offboard":             {w.request(access.KindOffboard, access.Pending), []string{"approve confirm", "deny", "cancel"}},
		"account deactivated":  {with(w.request(access.KindOffboard, access.Pending), func(v *workflow.RequestView) { v.Request.Asker = "" }), []string{"approve confirm", "deny"}},
		"waiting for key":      {w.request(access.KindGrant, access.WaitingForKey), []string{"cancel"}},
		"draft":                {w.request(access.KindRevoke, access.Draft), nil},
		"denied":               {w.request(access.KindGrant, access.Denied), nil},
		"cancelled":            {w.request(access.KindGrant, access.Cancelled), nil},
		"expired":              {w.request(access.KindGrant, access.Expired), nil},
		"live":                 {w.live(allDone), nil},
		"failed":               {w.live(failed), []string{"retry_failed"}},
		"ended, failed before": {w.ended(access.EndExpired, 0, allDone), nil},
		"removal failed":       {w.ended(access.EndExpired, 0, failed), []string{"retry_failed"}},
		"reading failed":       {with(w.offboarding(allDone, 0), func(v *workflow.RequestView) { v.Results[len(v.Results)-1].State = access.Failed }), []string{"retry_failed"}},
		"one candidate":        {w.offboarding(allDone, 1), []string{"pick", "leave"}},
		"candidates":           {w.offboarding(allDone, 2), []string{"pick", "leave", "pick", "leave", "leave_rest confirm"}},
		"many candidates":      {w.offboarding(allDone, 200), append(slices.Repeat([]string{"pick", "leave"}, 8), "candidates", "leave_rest confirm", "candidates")},
		"lookalikes":           {w.lookalikes(200), []string{"candidates"}},
		"more may come":        {unread, []string{"pick", "leave", "pick", "leave"}},
	} {
		if diff := cmp.Diff(tt.want, pressable(t, Request(tt.v, noon()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff([]string{"confirm confirm", "keep"}, pressable(t, Draft(w.request(access.KindOffboard, access.Draft)))); diff != "" {
		t.Errorf("draft of an offboarding:\n%s", diff)
	}
}

func TestOffboardedIsSaidOnlyWhenNothingIsOwed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		state access.ResultState
		want  bool
	}{
		{access.Done, true}, {access.Kept, true}, {access.Waiting, false}, {access.Failed, false}, {access.Unsure, false},
	} {
		one := func(i int) access.Result {
			if i == 2 {
				return access.Result{State: tt.state}
			}
			return allDone(i)
		}
		removal := small().offboarding(one, 0)
		unread := small().offboarding(allDone, 0)
		unread.Results[len(unread.Results)-1].State = tt.state
		undecided := small().offboarding(allDone, 5)
		if tt.want { // the two that were open are decided about
			undecided.Candidates[0].PickedBy, undecided.Candidates[1].PickedBy = bob, carol
			undecided.Candidates[0].PickedAt, undecided.Candidates[1].PickedAt = noon(), noon()
		}
		for _, v := range []workflow.RequestView{removal, unread, undecided} {
			if got := strings.Contains(string(encode(t, Request(v, noon()))), "Offboarded"); got != tt.want {
				t.Errorf("with one %s: offboarded is said: %v, want %v", tt.state, got, tt.want)
			}
		}
	}
}

func TestAnnouncementSaysWhatIsLeftToDo(t *testing.T) {
	t.Parallel()
	for variant, w := range variants() {
		for _, candidates := range []int{0, 8, 300} {
			m := Request(w.offboarding(removals, candidates), noon())
			for _, part := range []string{"Still to remove", "SSH Key Vault", "end the open sessions"} {
				if !strings.Contains(m.Text, part) {
					t.Errorf("%s, %d candidates: the text lacks %q:\n%s", variant, candidates, part, m.Text)
				}
			}
		}
	}
}

func TestResultsNameEveryServerInFewMessages(t *testing.T) {
	t.Parallel()
	failing := func(i int) access.Result { return mixed(7 + 10*i) }
	for name, tt := range map[string]struct {
		state func(int) access.Result
		most  int
	}{"done": {allDone, 2}, "mixed": {mixed, 4}, "each failed in its own way": {failing, 8}} {
		v := big().live(tt.state)
		all := Results(v, v.Results)
		if len(all) > tt.most {
			t.Errorf("%s: %d messages, want at most %d", name, len(all), tt.most)
		}
		var text strings.Builder
		for _, m := range all {
			text.WriteString(m.Text + "\n")
		}
		for _, server := range v.Servers {
			if n := strings.Count(text.String(), "`"+server.Name+"`"); n != 1 {
				t.Errorf("%s: %s is named %d times", name, server.Name, n)
			}
		}
	}
}

func TestResultsBeginWithFailures(t *testing.T) {
	t.Parallel()
	v := big().live(mixed)
	var order []int
	for _, m := range Results(v, v.Results) {
		for i, word := range []string{"Failed to place on", "Still to place on", "Being checked on", "Placed on", "Already there on"} {
			if strings.Contains(m.Text, word) && !slices.Contains(order, i) {
				order = append(order, i)
			}
		}
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, order); diff != "" {
		t.Error(diff)
	}
	for _, rs := range [][]access.Result{nil, small().results(access.PhaseInspect, inspection)} {
		if m := Results(workflow.RequestView{}, rs); m != nil {
			t.Errorf("nothing to tell draws %v", m)
		}
	}
}

func TestKeysOfOneServerAreOneEntry(t *testing.T) {
	t.Parallel()
	v := small().live(allDone)
	v.Results[0].State = access.Failed // one of two keys on the first server
	m := Results(v, v.Results)[0].Text
	if !strings.Contains(m, "Failed to place on 1 server") || !strings.Contains(m, "`web-001` (1 of 2 keys)") || !strings.Contains(m, "Placed on 2 servers") {
		t.Error(m)
	}
}

func TestCSVIsCompleteAndSafe(t *testing.T) {
	t.Parallel()
	v := big().live(mixed)
	v.Results[0].ServerName, v.Results[0].Detail = "=HYPERLINK(1)", "  +1\n-2"
	v.Results[1].ServerName, v.Results[1].Detail = `web;=1+1 "a"`, "said; =1+1,@x"
	lines, err := csv.NewReader(strings.NewReader(string(CSV(v, access.PhaseAdd)))).ReadAll()
	if err != nil || len(lines) != 1001 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if lines[1][0] != "'=HYPERLINK(1)" || lines[1][6] != "'+1 -2" {
		t.Errorf("%q", lines[1])
	}
	if lines[2][0] != `web;=1+1 "a"` || lines[2][6] != "said; '=1+1,'@x" {
		t.Errorf("%q", lines[2])
	}
	for line := range strings.Lines(string(CSV(v, access.PhaseAdd))) {
		if cells := strings.Split(strings.TrimSuffix(line, "\n"), `","`); len(cells) != 8 || line[0] != '"' || !strings.HasSuffix(line, "\"\n") {
			t.Fatalf("not every cell is quoted: %s", line)
		}
	}
	if n := strings.Count(string(CSV(v, access.PhaseRemove)), "\n"); n != 1 {
		t.Errorf("the other phase has %d lines", n)
	}
}

// The file of an inspection names servers only, and says what was seen there in words.
func TestCSVOfAnInspection(t *testing.T) {
	t.Parallel()
	at := access.ServerRef{ID: 7, Name: "web-1"}
	v := workflow.RequestView{
		Results: []access.Result{
			{Phase: access.PhaseList, ServerName: "(the list of servers)", State: access.Done},
			{Phase: access.PhaseInspect, ServerID: 7, ServerName: "web-1", State: access.Done, Setback: access.Setback{Detail: `[{"SystemUser":"deploy"}]`}},
			{Phase: access.PhaseInspect, ServerID: 8, ServerName: "web-2", State: access.Waiting, Setback: access.Setback{Detail: "no answer"}},
		},
		Sessions: []workflow.OpenSession{{Server: at, Session: access.Session{SystemUser: "deploy", Address: "192.0.2.1", Since: "today"}}},
	}
	lines, err := csv.NewReader(bytes.NewReader(CSV(v, access.PhaseInspect))).ReadAll()
	if err != nil || len(lines) != 3 || lines[1][6] != "session of deploy from 192.0.2.1 since today" || lines[2][6] != "no answer" {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestNeedsFile(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{50: false, 51: true} {
		w := world{n, small().foreign}
		if got := NeedsFile(w.live(allDone), access.PhaseAdd); got != want {
			t.Errorf("%d servers: %v", n, got)
		}
	}
}

func TestLateness(t *testing.T) {
	t.Parallel()
	for late, want := range map[time.Duration]bool{10 * time.Second: false, time.Minute: false, 2 * time.Minute: true} {
		m := Request(small().ended(access.EndExpired, late, allDone), noon())
		if got := strings.Contains(m.Text, "late"); got != want {
			t.Errorf("%s late: said %v", late, got)
		}
	}
}

func TestHomeShowsEveryPage(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	pages := 0
	for ; pages < 100; pages++ {
		drawn := string(encode(t, big().home(pages)))
		all.WriteString(drawn)
		if !strings.Contains(drawn, "Next page") {
			break
		}
	}
	for i := range 500 {
		if !strings.Contains(all.String(), fmt.Sprintf("(request %d)", i+1)) {
			t.Errorf("request %d is on none of %d pages", i+1, pages+1)
		}
	}
}

func TestDailySaysNothingWhenThereIsNothing(t *testing.T) {
	t.Parallel()
	if m, ok := Daily(workflow.Overview{Complete: true}); ok || m.Text != "" {
		t.Errorf("%+v", m)
	}
}
