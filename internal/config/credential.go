package config

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"strings"
)

// secret returns the value of a variable or the content of the file that its _FILE form names, less one line
// break at the end, and "" when neither is set. The name in the result is that of the variable to blame.
func (r *reader) secret(value, file setting) setting {
	switch {
	case value.text != "" && file.text != "":
		r.problems.add(value.name, "and %s are both set; keep one of them", file.name)
		return setting{name: value.name}
	case file.text == "":
		return setting{value.name, trimLineEnd(value.text)}
	}
	content, err := os.ReadFile(strings.TrimSpace(file.text))
	if err != nil {
		r.problems.add(file.name, "must be the path of a readable file: %v", withoutPath(err))
		return setting{name: file.name}
	}
	text := trimLineEnd(string(content))
	if strings.TrimSpace(text) == "" {
		r.problems.add(file.name, "names a file that is empty")
		return setting{name: file.name}
	}
	return setting{file.name, r.withoutQuotes(setting{file.name, text})}
}

// required is like secret for a token that cannot be left out; prefix may be empty.
func (r *reader) required(value, file setting, prefix string) Secret {
	if value.text == "" && file.text == "" {
		r.problems.add(value.name, "is missing; set it, or %s to the path of a file that holds it", file.name)
		return Secret{}
	}
	return r.token(r.secret(value, file), prefix)
}

func (r *reader) token(s setting, prefix string) Secret {
	switch {
	case s.text == "":
		return Secret{}
	case strings.ContainsAny(s.text, "\"'`"):
		r.problems.add(s.name, "holds a quote, which no token has; write the value without it")
	case strings.ContainsFunc(s.text, func(c rune) bool { return c <= ' ' || c > '~' }):
		r.problems.add(s.name, "holds a blank, a line break or another character that no token has; copy it again")
	case !strings.HasPrefix(s.text, prefix) || s.text == prefix:
		r.problems.add(s.name, "must hold a token that begins with %s", prefix)
	default:
		return NewSecret(s.text)
	}
	return Secret{}
}

// defaultDatabase is the ledger of a bot that is not told which: a file in the folder that it runs in.
const defaultDatabase = "sqlite:sshkeybot.db"

// database returns the address of the database, as a secret because a PostgreSQL address may hold a password.
func (r *reader) database(value, file setting) Secret {
	s := r.secret(value, file)
	if s.text == "" {
		return NewSecret(defaultDatabase)
	}
	path, isFile := strings.CutPrefix(s.text, "sqlite:")
	if isFile && (strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:")) {
		r.problems.add(s.name, "must be sqlite: and the path of a file; a ledger in memory would forget who has access")
		return Secret{}
	}
	if isFile && strings.TrimSpace(path) != "" || isPostgres(s.text) {
		return NewSecret(s.text)
	}
	r.problems.add(s.name, "must be sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")
	return Secret{}
}

func isPostgres(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") && (u.Host != "" || u.Query().Has("host"))
}

func trimLineEnd(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
}

// withoutPath returns err without the path, which is the secret itself when somebody mixed the two variables up.
func withoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
