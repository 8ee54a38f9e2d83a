package octopussim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The sensitive fields of an SSH key pair account.
const (
	keyField        = "PrivateKeyFile"
	passphraseField = "PrivateKeyPassphrase"
)

// isSensitive reports whether a field of some account is never shown.
func isSensitive(field string) bool {
	return slices.Contains([]string{keyField, passphraseField, "Password", "SecretKey", "Token"}, field)
}

// rewrite replaces what is stored of an account by the document that was sent, or returns why not. What the document
// leaves out is lost.
func (s *Server) rewrite(sp *space, a *account, body []byte) (problems []string) {
	doc, ok := object(body)
	if !ok {
		return []string{"No request body was supplied."}
	}
	problems = append(s.checkFields(sp, a, doc), checkLists(sp, doc)...)
	secrets, more := newSecrets(a, doc)
	if problems = append(problems, more...); len(problems) > 0 {
		return problems
	}
	for _, own := range []string{"Id", "SpaceId", "LastModifiedOn", "LastModifiedBy", "Links"} {
		delete(doc, own)
	}
	a.doc, a.secrets = doc, secrets
	a.modifiedOn, a.modifiedBy = s.stamp(), username
	return nil
}

func object(body []byte) (map[string]any, bool) {
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // so that unknown numbers survive
	return doc, d.Decode(&doc) == nil && doc != nil
}

func (s *Server) checkFields(sp *space, a *account, doc map[string]any) (problems []string) {
	name, _ := doc["Name"].(string)
	accountType, _ := doc["AccountType"].(string)
	user, _ := doc["Username"].(string)
	if strings.TrimSpace(name) == "" {
		problems = append(problems, "Please provide a name for the account.")
	}
	if accountType == "" || a.id != "" && accountType != a.text("AccountType") {
		problems = append(problems, "The type of the account is missing or another one.")
	}
	if accountType == TypeSSHKeyPair && strings.TrimSpace(user) == "" {
		problems = append(problems, "Please provide a username.")
	}
	if a.id != "" && doc["Id"] != a.id {
		problems = append(problems, "The id of the account is missing or another one.")
	}
	for _, other := range s.accounts {
		if other != a && other.space == sp.id && strings.EqualFold(other.text("Name"), name) {
			problems = append(problems, "An account with this name already exists. Please choose a different name.")
		}
	}
	return problems
}

// checkLists sees to the fields that are lists of ids, and to how tenants take part. What is left out becomes what it
// is in a new account.
func checkLists(sp *space, doc map[string]any) (problems []string) {
	for _, field := range []string{"EnvironmentIds", "TenantIds", "TenantTags"} {
		if doc[field] == nil {
			doc[field] = []any{}
		}
		list, ok := doc[field].([]any)
		if !ok || slices.ContainsFunc(list, func(v any) bool { _, ok := v.(string); return !ok }) {
			problems = append(problems, field+" must be a list of texts.")
			continue
		}
		for _, id := range list {
			if field == "EnvironmentIds" && !sp.hasEnvironment(id.(string)) {
				problems = append(problems, fmt.Sprintf("The environment %q does not exist.", id))
			}
		}
	}
	if doc["TenantedDeploymentParticipation"] == nil {
		doc["TenantedDeploymentParticipation"] = "Untenanted"
	}
	if !slices.Contains([]any{"Untenanted", "Tenanted", "TenantedOrUntenanted"}, doc["TenantedDeploymentParticipation"]) {
		problems = append(problems, "TenantedDeploymentParticipation has no such value.")
	}
	return problems
}

// newSecrets takes the sensitive values out of a document and returns what is stored of each from now on.
func newSecrets(a *account, doc map[string]any) (secrets map[string]string, problems []string) {
	secrets = map[string]string{}
	fields := []string{}
	if doc["AccountType"] == TypeSSHKeyPair {
		fields = append(fields, keyField, passphraseField)
	}
	for field := range doc {
		if isSensitive(field) && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	for _, field := range fields {
		secret, ok := newSecret(doc[field], a.secrets[field])
		if secrets[field] = secret; !ok {
			problems = append(problems, field+" is no sensitive value.")
		}
		delete(doc, field)
	}
	if doc["AccountType"] == TypeSSHKeyPair && secrets[keyField] == "" {
		problems = append(problems, "Please provide a private key file.")
	}
	return secrets, problems
}

// newSecret applies the rules for writing a sensitive value (comment in SensitiveValue.cs of Octopus's client for
// .NET). What null or nothing at all does is not known; here it keeps what was there, which does most harm to a client
// that forgets to clear a passphrase.
func newSecret(sent any, old string) (secret string, ok bool) {
	if sent == nil {
		return old, true
	}
	value, isObject := sent.(map[string]any)
	has, isBool := value["HasValue"].(bool)
	text, isText := value["NewValue"].(string)
	switch {
	case !isObject, !isBool, value["NewValue"] != nil && !isText:
		return old, false
	case isText:
		return text, true
	case has:
		return old, true
	}
	return "", true
}
