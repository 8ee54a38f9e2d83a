package check_test

import (
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/runcloudsim"
)

// The findings on several accounts say which one they are about, and which settings mend it.
func TestFindingsOnSeveralAccounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	big := b.Config.RunClouds[0]
	big.Name, big.Token, big.TemporaryLifetime = "big-client", config.NewSecret("wrong"), 6*time.Hour
	b.Config.RunClouds[0].Name = "agency"
	b.Config.RunClouds = append(b.Config.RunClouds, big)
	got := map[string]string{}
	for _, f := range append(b.Run(t.Context()), b.AtStart(t.Context())...) {
		got[f.Name] += string(f.Status) + " " + f.Text + f.Remedy
	}
	for name, want := range map[string]string{
		"runcloud agency": "ok The account has 3 servers", "runcloud agency keys": "ok The keys of", "runcloud agency clock": "ok The clock agrees",
		"runcloud big-client": "put it into RUNCLOUD_API_TOKEN_BIG_CLIENT", "long grants": "longer than 12h on agency, 6h on big-client is",
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	if !strings.Contains(got["runcloud agency"], "takes the token") || strings.Count(got["runcloud big-client"], "problem") != 2 || got["runcloud"] != "" {
		t.Errorf("%v", got)
	}
}

// Two tokens of one workspace would have each of its servers twice in the ledger.
func TestTwoTokensOfOneWorkspace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	again := b.Config.RunClouds[0]
	again.Name = "again"
	other := runcloudsim.New(runcloudsim.Options{})
	other.AddServer(runcloudsim.Server{Name: "web-01", Address: "198.19.0.1"}) // with the id and the name of another one
	url, err := other.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	third := again
	third.Name, third.APIURL = "third", url
	b.Config.RunClouds = append(b.Config.RunClouds, again, third)
	var found []check.Finding
	for _, f := range b.Run(t.Context()) {
		if strings.HasSuffix(f.Name, " servers") {
			found = append(found, f)
		}
	}
	if len(found) != 1 || found[0].Name != "runcloud again servers" || found[0].Status != check.Problem || !strings.HasPrefix(found[0].Text, "3 servers of again, such as db-01, are in runcloud as well") {
		t.Errorf("%+v", found)
	}
}

// A target that has another name in the settings is named with the one that it had.
func TestTargetWithAFormerName(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Targets = []string{"agency", "client"}
	ledger := b.ledger(t)
	err := ledger.Update(t.Context(), func(tx access.Tx) error {
		return access.KeepAdoption(t.Context(), tx, "agency", access.Adoption{From: "runcloud", At: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	ledger.Close()
	var told []check.Finding
	for _, f := range b.Run(t.Context()) {
		if strings.HasPrefix(f.Name, "target ") {
			told = append(told, f)
		}
	}
	if len(told) != 1 || told[0].Name != "target agency" || told[0].Status != check.Note || !strings.Contains(told[0].Text, "it was called runcloud") {
		t.Errorf("it says: %+v", told)
	}
}
