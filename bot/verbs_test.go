package bot

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A verb that is typed alone is complete, or a form asks for the rest, or it is refused.
func TestFormsAskForWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, v := range verbs() {
		c, err := parseCommand(v.name)
		if asks := modalNamed(v.modal).open != nil; c.Incomplete != asks || (asks && err != nil) {
			t.Errorf("%s alone is incomplete: %v, a form asks for the rest: %v, %v", v.name, c.Incomplete, asks, err)
		}
		if slices.Contains(planned, v.name) {
			t.Errorf("%s is there, and need not be planned any more", v.name)
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
