package slacksim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a message and of a view (Slack, "Block Kit: blocks", chat.update,
// "Views"; maxRendered is not published and was measured by others).
const (
	maxText         = 4000
	maxRendered     = 13200
	headerWeight    = 100
	maxMessageBlock = 50
	maxViewBlock    = 100
	maxView         = 250_000
	maxID           = 255
)

// checker collects the rules that a message or a view breaks.
type checker struct {
	code     string // the error Slack would answer, the first one found
	problems []string

	blockIDs map[string]bool
	rendered int // characters
	inputs   int
}

// fail adds a broken rule that is answered with invalid_blocks.
func (c *checker) fail(path, format string, a ...any) {
	c.failWith("invalid_blocks", path, format, a...)
}

func (c *checker) failWith(code, path, format string, a ...any) {
	c.add(path, format, a...)
	if c.code == "" {
		c.code = code
	}
}

func (c *checker) add(path, format string, a ...any) {
	c.problems = append(c.problems, path+": "+fmt.Sprintf(format, a...))
}

// length checks that a string has least to most characters, counted as code points.
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

// known checks that b has no fields but these.
func (c *checker) known(path string, b Block, fields string) {
	for key := range b {
		if !slices.Contains(strings.Fields(fields), key) {
			c.fail(path+"/"+key, "is no field of %q that is known here", b.Type())
		}
	}
}

// CheckMessage returns the rules that a message breaks, an object as
// chat.postMessage takes it, each with its JSON pointer; none for a good one.
func CheckMessage(raw []byte) []string {
	var m struct {
		Text   string
		Blocks []Block
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return []string{"/: not a message: " + err.Error()}
	}
	return checkMessage(m.Text, m.Blocks).problems
}

// CheckView returns the rules that a modal or Home view breaks, each with its JSON
// pointer; none for a good one.
func CheckView(raw []byte) []string { return checkView(raw).problems }

func checkMessage(text string, blocks []Block) *checker {
	c := &checker{blockIDs: map[string]bool{}}
	if n := utf8.RuneCountInString(text); n > maxText {
		c.failWith("msg_too_long", "/text", "must be no more than %d characters, is %d", maxText, n)
	}
	if text == "" && len(blocks) > 0 {
		c.add("/text", "is missing: notifications and screen readers read it")
	}
	c.count("/blocks", len(blocks), 0, maxMessageBlock)
	c.blocks("/blocks", blocks)
	if c.rendered > maxRendered {
		c.failWith("msg_blocks_too_long", "/blocks", "renders to %d characters, no more than about %d are taken", c.rendered, maxRendered)
	}
	return c
}

func checkView(raw []byte) *checker {
	c := &checker{blockIDs: map[string]bool{}}
	var v Block
	if err := json.Unmarshal(raw, &v); err != nil {
		c.failWith("invalid_arguments", "/view", "is not an object")
		return c
	}
	if len(raw) > maxView {
		c.failWith("view_too_large", "/view", "must be no more than %d bytes, is %d", maxView, len(raw))
	}
	c.known("/view", v, "type title submit close blocks private_metadata callback_id")
	c.length("/view/private_metadata", v.str("private_metadata"), 0, 3000)
	c.length("/view/callback_id", v.str("callback_id"), 0, maxID)
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
	switch v.Type() {
	case "home":
		for _, key := range []string{"title", "submit", "close"} {
			if v[key] != nil {
				c.fail("/view/"+key, "is for modals only")
			}
		}
	case "modal":
		c.plain("/view/title", v["title"], true, 24)
		c.plain("/view/submit", v["submit"], c.inputs > 0, 24)
		c.plain("/view/close", v["close"], false, 24)
	default:
		c.fail("/view/type", "must be modal or home")
	}
}
