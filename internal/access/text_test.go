package access_test

import (
	"testing"

	"sshkeybot/internal/access"
)

func TestCleanText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		"the disk's “full” 磁盘 🙂":   "the disk's “full” 磁盘 🙂",
		"a\x00b\x01c\x7fd\u009be":  "abcde",
		"two\nlines\tand\r\nblank": "two\nlines\tand\r\nblank",
		"broken \xff\xfe end":      "broken \uFFFD end",
	} {
		if got := access.CleanText(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
