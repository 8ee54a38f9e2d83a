package scalingosim

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Token is an API token of the account, without the token itself.
type Token struct {
	ID         string
	Name       string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero for never
}

type token struct {
	Token
	secret string
}

// Tokens returns the API tokens of the account in the order of their making. The first is that of
// Options.Token, unless it was deleted.
func (a *Account) Tokens() []Token {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Token
	for _, t := range a.tokens {
		out = append(out, t.Token)
	}
	return out
}

// NewTokenByKey makes an API token as somebody would who holds the private half of a public key: over SSH, with
// no password, as Scalingo's command line does. It returns the token, and false if the key is not on the account.
func (a *Account) NewTokenByKey(publicKey, name string) (secret string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.ContainsFunc(a.keys, func(k Key) bool { return identity(k.Content) == identity(publicKey) }) {
		return "", false
	}
	secret = "tk-us-" + rand.Text()
	a.addToken(name, secret)
	return secret, true
}

// SetToken replaces the API token that the account was made with, as «Regenerate» in the dashboard does. JSON web
// tokens stay good.
func (a *Account) SetToken(secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tokens) > 0 {
		a.tokens[0].secret = secret
	}
}

// ExpireJWTs ends all JSON web tokens that were given out.
func (a *Account) ExpireJWTs() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.jwts)
}

func (a *Account) addToken(name, secret string) {
	t := Token{ID: a.newID(), Name: name, CreatedAt: a.now().UTC().Truncate(time.Millisecond)}
	a.tokens = append(a.tokens, token{t, secret})
}

// exchange gives a JSON web token for an API token.
func (a *Account) exchange(r request) outcome {
	i := slices.IndexFunc(a.tokens, func(t token) bool { return t.secret == r.secret })
	if i < 0 || r.secret == "" {
		return unchanged(refusal(http.StatusUnauthorized, "Invalid credentials"))
	}
	now := a.now()
	a.tokens[i].LastUsedAt = a.rules.stamped(now, a.tokens[i].LastUsedAt)
	end := now.Add(max(a.rules.JWTLifetime, 0))
	if a.rules.JWTLifetime == 0 {
		end = now.Add(time.Hour)
	}
	jwt := a.rules.jwt(now, end)
	a.jwts[jwt] = end
	return unchanged(jsonAnswer(http.StatusOK, map[string]string{"token": jwt}))
}

// jwt returns a JSON web token whose signature is none: only the account that made it knows it.
func (r Rules) jwt(now, end time.Time) string {
	if r.OpaqueJWTs {
		return rand.Text() + rand.Text()
	}
	encode := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"iss":"Scalingo","iat":%d,"exp":%d,"uuid":%q}`, now.Unix(), end.Unix(), AccountID)
	return encode([]byte(`{"typ":"JWT","alg":"HS512"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte(rand.Text()+rand.Text()))
}

// authenticated reports whether a call has a JSON web token that is good now.
func (a *Account) authenticated(r request) bool {
	end, known := a.jwts[r.jwt]
	return known && a.now().Before(end)
}

func (a *Account) listTokens() outcome {
	rows := []tokenJSON{}
	for _, t := range a.tokens {
		rows = append(rows, t.json())
	}
	return unchanged(jsonAnswer(http.StatusOK, map[string]any{"tokens": rows}))
}

// deleteToken deletes an API token. A JSON web token that it was exchanged for stays good.
func (a *Account) deleteToken(id string) outcome {
	before := len(a.tokens)
	a.tokens = slices.DeleteFunc(a.tokens, func(t token) bool { return t.ID == id })
	if len(a.tokens) == before {
		return unchanged(html(http.StatusNotFound))
	}
	return outcome{answer{status: http.StatusNoContent}, true}
}

// newID returns an id in the form of the rules.
func (a *Account) newID() string {
	a.made++
	if a.rules.MongoIDs {
		return fmt.Sprintf("5343eccd646173000a%06x", a.made)
	}
	return fmt.Sprintf("%08x-4d2c-4e58-9c1f-7a60c3b4d5e6", a.made)
}
