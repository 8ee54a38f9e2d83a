package scalingosim

import (
	"bytes"
	"encoding/json"
	"time"
)

// The JSON forms of Scalingo's API manual, with the members that recorded answers have besides.

type keyJSON struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Content     string    `json:"content"`
	Fingerprint string    `json:"fingerprint"`
	CreatedAt   string    `json:"created_at"`
	Owner       ownerJSON `json:"owner"`
}

type ownerJSON struct {
	ID       string          `json:"id"`
	Email    string          `json:"email"`
	Username string          `json:"username"`
	Fullname string          `json:"fullname"`
	Location string          `json:"location"`
	Flags    map[string]bool `json:"flags"`
}

type tokenJSON struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	CreatedAt  string  `json:"created_at"`
	LastUsedAt *string `json:"last_used_at"`
}

type userJSON struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Username string `json:"username"`
	Fullname string `json:"fullname"`
}

const (
	email    = "deploy@shop.example"
	fullName = "The Shop's Deployments"
)

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }

func (k Key) json() keyJSON {
	owner := ownerJSON{ID: AccountID, Email: email, Username: Username, Fullname: fullName, Flags: map[string]bool{"advanced_metrics": true}}
	return keyJSON{ID: k.ID, Name: k.Name, Content: k.Content, Fingerprint: k.Fingerprint, CreatedAt: stamp(k.CreatedAt), Owner: owner}
}

func (t Token) json() tokenJSON {
	out := tokenJSON{ID: t.ID, Name: t.Name, CreatedAt: stamp(t.CreatedAt)}
	if !t.LastUsedAt.IsZero() {
		out.LastUsedAt = new(stamp(t.LastUsedAt))
	}
	return out
}

func self() userJSON {
	return userJSON{ID: AccountID, Email: email, Username: Username, Fullname: fullName}
}

// keyForm is what a new key is made of.
type keyForm struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// readForm reads the form of a new key, rooted as the manual has it or bare as Scalingo's JavaScript client
// sends it.
func readForm(body []byte) (keyForm, bool) {
	var f struct {
		keyForm
		Key *keyForm `json:"key"`
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) || json.Unmarshal(body, &f) != nil {
		return keyForm{}, false
	}
	if f.Key != nil {
		return *f.Key, true
	}
	return f.keyForm, true
}
