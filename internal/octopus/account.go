package octopus

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"time"
)

// TypeSSHKeyPair is the type of an account that holds a private key for SSH.
const TypeSSHKeyPair = "SshKeyPair"

// Account is an account as Octopus stores it, whole, with what this package does not know. It cannot be changed:
// the With… methods return a changed copy. It prints as its id, name and type, in every format, in JSON and in
// logs, since the document may hold a new private key. The zero value has no document.
type Account struct {
	doc func() document // since fmt calls no method of what is inside another value, but shows all other kinds of it
}

// document is the JSON object of an account.
type document map[string]json.RawMessage

func newAccount(d document) Account { return Account{func() document { return d }} }

func (a Account) document() document {
	if a.doc == nil {
		return nil
	}
	return a.doc()
}

// ID returns the id, such as Accounts-1.
func (a Account) ID() string { return a.document().text("Id") }

// Name returns the name.
func (a Account) Name() string { return a.document().text("Name") }

// Type returns the type; see [TypeSSHKeyPair]. Newer servers have types that no client knows.
func (a Account) Type() string { return a.document().text("AccountType") }

// Username returns the user that machines are logged in to as.
func (a Account) Username() string { return a.document().text("Username") }

// Description returns the description, which may have several lines of anybody's text.
func (a Account) Description() string { return a.document().text("Description") }

// LastModifiedBy returns who changed the account last: a name, or "" if Octopus does not say.
func (a Account) LastModifiedBy() string { return a.document().text("LastModifiedBy") }

// LastModifiedOn returns when the account was changed last, by the clock of the server; the zero time if Octopus
// does not say.
func (a Account) LastModifiedOn() time.Time {
	t, err := time.Parse(time.RFC3339, a.document().text("LastModifiedOn"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// EnvironmentIDs returns the environments in which the account may be used; none means all.
func (a Account) EnvironmentIDs() []string {
	var ids []string
	_ = json.Unmarshal(a.document()["EnvironmentIds"], &ids) // what is no list of texts is none
	return ids
}

// WithDescription returns the account with another description.
func (a Account) WithDescription(text string) Account {
	return newAccount(a.document().with("Description", text))
}

// WithPrivateKey returns the account with a private key, the content of a key file without a passphrase. The
// passphrase that the account may have had is cleared explicitly, or Octopus would keep it.
func (a Account) WithPrivateKey(file []byte) Account {
	d := a.document().with("PrivateKeyFile", keyFile(file))
	return newAccount(d.with("PrivateKeyPassphrase", sensitive{}))
}

// String returns id, name and type.
func (a Account) String() string {
	return fmt.Sprintf("account %s %q (%s)", a.ID(), a.Name(), a.Type())
}

// GoString returns what String does.
func (a Account) GoString() string { return a.String() }

// Format writes what String returns, for every verb.
func (a Account) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// MarshalJSON returns id, name and type alone.
func (a Account) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"Id": a.ID(), "Name": a.Name(), "AccountType": a.Type()})
}

// LogValue returns what String does.
func (a Account) LogValue() slog.Value { return slog.StringValue(a.String()) }

// text returns a field that is a text, and "" for any other.
func (d document) text(field string) string {
	var text string
	_ = json.Unmarshal(d[field], &text)
	return text
}

// with returns a copy in which a field has another value, which is one that can be encoded.
func (d document) with(field string, value any) document {
	raw, _ := json.Marshal(value)
	changed := maps.Clone(d)
	if changed == nil {
		changed = document{}
	}
	changed[field] = raw
	return changed
}

// sensitive is a value that Octopus never shows. A NewValue sets it; without one, HasValue keeps what is stored, and
// not HasValue clears it (comment in SensitiveValue.cs of Octopus's client for .NET).
type sensitive struct {
	HasValue bool
	NewValue *string
}

// keyFile sets a key file. Octopus wants the base64 of the whole file; plain PEM is taken, too, but no machine can
// be logged in to with it.
func keyFile(file []byte) sensitive {
	encoded := base64.StdEncoding.EncodeToString(file)
	return sensitive{HasValue: true, NewValue: &encoded}
}

// NewAccount is what a new SSH key pair account needs. It prints without its key.
type NewAccount struct {
	Name        string
	Description string
	Username    string // that machines are logged in to as
	PrivateKey  []byte // the content of a key file without a passphrase
}

// wire returns the document of the account, which may be used in every environment and by no tenant.
func (n NewAccount) wire() map[string]any {
	return map[string]any{
		"AccountType": TypeSSHKeyPair, "Name": n.Name, "Description": n.Description, "Username": n.Username,
		"PrivateKeyFile": keyFile(n.PrivateKey), "PrivateKeyPassphrase": sensitive{},
		"TenantedDeploymentParticipation": "Untenanted",
		"TenantTags":                      []string{}, "TenantIds": []string{}, "EnvironmentIds": []string{},
	}
}

// String returns name and user.
func (n NewAccount) String() string { return fmt.Sprintf("new account %q for %q", n.Name, n.Username) }

// GoString returns what String does.
func (n NewAccount) GoString() string { return n.String() }

// Format writes what String returns, for every verb.
func (n NewAccount) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.String()) }

// MarshalJSON returns name and user alone.
func (n NewAccount) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"Name": n.Name, "Username": n.Username})
}

// LogValue returns what String does.
func (n NewAccount) LogValue() slog.Value { return slog.StringValue(n.String()) }
