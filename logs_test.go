package sshkeybot

import (
	"go/ast"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inLogs is what the code writes into the log: messages and the names of fields.
type inLogs struct {
	sync.Mutex
	messages, fields map[string]bool
}

// logPage is where every message and every field of the log stands.
const logPage = "docs/logs.md"

// What the code logs stands in docs/logs.md, and nothing else does: whoever searches the log relies
// on it. A message is a constant, so that it can be searched for.
func TestLogsAreDescribed(t *testing.T) {
	logged := inLogs{messages: map[string]bool{}, fields: map[string]bool{"level": true, "time": true, "message": true}}
	t.Run("all of", func(t *testing.T) { t.Run("the code", func(t *testing.T) { eachFile(t, logged.read) }) })
	page, err := os.ReadFile(logPage)
	if err != nil {
		t.Fatal(err)
	}
	fields, messages, found := strings.Cut(string(page), "\n## Messages\n")
	if !found {
		t.Fatal("where are the messages?")
	}
	for what, names := range map[string]struct {
		table string
		code  map[string]bool
	}{"field": {fields, logged.fields}, "message": {messages, logged.messages}} {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(names.code)), firstColumn(names.table)); diff != "" {
			t.Errorf("every %s in the code, and in %s (-code +page):\n%s", what, logPage, diff)
		}
	}
}

var codeInFirstCell = regexp.MustCompile("(?m)^\\| `([^`]+)`(?:, `([^`]+)`)? \\|")

// firstColumn returns what stands as code in the first cells of the rows of tables, in ascending order.
func firstColumn(tables string) (all []string) {
	for _, row := range codeInFirstCell.FindAllStringSubmatch(tables, -1) {
		all = append(all, row[1:]...)
	}
	slices.Sort(all)
	return slices.DeleteFunc(all, func(name string) bool { return name == "" })
}

// positions has for the methods that log where their message is, and where their fields begin.
var positions = map[string][2]int{
	"Debug": {0, 1}, "Info": {0, 1}, "Warn": {0, 1}, "Error": {0, 1},
	"DebugContext": {1, 2}, "InfoContext": {1, 2}, "WarnContext": {1, 2}, "ErrorContext": {1, 2},
	"Log": {2, 3}, "LogAttrs": {2, 3}, "Saw": {-1, 3},
}

var fieldMakers = []string{"String", "Int", "Int64", "Bool", "Duration", "Time", "Any"}

func (l *inLogs) read(t *testing.T, set *token.FileSet, file *ast.File) {
	t.Helper()
	l.Lock()
	defer l.Unlock()
	if name := set.File(file.FileStart).Name(); strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal/sim/") {
		return
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			l.call(t, set, n)
		case *ast.CompositeLit:
			l.literal(n)
		case *ast.AssignStmt:
			if made, ok := n.Rhs[0].(*ast.CompositeLit); ok && isNamed(n.Lhs[0], "attrs") {
				l.pairs(made.Elts)
			}
		}
		return true
	})
}

// call reads a call that logs something, makes a field, or appends fields to attrs.
func (l *inLogs) call(t *testing.T, set *token.FileSet, call *ast.CallExpr) {
	t.Helper()
	if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "append" && isNamed(call.Args[0], "attrs") {
		l.pairs(call.Args[1:])
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	if isNamed(f.X, "slog") && slices.Contains(fieldMakers, f.Sel.Name) {
		l.pairs(call.Args[:1])
	}
	at, ok := positions[f.Sel.Name]
	if !ok || len(call.Args) < at[1] || at[0] >= 0 && !isNamed(f.X, "log", "Log", "logger") {
		return
	}
	l.pairs(call.Args[at[1]:])
	if at[0] < 0 {
		return
	}
	message, constant := textOf(call.Args[at[0]])
	if l.messages[message] = true; !constant {
		delete(l.messages, message)
		if where := set.Position(call.Pos()); !strings.HasPrefix(where.Filename, "internal/outage/") && !strings.HasPrefix(where.Filename, "internal/app/eventlog") {
			t.Errorf("%s: the message is no constant", where)
		}
	}
}

// pairs reads names of fields and their values, in turn.
func (l *inLogs) pairs(args []ast.Expr) {
	for i := 0; i < len(args); i += 2 {
		if name, ok := textOf(args[i]); ok {
			l.fields[name] = true
		} else {
			i-- // a field with its value
		}
	}
}

// literal reads the messages of an outage.Watch and of an eventMessage.
func (l *inLogs) literal(c *ast.CompositeLit) {
	for _, e := range c.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok || !isNamed(pair.Key, "Down", "Up", "text", "alone") {
			continue
		}
		if message, ok := textOf(pair.Value); ok {
			l.messages[message] = true
		}
	}
}

// isNamed reports whether an expression is one of these names, or ends with it.
func isNamed(e ast.Expr, names ...string) bool {
	if s, ok := e.(*ast.SelectorExpr); ok {
		e = s.Sel
	}
	id, ok := e.(*ast.Ident)
	return ok && slices.Contains(names, id.Name)
}

// textOf returns the text of a constant.
func textOf(e ast.Expr) (text string, ok bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}
