package octopussim

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sensitive is a value as it is written.
func sensitive(has bool, value any) map[string]any {
	return map[string]any{"HasValue": has, "NewValue": value}
}

func newDocument(t *testing.T) map[string]any {
	t.Helper()
	file, _ := keyFile(t)
	return map[string]any{
		"AccountType": TypeSSHKeyPair, "Name": "new", "Username": "runcloud", "Description": "d",
		keyField: sensitive(true, encoded(file)), passphraseField: sensitive(false, nil),
	}
}

func TestCreateAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	doc := newDocument(t)
	got := decode(t, b.want("POST", inDefault+"/accounts", doc, 201, `"Id":"Accounts-1"`))
	want := map[string]any{
		"Id": "Accounts-1", "SpaceId": "Spaces-1", "Name": "new", "AccountType": TypeSSHKeyPair, "Username": "runcloud", "Description": "d",
		keyField:         map[string]any{"HasValue": true, "NewValue": nil, "Hint": nil},
		passphraseField:  map[string]any{"HasValue": false, "NewValue": nil, "Hint": nil},
		"EnvironmentIds": []any{}, "TenantIds": []any{}, "TenantTags": []any{}, "TenantedDeploymentParticipation": "Untenanted",
		"LastModifiedOn": "2026-07-23T03:04:20.000+00:00", "LastModifiedBy": "sshkeybot",
		"Links": map[string]any{"Self": "/api/Spaces-1/accounts/Accounts-1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if key := doc[keyField].(map[string]any)["NewValue"]; b.Secret("Accounts-1", keyField) != key {
		t.Error("another key is stored")
	}
}

func TestAccountsAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	account, _, _ := b.machine()
	before := b.Document(account)
	for name, tt := range map[string]struct {
		change map[string]any
		says   string
	}{
		"no name":          {map[string]any{"Name": " "}, "name"},
		"a name taken":     {map[string]any{"Name": "DEPLOY"}, "already exists"},
		"no type":          {map[string]any{"AccountType": nil}, "type"},
		"no user":          {map[string]any{"Username": ""}, "username"},
		"no key":           {map[string]any{keyField: sensitive(true, nil)}, "private key"},
		"a plain key":      {map[string]any{keyField: "text"}, "sensitive"},
		"an odd key":       {map[string]any{keyField: sensitive(true, 7)}, "sensitive"},
		"half a value":     {map[string]any{passphraseField: map[string]any{"NewValue": "x"}}, "sensitive"},
		"no environment":   {map[string]any{"EnvironmentIds": []string{"Environments-9"}}, "does not exist"},
		"no list":          {map[string]any{"TenantTags": "all"}, "list"},
		"a list of others": {map[string]any{"TenantIds": []int{1}}, "list"},
		"participation":    {map[string]any{"TenantedDeploymentParticipation": "Sometimes"}, "TenantedDeploymentParticipation"},
	} {
		doc := newDocument(t)
		maps.Copy(doc, tt.change)
		if r := b.want("POST", inDefault+"/accounts", doc, 400, tt.says); !strings.Contains(r.body, `"Errors":[`) {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	for _, body := range []string{"", "null", "[]", "7", "{"} {
		b.want("POST", inDefault+"/accounts", body, 400, "body")
		b.want("PUT", inDefault+"/accounts/"+account, body, 400, "body")
	}
	for _, change := range []map[string]any{{"Id": "Accounts-7"}, {"Id": nil}, {"AccountType": "Token"}, {keyField: sensitive(false, nil)}} {
		doc := b.Document(account)
		maps.Copy(doc, change)
		b.want("PUT", inDefault+"/accounts/"+account, doc, 400, "There was a problem")
	}
	if diff := cmp.Diff(before, b.Document(account)); diff != "" {
		t.Errorf("a refused write changed something:\n%s", diff)
	}
}

// The rules for sensitive values: set, keep, clear, and nothing at all.
func TestSensitiveValues(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sent any
		want string
	}{
		"set":            {sensitive(true, "new"), "new"},
		"set without":    {sensitive(false, "new"), "new"},
		"keep":           {sensitive(true, nil), "old"},
		"keep, as shown": {map[string]any{"HasValue": true, "NewValue": nil, "Hint": nil}, "old"},
		"clear":          {sensitive(false, nil), ""},
		"null":           {nil, "old"},
	} {
		b := newBench(t, Options{})
		id := b.AddAccount(DefaultSpace, Account{Name: "deploy", Username: "runcloud", PrivateKey: "a2V5", Passphrase: "old"})
		doc := b.get(inDefault + "/accounts/" + id)
		doc[passphraseField] = tt.sent
		r := b.want("PUT", inDefault+"/accounts/"+id, doc, 200, "")
		if got := b.Secret(id, passphraseField); got != tt.want || b.Secret(id, keyField) != "a2V5" {
			t.Errorf("%s: %q is stored", name, got)
		}
		shown := decode(t, r)[passphraseField].(map[string]any)
		if shown["HasValue"] != (tt.want != "") || shown["NewValue"] != nil {
			t.Errorf("%s: shows %v", name, shown)
		}
		if strings.Contains(r.body, "old") || strings.Contains(r.body, `"new"`) {
			t.Errorf("%s: a secret is shown: %s", name, r.body)
		}
	}
}

// A PUT replaces: what it leaves out is lost, what nobody knows is kept.
func TestUpdateReplaces(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	env := b.AddEnvironment(DefaultSpace, "Production")
	id := b.AddAccount(DefaultSpace, Account{
		Name: "deploy", Username: "runcloud", Description: "d", PrivateKey: "a2V5", EnvironmentIDs: []string{env},
		Fields: map[string]any{"TenantTags": []string{"Region/EU"}, "Newer": map[string]any{"Number": json.Number("12345678901234567890")}},
	})
	whole := b.want("GET", inDefault+"/accounts/"+id, nil, 200, "12345678901234567890").body
	b.clock.add(time.Minute)
	r := b.want("PUT", inDefault+"/accounts/"+id, whole, 200, "12345678901234567890")
	before, after := decode(t, reply{body: whole}), decode(t, r)
	if before["LastModifiedBy"] != "admin" || after["LastModifiedBy"] != "sshkeybot" || after["LastModifiedOn"] != "2026-07-23T03:05:20.000+00:00" {
		t.Errorf("modified %v by %v", after["LastModifiedOn"], after["LastModifiedBy"])
	}
	delete(before, "LastModifiedOn")
	delete(before, "LastModifiedBy")
	for name := range before {
		if diff := cmp.Diff(before[name], after[name]); diff != "" {
			t.Error(name, diff)
		}
	}
	short := map[string]any{"Id": id, "Name": "deploy", "AccountType": TypeSSHKeyPair, "Username": "runcloud"}
	after = decode(t, b.want("PUT", inDefault+"/accounts/"+id, short, 200, ""))
	if after["Newer"] != nil || after["Description"] != nil || len(after["EnvironmentIds"].([]any)) != 0 || len(after["TenantTags"].([]any)) != 0 {
		t.Errorf("what was left out is still there: %v", after)
	}
}

func TestTimesAscend(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	id, _, _ := b.machine()
	seen := map[any]bool{}
	for range 3 {
		seen[decode(t, b.want("PUT", inDefault+"/accounts/"+id, b.Document(id), 200, ""))["LastModifiedOn"]] = true
	}
	if len(seen) != 3 {
		t.Errorf("times %v", seen)
	}
}

func TestEditFromOutside(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{})
	id, _, public := b.machine()
	file, other := keyFile(t)
	b.OnCall(func(c Call) {
		if c.Op == OpUpdateAccount {
			b.EditAccount(id, "jo", map[string]any{"Description": "hers", keyField: encoded(file)})
		}
	})
	doc := b.get(inDefault + "/accounts/" + id)
	if b.PublicKey(id) != public {
		t.Error("edited too early")
	}
	doc["Description"] = "ours"
	b.want("PUT", inDefault+"/accounts/"+id, doc, 200, `"Description":"ours"`) // the last one wins
	if b.PublicKey(id) != other {
		t.Error("her key is not there")
	}
	b.OnCall(nil)
	if b.EditAccount("Accounts-9", "jo", nil) || !b.RemoveAccount(id) || b.RemoveAccount(id) {
		t.Error("what is not there can be changed")
	}
	if b.Document(id) != nil || b.Secret(id, keyField) != "" || b.PublicKey(id) != "" || len(b.Accounts(DefaultSpace)) != 0 {
		t.Error("something is left of it")
	}
}
