package bot

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text   string
		words  []string
		reason string
	}{
		{"", nil, ""},
		{"  list\t ", []string{"list"}, ""},
		{"grant <@U1|alice bob> 12h", []string{"grant", "<@U1|alice bob>", "12h"}, ""},
		{"grant <@U1>12h", []string{"grant", "<@U1>", "12h"}, ""},
		{`on "web one",db`, []string{"on", "web one,db"}, ""},
		{"on “web one” x", []string{"on", "web one", "x"}, ""},
		{`on "never closed`, []string{"on", "never closed"}, ""},
		{"it's don't", []string{"it's", "don't"}, ""},
		{"a for the disk's \"full\"  now", []string{"a"}, `the disk's "full"  now`},
		{`a "for" b`, []string{"a", "for", "b"}, ""},
		{"a FOR b", []string{"a"}, "b"},
		{"a for", []string{"a"}, ""},
		{"for", nil, ""},
		{"a forever", []string{"a", "forever"}, ""},
		{"a &lt;b&gt; c&amp;d", []string{"a", "<b>", "c&d"}, ""},
		{"x <mailto:a@b.de|a@b.de> <https://x.de/a?b=1&amp;c>", []string{"x", "a@b.de", "https://x.de/a?b=1&c"}, ""},
		{"a for <@U1|al> in <#C1|ops> at <https://x.de|x.de> &amp; &lt;!channel&gt;", []string{"a"}, "@al in #ops at https://x.de & <!channel>"},
		{"a<>b <#C1|> <>", []string{"a<>b", "#C1", "<>"}, ""},
		{"a for <https://good.de|https://evil.de> &lt;https://b.de|c&gt; <https://d.de/?e=1&amp;f>", []string{"a"}, "https://good.de <https://b.de|c> https://d.de/?e=1&f"},
		{"<!subteam^S1|@ops>", []string{"!@ops"}, ""},
		{"on <http://web-01.example.com|web-01.example.com>", []string{"on", "web-01.example.com"}, ""},
		{"on web-*.<http://example.com|example.com> as x", []string{"on", "web-*.example.com", "as", "x"}, ""},
		{"<http://a.b|a.b>,<http://c.d|c.d>,e", []string{"a.b,c.d,e"}, ""},
		{"<http://a.b/|a.b>-*", []string{"a.b-*"}, ""},
		{"tag:<http://eu.example.com|eu.example.com>", []string{"tag:eu.example.com"}, ""},
		{`"web one.<http://example.com|example.com>",<http://c.d|c.d>`, []string{"web one.example.com,c.d"}, ""},
		{"<tel:+491701|+491701>", []string{"+491701"}, ""},
		{"<@U1><http://a.b|a.b>", []string{"<@U1>", "a.b"}, ""},
		{"<http://a.b|a.b><@U1>", []string{"a.b", "<@U1>"}, ""},
		{"<http://a.b|a&amp;b>", []string{"a&b"}, ""},
		{"a for <http://web-01.example.com|web-01.example.com> and <http://x.de/d|the docs>", []string{"a"}, "web-01.example.com and http://x.de/d"},
	} {
		words, reason := splitWords(tc.text)
		var texts []string
		for _, w := range words {
			texts = append(texts, w.Text)
		}
		if diff := cmp.Diff(tc.words, texts); diff != "" || reason != tc.reason {
			t.Errorf("%q: reason %q\n%s", tc.text, reason, diff)
		}
	}
}

func FuzzSplitWords(f *testing.F) {
	for _, seed := range []string{"", "grant <@U1> 12h on \"a b\" for x", "“", "<@U1", "a<b>c", "for for", "\xff\" <!x>", "on a.<http://b.c|b.c>,\"d <http://e.f|e.f>\"", "<http://b|<x>", "<mailto:|>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words, reason := splitWords(text)
		total := len(reason)
		for _, w := range words {
			total += len(w.Text)
			if !w.Quoted && mention(w.Text) == "" && w.Text == "" {
				t.Errorf("an empty word of %q", text)
			}
			if !w.Quoted && strings.EqualFold(w.Text, "for") {
				t.Errorf("for is a word of %q", text)
			}
		}
		if utf8.ValidString(text) && total > len(text) {
			t.Errorf("%q grew to %d bytes", text, total)
		}
	})
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"grnat": "grant", "GRANT": "grant", "ofboard": "offboard", "don": "done", "dance": "", "lost": "list", "xyzzy": ""} {
		if got := closest(typed, verbNames()); got != want {
			t.Errorf("%s: %q", typed, got)
		}
	}
}
