package sshkeybot

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

var (
	oddVerb   = regexp.MustCompile(`^(answers|tells|says whether|gives back whether)\b`)
	oddPhrase = regexp.MustCompile(`\b(tells whether|tells of|answers whether)\b`)
)

// A function returns a value and reports whether something holds.
func TestDocCommentsArePlain(t *testing.T) {
	eachFile(t, func(t *testing.T, set *token.FileSet, file *ast.File) {
		t.Helper()
		for at, d := range docs(file) {
			if phrase := oddEnglish(d.name, d.text); phrase != "" {
				t.Errorf("%s: the doc comment of %s says %q: write what it returns or reports", set.Position(at), d.name, phrase)
			}
		}
	})
}

type doc struct{ name, text string }

// docs returns the doc comments of a file, by position: of functions, types, values,
// fields, methods of interfaces and the package.
func docs(file *ast.File) map[token.Pos]doc {
	found := map[token.Pos]doc{}
	add := func(comment *ast.CommentGroup, names ...*ast.Ident) {
		name := ""
		if len(names) > 0 {
			name = names[0].Name
		}
		if comment != nil {
			found[comment.Pos()] = doc{name, comment.Text()}
		}
	}
	add(file.Doc)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			add(n.Doc, n.Name)
		case *ast.GenDecl:
			add(n.Doc, only(n)...)
		case *ast.TypeSpec:
			add(n.Doc, n.Name)
		case *ast.ValueSpec:
			add(n.Doc, n.Names...)
		case *ast.Field:
			add(n.Doc, n.Names...)
		}
		return true
	})
	return found
}

// only returns the names of a declaration that stands alone, without parentheses.
func only(d *ast.GenDecl) []*ast.Ident {
	if d.Lparen.IsValid() {
		return nil
	}
	switch spec := d.Specs[0].(type) {
	case *ast.TypeSpec:
		return []*ast.Ident{spec.Name}
	case *ast.ValueSpec:
		return spec.Names
	}
	return nil
}

// oddEnglish returns what is not the English of Go's own documentation in the doc
// comment of a name, or "".
func oddEnglish(name, comment string) string {
	words := strings.Join(strings.Fields(comment), " ")
	if rest, named := strings.CutPrefix(words, name+" "); named {
		if verb := oddVerb.FindString(rest); verb != "" {
			return verb
		}
	}
	return oddPhrase.FindString(words)
}

func TestOddEnglish(t *testing.T) {
	t.Parallel()
	for comment, want := range map[string]string{
		"find answers the first that fits.":                        "answers",
		"find tells the first that fits.":                          "tells",
		"find says whether one fits.":                              "says whether",
		"find gives back whether one fits.":                        "gives back whether",
		"find looks at all, and tells\nwhether one fits.":          "tells whether",
		"find looks at all. It tells of none.":                     "tells of",
		"find looks at all, and answers whether\none fits.":        "answers whether",
		"find returns the first that fits.":                        "",
		"find reports whether one fits.":                           "",
		"find says what is wrong, as the server answers.":          "",
		"Slack answers with 429, and find waits.":                  "",
		"findings answers for several, and find returns the first": "",
		"": "",
	} {
		if got := oddEnglish("find", comment); got != want {
			t.Errorf("%q: %q, want %q", comment, got, want)
		}
	}
}
