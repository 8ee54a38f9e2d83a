package octopussim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRootAndMe(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/deploy/octopus"} {
		b := newBench(t, Options{Path: path})
		b.want("GET", "/api", nil, 200, `"Version":"2026.3.1234"`)
		b.want("GET", "/api/users/me", nil, 200, `"IsService":true`)
		b.SetVersion("2020.6.1")
		b.want("GET", "/api", nil, 200, `"Version":"2020.6.1"`)
		b.want("GET", "/api/nothing", nil, 404, "ErrorMessage")
		b.want("DELETE", inDefault+"/accounts", nil, 404, "ErrorMessage")
	}
	b := newBench(t, Options{Path: "/octopus"})
	b.base = strings.TrimSuffix(b.base, "/octopus")
	b.want("GET", "/api", nil, 404, "")
}

func TestKeyAndRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	account, machine, _ := b.machine()
	b.SetKey("API-OTHER")
	b.want("GET", "/api", nil, 200, "Octopus Deploy")
	b.want("GET", "/api/users/me", nil, 401, "logged in")
	b.SetKey(DefaultKey)
	b.SetAccess(ReadOnly)
	b.want("GET", inDefault+"/accounts/"+account, nil, 200, "deploy")
	b.want("PUT", inDefault+"/accounts/"+account, b.Document(account), 403, "permission")
	b.want("POST", inDefault+"/tasks", healthOf(machine), 403, "permission")
	b.SetAccess(NoRights)
	b.want("GET", "/api/users/me", nil, 200, "")
	b.want("GET", inDefault+"/accounts", nil, 403, "permission")
	b.SetAccess(FullAccess)
	b.want("PUT", inDefault+"/accounts/"+account, b.Document(account), 200, "")
	if applied := b.Calls()[7]; applied.Op != OpUpdateAccount || !applied.Applied || b.Calls()[3].Applied {
		t.Errorf("calls %+v", b.Calls())
	}
}

func TestSpaces(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	second := b.AddSpace("Default 2")
	account := b.AddAccount(second, Account{Name: "there"})
	if got := b.get("/api/spaces?partialName=default"); got["TotalResults"] != 2.0 {
		t.Errorf("%v", got)
	}
	b.want("GET", "/api/spaces/"+second, nil, 200, `"Name":"Default 2"`)
	b.want("GET", "/api/spaces/Spaces-9", nil, 404, "")
	b.want("GET", "/api/Spaces-9/accounts", nil, 404, "")
	b.want("GET", "/api/"+second+"/accounts/"+account, nil, 200, "there")
	b.want("GET", inDefault+"/accounts/"+account, nil, 404, "")
	b.AddEnvironment(second, "Production")
	b.want("GET", "/api/"+second+"/environments", nil, 200, "Production")
	if b.AddEnvironment("Spaces-9", "x") != "" {
		t.Error("an environment of no space")
	}
}

func TestPagesAndSearch(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{MaxPage: 40})
	for i := range 90 {
		b.AddAccount(DefaultSpace, Account{Name: fmt.Sprintf("Key %02d", 89-i)})
	}
	other := b.AddAccount(DefaultSpace, Account{Name: "azure", Type: "OfTomorrow", Fields: map[string]any{"Odd": []int{1}}})
	names := []string{}
	for skip := 0; skip < 90; skip += 40 {
		page := b.get(fmt.Sprintf("%s/accounts?partialName=key&skip=%d&take=100", inDefault, skip))
		if page["TotalResults"] != 90.0 || page["ItemsPerPage"] != 40.0 {
			t.Errorf("page %v", page)
		}
		for _, i := range page["Items"].([]any) {
			names = append(names, i.(map[string]any)["Name"].(string))
		}
	}
	if len(names) != 90 || names[0] != "Key 00" || names[89] != "Key 89" {
		t.Errorf("%d names from %s", len(names), names[0])
	}
	if got := b.get(inDefault + "/accounts"); len(got["Items"].([]any)) != defaultTake {
		t.Errorf("%v", got["ItemsPerPage"])
	}
	b.want("GET", inDefault+"/accounts?ids="+other+",Accounts-999", nil, 200, `"TotalResults":1`)
	b.want("GET", inDefault+"/accounts?accountType=OfTomorrow", nil, 200, `"Odd":[1]`)
	b.want("GET", inDefault+"/accounts?skip=500", nil, 200, `"Items":[]`)
}

func TestMachinesAndUsages(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	account, machine, _ := b.machine()
	worker := b.AddMachine(DefaultSpace, Machine{Name: "worker", Worker: true, AccountID: account, Port: 2222})
	b.AddMachine(DefaultSpace, Machine{Name: "win", Style: "TentaclePassive", Host: "win"})
	b.AddUsage(account, "DeploymentProcesses", 2)
	b.AddUsage(account, "OfTomorrow", 1)
	list := b.get(inDefault + "/machines")
	first := list["Items"].([]any)[0].(map[string]any)
	if list["TotalResults"] != 2.0 || first["Id"] != machine {
		t.Errorf("%v", list)
	}
	b.want("GET", inDefault+"/machines", nil, 200, `"AccountId":"`+account+`"`)
	b.want("GET", inDefault+"/workers", nil, 200, `"Port":2222`)
	b.want("GET", inDefault+"/machines/"+machine+"/connection", nil, 200, `"LastChecked":null`)
	b.want("GET", inDefault+"/workers/"+worker+"/connection", nil, 200, `"MachineId":"`+worker)
	usages := b.get(inDefault + "/accounts/" + account + "/usages")
	if diff := cmp.Diff([]any{map[string]any{"TargetId": machine, "TargetName": "web-01"}}, usages["Targets"]); diff != "" {
		t.Error(diff)
	}
	if len(usages["DeploymentProcesses"].([]any)) != 2 || len(usages["OfTomorrow"].([]any)) != 1 || len(usages["Releases"].([]any)) != 0 {
		t.Errorf("%v", usages)
	}
	if !b.RemoveMachine(machine) || b.RemoveMachine(machine) {
		t.Error("a machine can be removed once")
	}
	b.want("GET", inDefault+"/machines/"+machine+"/connection", nil, 404, "")
}
