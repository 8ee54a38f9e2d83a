package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow/workflowtest"
)

var matchAccount = []access.Server{
	{ID: 1207, ExternalID: "1207", Name: "web-02", Tags: []string{"prod", "eu"}},
	{ID: 1203, ExternalID: "1203", Name: "web-01", Tags: []string{"Prod"}},
	{ID: 1210, ExternalID: "1210", Name: "db-01", Tags: []string{"staging"}},
	{ID: 1211, ExternalID: "1211", Name: "Shop[eu]"},
	{ID: 1212, ExternalID: "1212", Name: "shop/old"},
	{ID: 1213, ExternalID: "1213", Name: `back\slash`},
	{ID: 1215, ExternalID: "1215", Name: "twin"},
	{ID: 1214, ExternalID: "1214", Name: "twin"},
	{ID: 1216, ExternalID: "the vault", Name: "vault"},
}

func TestMatchServers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		want    []int64 // by name, then by id
	}{
		{"", []int64{1211, 1213, 1210, 1212, 1214, 1215, 1216, 1203, 1207}},
		{"  ", []int64{1211, 1213, 1210, 1212, 1214, 1215, 1216, 1203, 1207}},
		{"web-01", []int64{1203}},
		{"WEB-01", []int64{1203}},
		{"web-*", []int64{1203, 1207}},
		{"*-0?", []int64{1210, 1203, 1207}},
		{"web-0", nil},
		{"*", []int64{1211, 1213, 1210, 1212, 1214, 1215, 1216, 1203, 1207}},
		{"web-02,web-01, web-*", []int64{1203, 1207}}, // each once
		{"db-01,,#1207", []int64{1210, 1207}},
		{"#1203", []int64{1203}},
		{"#01203", nil}, // an ID is text
		{"#1203, #", nil},
		{"#the vault", []int64{1216}},
		{"#The Vault", nil},
		{"tag:prod", []int64{1203, 1207}},
		{"TAG:EU", []int64{1207}},
		{"tag:pro", nil},
		{"shop[eu]", []int64{1211}}, // no class: brackets are what they are
		{"shop[e-u]", nil},
		{"[a-z]*", nil},
		{"shop*", []int64{1211, 1212}}, // a star passes a slash as well
		{`back\slash`, []int64{1213}},
		{`\*`, nil},
		{"twin", []int64{1214, 1215}},
		{"web-01,*,web-*,web-01,#1207", []int64{1211, 1213, 1210, 1212, 1214, 1215, 1216, 1203, 1207}}, // some match nothing new
		{"*,web-0", nil},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			found, err := access.MatchServers(matchAccount, tt.pattern)
			var got []int64
			for _, server := range found {
				got = append(got, server.ID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (%v)", diff, err)
			}
			if (err != nil) != (tt.want == nil) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestNearestNamesAreShown(t *testing.T) {
	t.Parallel()
	tests := []struct{ pattern, want string }{
		{"web-1", "No server matches `web-1`. The nearest: web-01, web-02, db-01, "},
		{"tag:prd", "No server matches `tag:prd`. The nearest: tag:Prod, tag:prod, tag:eu, tag:staging"},
		{"db-1*", "The nearest: db-01, "},
	}
	for _, tt := range tests {
		_, err := access.MatchServers(matchAccount, tt.pattern)
		if got := access.MessageOf(err); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s", tt.pattern, got)
		}
	}
	_, err := access.MatchServers(matchAccount, "x")
	if names := strings.Count(access.MessageOf(err), ","); names != 4 {
		t.Errorf("five names at most: %v", err)
	}
	_, err = access.MatchServers(matchAccount, strings.Repeat("x", 101)) // no name that was mistyped
	if got := access.MessageOf(err); !strings.Contains(got, "No server matches") || strings.Contains(got, "nearest") {
		t.Error(got)
	}
	_, err = access.MatchServers(matchAccount[3:4], "tag:prod") // nothing has a tag
	workflowtest.Refuses(t, err, access.Invalid, "No server matches `tag:prod`.")
	_, err = access.MatchServers(matchAccount, "#99")
	workflowtest.Refuses(t, err, access.Invalid, "No server has the ID `#99`.")
	for _, typed := range []string{"hunter2", "#hunter2", "tag:hunter2"} {
		_, err := access.MatchServers(nil, typed)
		workflowtest.Refuses(t, err, access.Invalid, "`"+typed+"`")
		if strings.Contains(err.Error(), typed) {
			t.Errorf("what was typed would be logged: %v", err)
		}
	}
	_, err = access.MatchServers(nil, "")
	workflowtest.Refuses(t, err, access.Invalid, "There are no servers")
}

func TestMatchingLeavesTheListAsItWas(t *testing.T) {
	t.Parallel()
	all := slices.Clone(matchAccount)
	_, err := access.MatchServers(all, "")
	if err != nil || !cmp.Equal(all, matchAccount) {
		t.Errorf("the caller's list was sorted: %v", err)
	}
}

// FuzzMatchServers checks the rules on any text: a server's own name finds it and, without
// wildcards, nothing else; what is found is of the account, sorted, each once.
func FuzzMatchServers(f *testing.F) {
	for _, seed := range [][2]string{{"web-01", "web-*"}, {"[a-z]", "a"}, {`a\`, `a\`}, {"tag:x", "tag:x"}, {"#7", "#7"}, {"İ", "i̇"}, {"a/b", "a*b"}, {"/", "0"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, pattern string) {
		if !utf8.ValidString(name) || !utf8.ValidString(pattern) {
			return
		}
		all := append(slices.Clone(matchAccount), access.Server{ID: 7, Name: name})
		found, err := access.MatchServers(all, pattern)
		if (err == nil) != (len(found) > 0) || err != nil && access.CodeOf(err) != access.Invalid {
			t.Fatalf("%d servers and %v", len(found), err)
		}
		ids := map[int64]bool{}
		for i, server := range found {
			if ids[server.ID] || i > 0 && found[i-1].Name > server.Name {
				t.Errorf("twice, or not sorted: %+v", found)
			}
			ids[server.ID] = true
		}
		if plainName(name) {
			checkOwnName(t, all, name)
		}
	})
}

func plainName(name string) bool {
	return name != "" && utf8.RuneCountInString(name) <= access.MaxPattern && strings.TrimSpace(name) == name && !strings.ContainsAny(name, "*?,") &&
		name[0] != '#' && !strings.HasPrefix(strings.ToLower(name), "tag:")
}

func checkOwnName(t *testing.T, all []access.Server, name string) {
	t.Helper()
	found, err := access.MatchServers(all, name)
	if !slices.ContainsFunc(found, func(s access.Server) bool { return s.ID == 7 }) {
		t.Errorf("%q does not find itself: %+v, %v", name, found, err)
	}
	for _, server := range found {
		if !strings.EqualFold(server.Name, name) {
			t.Errorf("%q finds %q", name, server.Name)
		}
	}
}

// twoAccounts have servers of the same names and ids.
var twoAccounts = []access.Server{
	{ID: 1, Target: "agency", ExternalID: "12", Name: "agency/web-01"}, {ID: 2, Target: "client", ExternalID: "12", Name: "client/web-01", Tags: []string{"shop"}},
	{ID: 3, Target: "client", ExternalID: "13", Name: "client/agency/old"}, {ID: 4, Target: "vault", ExternalID: "v", Name: "vault", Alone: true},
}

func TestPatternNamesTargets(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][]int64{
		"web-01": {1, 2}, "client/web-*": {2}, "Client/#12": {2}, "#13": {3}, "client/#12, agency/*": {1, 2}, "client/agency/old": {3}, "*/old": {3},
		"client/*": {2, 3}, "client/tag:Shop": {2}, "tag:shop": {2}, "client/web-01": {2}, "*": {1, 2, 3}, "vault": {4},
	} {
		found, err := access.MatchServers(twoAccounts, pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
		ids := make([]int64, len(found))
		for i, s := range found {
			ids[i] = s.ID
		}
		if slices.Sort(ids); !slices.Equal(ids, want) {
			t.Errorf("%s names %v, want %v", pattern, ids, want)
		}
	}
}

func TestPatternThatNamesNoTarget(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"#12":            "There are several servers `#12`. Say which one you mean: agency/#12 or client/#12.",
		"agency/#13":     "No server has the ID `agency/#13`.",
		"agency/tag:x":   "No server matches `agency/tag:x`.",
		"clinet/web-*":   "No server matches `clinet/web-*`. Before the slash stands one of agency, client. The nearest: client/web-01,",
		"client/wbe-01":  "No server matches `client/wbe-01`. The nearest: client/web-01, client/agency/old.",
		"web-1":          "No server matches `web-1`. The nearest: agency/web-01, client/web-01,",
		"client/":        "No server matches `client/`. The nearest: client/web-01,",
		"client/vault":   "No server matches `client/vault`.",
		"vault,client/*": "`vault` is an account",
	} {
		_, err := access.MatchServers(twoAccounts, pattern)
		if got := access.MessageOf(err); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", pattern, got)
		}
	}
}

// BenchmarkMatchServers shows what the longest patterns cost, as multiples of a short one. Slack
// waits three seconds for the answer to what was typed.
func BenchmarkMatchServers(b *testing.B) {
	all := make([]access.Server, 5000)
	for i := range all {
		all[i] = access.Server{ID: int64(i), Name: fmt.Sprintf("client-%04d.web.example.com", i)}
	}
	var different strings.Builder
	for i := 0; different.Len() < access.MaxPattern-5; i++ {
		fmt.Fprintf(&different, "*%d*,", i)
	}
	match := func(pattern string) (took float64) {
		start := time.Now()
		if found, err := access.MatchServers(all, pattern); len(found) == 0 && err == nil {
			b.Error("neither servers nor an error")
		}
		return float64(time.Since(start))
	}
	match("client-*") // the first takes longer
	var short, same, other, unknown float64
	for b.Loop() {
		short += match("client-*")
		same += match(strings.Repeat("*,", access.MaxPattern/2))
		other += match(different.String())
		unknown += match(strings.Repeat("x", access.MaxPattern))
	}
	b.ReportMetric(same/short, "same-parts/short")
	b.ReportMetric(other/short, "different-parts/short")
	b.ReportMetric(unknown/short, "unknown-name/short")
}

func TestTargetsIn(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][]string{
		"": nil, "*": nil, ",": nil, "client/*": {"client"}, "client/web-1, client/#12,agency/tag:web": {"client", "agency"},
		"client/*,web-*": nil, "#12": nil, "/web": {""},
	} {
		if got := access.TargetsIn(pattern); !cmp.Equal(got, want) {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}
