package render

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// texts collects every text in which Slack looks for markup.
func texts(t testing.TB, drawn any) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(encode(t, drawn), &value); err != nil {
		t.Fatal(err)
	}
	var out []string
	if m, ok := drawn.(Message); ok && m.Text != "" {
		out = append(out, m.Text)
	}
	var walk func(any)
	walk = func(x any) {
		switch v := x.(type) {
		case map[string]any:
			if s, ok := v["text"].(string); ok && v["type"] == "mrkdwn" {
				out = append(out, s)
			}
			for _, child := range v {
				walk(child)
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

var ourTokens = regexp.MustCompile(`<@U0(ALICE|BOB|CAROL|BOT)>|<!subteam\^S0OPS>|<!date\^-?\d+\^\{date_short_pretty\} at \{time\}\|[-\d: ]+UTC>|<#C0OPS>` +
	`|<https://simteam\.slack\.com/archives/C0OPS/p1\|[Rr]equest \d+>` +
	`|<https://reason\.example>|<https://staging\.example\.com/\?a=1&amp;b=2>|<https://tickets\.example\.com/browse\?id=OPS-\d+&amp;x\|OPS-\d+>`)

// strayTokens lists texts with an angle bracket or a quotation that is not ours.
func strayTokens(all []string) []string {
	var found []string
	for _, text := range all {
		rest := ourTokens.ReplaceAllString(text, "")
		if strings.ContainsAny(rest, "<>") {
			found = append(found, "an angle bracket is left in: "+rest)
		}
		if strings.HasPrefix(rest, "&gt;") || strings.Contains(rest, "\n&gt;") {
			found = append(found, "a line begins with a quotation: "+rest)
		}
	}
	return found
}

var codeSpan = regexp.MustCompile("```\n[^`]+\n```|`[^`\n]+`")

func TestForeignTextFormatsNothing(t *testing.T) {
	t.Parallel()
	for name, drawn := range allCases()["hostile"] {
		if _, isFile := drawn.([]byte); isFile {
			continue
		}
		all, isList := drawn.([]Message)
		if !isList {
			checkFormatting(t, name, texts(t, drawn))
		}
		for _, m := range all {
			checkFormatting(t, name, texts(t, m))
		}
	}
}

func checkFormatting(t *testing.T, name string, all []string) {
	t.Helper()
	for _, text := range all {
		outside := codeSpan.ReplaceAllString(text, "")
		for _, forged := range []string{"*bold*", "_it_", "~s~", "`", ":white_check_mark:", "*Approved* by <@U0BOB>", "\u202e", "\u2028", "\x00"} {
			if strings.Contains(outside, forged) {
				t.Errorf("%s: %q is left in %q", name, forged, text)
			}
		}
	}
}

func TestAnyForeignTextIsSafe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("<>&!@#|*_~`:^ \nab{}=")), 0, 4000, -1)).Draw(rt, "text")
		w := world{rapid.IntRange(1, 6).Draw(rt, "n"), func(string) string { return text }}
		part := rapid.IntRange(0, len(w.parts())-1).Draw(rt, "part")
		for name, drawn := range w.parts()[part]() {
			for _, problem := range problems(t, drawn) {
				rt.Errorf("%s: %s", name, problem)
			}
		}
	})
}

func FuzzEscape(f *testing.F) {
	f.Add(attack, 40)
	f.Add("plain", 3)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 5 + abs(limit)%500
		for _, safe := range []string{escape(text, limit), code(text, limit), sentence(text, limit)} {
			if strings.ContainsAny(safe, "<>\n\r") {
				t.Errorf("%q became %q", text, safe)
			}
			if n := len([]rune(safe)); n > limit+2 && safe != "(no name)" {
				t.Errorf("%q became %d characters, limit %d", text, n, limit)
			}
		}
		if strings.ContainsAny(escape(text, limit), "*~`") {
			t.Errorf("%q keeps formatting", text)
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}
