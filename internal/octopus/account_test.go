package octopus

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

// pemFile returns a fresh key file.
func pemFile(t *testing.T) []byte {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func accountOf(text string) Account {
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		panic(err)
	}
	return newAccount(d)
}

// stored is an account as a server shows it, with a field that no client knows.
const stored = `{
	"Id":"Accounts-1","SpaceId":"Spaces-1","Name":"deploy key","AccountType":"SshKeyPair","Username":"runcloud",
	"Description":"for the <web> servers","PrivateKeyFile":{"HasValue":true,"NewValue":null,"Hint":null},
	"PrivateKeyPassphrase":{"HasValue":true,"NewValue":null},
	"EnvironmentIds":["Environments-1","Environments-2"],"TenantedDeploymentParticipation":"TenantedOrUntenanted",
	"TenantIds":["Tenants-1"],"TenantTags":["Region/EU"],"Slug":"deploy-key","NewerThanUs":{"Number":12345678901234567890,"List":[1.50]},
	"LastModifiedOn":"2026-08-19T12:13:14.567+02:00","LastModifiedBy":"jo","Links":{"Self":"/api/Spaces-1/accounts/Accounts-1"}}`

func TestAccountFields(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "GET /api/Spaces-1/accounts/Accounts-1", answer: stored})
	a, err := c.Account(t.Context(), "Spaces-1", "Accounts-1")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{a.ID(), a.Name(), a.Type(), a.Username(), a.Description(), a.LastModifiedBy(), a.LastModifiedOn().Format(time.RFC3339Nano)}
	want := []string{"Accounts-1", "deploy key", TypeSSHKeyPair, "runcloud", "for the <web> servers", "jo", "2026-08-19T10:13:14.567Z"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Environments-1", "Environments-2"}, a.EnvironmentIDs()); diff != "" {
		t.Error(diff)
	}
	odd := accountOf(`{"Id":7,"LastModifiedOn":"yesterday","EnvironmentIds":"all"}`)
	for _, a := range []Account{{}, odd} {
		if a.ID() != "" || a.Username() != "" || !a.LastModifiedOn().IsZero() || a.EnvironmentIDs() != nil {
			t.Errorf("%v has fields", a)
		}
	}
}

// What is sent is what was read but for the key, the passphrase and the description.
func TestUpdateAccountSendsTheWholeDocument(t *testing.T) {
	t.Parallel()
	file := pemFile(t)
	encoded := base64.StdEncoding.EncodeToString(file)
	sent := strings.NewReplacer(
		`"PrivateKeyFile":{"HasValue":true,"NewValue":null,"Hint":null}`, `"PrivateKeyFile":{"HasValue":true,"NewValue":"`+encoded+`"}`,
		`"PrivateKeyPassphrase":{"HasValue":true,"NewValue":null}`, `"PrivateKeyPassphrase":{"HasValue":false,"NewValue":null}`,
		"for the <web> servers", "rotated",
	).Replace(stored)
	c := exchanging(t, exchange{call: "PUT /api/Spaces-1/accounts/Accounts-1", sent: sent, answer: stored})
	before := accountOf(stored)
	after := before.WithPrivateKey(file).WithDescription("rotated")
	got, err := c.UpdateAccount(t.Context(), "Spaces-1", after)
	if err != nil || got.Description() != "for the <web> servers" {
		t.Errorf("%v, %v", got, err)
	}
	if diff := cmp.Diff(accountOf(stored).document(), before.document()); diff != "" {
		t.Errorf("the original changed:\n%s", diff)
	}
	if !strings.Contains(string(after.document()["NewerThanUs"]), `12345678901234567890,"List":[1.50]`) {
		t.Error("a number was rewritten")
	}
}

func TestUpdateAccountWithoutNewKeyKeepsIt(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "PUT /api/Spaces-1/accounts/Accounts-1", sent: stored, answer: stored})
	if _, err := c.UpdateAccount(t.Context(), "Spaces-1", accountOf(stored)); err != nil {
		t.Error(err)
	}
}

func TestUpdateAccountWantsThatAccountBack(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{"Id":"Accounts-2"}`, `{}`, `{"Id":1}`} {
		c := exchanging(t, exchange{call: "PUT /api/Spaces-1/accounts/Accounts-1", sent: stored, answer: answer})
		if _, err := c.UpdateAccount(t.Context(), "Spaces-1", accountOf(stored)); !IsOutcomeUnknown(err) {
			t.Errorf("%s: %v", answer, err)
		}
	}
	if _, err := scripted().UpdateAccount(t.Context(), "Spaces-1", Account{}); err == nil || IsOutcomeUnknown(err) {
		t.Errorf("no account: %v", err)
	}
}

func TestCreateAccount(t *testing.T) {
	t.Parallel()
	file := pemFile(t)
	c := exchanging(t, exchange{
		call: "POST /api/Spaces-1/accounts", status: 201, answer: stored,
		sent: `{"AccountType":"SshKeyPair","Name":"deploy key","Description":"new","Username":"runcloud",
			"PrivateKeyFile":{"HasValue":true,"NewValue":"` + base64.StdEncoding.EncodeToString(file) + `"},
			"PrivateKeyPassphrase":{"HasValue":false,"NewValue":null},"TenantedDeploymentParticipation":"Untenanted",
			"TenantTags":[],"TenantIds":[],"EnvironmentIds":[]}`,
	})
	a, err := c.CreateAccount(t.Context(), "Spaces-1", NewAccount{"deploy key", "new", "runcloud", file})
	if err != nil || a.ID() != "Accounts-1" {
		t.Errorf("%v, %v", a, err)
	}
}

func TestFindAccount(t *testing.T) {
	t.Parallel()
	const search = "GET /api/Spaces-1/accounts?partialName=deploy+key&skip=0&take=100"
	other := `{"Id":"Accounts-2","Name":"old deploy key","AccountType":"SshKeyPair"}`
	upper := `{"Id":"Accounts-3","Name":"Deploy Key","AccountType":"SshKeyPair"}`
	newer := `{"Id":"Accounts-4","Name":"deploy key 2","AccountType":"OfTomorrow","Username":{"odd":[1]}}`
	twin := `{"Id":"Accounts-5","Name":"deploy key","AccountType":"Token"}`
	for name, tt := range map[string]struct {
		items []string
		found int
	}{
		"among others": {[]string{other, stored, upper, newer}, 1},
		"none":         {[]string{other, upper, newer}, 0},
		"empty":        {nil, 0},
		"two":          {[]string{stored, other, twin}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := exchanging(t, exchange{call: search, answer: pageOf(tt.items...)})
			a, err := c.FindAccount(t.Context(), "Spaces-1", "deploy key")
			if (err == nil) != (tt.found == 1) || IsNotFound(err) != (tt.found == 0) || IsAmbiguous(err) != (tt.found == 2) {
				t.Fatal(err)
			}
			if err == nil && a.ID() != "Accounts-1" {
				t.Errorf("found %v", a)
			}
		})
	}
}

func TestFindAccountByID(t *testing.T) {
	t.Parallel()
	c := exchanging(t, exchange{call: "GET /api/Spaces-1/accounts/Accounts-1", answer: stored})
	if a, err := c.FindAccount(t.Context(), "Spaces-1", "Accounts-1"); err != nil || a.Name() != "deploy key" {
		t.Errorf("%v, %v", a, err)
	}
	for _, status := range []int{400, 404} {
		c = exchanging(t,
			exchange{call: "GET /api/Spaces-1/accounts/web-01", status: status, answer: `{"ErrorMessage":"none"}`},
			exchange{call: "GET /api/Spaces-1/accounts?partialName=web-01&skip=0&take=100", answer: pageOf(`{"Id":"Accounts-9","Name":"web-01"}`)})
		if a, err := c.FindAccount(t.Context(), "Spaces-1", "web-01"); err != nil || a.ID() != "Accounts-9" {
			t.Errorf("a name like an id: %v, %v", a, err)
		}
	}
	c = exchanging(t, exchange{call: "GET /api/Spaces-1/accounts/Accounts-1", status: 403, answer: `{}`})
	if _, err := c.FindAccount(t.Context(), "Spaces-1", "Accounts-1"); !IsForbidden(err) {
		t.Errorf("without the right: %v", err)
	}
}

func TestAccountsPrintNoKey(t *testing.T) {
	t.Parallel()
	file := pemFile(t)
	a := accountOf(stored).WithPrivateKey(file)
	n := NewAccount{"deploy key", "", "runcloud", file}
	type hidden struct{ a Account }
	var shown strings.Builder
	for _, v := range []any{a, &a, hidden{a}, &hidden{a}, []Account{a}, n, &n, []NewAccount{n}, fmt.Errorf("%v %v", a, n)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			fmt.Fprintf(&shown, verb+"\n", v)
		}
		if raw, err := json.Marshal(v); err == nil {
			shown.Write(raw)
		}
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("m", "v", v)
	}
	secret := base64.StdEncoding.EncodeToString(file)[:30]
	forms := []string{secret, fmt.Sprintf("%x", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]"), strings.Trim(fmt.Sprint(file[:30]), "[]")}
	if i := slices.IndexFunc(forms, func(form string) bool { return strings.Contains(shown.String(), form) }); i >= 0 {
		t.Errorf("form %d of the key is shown", i)
	}
	if !strings.Contains(shown.String(), `account Accounts-1 "deploy key" (SshKeyPair)`) {
		t.Error("id, name and type are not shown")
	}
}
