package octopussim

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// What a machine lets in is judged by the key that the account really has.
func TestHealthLogsIn(t *testing.T) {
	t.Parallel()
	var asked []string
	allowed := ""
	b := newBench(t, Options{LogsIn: func(host string, port int, username, publicKey string) bool {
		asked = append(asked, fmt.Sprint(host, " ", port, " ", username))
		return publicKey == allowed
	}})
	_, machine, public := b.machine()
	if got := b.check(machine); got["State"] != Failed || got["FinishedSuccessfully"] != false || !strings.Contains(fmt.Sprint(got["ErrorMessage"]), "1 machines") {
		t.Errorf("%v", got)
	}
	if status, checked := b.Health(machine); status != unhealthy || checked.Before(start) {
		t.Errorf("%s at %v", status, checked)
	}
	b.want("GET", inDefault+"/machines/"+machine+"/connection", nil, 200, `"Status":"Offline"`)
	allowed = public
	if got := b.check(machine); got["State"] != Success || got["IsCompleted"] != true || got["HasWarningsOrErrors"] != false {
		t.Errorf("%v", got)
	}
	b.want("GET", inDefault+"/machines", nil, 200, `"HealthStatus":"Healthy"`)
	b.want("GET", inDefault+"/machines/"+machine+"/connection", nil, 200, `"Status":"Online"`)
	if len(asked) != 2 || asked[0] != "198.18.0.1 22 runcloud" {
		t.Errorf("asked %v", asked)
	}
}

// Every key is taken; which can be used shows in the health check alone.
func TestWhichKeysWork(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	number, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		file    []byte
		plain   bool // not encoded
		phrase  any
		version string
		works   bool
	}{
		"Ed25519":               {file: openSSH(t, private, ""), works: true},
		"Ed25519, first server": {file: openSSH(t, private, ""), version: "2021.1.7466", works: true},
		"Ed25519, old server":   {file: openSSH(t, private, ""), version: "2021.1.7465"},
		"not encoded":           {file: openSSH(t, private, ""), plain: true},
		"encrypted":             {file: openSSH(t, private, "pass")},
		"encrypted, with it":    {file: openSSH(t, private, "pass"), phrase: "pass"},
		"old passphrase":        {file: openSSH(t, private, ""), phrase: "old"},
		"PKCS #8":               {file: block(t, "PRIVATE KEY", private)},
		"RSA in OpenSSH's form": {file: openSSH(t, number, "")},
		"RSA":                   {file: block(t, "RSA PRIVATE KEY", number), works: true},
		"ECDSA":                 {file: block(t, "EC PRIVATE KEY", curve), works: true},
		"nonsense":              {file: []byte("nonsense")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, Options{Version: tt.version})
			account, machine, _ := b.machine()
			doc := b.Document(account)
			doc[keyField], doc[passphraseField] = sensitive(true, encoded(tt.file)), sensitive(tt.phrase != nil, tt.phrase)
			if tt.plain {
				doc[keyField] = sensitive(true, string(tt.file))
			}
			b.want("PUT", inDefault+"/accounts/"+account, doc, 200, "")
			if got := b.check(machine)["State"] == Success; got != tt.works || (b.PublicKey(account) != "") != tt.works {
				t.Errorf("works: %v", got)
			}
		})
	}
}

func openSSH(t *testing.T, private any, passphrase string) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func block(t *testing.T, form string, private any) []byte {
	t.Helper()
	var der []byte
	var err error
	switch form {
	case "RSA PRIVATE KEY":
		der = x509.MarshalPKCS1PrivateKey(private.(*rsa.PrivateKey))
	case "EC PRIVATE KEY":
		der, err = x509.MarshalECPrivateKey(private.(*ecdsa.PrivateKey))
	default:
		der, err = x509.MarshalPKCS8PrivateKey(private)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: form, Bytes: der})
}

func TestHealthOfEachMachine(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	account, good, _ := b.machine()
	offline := b.AddMachine(DefaultSpace, Machine{Name: "off", AccountID: account, Offline: true})
	warns := b.AddMachine(DefaultSpace, Machine{Name: "warns", AccountID: account, Warns: true})
	disabled := b.AddMachine(DefaultSpace, Machine{Name: "disabled", AccountID: account, Disabled: true})
	worker := b.AddMachine(DefaultSpace, Machine{Name: "worker", AccountID: "Accounts-9", Worker: true})
	tentacle := b.AddMachine(DefaultSpace, Machine{Name: "win", Style: "TentaclePassive"})
	if got := b.check(good, warns, disabled, tentacle); got["State"] != Success || got["HasWarningsOrErrors"] != true {
		t.Errorf("%v", got)
	}
	if got := b.check(good, offline); got["State"] != Failed {
		t.Errorf("an unavailable machine: %v", got)
	}
	b.SetTaskRules(TaskRules{SkipUnavailable: true})
	if got := b.check(good, offline); got["State"] != Success {
		t.Errorf("an unavailable machine that is skipped: %v", got)
	}
	b.want("POST", inDefault+"/tasks", `{"SpaceId":"Spaces-1","Name":"Health"}`, 201, "Manual health check") // of everything
	for id, want := range map[string]string{good: healthy, offline: unavailable, warns: hasWarnings, disabled: "Unknown", worker: unhealthy, tentacle: healthy} {
		if got, _ := b.Health(id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	b.EditMachine(offline, func(m *Machine) { m.Offline = false })
	if b.check(offline); b.EditMachine("Machines-99", nil) {
		t.Error("edited what is not there")
	}
	if got, _ := b.Health(offline); got != healthy {
		t.Errorf("back, and %s", got)
	}
}

func TestTaskTakesTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	_, machine, _ := b.machine()
	b.SetTaskRules(TaskRules{Queued: 10 * time.Second, Runs: 20 * time.Second})
	want := func(state string, busy bool) {
		t.Helper()
		got := b.get(inDefault + "/tasks/ServerTasks-1")
		if got["State"] != state || got["IsCompleted"] != (state == Success) {
			t.Errorf("%v, want %s", got["State"], state)
		}
		b.want("GET", inDefault+"/machines", nil, 200, fmt.Sprintf(`"IsInProcess":%v`, busy))
	}
	if b.check(machine); b.Step("ServerTasks-9") {
		t.Error("stepped what is not there")
	}
	want(Queued, false)
	b.clock.add(10 * time.Second)
	want(Executing, true)
	b.clock.add(19 * time.Second)
	want(Executing, true)
	b.clock.add(time.Second)
	want(Success, false)
}

func TestTasksGoWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	_, machine, _ := b.machine()
	for _, state := range []string{Failed, TimedOut, Canceled} {
		b.SetTaskRules(TaskRules{Ends: state})
		if got := b.check(machine); got["State"] != state || got["IsCompleted"] != true || got["FinishedSuccessfully"] != false || got["ErrorMessage"] == "" {
			t.Errorf("%v", got)
		}
	}
	if status, checked := b.Health(machine); status != "Unknown" || !checked.IsZero() {
		t.Errorf("a machine was looked at: %s %v", status, checked)
	}
	b.SetTaskRules(TaskRules{Hangs: true})
	hanging := b.check(machine)["Id"].(string)
	b.clock.add(1000 * time.Hour)
	b.want("GET", inDefault+"/tasks/"+hanging, nil, 200, Executing)
	if !b.EndTask(hanging, Canceled) || b.EndTask(hanging, Success) {
		t.Error("a task ends once")
	}
	b.SetTaskRules(TaskRules{Manual: true})
	manual := b.check(machine)["Id"].(string)
	for _, state := range []string{Executing, Success} {
		if !b.Step(manual) {
			t.Error("no step")
		}
		b.want("GET", inDefault+"/tasks/"+manual, nil, 200, state)
	}
	if b.Step(manual) {
		t.Error("a step after the end")
	}
}

func TestDeploymentsAreListed(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	_, machine, _ := b.machine()
	deploy := b.StartTask(DefaultSpace, "Deploy", "Deploy shop", Executing)
	run := b.StartTask(DefaultSpace, "RunbookRun", "Restart", Queued)
	leaving := b.StartTask(DefaultSpace, "Deploy", "Deploy blog", Cancelling)
	b.check(machine)
	b.StartTask(b.AddSpace("other"), "Deploy", "elsewhere", Executing)
	want := func(query string, ids ...string) {
		t.Helper()
		got := []string{}
		for _, i := range b.get(inDefault + "/tasks?" + query)["Items"].([]any) {
			got = append(got, i.(map[string]any)["Id"].(string))
		}
		if fmt.Sprint(got) != fmt.Sprint(ids) {
			t.Errorf("%q: %v, want %v", query, got, ids)
		}
	}
	want("active=true", leaving, run, deploy)
	want("running=true", leaving, deploy)
	want("states=Queued,Success", "ServerTasks-4", run)
	want("name=Health", "ServerTasks-4")
	want("", "ServerTasks-4", leaving, run, deploy)
	if !b.EndTask(deploy, Success) || !b.Step(leaving) || !b.Step(run) || !b.Step(run) {
		t.Error("they do not end")
	}
	want("active=true")
	for _, task := range b.Tasks(DefaultSpace) {
		if wanted := map[string]string{leaving: Canceled}[task.ID]; task.State != orDefault(wanted, Success) {
			t.Errorf("%+v", task)
		}
	}
}

func TestHealthIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	_, machine, _ := b.machine()
	elsewhere := b.AddMachine(b.AddSpace("other"), Machine{Name: "x"})
	for body, says := range map[string]string{
		``:                                       "read",
		`[]`:                                     "read",
		`{"Name":"Health"}`:                      "another space",
		`{"SpaceId":"Spaces-1","Name":"Deploy"}`: "cannot be started",
		`{"SpaceId":"Spaces-1","Name":"Health","Arguments":{"Timeout":"5m"}}`:                     "hh:mm:ss",
		`{"SpaceId":"Spaces-1","Name":"Health","Arguments":{"MachineIds":["Machines-99"]}}`:       "does not exist",
		`{"SpaceId":"Spaces-1","Name":"Health","Arguments":{"MachineIds":["` + elsewhere + `"]}}`: "does not exist",
		`{"SpaceId":"Spaces-1","Name":"Health","Arguments":{"MachineIds":["` + machine + `",7]}}`: "read",
	} {
		b.want("POST", inDefault+"/tasks", body, 400, says)
	}
	if len(b.Tasks(DefaultSpace)) != 0 {
		t.Error("a refused task is there")
	}
}
