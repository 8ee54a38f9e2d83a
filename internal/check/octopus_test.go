package check_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/octopussim"
)

func TestOctopus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before       func(*octopussim.Server, *config.Octopus)
		finding      string
		status       check.Status
		text, remedy string
	}{
		"version":   {func(*octopussim.Server, *config.Octopus) {}, "octopus", check.OK, octopussim.DefaultVersion, ""},
		"user":      {func(*octopussim.Server, *config.Octopus) {}, "octopus user", check.OK, "service account", ""},
		"space":     {func(*octopussim.Server, *config.Octopus) {}, "octopus space", check.OK, "Default (Spaces-1) has 1 SSH", ""},
		"rights":    {func(*octopussim.Server, *config.Octopus) {}, "octopus rights", check.OK, "AccountEdit", ""},
		"too old":   {func(s *octopussim.Server, _ *config.Octopus) { s.SetVersion("2020.6.1") }, "octopus", check.Problem, "2020.6.1 takes no", "2021.1.7466"},
		"wrong key": {func(s *octopussim.Server, _ *config.Octopus) { s.SetKey("API-OTHER") }, "octopus user", check.Problem, "401", "OCTOPUS_API_KEY"},
		"no space":  {func(_ *octopussim.Server, o *config.Octopus) { o.Space = "Elsewhere" }, "octopus space", check.Problem, "space", "OCTOPUS_SPACE"},
		"no rights": {func(s *octopussim.Server, _ *config.Octopus) { s.SetAccess(octopussim.NoRights) }, "octopus space", check.Problem, "does not let", "rights"},
		"no workers": {func(s *octopussim.Server, _ *config.Octopus) {
			s.Fault(octopussim.FaultRule{Op: octopussim.OpListWorkers, Status: 403})
		}, "octopus rights", check.Problem, "workers", "WorkerView"},
		"no accounts": {func(s *octopussim.Server, _ *config.Octopus) { s.RemoveAccount("Accounts-1") }, "octopus space", check.Warning, "no SSH key pair", "AccountView"},
		"away": {func(s *octopussim.Server, _ *config.Octopus) {
			s.Fault(octopussim.FaultRule{Kind: octopussim.FaultDrop})
		}, "octopus", check.Problem, "did not answer", "OCTOPUS_URL"},
		"maintenance": {func(s *octopussim.Server, _ *config.Octopus) {
			s.Fault(octopussim.FaultRule{Kind: octopussim.FaultHTML})
		}, "octopus", check.Problem, "503", "OCTOPUS_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := octopussim.New(octopussim.Options{})
			sim.AddAccount(octopussim.DefaultSpace, octopussim.Account{Name: "web", Username: "deploy"})
			server := httptest.NewServer(sim)
			t.Cleanup(server.Close)
			b := newBench(t)
			b.Config.Octopus = &config.Octopus{URL: server.URL, APIKey: config.NewSecret(octopussim.DefaultKey)}
			tt.before(sim, b.Config.Octopus)
			var said []string
			for _, f := range b.Run(t.Context()) {
				if strings.Contains(f.Text+f.Remedy, octopussim.DefaultKey) {
					t.Error("the key is shown")
				}
				if f.Name == tt.finding && f.Status == tt.status && strings.Contains(f.Text, tt.text) && strings.Contains(f.Remedy, tt.remedy) {
					return
				}
				if strings.HasPrefix(f.Name, "octopus") {
					said = append(said, f.Name+": "+f.Text+" "+f.Remedy)
				}
			}
			t.Errorf("%q", said)
		})
	}
}
