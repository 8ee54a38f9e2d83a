package runcloudsim

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
)

const (
	labelTaken = "The label has already been taken."
	labelMax   = 100 // characters; RunCloud documents no limit
)

// problems are the refusals of a form, by field.
type problems map[string][]string

func (p problems) add(field, text string) { p[field] = append(p[field], text) }

// validate reads the form of a new credential and checks it against the server it is for. A body that
// is not a JSON object counts as an empty form.
func (a *Account) validate(s *server, body []byte) (Credential, problems) {
	var form map[string]any
	_ = json.Unmarshal(body, &form)
	p := problems{}
	c := Credential{
		Label:     p.text(form, "label", "label"),
		User:      p.text(form, "username", "username"),
		PublicKey: p.text(form, "publicKey", "public key"),
		Temporary: p.boolean(form, "temporary"),
	}
	if len(p) > 0 {
		return c, p
	}
	s.checkLabel(c.Label, p)
	if c.User != "root" && c.User != "runcloud" && !slices.Contains(s.Users, c.User) {
		p.add("username", "The selected username is invalid.")
	}
	if !wellFormed(c.PublicKey) {
		p.add("publicKey", "The public key format is invalid.")
	} else if a.rules.RefuseDuplicateKey &&
		slices.ContainsFunc(s.keys, func(k Credential) bool { return k.User == c.User && sameKey(k.PublicKey, c.PublicKey) }) {
		p.add("publicKey", "The public key has already been taken.")
	}
	return c, p
}

// text returns a required string of the form, trimmed as Laravel trims all input.
func (p problems) text(form map[string]any, field, name string) string {
	switch v := form[field].(type) {
	case string:
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
		p.add(field, "The "+name+" field is required.")
	case nil:
		p.add(field, "The "+name+" field is required.")
	default:
		p.add(field, "The "+name+" must be a string.")
	}
	return ""
}

func (p problems) boolean(form map[string]any, field string) bool {
	switch v := form[field]; v {
	case true, "1", 1.0:
		return true
	case nil, false, "0", 0.0:
	default:
		p.add(field, "The "+field+" field must be true or false.")
	}
	return false
}

func (s *server) checkLabel(label string, p problems) {
	switch {
	case utf8.RuneCountInString(label) > labelMax:
		p.add("label", "The label is too long.")
	// Without regard to case, as the usual collation of a MySQL unique rule compares.
	case slices.ContainsFunc(s.keys, func(k Credential) bool { return strings.EqualFold(k.Label, label) }):
		p.add("label", labelTaken)
	}
}

// wellFormed reports whether line is one public key: TYPE BASE64 [comment], without options.
func wellFormed(line string) bool {
	if strings.ContainsAny(line, "\r\n") {
		return false
	}
	k, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	return err == nil && len(options) == 0 && strings.HasPrefix(line, k.Type())
}

// sameKey reports whether two lines hold the same type and key, whatever the comment.
func sameKey(x, y string) bool {
	fx, fy := strings.Fields(x), strings.Fields(y)
	return len(fx) > 1 && len(fy) > 1 && fx[0] == fy[0] && fx[1] == fy[1]
}
