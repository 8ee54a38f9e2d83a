package redact

import (
	"strings"
	"testing"
)

// None of these is or ever was a real token.
const (
	bot  = "xoxb-" + "1234567890-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
	user = "xoxp-" + "1234567890-1234567890-abcdef"
	app  = "xapp-" + "1-A012345-6789-abcdef0123456789"
	next = "xoxe.xoxb-" + "1-Mi0yLTEyMzQ1Njc4OTA"
	web  = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	for _, token := range []string{bot, user, app, next, web} {
		for _, text := range []string{token, "use " + token + ", please", "on web-1," + token, "`" + token + "`"} {
			if !Holds(text) {
				t.Errorf("no token is seen in %q", text)
			}
		}
	}
	for _, text := range []string{"", "for the xoxb-token rotation", "rotate xoxb- and xapp- tokens", "eyJ is how they begin", "web-1.example.com", "boxb-1234567890"} {
		if Holds(text) {
			t.Errorf("a token is seen in %q", text)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	secrets := []string{
		bot, user, app, next, web, "xoxb-short", "eyJhbGciOiJIUzI1NiJ9",
		"AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
		`-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIO`,
	}
	for _, secret := range secrets {
		got := string(Line([]byte(`{"error":"refused ` + secret + `","code":"invalid"}`)))
		if want := `{"error":"refused ***","code":"invalid"}`; got != want {
			t.Errorf("%s becomes %s", secret, got)
		}
		if both := string(Line([]byte(secret + "," + secret))); strings.Contains(both, secret[len(secret)-8:]) && !strings.HasPrefix(secret, "-----") {
			t.Errorf("%s twice becomes %s", secret, both)
		}
	}
	plain := `{"level":"info","server":"web-1.example.com","fingerprint":"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"}`
	if got := string(Line([]byte(plain))); got != plain {
		t.Errorf("%s becomes %s", plain, got)
	}
}
