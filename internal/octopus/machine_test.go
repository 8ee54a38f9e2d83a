package octopus

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const target = `{"Id":"Machines-1","Name":"web-01","HealthStatus":"Healthy","IsDisabled":false,"IsInProcess":true,"Roles":["web"],
	"Endpoint":{"CommunicationStyle":"Ssh","AccountId":"Accounts-1","Host":"198.18.0.1","Port":22,"Fingerprint":"SHA256:x","ProxyId":null,"HostKeyAlgorithm":"ssh-ed25519"}}`

// tentacle has fields that mean something else than with SSH.
const tentacle = `{"Id":"Machines-2","Name":"win","HealthStatus":"OfTomorrow","IsDisabled":true,"Endpoint":{"CommunicationStyle":"TentaclePassive","Uri":"https://win:10933/","Host":{},"Port":"no"}}`

func TestMachines(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "GET /api/Spaces-1/machines?skip=0&take=100", answer: pageOf(target, tentacle)})
	got, err := c.Machines(t.Context(), "Spaces-1")
	want := []Machine{
		{ID: "Machines-1", Name: "web-01", HealthStatus: Healthy, IsInProcess: true, Endpoint: Endpoint{StyleSSH, "Accounts-1", "198.18.0.1", 22}},
		{ID: "Machines-2", Name: "win", HealthStatus: "OfTomorrow", IsDisabled: true, Endpoint: Endpoint{CommunicationStyle: "TentaclePassive"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestWorkers(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "GET /api/Spaces-1/workers?skip=0&take=100", answer: pageOf(`{"Id":"Workers-1","Name":"w","HealthStatus":"Unknown"}`)})
	got, err := c.Workers(t.Context(), "Spaces-1")
	if diff := cmp.Diff([]Machine{{ID: "Workers-1", Name: "w", Worker: true, HealthStatus: Unknown}}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestConnection(t *testing.T) {
	t.Parallel()
	checked := time.Date(2026, 8, 19, 10, 13, 14, 0, time.UTC)
	for name, tt := range map[string]struct {
		machine      Machine
		call, answer string
		want         Connection
	}{
		"target": {Machine{ID: "Machines-1"}, "GET /api/Spaces-1/machines/Machines-1/connection",
			`{"MachineId":"Machines-1","Status":"Online","LastChecked":"2026-08-19T12:13:14.000+02:00","Logs":[{"MessageText":"x"}]}`, Connection{"Online", checked}},
		"worker": {Machine{ID: "Workers-1", Worker: true}, "GET /api/Spaces-1/workers/Workers-1/connection",
			`{"MachineId":"Workers-1","Status":"Offline","LastChecked":"2026-08-19T10:13:14Z"}`, Connection{"Offline", checked}},
		"never":    {Machine{ID: "Machines-1"}, "GET /api/Spaces-1/machines/Machines-1/connection", `{"MachineId":"Machines-1","Status":"Unknown","LastChecked":null}`, Connection{"Unknown", time.Time{}}},
		"year one": {Machine{ID: "Machines-1"}, "GET /api/Spaces-1/machines/Machines-1/connection", `{"MachineId":"Machines-1","LastChecked":"0001-01-01T00:00:00.000+00:00"}`, Connection{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := exchanging(t, exchange{call: tt.call, answer: tt.answer}).Connection(t.Context(), "Spaces-1", tt.machine)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
	for _, answer := range []string{`{}`, `{"MachineId":"Machines-2"}`, `{"MachineId":"Machines-1","LastChecked":"today"}`} {
		if _, err := scripted(canned(200, answer, nil)).Connection(t.Context(), "Spaces-1", Machine{ID: "Machines-1"}); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestUsages(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "GET /api/Spaces-1/accounts/Accounts-1/usages", answer: `{
		"Targets":[{"TargetId":"Machines-1","TargetName":"web-01"},{"TargetId":"Machines-2","TargetName":"web-02"}],
		"DeploymentProcesses":[{"ProjectName":"shop","Steps":[{},{}]}],"RunbookProcesses":[],"Releases":null,
		"LibraryVariableSets":[{},{},{}],"OfTomorrow":[{}],"Id":"Accounts-1","Links":{}}`})
	got, err := c.Usages(t.Context(), "Spaces-1", "Accounts-1")
	want := Usages{
		Targets: []TargetRef{{"Machines-1", "web-01"}, {"Machines-2", "web-02"}},
		Others:  map[string]int{"DeploymentProcesses": 1, "LibraryVariableSets": 3, "OfTomorrow": 1},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, answer := range []string{`{}`, `{"Targets":{}}`, `{"Targets":"x"}`} {
		if _, err := scripted(canned(200, answer, nil)).Usages(t.Context(), "Spaces-1", "Accounts-1"); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
