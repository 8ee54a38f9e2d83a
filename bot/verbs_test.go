package bot

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sshkeybot/internal/sim/slacksim"
)

// A verb that is typed alone is complete, or a form asks for the rest, or it is refused.
func TestFormsAskForWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, v := range verbs() {
		c, err := parseCommand(v.name)
		if asks := modalNamed(v.modal).open != nil; c.Incomplete != asks || (asks && err != nil) {
			t.Errorf("%s alone is incomplete: %v, a form asks for the rest: %v, %v", v.name, c.Incomplete, asks, err)
		}
	}
}

// What Help shows can be typed, with what may be left out and without it.
func TestEveryFormIsTakenAsItIsShown(t *testing.T) {
	t.Parallel()
	r := start(t, slacksim.Options{})
	optional, other := regexp.MustCompile(` ?\[[^\[\]]*(\[[^\[\]]*\])?\]`), regexp.MustCompile(`\|[A-Z|]+`)
	example := strings.NewReplacer("[", "", "]", "", "@user", "@bob", "DURATION", "1h", "KEY", someKey)
	for _, v := range verbs() {
		form := other.ReplaceAllString(v.typed(), "")
		for _, text := range []string{form, optional.ReplaceAllString(form, "")} {
			text = example.Replace(text)
			if got := r.types(t, "U2", text); strings.Contains(got, "The form is") || strings.Contains(got, "on my side") {
				t.Errorf("%q is answered %q", text, got)
			}
		}
	}
}

var saidVerb = regexp.MustCompile("/sshkey ([a-z]+)")

// Verbs stand in the table alone, and no message sends people to one that is not there.
func TestVerbsAreNamedInTheTableAlone(t *testing.T) {
	t.Parallel()
	known := verbNames()
	eachText(t, func(file, text string) {
		if !strings.Contains(file, "/") && file != "verbs.go" && slices.Contains(known, text) {
			t.Errorf("%s names the verb %q, which the table in verbs.go should do", file, text)
		}
		for _, said := range saidVerb.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(known, said[1]) {
				t.Errorf("%s says %q, and there is no such verb", file, said[0])
			}
		}
	}, "*.go", "render/*.go", "outbox/*.go", "../internal/workflow/*.go", "../internal/access/*.go")
}

// The README lists every verb of the help as the table does.
func TestReadmeListsEveryVerb(t *testing.T) {
	t.Parallel()
	listed := readmeRows(t)
	for _, v := range verbs() {
		row, want := listed[v.name], v.readmeRow()
		delete(listed, v.name)
		switch {
		case v.part == "": // it shows the others
		case row == "":
			t.Errorf("README.md does not list the verb %s. Its line is\n%s", v.name, want)
		case row != want:
			t.Errorf("README.md lists %s otherwise than the table of verbs does. It says\n%s\nand the table\n%s", v.name, row, want)
		}
	}
	for name, row := range listed {
		t.Errorf("README.md lists %s, which is no verb:\n%s", name, row)
	}
}

func (v verb) readmeRow() string {
	return fmt.Sprintf("| `%s` | %s | %s |", strings.ReplaceAll(v.typed(), "|", `\|`), v.who, v.about)
}

// readmeRows returns the lines of the README's table of commands, by verb.
func readmeRows(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(raw), "\n## Commands\n")
	part, _, _ = strings.Cut(part, "\n## ")
	if !found {
		t.Fatal("README.md has no part «Commands»")
	}
	rows := map[string]string{}
	for line := range strings.Lines(part) {
		if typed, isRow := strings.CutPrefix(line, "| `"); isRow {
			name, _, _ := strings.Cut(strings.ReplaceAll(typed, "`", " "), " ")
			rows[name] = strings.TrimSpace(line)
		}
	}
	return rows
}

// eachText calls check with every string in the source, without the tests.
func eachText(t *testing.T, check func(file, text string), patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					check(name, text)
				}
				return true
			})
		}
	}
}
