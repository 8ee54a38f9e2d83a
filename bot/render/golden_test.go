package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"sshkeybot/internal/sim/slacksim"
)

// The golden files that are about all cases of the small variant together.
const (
	goldenByEar  = "by-ear.golden"
	goldenModals = "modals.golden"
)

var update = flag.Bool("update", false, "write the golden files anew")

func variants() map[string]world {
	return map[string]world{"small": small(), "big": big(), "hostile": hostile()}
}

// allCases returns everything there is to draw, by variant and name. It is drawn once for all tests.
var allCases = sync.OnceValue(func() map[string]map[string]any {
	all := map[string]map[string]any{}
	for variant, w := range variants() {
		all[variant] = w.cases()
	}
	return all
})

// wireMessage is a message as chat.postMessage takes it.
type wireMessage struct {
	Text   string        `json:"text"`
	Blocks []slack.Block `json:"blocks"`
}

func wire(m Message) wireMessage { return wireMessage(m) }

// encode writes what was drawn as Slack receives it, but readable.
func encode(t testing.TB, drawn any) []byte {
	t.Helper()
	switch d := drawn.(type) {
	case []byte:
		return d
	case Message:
		drawn = wire(d)
	case []Message:
		all := make([]wireMessage, len(d))
		for i, m := range d {
			all[i] = wire(m)
		}
		drawn = all
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(drawn); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	expected := map[string]bool{goldenByEar: true, goldenModals: true}
	for variant, cases := range allCases() {
		for name, drawn := range cases {
			file := name + "." + variant + ".golden"
			expected[file] = true
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				golden(t, filepath.Join("testdata", file), encode(t, drawn))
			})
		}
	}
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !expected[filepath.Base(file)] {
			t.Errorf("%s belongs to no case", file)
		}
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update if that is meant:\n%s", path, diff)
	}
}

func TestEverythingIsInsideSlacksLimits(t *testing.T) {
	t.Parallel()
	for variant, cases := range allCases() {
		for name, drawn := range cases {
			for _, problem := range problems(t, drawn) {
				t.Errorf("%s %s: %s", variant, name, problem)
			}
		}
	}
}

// problems lists what the played Slack, and our own stricter limits, have against what was drawn.
func problems(t testing.TB, drawn any) []string {
	t.Helper()
	switch d := drawn.(type) {
	case Message:
		return messageProblems(t, d)
	case []Message:
		var found []string
		for _, m := range d {
			found = append(found, messageProblems(t, m)...)
		}
		return found
	case slack.ModalViewRequest, slack.HomeTabViewRequest:
		return slices.Concat(slacksim.CheckView(encode(t, d)), strayTokens(texts(t, d)))
	}
	return nil
}

func messageProblems(t testing.TB, m Message) []string {
	t.Helper()
	found := slices.Concat(slacksim.CheckMessage(encode(t, m)), strayTokens(texts(t, m)))
	if n := len([]rune(m.Text)); n > textLimit || n == 0 {
		found = append(found, "the text is empty or too long")
	}
	total := 0
	for _, text := range texts(t, Message{Blocks: m.Blocks}) {
		total += len([]rune(text))
	}
	if total > 12_000 {
		found = append(found, "the blocks hold more than 12,000 characters")
	}
	return found
}

// cases draws every message and view there is.
func (w world) cases() map[string]any {
	all := map[string]any{}
	for _, part := range w.parts() {
		maps.Copy(all, part())
	}
	return all
}

func (w world) parts() []func() map[string]any {
	return []func() map[string]any{w.requestCases, w.runCases, w.offboardCases, w.undecidedCases, w.orphanCases, w.reinstateCases, w.restoreCases, w.accountCases, w.purgeCases, w.auditCases, w.rotationCases, w.noticeCases, w.directCases, w.answerCases, w.viewCases, w.logCases, w.wholeCases}
}
