package sshsim

import (
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// Only what is wrong with a line keeps its key out.
func TestReadLine(t *testing.T) {
	t.Parallel()
	a := newEd25519(t)
	good := line(a, "", "alice")
	kind, blob := strings.Fields(good)[0], strings.Fields(good)[1]
	for text, want := range map[string]struct {
		comment string
		err     error
	}{
		good:                            {"alice", nil},
		"  \t " + good:                  {"alice", nil},
		good + " at home \t\r":          {"alice at home", nil},
		kind + " " + blob:               {"", nil},
		kind + " " + blob + "\r":        {"", nil},
		kind + "\t \t" + blob + "\t# x": {"# x", nil},
		kind + " " + blob[:20] + "\v\f\r" + blob[20:]:   {"", nil},
		good + "\x00 more":                              {"alice", nil},
		good + strings.Repeat("x", maxLine-len(good)):   {"alice" + strings.Repeat("x", maxLine-len(good)), nil},
		good + strings.Repeat("x", maxLine-len(good)+1): {"", errLong},
		"":                                      {"", errNothing},
		" \t":                                   {"", errNothing},
		"\x00" + good:                           {"", errNothing},
		" # " + good:                            {"", errNothing},
		"#" + good:                              {"", errNothing},
		"\r":                                    {"", errType},
		"\ufeff" + good:                         {"", errType},
		kind:                                    {"", errNoBlob},
		kind + " ":                              {"", errNoBlob},
		"no-pty " + kind + " ":                  {"", errNoBlob},
		blob + " alice":                         {"", errType},
		"ecdsa-sha2-nistp256 " + blob:           {"", errType},
		"no-pty ecdsa-sha2-nistp256 " + blob:    {"", errOtherType},
		"ssh-dss " + blob:                       {"", errType},
		strings.ToUpper(kind) + " " + blob:      {"", errType},
		kind + "-cert-v01@openssh.com " + blob:  {"", errType},
		"no-pty " + shortRSALine:                {"", errShortRSA},
		`command="ls ` + good:                   {"", errQuote},
		`no-pty ` + good:                        {"alice", nil},
		`no-pty, ` + good:                       {"alice", nil},
		`no-pty , ` + good:                      {"", errType},
		`no-pty no-pty ` + good:                 {"", errType},
		`command="a \"b c\" d",no-pty	 ` + good: {"alice", nil},
	} {
		e, err := readLine(text, time.UTC)
		if !errors.Is(err, want.err) || err == nil && (e.comment != want.comment || string(e.key.Marshal()) != string(a.PublicKey().Marshal())) {
			t.Errorf("%.300q: %q, %v, want %q, %v", text, e.comment, err, want.comment, want.err)
		}
	}
}

// A key that is cut, padded or lengthened is none.
func TestReadBrokenKey(t *testing.T) {
	t.Parallel()
	fields := strings.Fields(line(newECDSA(t, elliptic.P256()), "", ""))
	raw, _ := base64.StdEncoding.DecodeString(fields[1])
	kind, blob := "no-pty "+fields[0]+" ", fields[1]
	if _, err := readLine(kind+blob, time.UTC); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"without padding": strings.TrimRight(blob, "="),
		"too much":        blob + "=",
		"two":             blob + blob,
		"not base64":      "-" + blob[1:],
		"cut":             base64.StdEncoding.EncodeToString(raw[:len(raw)-1]),
		"more":            base64.StdEncoding.EncodeToString(append(slices.Clip(raw), 0)),
		"off the curve":   base64.StdEncoding.EncodeToString(append(raw[:len(raw)-1:len(raw)-1], raw[len(raw)-1]^1)),
		"stray bits":      strayBits(blob),
	} {
		if _, err := readLine(kind+text, time.UTC); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// strayBits returns base64 with a bit set that belongs to no byte.
func strayBits(blob string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	end := len(strings.TrimRight(blob, "=")) - 1
	return blob[:end] + string(digits[strings.IndexByte(digits, blob[end])|1]) + blob[end+1:]
}

// Lines stand for themselves, however they end.
func TestEntries(t *testing.T) {
	t.Parallel()
	a, b, c := newEd25519(t), newRSA(t, 1024), newECDSA(t, elliptic.P521())
	file := strings.Join([]string{
		"# who may", "", line(a, "", "a") + "\r", `command="never ends ` + line(a, "", "no"), strings.Repeat("long", maxLine),
		strings.Replace(line(b, "restrict", "b"), "ssh-rsa", "rsa-sha2-512", 1), "\x00\xff", line(c, "  ", "c"),
	}, "\n")
	got := ""
	for _, e := range entries([]byte(file), time.UTC) {
		got += e.key.Type() + " " + e.comment + "\n"
	}
	if want := "ssh-ed25519 a\nssh-rsa b\necdsa-sha2-nistp521 c\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := entries(nil, time.UTC); len(got) > 0 {
		t.Errorf("nothing has %v", got)
	}
}
