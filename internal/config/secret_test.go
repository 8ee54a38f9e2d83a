package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	c := defaults()
	c.Slack.BotToken = NewSecret("hunter2")
	c.DatabaseURL = NewSecret("hunter2")
	c.Scalingo = &Scalingo{Token: NewSecret("hunter2")}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p"} {
		fmt.Fprintf(&shown, verb+"\n", c)
		fmt.Fprintf(&shown, verb+"\n", &c.Slack)
		fmt.Fprintf(&shown, verb+"\n", c.DatabaseURL)
		fmt.Fprintf(&shown, verb+"\n", []Secret{c.DatabaseURL})
	}
	encoded, err := json.Marshal(map[string]any{"c": c, "s": c.DatabaseURL, "p": &c.DatabaseURL})
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	keyed, err := json.Marshal(map[Secret]int{c.DatabaseURL: 1})
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(keyed)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("start", "c", c, "s", c.DatabaseURL)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("start", "c", c, "s", c.DatabaseURL)
	logger := zerolog.New(&shown)
	logger.Info().Interface("c", c).Stringer("s", c.DatabaseURL).Any("p", &c.DatabaseURL).Msg(c.DatabaseURL.String())
	for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2")} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("the secret is shown as %s", form)
		}
	}
	if !strings.Contains(shown.String(), "REDACTED") || c.DatabaseURL.Reveal() != "hunter2" {
		t.Error("nothing was printed, or Reveal gives something else")
	}
	if got := fmt.Sprintf("%s %#v", c.DatabaseURL, c.DatabaseURL); got != "REDACTED REDACTED" {
		t.Error(got)
	}
}
