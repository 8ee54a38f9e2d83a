package access

import (
	"regexp"
	"strings"
	"testing"
)

const someprint = "SHA256:ab+/efghijklmnopqrstuvwxyz0123456789ABCDEFG"

func TestLabel(t *testing.T) {
	t.Parallel()
	plain := regexp.MustCompile(`^[A-Za-z0-9_ -]{1,63}$`)
	tests := []struct{ name, want string }{
		{"Alice", "alice"},
		{"Alice Liddell", "alice"},
		{"  Alice", "alice"},
		{"Ærø Øst", "r"}, // only plain letters are kept
		{"日本", "person"},
		{"", "person"},
		{"<!channel>", "channel"},
		{strings.Repeat("x", 100), "xxxxxxxxxx"},
		{"a\nb\x00c", "abc"},
	}
	for _, tt := range tests {
		g := Grant{ID: 41, Person: "U0ALICE", Alias: tt.name}
		label := Label(g, someprint)
		if want := "sshkeybot g41 ab-_efghijklmnop U0ALICE " + tt.want; label != want || !plain.MatchString(label) {
			t.Errorf("%q is labelled %q, want %q", tt.name, label, want)
		}
	}
}

func TestLabelTellsOwnerAndFingerprint(t *testing.T) {
	t.Parallel()
	label := Label(Grant{ID: 41, Person: "U0ALICE", Alias: "alice"}, someprint)
	if person, print, ok := LabelOwner(label); person != "U0ALICE" || print != "ab-_efghijklmnop" || !ok {
		t.Errorf("read %s, %s, %v", person, print, ok)
	}
	if !LabelFits(label, someprint) || LabelFits(label, "SHA256:ac+/efghijklmnopqrstuvwxyz0123456789ABCDEFG") {
		t.Errorf("a label fits the one fingerprint it tells")
	}
	for _, other := range []string{
		"", "alice laptop", "sshkeybot", "sshkeybot g41 ab-_efghijklmnop", "sshkeybot 41 ab-_efghijklmnop U0ALICE",
		"sshkeybot g41 tooshort U0ALICE alice", "SSHKEYBOT g41 ab-_efghijklmnop U0ALICE",
	} {
		if _, _, ok := LabelOwner(other); ok || LabelFits(other, someprint) {
			t.Errorf("%q was taken for one of ours", other)
		}
	}
}

func TestSameLabel(t *testing.T) {
	t.Parallel()
	written := Label(Grant{ID: 1, Person: "U0ALICE", Alias: "alice"}, someprint)
	tests := []struct {
		name, read string
		want       bool
	}{
		{"as written", written, true},
		{"in another case", strings.ToUpper(written), true},
		{"cut in the alias", written[:len(written)-3], true},
		{"cut behind the fingerprint", "sshkeybot g1 ab-_efghijklmnop", true},
		{"cut in the fingerprint", "sshkeybot g1 ab-_efghijklmno", false},
		{"of another grant", strings.Replace(written, "g1 ", "g2 ", 1), false},
		{"of a grant that begins alike", strings.Replace(written, "g1 ", "g12 ", 1), false},
		{"longer", written + "2", false},
		{"of another person", strings.Replace(written, "U0ALICE", "U0CAROL", 1), false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		if got := sameLabel(tt.read, written); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if sameLabel("back", "backup") || !sameLabel("backup", "backup") {
		t.Errorf("a stranger's label is compared as a whole")
	}
}
