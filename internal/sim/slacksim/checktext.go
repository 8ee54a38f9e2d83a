package slacksim

import (
	"slices"
	"unicode/utf8"
)

// plain checks a plain_text object of at most most characters.
func (c *checker) plain(path string, value any, required bool, most int) {
	c.text(path, value, required, most, "plain_text")
}

// rich checks a text object that may also be mrkdwn.
func (c *checker) rich(path string, value any, required bool, most int) {
	c.text(path, value, required, most, "plain_text", "mrkdwn")
}

func (c *checker) text(path string, value any, required bool, most int, kinds ...string) {
	m, isObject := value.(map[string]any)
	switch {
	case value == nil && required:
		c.fail(path, "is required")
		return
	case value == nil:
		return
	case !isObject:
		c.fail(path, "must be a text object")
		return
	}
	t := Block(m)
	if !slices.Contains(kinds, t.Type()) {
		c.fail(path+"/type", "must be %v, is %q", kinds, t.Type())
	}
	c.known(path, t, "type text emoji verbatim")
	if t.Type() == "mrkdwn" && t["emoji"] != nil {
		c.fail(path+"/emoji", "is for plain_text only")
	}
	c.length(path+"/text", t.str("text"), 1, most)
	c.weigh(t.str("text"), t.Type() != "mrkdwn")
}

// weigh adds to the rendered total: & < > count in their escaped form.
func (c *checker) weigh(s string, raw bool) {
	if raw {
		s = escapeText(s)
	}
	c.rendered += utf8.RuneCountInString(s)
}

// confirm checks a confirmation dialog.
func (c *checker) confirm(path string, value any) {
	if value == nil {
		return
	}
	m, _ := value.(map[string]any)
	b := Block(m)
	c.known(path, b, "title text confirm deny style")
	c.plain(path+"/title", b["title"], true, 100)
	c.rich(path+"/text", b["text"], true, 300)
	c.plain(path+"/confirm", b["confirm"], true, 30)
	c.plain(path+"/deny", b["deny"], true, 30)
	c.style(path+"/style", b)
}

func (c *checker) style(path string, b Block) {
	if s, set := b["style"]; set && s != "primary" && s != "danger" {
		c.fail(path, "must be primary or danger")
	}
}

// options checks a list of options.
func (c *checker) options(path string, list []Block, most int, rich bool) {
	c.count(path, len(list), 1, most)
	for i, o := range list {
		p := item(path, i)
		c.known(p, o, "text value description url")
		if rich {
			c.rich(p+"/text", o["text"], true, 75)
			c.rich(p+"/description", o["description"], false, 75)
		} else {
			c.plain(p+"/text", o["text"], true, 75)
			c.plain(p+"/description", o["description"], false, 75)
		}
		c.length(p+"/value", o.str("value"), 1, 150)
	}
}
