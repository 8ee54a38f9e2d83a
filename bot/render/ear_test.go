package render

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/slack-go/slack"

	"sshkeybot/internal/sim/slacksim"
)

// blocksOf returns the blocks of each message that was drawn, or of the view.
func blocksOf(drawn any) (all [][]slack.Block) {
	switch d := drawn.(type) {
	case Message:
		all = append(all, d.Blocks)
	case []Message:
		for _, m := range d {
			all = append(all, m.Blocks)
		}
	case slack.ModalViewRequest:
		all = append(all, d.Blocks.BlockSet)
	case slack.HomeTabViewRequest:
		all = append(all, d.Blocks.BlockSet)
	}
	return all
}

// said returns the lines that a block says, without what can be pressed or filled in.
func said(b slack.Block) []string {
	switch b := b.(type) {
	case *slack.HeaderBlock:
		return []string{b.Text.Text}
	case *slack.SectionBlock:
		return strings.Split(b.Text.Text, "\n")
	case *slack.ContextBlock:
		return strings.Split(b.ContextElements.Elements[0].(*slack.TextBlockObject).Text, "\n")
	}
	return nil
}

// control is what can be pressed, with what it says to the eye and to the ear.
type control struct {
	seen, heard string
	button      bool // and no menu, which has no name for the ear of its own
}

func controls(blocks ...slack.Block) (all []control) {
	for _, b := range blocks {
		actions, _ := b.(*slack.ActionBlock)
		if actions == nil {
			continue
		}
		for _, e := range actions.Elements.ElementSet {
			switch e := e.(type) {
			case *slack.ButtonBlockElement:
				heard := e.AccessibilityLabel
				if heard == "" {
					heard = e.Text.Text
				}
				all = append(all, control{e.Text.Text, heard, true})
			case *slack.SelectBlockElement:
				all = append(all, control{e.Placeholder.Text, e.Placeholder.Text, false})
			case *slack.OverflowBlockElement:
				for _, o := range e.Options {
					all = append(all, control{o.Text.Text, o.Text.Text, false})
				}
			}
		}
	}
	return all
}

var leftOut = regexp.MustCompile(`^… and ([\d,]+) more`)

// Whoever has only the text of a message, from a notification or by a screen reader, has all of it, or
// how much it leaves out, and what can be done.
func TestTextSaysWhatTheBlocksSay(t *testing.T) {
	t.Parallel()
	for variant, cases := range allCases() {
		for name, drawn := range cases {
			all, _ := drawn.([]Message)
			if m, one := drawn.(Message); one {
				all = append(all, m)
			}
			for _, m := range all {
				checkText(t, name+"."+variant, m)
			}
		}
	}
}

func checkText(t *testing.T, name string, m Message) {
	t.Helper()
	text, choices, _ := strings.Cut(m.Text, choicesMark)
	lines, lacking := strings.Split(text, "\n"), 0
	var all []string
	for _, b := range m.Blocks {
		for i, line := range said(b) {
			if last := len(all) - 1; i == 0 && last >= 0 && strings.HasSuffix(all[last], " ") { // it goes on in another block
				all[last] += line
				continue
			}
			all = append(all, line)
		}
	}
	for _, line := range all {
		if !slices.Contains(lines, line) && !leftOut.MatchString(line) {
			lacking++
		}
	}
	if n := leftOut.FindStringSubmatch(lines[len(lines)-1]); n != nil {
		more, _ := strconv.Atoi(strings.ReplaceAll(n[1], ",", ""))
		lacking -= more
	}
	if text == "" || lacking > 0 {
		t.Errorf("%s: the text lacks %d lines more than it says:\n%s", name, lacking, m.Text)
	}
	for _, c := range controls(m.Blocks...) {
		if !strings.Contains(choices, escape(c.seen, labelLimit)) {
			t.Errorf("%s: the text does not say that there is %q:\n%s", name, c.seen, m.Text)
		}
	}
}

// Whoever hears what can be pressed, out of its place, knows what it is about; whoever speaks what
// they see is understood.
func TestEveryButtonIsKnownByEar(t *testing.T) {
	t.Parallel()
	for variant, cases := range allCases() {
		for name, drawn := range cases {
			for _, blocks := range blocksOf(drawn) {
				heard := map[string]bool{}
				for _, c := range controls(blocks...) {
					switch {
					case heard[c.heard]:
						t.Errorf("%s.%s: two are heard as %q", name, variant, c.heard)
					case !strings.HasPrefix(c.heard, c.seen):
						t.Errorf("%s.%s: %q is heard as %q", name, variant, c.seen, c.heard)
					case c.button && !strings.Contains(c.heard, " "):
						t.Errorf("%s.%s: %q does not say what it is about", name, variant, c.heard)
					}
					heard[c.heard] = true
				}
			}
		}
	}
}

var picture = regexp.MustCompile(`:[a-z0-9_+-]+:|[-=_#.~|]{3,}|\p{So}`)

// Nothing is said by a picture or by a colour alone.
func TestEverythingIsSaidInWords(t *testing.T) {
	t.Parallel()
	for _, variant := range []string{"small", "big"} {
		for name, drawn := range allCases()[variant] {
			for _, blocks := range blocksOf(drawn) {
				for _, b := range blocks {
					all := said(b)
					for _, c := range controls(b) {
						all = append(all, c.seen, c.heard)
					}
					words := codeSpan.ReplaceAllString(ourTokens.ReplaceAllString(strings.Join(all, "\n"), "name"), "code")
					if found := picture.FindString(words); found != "" {
						t.Errorf("%s.%s: %q is in: %s", name, variant, found, words)
					}
					if len(all) > 0 && !strings.ContainsFunc(words, unicode.IsLetter) {
						t.Errorf("%s.%s: no word is in: %s", name, variant, words)
					}
				}
			}
		}
	}
}

// titleVerbs begin the title of a modal: it says what is done there.
var titleVerbs = []string{"Ask", "Decide", "Deny", "Look", "Narrow", "Prove", "Register"}

// saysNothing are what buttons of forms must not say, since that is true of any form.
var saysNothing = []string{"", "Done", "OK", "Save", "Send", "Submit", "Yes"}

func TestEveryModalSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	titles := map[string]string{}
	for name, m := range modals() {
		title := m.Title.Text
		if verb, _, more := strings.Cut(title, " "); !more || !slices.Contains(titleVerbs, verb) {
			t.Errorf("%s: the title %q does not say what it does", name, title)
		}
		if other, taken := titles[title]; taken && other != m.CallbackID {
			t.Errorf("%s: %s has the title %q, too", name, other, title)
		}
		titles[title] = m.CallbackID
		if m.Submit != nil && slices.Contains(saysNothing, m.Submit.Text) {
			t.Errorf("%s: the button %q does not say what it does", name, m.Submit.Text)
		}
	}
}

func modals() map[string]slack.ModalViewRequest {
	all := map[string]slack.ModalViewRequest{}
	for name, drawn := range allCases()["small"] {
		if m, ok := drawn.(slack.ModalViewRequest); ok {
			all[name] = m
		}
	}
	return all
}

func TestGoldenModals(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	all := modals()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := all[name]
		out.WriteString("# " + name + "\ntitle: " + m.Title.Text + "\n")
		for _, b := range m.Blocks.BlockSet {
			out.WriteString(fieldOf(b))
		}
		if m.Submit != nil {
			out.WriteString("submit: " + m.Submit.Text + "\n")
		}
		out.WriteString("close: " + m.Close.Text + "\n\n")
	}
	golden(t, filepath.Join("testdata", goldenModals), []byte(out.String()))
}

// fieldOf returns what a block of a modal asks for, and the hint to it; empty where it asks nothing.
func fieldOf(b slack.Block) string {
	in, _ := b.(*slack.InputBlock)
	if in == nil {
		return ""
	}
	text := "field: " + in.Label.Text
	if in.Optional {
		text += " (optional)"
	}
	if in.Hint != nil {
		text += "\n  hint: " + in.Hint.Text
	}
	return text + "\n"
}

func TestGoldenByEar(t *testing.T) {
	t.Parallel()
	w := slacksim.New(slacksim.Options{Now: noon})
	t.Cleanup(w.Close)
	for _, name := range []string{"alice", "bob", "carol"} {
		w.AddUser(slacksim.User{ID: "U0" + strings.ToUpper(name), Name: name})
	}
	w.AddUserGroup("S0OPS", "operators")
	w.AddChannel(slacksim.Channel{ID: "C0OPS", Name: "ops"})
	var out strings.Builder
	cases := allCases()["small"]
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		for _, heard := range aloud(cases[name]) {
			_, heard, _ = strings.Cut(w.Render(slacksim.Message{Text: heard}, slacksim.Viewer{Width: 120}), "\n") // the author
			out.WriteString("# " + name + "\n" + heard + "\n")
		}
	}
	golden(t, filepath.Join("testdata", goldenByEar), []byte(out.String()))
}

// aloud returns what is heard of messages and views: of a message its text, and then what can be pressed.
func aloud(drawn any) (all []string) {
	texts := []string{""}
	switch d := drawn.(type) {
	case Message:
		texts[0] = d.Text
	case []Message:
		texts = nil
		for _, m := range d {
			texts = append(texts, m.Text)
		}
	}
	for i, blocks := range blocksOf(drawn) {
		var lines []string
		for _, b := range blocks {
			if texts[i] == "" {
				lines = append(lines, said(b)...)
			}
			for _, c := range controls(b) {
				lines = append(lines, "["+escape(c.heard, labelLimit)+"]")
			}
		}
		all = append(all, strings.TrimPrefix(texts[i]+"\n"+strings.Join(lines, "\n"), "\n"))
	}
	return all
}
