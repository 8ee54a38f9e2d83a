package sshkeybot

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines     = 400
	maxFunctionLines = 80
)

// anything is the entry of the packages that put the others together.
var anything = []string{"*"}

// arrows are the packages of this module that each package may import. They point to the
// domain, which imports leaves alone. The clients and the simulators import nothing of ours.
var arrows = map[string][]string{
	"cmd/sshkeybot":                  anything,
	"internal/app":                   anything,
	"internal/check":                 anything,
	"internal/crash":                 anything,
	"bot":                            {"bot/render", "bot/slackapi", "bot/socket", "internal/access", "internal/delivery", "internal/duration", "internal/nearest", "internal/outage", "internal/redact", "internal/sshkey", "internal/workflow"},
	"bot/bottest":                    {"bot/render", "bot/slackapi", "internal/access", "internal/delivery", "internal/reconcile", "internal/sim/memnet", "internal/sim/slacksim", "internal/sshkey", "internal/workflow"},
	"bot/outbox":                     {"bot/render", "bot/slackapi", "internal/access", "internal/delivery", "internal/lock", "internal/outage", "internal/workflow"},
	"bot/render":                     {"bot/slackapi", "internal/access", "internal/duration", "internal/workflow"},
	"bot/slackapi":                   {"internal/access"},
	"bot/socket":                     {"internal/outage"},
	"internal/access":                {"internal/duration", "internal/nearest", "internal/sshkey"},
	"internal/clock":                 {"internal/duration"},
	"internal/config":                {"internal/duration", "internal/nearest"},
	"internal/control":               {"internal/access"},
	"internal/delivery":              {"internal/access"},
	"internal/duration":              nil,
	"internal/health":                nil,
	"internal/limiter":               nil,
	"internal/lock":                  nil,
	"internal/nearest":               nil,
	"internal/octopus":               {"internal/limiter"},
	"internal/outage":                nil,
	"internal/play":                  {"internal/access", "internal/app", "internal/clock", "internal/config", "internal/sim/octopussim", "internal/sim/runcloudsim", "internal/sim/scalingosim", "internal/sim/slacksim", "internal/sim/sshsim", "internal/sshkey", "internal/store"},
	"internal/queue":                 {"internal/access", "internal/outage", "internal/store"},
	"internal/reconcile":             {"internal/access", "internal/clock", "internal/lock", "internal/sshkey"},
	"internal/redact":                nil,
	"internal/scalingo":              {"internal/limiter"},
	"internal/sim/memnet":            nil,
	"internal/sim/nodetest":          nil,
	"internal/sim/octopussim":        nil,
	"internal/sim/runcloudsim":       nil,
	"internal/sim/scalingosim":       nil,
	"internal/sim/slacksim":          nil,
	"internal/sim/sshsim":            nil,
	"internal/sshkey":                nil,
	"internal/store":                 {"internal/access", "internal/delivery", "internal/lock"},
	"internal/store/storetest":       {"internal/access", "internal/delivery", "internal/store"},
	"internal/target/octopus":        {"internal/access", "internal/octopus"},
	"internal/target/runcloud":       {"internal/access", "internal/limiter", "runcloud"},
	"internal/target/scalingo":       {"internal/access", "internal/limiter", "internal/scalingo"},
	"internal/target/targettest":     {"internal/access"},
	"internal/workflow":              {"internal/access", "internal/clock", "internal/duration", "internal/reconcile", "internal/sshkey"},
	"internal/workflow/workflowtest": {"internal/access", "internal/delivery", "internal/reconcile", "internal/sshkey", "internal/store", "internal/store/storetest", "internal/workflow"},
	"runcloud":                       {"internal/limiter"},
}

func TestArrows(t *testing.T) {
	t.Parallel()
	for name, imports := range goList(t, "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
		from, ours := strings.CutPrefix(name, "sshkeybot/")
		if !ours {
			continue
		}
		allowed, known := arrows[from]
		if !known {
			t.Errorf("what may %s import?", from)
		}
		for _, imported := range imports {
			to, ours := strings.CutPrefix(imported, "sshkeybot/")
			if ours && !slices.Equal(allowed, anything) && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
}

// The domain depends only on the standard library, on what the parser of keys needs, and on
// leaves.
func TestDomainStandsAlone(t *testing.T) {
	t.Parallel()
	const list = "{{if not .Standard}}{{.ImportPath}}{{end}}"
	domain := []string{"./internal/access", "./internal/reconcile", "./internal/workflow"}
	needed := goList(t, list, "-deps", "./internal/sshkey", "./internal/duration", "./internal/nearest", "./internal/clock", "./internal/lock")
	for name := range goList(t, list, append([]string{"-deps"}, domain...)...) {
		if _, ok := needed[name]; !ok && !slices.Contains(domain, "./"+strings.TrimPrefix(name, "sshkeybot/")) {
			t.Errorf("the domain needs %s", name)
		}
	}
	for name, imports := range goList(t, "{{.ImportPath}} {{join .Imports \" \"}}", domain...) {
		for _, imported := range imports {
			if strings.Contains(imported, ".") {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}

// The domain looks targets and the directory up and names none: what is particular to one of
// them is said by its adapter, or by who shows it.
func TestDomainNamesNoVendor(t *testing.T) {
	t.Parallel()
	vendors := regexp.MustCompile(`RunCloud|RUNCLOUD|Slack|SLACK|Scalingo|SCALINGO|Octopus|OCTOPUS`)
	files := 0
	for _, domain := range []string{"internal/access", "internal/clock", "internal/reconcile", "internal/workflow"} {
		err := filepath.WalkDir(domain, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
				return err
			}
			files++
			content, err := os.ReadFile(name)
			for i, line := range strings.Split(string(content), "\n") {
				if vendors.MatchString(line) {
					t.Errorf("%s:%d: %s", name, i+1, strings.TrimSpace(line))
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 50 {
		t.Errorf("only %d files were read", files)
	}
}

// Modules of different River versions do not work together, so an update must not change the
// version of one alone.
func TestRiverIsPinned(t *testing.T) {
	t.Parallel()
	const version = "v0.47.0"
	family := []string{"", "/riverdriver", "/riverdriver/riverpgxv5", "/riverdriver/riversqlite", "/rivershared", "/rivertype"}
	args := []string{"-m"}
	for _, module := range family {
		args = append(args, "github.com/riverqueue/river"+module)
	}
	found := goList(t, "{{.Path}} {{.Version}}{{if .Replace}} replaced{{end}}", args...)
	if len(found) != len(family) {
		t.Errorf("found %v", found)
	}
	for module, at := range found {
		if !slices.Equal(at, []string{version}) {
			t.Errorf("%s is at %s, all of River belongs at %s", module, at, version)
		}
	}
}

// goList returns the lines that go list prints: the first word of each, with the others.
func goList(t *testing.T, format string, args ...string) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-f", format}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) > 0 {
			found[words[0]] = words[1:]
		}
	}
	if len(found) == 0 {
		t.Fatal("go list finds nothing")
	}
	return found
}

// A package is named after what it is about, not after what kind of code it contains.
func TestNames(t *testing.T) {
	t.Parallel()
	empty := []string{"util", "utils", "common", "types", "models", "helpers", "misc", "shared", "base"}
	for name := range goList(t, "{{.ImportPath}}", "./...") {
		if slices.Contains(empty, path.Base(name)) {
			t.Errorf("%s says nothing", name)
		}
	}
}

func TestSizes(t *testing.T) { eachFile(t, checkSize) }

// A closure that is passed to a function together with context.WithoutCancel(ctx) must shadow
// ctx, or it goes on with the context that may be cancelled, and what it should record is lost.
func TestClosuresAreNotCancelled(t *testing.T) {
	eachFile(t, func(t *testing.T, set *token.FileSet, file *ast.File) {
		t.Helper()
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			first, _ := call.Args[0].(*ast.CallExpr)
			_, closure := call.Args[1].(*ast.FuncLit)
			if closure && first != nil {
				if f, ok := first.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "WithoutCancel" {
					t.Errorf("%s: the function uses the context outside", set.Position(n.Pos()))
				}
			}
			return true
		})
	})
}

// eachFile calls check with every Go file of the module, parsed with comments.
func eachFile(t *testing.T, check func(t *testing.T, set *token.FileSet, file *ast.File)) {
	t.Helper()
	t.Parallel()
	files := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case filepath.Ext(name) == ".go":
			files++
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			check(t, set, file)
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files: %v", files, err)
	}
}

func checkSize(t *testing.T, set *token.FileSet, file *ast.File) {
	t.Helper()
	if whole := set.File(file.FileStart); whole.LineCount()-1 > maxFileLines {
		t.Errorf("%s has %d lines, more than %d", whole.Name(), whole.LineCount()-1, maxFileLines)
	}
	for _, declared := range file.Decls {
		f, ok := declared.(*ast.FuncDecl)
		if !ok {
			continue
		}
		begin, end := set.Position(f.Pos()), set.Position(f.End())
		if lines := end.Line - begin.Line + 1; lines > maxFunctionLines {
			t.Errorf("%s: %s has %d lines, more than %d", begin, f.Name.Name, lines, maxFunctionLines)
		}
	}
}
