package scalingosim

import (
	"crypto/rsa"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Key is an SSH key of the account as it really is.
type Key struct {
	ID          string
	Name        string
	Content     string
	Fingerprint string // MD5, in hexadecimal with colons; empty for what is no key
	CreatedAt   time.Time
}

// Keys returns the keys of the account in the order of their making.
func (a *Account) Keys() []Key {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.keys)
}

// AddKeyByHand puts a key on the account as somebody with the dashboard would, unchecked, and returns its id.
func (a *Account) AddKeyByHand(name, content string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addKey(name, content).ID
}

// RemoveKeyByHand removes a key and reports whether the account had it.
func (a *Account) RemoveKeyByHand(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.removeKey(id)
}

// TakeElsewhere puts a public key on another account, so that this one cannot have it.
func (a *Account) TakeElsewhere(publicKey string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.elsewhere[identity(publicKey)] = true
}

func (a *Account) addKey(name, content string) Key {
	k := Key{ID: a.newID(), Name: name, Content: content, CreatedAt: a.now().UTC().Truncate(time.Millisecond)}
	if public, ok := parse(content); ok {
		k.Fingerprint = ssh.FingerprintLegacyMD5(public)
	}
	a.keys = append(a.keys, k)
	return k
}

func (a *Account) removeKey(id string) bool {
	before := len(a.keys)
	a.keys = slices.DeleteFunc(a.keys, func(k Key) bool { return k.ID == id })
	return len(a.keys) < before
}

func (a *Account) listKeys() outcome {
	rows := []keyJSON{}
	for _, k := range a.keys {
		rows = append(rows, k.json())
	}
	return unchanged(jsonAnswer(http.StatusOK, map[string]any{"keys": rows}))
}

func (a *Account) getKey(id string) outcome {
	if i := slices.IndexFunc(a.keys, func(k Key) bool { return k.ID == id }); i >= 0 {
		return unchanged(jsonAnswer(http.StatusOK, map[string]any{"key": a.keys[i].json()}))
	}
	return unchanged(html(http.StatusNotFound))
}

func (a *Account) createKey(body []byte) outcome {
	form, ok := readForm(body)
	if !ok {
		return unchanged(refusal(http.StatusBadRequest, "the request cannot be read"))
	}
	if wrong := a.validate(form); len(wrong) > 0 {
		return unchanged(jsonAnswer(http.StatusUnprocessableEntity, map[string]any{"errors": wrong}))
	}
	k := a.addKey(form.Name, a.rules.stored(form.Name, form.Content))
	return outcome{jsonAnswer(http.StatusCreated, map[string]any{"key": k.json()}), true}
}

func (a *Account) deleteKey(id string) outcome {
	if !a.removeKey(id) {
		return unchanged(html(http.StatusNotFound))
	}
	return outcome{answer{status: http.StatusNoContent}, true}
}

// shortest is how many characters a key has at least (recorded answers of the Ruby client).
const shortest = 10

// validate returns what is wrong with a new key, by field. Names need not be unique; a public key is, among the
// keys of all accounts.
func (a *Account) validate(f keyForm) map[string][]string {
	wrong := map[string][]string{}
	if strings.TrimSpace(f.Name) == "" {
		wrong["name"] = []string{"can't be blank"}
	}
	public, ok := parse(f.Content)
	switch id := identity(f.Content); {
	case strings.TrimSpace(f.Content) == "":
		wrong["content"] = []string{"can't be blank", "is too short (minimum is 10 characters)"}
	case len(f.Content) < shortest:
		wrong["content"] = []string{"is too short (minimum is 10 characters)"}
	case !ok:
		wrong["content"] = []string{"is not an SSH public key"}
	case bits(public) > 0 && bits(public) < a.rules.SmallestRSA:
		wrong["content"] = []string{"is too weak"}
	case a.elsewhere[id], slices.ContainsFunc(a.keys, func(k Key) bool { return identity(k.Content) == id }):
		wrong[or(a.rules.TakenField, "content")] = []string{or(a.rules.TakenText, "has already been taken")}
	}
	return wrong
}

// parse reads one public key in the one-line form of OpenSSH, without options.
func parse(line string) (ssh.PublicKey, bool) {
	if strings.ContainsAny(strings.TrimSpace(line), "\r\n") {
		return nil, false
	}
	k, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(options) > 0 || !strings.HasPrefix(line, k.Type()) {
		return nil, false
	}
	return k, true
}

// bits returns the size of an RSA key, and 0 for another.
func bits(k ssh.PublicKey) int {
	if c, ok := k.(ssh.CryptoPublicKey); ok {
		if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
			return r.N.BitLen()
		}
	}
	return 0
}

// identity returns the type and base64 of a public key, whatever its comment.
func identity(line string) string {
	words := strings.Fields(line)
	return strings.Join(words[:min(2, len(words))], " ")
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
