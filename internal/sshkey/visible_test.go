package sshkey

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestCouldBe(t *testing.T) {
	t.Parallel()
	mine, others := everyType(t), everyType(t)
	key := mustParse(t, mine[ssh.KeyAlgoED25519])
	other := mustParse(t, others[ssh.KeyAlgoED25519])
	shown := func(k Key) string { return k.Line("alice")[:50] + "..." }
	for name, row := range map[string]struct {
		visible string
		want    bool
	}{
		"as RunCloud shows it":     {shown(key), true},
		"without dots":             {key.Authorized()[:50], true},
		"one ellipsis":             {key.Authorized()[:50] + "…", true},
		"whole":                    {key.Authorized(), true},
		"whole with comment":       {key.Line("x") + "\n", true},
		"doubled blanks":           {("ssh-ed25519   " + key.Blob)[:50] + "...", true},
		"options first":            {(`from="10.0.0.1 ",no-pty ` + key.Authorized())[:50] + "...", true},
		"options hide the key":     {`command="/usr/bin/something ssh-rsa AAAAB3Nza long...`, true},
		"dots before a comment":    {key.Authorized()[:50] + "... alice", true},
		"only the type":            {"ssh-ed25519", true},
		"nothing":                  {"", true},
		"several keys":             {other.Authorized() + "\n" + key.Authorized(), true},
		"another key":              {shown(other), false},
		"another whole key":        {other.Line("alice"), false},
		"another key with options": {"no-pty " + other.Authorized(), false},
		"another type":             {mine[ssh.KeyAlgoRSA][:50] + "...", false},
		"shorter whole blob":       {key.Authorized()[:50] + " comment", false},
	} {
		if got := CouldBe(row.visible, key); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The first 50 characters differ between keys of some types, and of others never.
func TestPrefixIsConstant(t *testing.T) {
	t.Parallel()
	mine, others := everyType(t), everyType(t)
	for keyType := range mine {
		key := mustParse(t, mine[keyType])
		if got, want := PrefixIsConstant(keyType), CouldBe(others[keyType][:50]+"...", key); got != want {
			t.Errorf("%s: PrefixIsConstant is %v, but a stranger's prefix fits: %v", keyType, got, want)
		}
	}
	if PrefixIsConstant("ssh-dss") {
		t.Error("nothing is known of other types")
	}
}

func TestProves(t *testing.T) {
	t.Parallel()
	types := everyType(t)
	key := mustParse(t, types[ssh.KeyAlgoECDSA256])
	for name, row := range map[string]struct {
		full string
		want bool
	}{
		"plain":               {key.Authorized(), true},
		"comment":             {key.Line("alice") + "\n", true},
		"blanks":              {"  " + key.Type + " \t " + key.Blob + "  a  b", true},
		"options":             {`command="echo \"ssh-rsa x\"",restrict ` + key.Authorized(), true},
		"shown shortened":     {key.Authorized()[:50] + "...", false},
		"cut without dots":    {strings.TrimSuffix(key.Authorized(), "="), false},
		"dots at the end":     {key.Authorized() + "...", false},
		"other key":           {types[ssh.KeyAlgoED25519], false},
		"other type word":     {"ssh-rsa " + key.Blob, false},
		"quoted in an option": {`command="` + key.Authorized() + `" ` + types[ssh.KeyAlgoED25519], false},
		"with another key":    {key.Authorized() + "\n" + types[ssh.KeyAlgoED25519], false},
		"in the comment":      {types[ssh.KeyAlgoED25519] + " " + key.Authorized(), false},
		"nothing":             {"", false},
	} {
		if got := Proves(row.full, key); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if Proves("", Key{}) {
		t.Error("nothing proves the zero key")
	}
}
