package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"sshkeybot/internal/access"
)

// actions returns the actions that the audit log may have, as they are declared.
func actions(t *testing.T) (all []access.Action) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../access/audit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Action" {
			name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, access.Action(name))
		}
		return true
	})
	return all
}

// Every action has a message of its own, which stands in the documentation with its level.
func TestEveryActionHasAMessage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	known, said := actions(t), map[string]bool{}
	if len(known) < 60 || len(known) != len(eventMessages) {
		t.Errorf("%d messages for %d actions", len(eventMessages), len(known))
	}
	for _, a := range known {
		m := eventMessages[a]
		cell := "`" + m.text + "`"
		if m.alone != "" {
			cell += ", `" + m.alone + "`"
		}
		if row := "\n| " + cell + " | " + strings.ToLower(m.level.String()) + " | `" + string(a) + "` |\n"; !strings.Contains(string(page), row) {
			t.Errorf("the page lacks%s", row)
		}
		if m.text == "" || said[m.text] || said[m.alone] && m.alone != "" {
			t.Errorf("%s has no message of its own: %q", a, m.text)
		}
		said[m.text], said[m.alone] = true, true
	}
}
