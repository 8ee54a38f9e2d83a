package slackapi

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sshkeybot/internal/sim/slacksim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a played workspace and a Client of it.
type rig struct {
	*slacksim.Workspace
	*Client
}

// unlimited is the Speed of a Client whose pace and breakers have no effect.
const unlimited = 1e9

func start(t *testing.T, o slacksim.Options) *rig {
	t.Helper()
	w := slacksim.New(o)
	url, err := w.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	for i, name := range []string{"alice", "bob", "carol", "dave", "erin", "frank"} {
		w.AddUser(slacksim.User{ID: fmt.Sprintf("U%d", i+1), Name: name})
	}
	w.AddChannel(slacksim.Channel{ID: "C1", Name: "ops", Members: []string{"U1"}, Bot: true})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	web := &http.Client{Transport: transport, Timeout: time.Minute}
	return &rig{w, New(Config{Token: w.BotToken(), URL: url, HTTP: web, Speed: unlimited})}
}

// directory returns a new Directory.
func (r *rig) directory() *Directory { return NewDirectory(r.Client) }
