package slacksim

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The limits of a message and of a view (Slack, "Block Kit: blocks", chat.update,
// "Views"; maxRendered is not published and was measured by others).
const (
	maxText         = 4000
	maxMarkdown     = 12000
	maxRendered     = 13200
	headerWeight    = 100
	maxMessageBlock = 50
	maxViewBlock    = 100
	maxView         = 250_000
	maxID           = 255
)

// checker collects the rules that a message or a view breaks.
type checker struct {
	surface  string // "message", "modal" or "home"
	code     string // the error Slack would answer, the first one found
	problems []string

	blockIDs  map[string]bool
	markdown  int
	rendered  int
	tables    int
	tableText int
	inputs    int
}

// fail notes a broken limit that is answered with invalid_blocks.
func (c *checker) fail(path, format string, a ...any) {
	c.add(path, fmt.Sprintf(format, a...))
	c.answer("invalid_blocks")
}

func (c *checker) add(path, what string) { c.problems = append(c.problems, path+": "+what) }

func (c *checker) answer(code string) {
	if c.code == "" {
		c.code = code
	}
}

// length checks a string of least to most characters, counted as code points.
func (c *checker) length(path, s string, least, most int) {
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		c.fail(path, "must be at least %d characters", least)
	case n > most:
		c.fail(path, "must be no more than %d characters, is %d", most, n)
	}
}

func (c *checker) count(path string, n, least, most int) {
	if n < least || n > most {
		c.fail(path, "must have %d to %d items, has %d", least, most, n)
	}
}

// CheckMessage returns the rules that a message breaks, each with its JSON
// pointer; none for a good one. It takes an object as chat.postMessage does, or
// a bare list of blocks, of which no text is asked.
func CheckMessage(raw []byte) []string {
	var blocks []Block
	if json.Unmarshal(raw, &blocks) == nil {
		return checkMessage("", blocks, args{"bare": true}).problems
	}
	a := args{}
	if err := json.Unmarshal(raw, &a); err != nil {
		return []string{"/: not a message: " + err.Error()}
	}
	if a.has("blocks") {
		if err := a.decode("blocks", &blocks); err != nil {
			return []string{"/blocks: not a list of objects"}
		}
	}
	return checkMessage(a.str("text"), blocks, a).problems
}

// CheckView returns the rules that a modal or Home view breaks.
func CheckView(raw []byte) []string { return checkView(raw).problems }

func checkMessage(text string, blocks []Block, a args) *checker {
	c := &checker{surface: "message", blockIDs: map[string]bool{}}
	if n := utf8.RuneCountInString(text); n > maxText {
		c.add("/text", fmt.Sprintf("must be no more than %d characters, is %d", maxText, n))
		c.answer("msg_too_long")
	}
	if text == "" && len(blocks) > 0 && !a.flag("bare") {
		c.add("/text", "is missing: notifications and screen readers read it")
	}
	if md := a.str("markdown_text"); md != "" {
		c.markdown += utf8.RuneCountInString(md)
		if text != "" || len(blocks) > 0 {
			c.add("/markdown_text", "excludes text and blocks")
			c.answer("markdown_text_conflict")
		}
	}
	if len(blocks) > maxMessageBlock {
		c.fail("/blocks", "must have no more than %d items, has %d", maxMessageBlock, len(blocks))
	}
	c.blocks("/blocks", blocks)
	c.totals()
	return c
}

func (c *checker) totals() {
	if c.tables > 1 {
		c.fail("/blocks", "only one table is allowed in a message, there are %d", c.tables)
	}
	if c.tableText > 10_000 {
		c.fail("/blocks", "tables must hold no more than 10000 characters, hold %d", c.tableText)
	}
	if c.markdown > maxMarkdown {
		c.add("/blocks", fmt.Sprintf("markdown must be no more than %d characters together, is %d", maxMarkdown, c.markdown))
		c.answer("msg_too_long")
	}
	if c.rendered > maxRendered {
		c.add("/blocks", fmt.Sprintf("renders to %d characters, no more than about %d are taken", c.rendered, maxRendered))
		c.answer("msg_blocks_too_long")
	}
}

func viewFields() string {
	return "type title submit close blocks private_metadata callback_id external_id clear_on_close notify_on_close submit_disabled"
}

func checkView(raw []byte) *checker {
	c := &checker{blockIDs: map[string]bool{}}
	var v Block
	if err := json.Unmarshal(raw, &v); err != nil {
		c.add("/view", "is not an object")
		c.answer("invalid_arguments")
		return c
	}
	if len(raw) > maxView {
		c.add("/view", fmt.Sprintf("must be no more than %d bytes, is %d", maxView, len(raw)))
		c.answer("view_too_large")
	}
	if c.surface = v.Type(); c.surface != "modal" && c.surface != "home" {
		c.fail("/view/type", "must be modal or home")
	}
	c.known("/view", v, viewFields())
	c.length("/view/private_metadata", v.str("private_metadata"), 0, 3000)
	c.length("/view/callback_id", v.str("callback_id"), 0, maxID)
	c.length("/view/external_id", v.str("external_id"), 0, maxID)
	blocks := v.list("blocks")
	c.count("/view/blocks", len(blocks), 1, maxViewBlock)
	c.blocks("/view/blocks", blocks)
	c.frame(v)
	if c.code == "invalid_blocks" {
		c.code = "invalid_arguments" // what views.* answer
	}
	return c
}

// frame checks what is around the blocks of a view.
func (c *checker) frame(v Block) {
	if c.surface == "home" {
		for _, key := range []string{"title", "submit", "close"} {
			if v[key] != nil {
				c.fail("/view/"+key, "is for modals only")
			}
		}
		return
	}
	c.plain("/view/title", v["title"], true, 24)
	c.plain("/view/submit", v["submit"], c.inputs > 0, 24)
	c.plain("/view/close", v["close"], false, 24)
}

// known refuses fields that Slack does not have.
func (c *checker) known(path string, b Block, fields string) {
	allowed := strings.Fields(fields)
	for key := range b {
		found := false
		for _, f := range allowed {
			found = found || f == key
		}
		if !found {
			c.fail(path+"/"+key, "is no field of %s", orKind(b.Type()))
		}
	}
}

func orKind(kind string) string {
	if kind == "" {
		return "this object"
	}
	return kind
}
