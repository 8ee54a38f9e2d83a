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
		label := Label("abc27", g, someprint)
		if want := "sshkeybot abc27 g41 ab-_efghijklmnop U0ALICE " + tt.want; label != want || !plain.MatchString(label) {
			t.Errorf("%q is labelled %q, want %q", tt.name, label, want)
		}
	}
	far := Label("abc27", Grant{ID: 1_000_000_041, Person: "U0123456789", Alias: "alexandria"}, someprint)
	if far != "sshkeybot abc27 g1000000041 ab-_efghijklmnop U0123456789 alexan" || !plain.MatchString(far) {
		t.Errorf("of a late grant: %q", far)
	}
}

func TestLedgerIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		id := NewLedgerID()
		if seen[id] || !regexp.MustCompile(`^[a-z2-7]{5}$`).MatchString(id) {
			t.Errorf("the id %q", id)
		}
		seen[id] = true
	}
}

func TestLabelsOfLedgers(t *testing.T) {
	t.Parallel()
	g := Grant{ID: 234, Person: "U0ALICE", Alias: "alice"}
	tests := []struct {
		label, ledger string
		carries       bool // whether it claims to be of g2345
	}{
		{Label("g2345", g, someprint), "g2345", true}, // an id that looks like a grant
		{Label("abc27", g, someprint), "abc27", false},
		{"SSHKEYBOT G2345 G1 somewhat altered", "", true},
		{"sshkeybot g2345 g1", "", true},
		{"sshkeybot g23456 g1 ab-_efghijklmnop U0ALICE alice", "", false},
		{"sshkeybot g234 ab-_efghijklmnop U0ALICE alice", "", false}, // the older form
		{"sshkeybot g2345", "", false},
		{"alice laptop", "", false},
		{"", "", false},
	}
	for _, tt := range tests {
		if got := LabelLedger(tt.label); got != tt.ledger {
			t.Errorf("%q is of the ledger %q, want %q", tt.label, got, tt.ledger)
		}
		if got := CarriesLedger(tt.label, "g2345"); got != tt.carries {
			t.Errorf("%q claims to be of g2345: %v", tt.label, got)
		}
	}
	if CarriesLedger("sshkeybot  g1", "") {
		t.Error("a ledger without an id has no labels")
	}
}

func TestLabelTellsOwnerAndFingerprint(t *testing.T) {
	t.Parallel()
	older := "sshkeybot g41 ab-_efghijklmnop U0ALICE alice"
	for _, label := range []string{Label("abc27", Grant{ID: 41, Person: "U0ALICE", Alias: "alice"}, someprint), older} {
		if person, print, ok := LabelOwner(label); person != "U0ALICE" || print != "ab-_efghijklmnop" || !ok {
			t.Errorf("read %s, %s, %v", person, print, ok)
		}
		if !LabelFits(label, someprint) || LabelFits(label, "SHA256:ac+/efghijklmnopqrstuvwxyz0123456789ABCDEFG") {
			t.Errorf("a label fits the one fingerprint it tells")
		}
	}
	for _, other := range []string{
		"", "alice laptop", "sshkeybot", "sshkeybot g41 ab-_efghijklmnop", "sshkeybot 41 ab-_efghijklmnop U0ALICE",
		"sshkeybot g41 tooshort U0ALICE alice", "sshkeybot ABC27 g41 ab-_efghijklmnop U0ALICE", "sshkeybot abc2 g41 ab-_efghijklmnop U0ALICE", "SSHKEYBOT g41 ab-_efghijklmnop U0ALICE",
	} {
		if _, _, ok := LabelOwner(other); ok || LabelFits(other, someprint) {
			t.Errorf("%q was taken for one of ours", other)
		}
	}
}

func TestSameLabel(t *testing.T) {
	t.Parallel()
	written := Label("abc27", Grant{ID: 1, Person: "U0ALICE", Alias: "alice"}, someprint)
	tests := []struct {
		name, read string
		want       bool
	}{
		{"as written", written, true},
		{"in another case", strings.ToUpper(written), true},
		{"cut in the alias", written[:len(written)-3], true},
		{"cut behind the fingerprint", "sshkeybot abc27 g1 ab-_efghijklmnop", true},
		{"cut in the fingerprint", "sshkeybot abc27 g1 ab-_efghijklmno", false},
		{"of another ledger", strings.Replace(written, "abc27", "abc26", 1), false},
		{"of the older form", strings.Replace(written, "abc27 ", "", 1), false},
		{"of another grant", strings.Replace(written, "g1 ", "g2 ", 1), false},
		{"of a grant that begins alike", strings.Replace(written, "g1 ", "g12 ", 1), false},
		{"longer", written + "2", false},
		{"of another person", strings.Replace(written, "U0ALICE", "U0CAROL", 1), false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		if got := SameLabel(tt.read, written); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if older := strings.Replace(written, "abc27 ", "", 1); !SameLabel(older[:len(older)-3], older) || SameLabel(written, older) {
		t.Errorf("a label of the older form is compared like one of the present")
	}
	if SameLabel("the back up", "the back up key") {
		t.Errorf("a stranger's label of several words was cut")
	}
	if SameLabel("back", "backup") || !SameLabel("backup", "backup") {
		t.Errorf("a stranger's label is compared as a whole")
	}
}

func TestLabelOfAccount(t *testing.T) {
	t.Parallel()
	label := Label("abcde", Grant{ID: 7, Alias: "Deploy Web"}, "SHA256:0123456789abcdefghij")
	if want := "sshkeybot abcde g7 0123456789abcdef ACCOUNT deploy"; label != want {
		t.Errorf("%q", label)
	}
	if owner, _, ok := LabelOwner(label); owner != "" || !ok || !LabelFits(label, "SHA256:0123456789abcdefghij") {
		t.Errorf("%q, %v", owner, ok)
	}
}
