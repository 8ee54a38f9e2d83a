package nearest_test

import (
	"testing"

	"pgregory.net/rapid"

	"sshkeybot/internal/nearest"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"grnat", "grant", 2}, {"kitten", "sitting", 3}, {"web-01", "web-01", 0}, {"für", "fur", 1}} {
		if got := nearest.Distance(tt.a, tt.b); got != tt.want {
			t.Errorf("from %q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestDistanceIsOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-c]{0,6}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		ab, bc, ac := nearest.Distance(a, b), nearest.Distance(b, c), nearest.Distance(a, c)
		if ab != nearest.Distance(b, a) || ac > ab+bc || (ab == 0) != (a == b) {
			t.Fatalf("%q %q %q: %d %d %d", a, b, c, ab, bc, ac)
		}
	})
}
