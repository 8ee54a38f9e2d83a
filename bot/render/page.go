package render

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// Slack's limits with some air (Slack, "Block Kit" reference and chat.update): a top-level text above 4,000
// characters cannot be updated, a section holds 3,000, and blocks of more than about 13,200 together are refused.
const (
	textLimit    = 3900
	sectionLimit = 2900
	list         = 1000 // one of a few
	shortList    = 600  // one beside much else
)

// page is a message that is being made: each part is added to the blocks and to the text, which
// notifications show and screen readers read in place of the blocks.
type page struct {
	blocks  []slack.Block
	lines   []string
	choices []string                    // what the buttons and menus say, each once
	rest    []*slack.ButtonBlockElement // buttons that show the whole of lists that are not
}

// addHeading adds a heading of our own words.
func (p *page) addHeading(title string) {
	p.blocks = append(p.blocks, slack.NewHeaderBlock(plain(plainText(title, 140))))
	p.lines = append(p.lines, title)
}

// addText adds lines of markup, in as many sections as they need; nothing when all are empty.
func (p *page) addText(lines ...string) {
	lines = nonEmpty(lines)
	if len(lines) == 0 {
		return
	}
	for _, text := range sections(lines) {
		p.blocks = append(p.blocks, section(markup(text)))
	}
	p.lines = append(p.lines, lines...)
}

// sections joins lines into texts that a section holds each.
func sections(lines []string) (texts []string) {
	for _, line := range lines {
		for len(line) > 0 {
			end := breakAt(line)
			part := strings.TrimRight(line[:end], "\n")
			line = line[end:]
			last := len(texts) - 1
			if last >= 0 && utf8.RuneCountInString(texts[last])+utf8.RuneCountInString(part) < sectionLimit {
				texts[last] += "\n" + part
				continue
			}
			texts = append(texts, part)
		}
	}
	return texts
}

// breakAt returns where the part of a line ends that a section holds: all of it, or else so much of it as ends
// behind a comma, a sentence or a line break that is not in code.
func breakAt(line string) int {
	end, length, inCode := 0, 0, false
	for i, r := range line {
		if length == sectionLimit {
			return cmp.Or(end, i)
		}
		switch length++; {
		case r == '`':
			inCode = !inCode
		case !inCode && (r == '\n' || i > 0 && r == ' ' && strings.ContainsAny(line[i-1:i], ",;.")):
			end = i + 1
		}
	}
	return len(line)
}

// addContext adds lines in small print.
func (p *page) addContext(lines ...string) {
	lines = nonEmpty(lines)
	if len(lines) == 0 {
		return
	}
	for _, text := range sections(lines) {
		p.blocks = append(p.blocks, slack.NewContextBlock("", markup(text)))
	}
	p.lines = append(p.lines, lines...)
}

// addList adds a title and the items that have room, one a line. Where some have none, all is the button that
// shows them, and addButtonsAndRest adds it.
func (p *page) addList(title string, items []string, room int, all *slack.ButtonBlockElement) {
	p.addListOf(len(items), title, items, room, all)
}

// addListOf is addList where the items are the first of so many.
func (p *page) addListOf(total int, title string, items []string, room int, all *slack.ButtonBlockElement) {
	if len(items) == 0 {
		return
	}
	bulleted := make([]string, len(items))
	for i, item := range items {
		bulleted[i] = "• " + item
	}
	text, whole := fit(total, bulleted, "\n", room)
	p.addText("*"+title+"*", text)
	if !whole {
		p.rest = append(p.rest, all)
	}
}

// addButtonsAndRest adds buttons and, where they do not have them, those that show the whole of lists that are not.
func (p *page) addButtonsAndRest(buttons ...slack.BlockElement) {
	for _, b := range p.rest {
		isSame := func(other slack.BlockElement) bool {
			o, ok := other.(*slack.ButtonBlockElement)
			return ok && o.ActionID == b.ActionID && o.Value == b.Value
		}
		if !slices.ContainsFunc(buttons, isSame) {
			buttons = append(buttons, b)
		}
	}
	p.rest = nil
	p.addButtons(buttons...)
}

// addAll adds a title and all of the items, one a line.
func (p *page) addAll(title string, items []string) {
	if len(items) == 0 {
		return
	}
	lines := []string{"*" + title + "*"}
	for _, item := range items {
		lines = append(lines, "• "+item)
	}
	p.addText(lines...)
}

// addButtons adds buttons and menus. The text ends with what they say.
func (p *page) addButtons(buttons ...slack.BlockElement) {
	if len(buttons) == 0 {
		return
	}
	p.blocks = append(p.blocks, slack.NewActionBlock("", buttons...))
	for _, b := range buttons {
		for _, label := range labels(b) {
			if !slices.Contains(p.choices, label) {
				p.choices = append(p.choices, label)
			}
		}
	}
}

// choicesMark begins the last line of a text, which says what the buttons and menus say. No foreign
// text has a line break in it.
const choicesMark = "\nChoices: "

// labels returns what a button or a menu says, for the text.
func labels(b slack.BlockElement) []string {
	var said []*slack.TextBlockObject
	switch b := b.(type) {
	case *slack.ButtonBlockElement:
		said = append(said, b.Text)
	case *slack.SelectBlockElement:
		said = append(said, b.Placeholder)
	case *slack.OverflowBlockElement:
		for _, option := range b.Options {
			said = append(said, option.Text)
		}
	}
	out := make([]string, len(said))
	for i, text := range said {
		out[i] = escape(text.Text, labelLimit)
	}
	return out
}

func (p *page) message() Message {
	choices := ""
	if len(p.choices) > 0 {
		choices = choicesMark + strings.Join(p.choices, ", ") + "."
	}
	lines := strings.Split(strings.Join(p.lines, "\n"), "\n")
	return Message{Text: cutLines(lines, textLimit-utf8.RuneCountInString(choices)) + choices, Blocks: p.blocks}
}

// cutLines keeps whole lines, so that no token or entity is cut in two.
func cutLines(lines []string, limit int) string {
	used := 0
	for i, line := range lines {
		used += utf8.RuneCountInString(line) + 1
		if used > limit-40 && (i+1 < len(lines) || used > limit) {
			return strings.Join(append(lines[:i:i], fmt.Sprintf("… and %s.", count(len(lines)-i, "more line", "more lines"))), "\n")
		}
	}
	return strings.Join(lines, "\n")
}

func nonEmpty(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if line != "" {
			kept = append(kept, line)
		}
	}
	return kept
}

// markup returns a mrkdwn object. Verbatim keeps Slack from turning addresses and names in it into links.
func markup(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}

func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

func button(action, value, label string) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(action, value, plain(label))
}

// about adds for the ear what a button is about: by its label alone, it may be one of several, or of
// any message.
func about(b *slack.ButtonBlockElement, what string) *slack.ButtonBlockElement {
	b.AccessibilityLabel = plainText(b.Text.Text+" "+what, 75) // as much as Slack takes
	return b
}

func aboutRequest(b *slack.ButtonBlockElement, id int64) *slack.ButtonBlockElement {
	return about(b, "request "+idValue(id))
}

// withConfirm has Slack ask again before a click counts. All texts are our own; text is at most 300 characters.
func withConfirm(b *slack.ButtonBlockElement, title, text, yes string) *slack.ButtonBlockElement {
	b.Confirm = slack.NewConfirmationBlockObject(plain(title), plain(plainText(text, 290)), plain(yes), plain("Go back")).
		WithStyle(slack.StyleDanger)
	return b
}

func idValue(id int64) string { return strconv.FormatInt(id, 10) }

func section(text *slack.TextBlockObject) *slack.SectionBlock {
	return slack.NewSectionBlock(text, nil, nil)
}
