package octopussim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// TypeSSHKeyPair is the type of accounts that hold a private key for SSH.
const TypeSSHKeyPair = "SshKeyPair"

// Account describes an account that is there from the beginning.
type Account struct {
	Name           string
	Type           string // TypeSSHKeyPair when empty
	Description    string
	Username       string
	PrivateKey     string // as it was written, so usually the base64 of a key file
	Passphrase     string
	EnvironmentIDs []string
	Fields         map[string]any // further ones of its document
}

// account is a stored account. The document holds what is shown but for what the server alone decides.
type account struct {
	id, space  string
	doc        map[string]any
	secrets    map[string]string // of sensitive fields
	modifiedOn time.Time
	modifiedBy string
	usages     map[string]int // entries of each list but that of targets
}

// AddAccount adds an account to a space and returns its id. Nothing of it is checked.
func (s *Server) AddAccount(spaceID string, a Account) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc := map[string]any{
		"AccountType": orDefault(a.Type, TypeSSHKeyPair), "Name": a.Name, "Description": a.Description, "Username": a.Username,
		"EnvironmentIds": append([]string{}, a.EnvironmentIDs...), "TenantedDeploymentParticipation": "Untenanted",
		"TenantIds": []string{}, "TenantTags": []string{},
	}
	secrets := map[string]string{}
	if doc["AccountType"] == TypeSSHKeyPair {
		secrets = map[string]string{keyField: a.PrivateKey, passphraseField: a.Passphrase}
	}
	maps.Copy(doc, a.Fields)
	added := &account{id: s.nextID("Accounts"), space: spaceID, doc: doc, secrets: secrets, modifiedOn: s.stamp(), modifiedBy: "admin"}
	s.accounts[added.id] = added
	return added.id
}

// EditAccount changes fields of an account as another person does in the portal, and reports whether there is such an
// account. Fields are those of the document; the text of a sensitive one is its new value.
func (s *Server) EditAccount(id, by string, fields map[string]any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[id]
	if a == nil {
		return false
	}
	a.doc, a.secrets = maps.Clone(a.doc), maps.Clone(a.secrets)
	for name, value := range fields {
		if text, ok := value.(string); ok && isSensitive(name) {
			a.secrets[name] = text
		} else {
			a.doc[name] = value
		}
	}
	a.modifiedOn, a.modifiedBy = s.stamp(), by
	return true
}

// RemoveAccount removes an account and reports whether it was there.
func (s *Server) RemoveAccount(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[id]
	delete(s.accounts, id)
	return a != nil
}

// AddUsage has so many entries of a list, such as DeploymentProcesses, use an account.
func (s *Server) AddUsage(id, list string, entries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil {
		if a.usages == nil {
			a.usages = map[string]int{}
		}
		a.usages[list] += entries
	}
}

// Accounts returns the ids of the accounts of a space, by name.
func (s *Server) Accounts(spaceID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, i := range s.accountsOf(&space{id: spaceID}, "") {
		ids = append(ids, i.id)
	}
	return ids
}

// Document returns an account as a GET shows it, or nil.
func (s *Server) Document(id string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil {
		return a.item().doc
	}
	return nil
}

// Secret returns what is stored in a sensitive field of an account, such as PrivateKeyFile. No call can.
func (s *Server) Secret(id, field string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil {
		return a.secrets[field]
	}
	return ""
}

// PublicKey returns the public half of the private key that an account has, as «TYPE BASE64», and "" if the server
// could not log in to anything with it.
func (s *Server) PublicKey(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil {
		return s.publicKey(a)
	}
	return ""
}

func (a *account) text(field string) string {
	text, _ := a.doc[field].(string)
	return text
}

// item is the account as it is shown, so without any secret.
func (a *account) item() item {
	doc := maps.Clone(a.doc)
	doc["Id"], doc["SpaceId"] = a.id, a.space
	doc["LastModifiedOn"], doc["LastModifiedBy"] = shown(a.modifiedOn), a.modifiedBy
	doc["Links"] = map[string]string{"Self": "/api/" + a.space + "/accounts/" + a.id}
	for field, secret := range a.secrets {
		doc[field] = map[string]any{"HasValue": secret != "", "NewValue": nil, "Hint": nil}
	}
	return item{a.id, a.text("Name"), doc}
}

// accountsOf returns the accounts of a space by name, of one type if that is given.
func (s *Server) accountsOf(sp *space, accountType string) []item {
	var list []item
	for _, a := range s.accounts {
		if a.space == sp.id && (accountType == "" || a.text("AccountType") == accountType) {
			list = append(list, a.item())
		}
	}
	slices.SortFunc(list, func(x, y item) int { return strings.Compare(x.name+"\x00"+x.id, y.name+"\x00"+y.id) })
	return list
}

func (s *Server) createAccount(sp *space, r request) answer {
	next := &account{space: sp.id}
	if problems := s.rewrite(sp, next, r.body); len(problems) > 0 {
		return invalid(problems)
	}
	next.id = s.nextID("Accounts")
	s.accounts[next.id] = next
	return jsonAnswer(http.StatusCreated, next.item().doc)
}

func (s *Server) updateAccount(sp *space, a *account, r request) answer {
	if problems := s.rewrite(sp, a, r.body); len(problems) > 0 {
		return invalid(problems)
	}
	return found(a.item().doc)
}

// usages returns where an account is used: by deployment targets, but not by workers.
func (s *Server) usages(a *account) map[string]any {
	doc := map[string]any{"Id": a.id}
	for _, list := range []string{"DeploymentProcesses", "RunbookProcesses", "RunbookSnapshots", "Releases", "ProjectVariableSets", "LibraryVariableSets"} {
		doc[list] = []any{}
	}
	for list, n := range a.usages {
		doc[list] = slices.Repeat([]any{map[string]any{"ProjectName": "shop"}}, n)
	}
	targets := []map[string]string{}
	for _, m := range s.inOrder(a.space, false) {
		if m.AccountID == a.id {
			targets = append(targets, map[string]string{"TargetId": m.id, "TargetName": m.Name})
		}
	}
	doc["Targets"] = targets
	return doc
}
