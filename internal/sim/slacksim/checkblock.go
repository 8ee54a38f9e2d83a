package slacksim

import (
	"fmt"
	"slices"
	"strings"
)

func item(path string, i int) string { return fmt.Sprintf("%s/%d", path, i) }

// blockSurfaces says where a type of block may stand.
func blockSurfaces(kind string) string {
	switch kind {
	case "section", "divider", "image", "actions", "context", "header", "input", "rich_text", "video":
		return "message modal home"
	case "markdown", "table", "data_table", "data_visualization", "file", "context_actions", "task_card", "plan", "carousel":
		return "message"
	case "card", "container", "layout":
		return "message home"
	case "alert":
		return "modal"
	default:
		return ""
	}
}

// blockFields are the fields beside "type" and "block_id"; empty where the
// type's fields are not checked.
func blockFields(kind string) string {
	switch kind {
	case "section":
		return "text fields accessory expand"
	case "header":
		return "text level"
	case "divider":
		return "-"
	case "actions", "context", "context_actions", "rich_text":
		return "elements"
	case "image":
		return "image_url slack_file alt_text title"
	case "input":
		return "label element hint optional dispatch_action"
	case "markdown":
		return "text"
	case "table":
		return "rows column_settings"
	case "data_table":
		return "rows caption page_size column_settings"
	default:
		return ""
	}
}

func (c *checker) blocks(path string, blocks []Block) {
	for i, b := range blocks {
		p := item(path, i)
		if b == nil {
			c.fail(p, "must be an object")
			continue
		}
		c.block(p, b)
	}
}

func (c *checker) block(path string, b Block) {
	kind := b.Type()
	surfaces := strings.Fields(blockSurfaces(kind))
	switch {
	case len(surfaces) == 0:
		c.fail(path+"/type", "unsupported type: %q", kind)
		return
	case !slices.Contains(surfaces, c.surface):
		c.fail(path+"/type", "%q is not taken in a %s", kind, c.surface)
	}
	if fields := blockFields(kind); fields != "" {
		c.known(path, b, "type block_id "+fields)
	}
	c.blockID(path, b)
	c.uniqueActions(path, b)
	c.content(path, b)
}

func (c *checker) blockID(path string, b Block) {
	id := b.str("block_id")
	if id == "" {
		return
	}
	c.length(path+"/block_id", id, 1, maxID)
	if c.blockIDs[id] {
		c.fail(path+"/block_id", "%q is there twice", id)
	}
	c.blockIDs[id] = true
}

func (c *checker) uniqueActions(path string, b Block) {
	seen := map[string]bool{}
	for _, e := range b.elements() {
		id := e.str("action_id")
		if id != "" && seen[id] {
			c.fail(path, "action_id %q is there twice", id)
		}
		seen[id] = true
	}
}

func (c *checker) content(path string, b Block) {
	switch b.Type() {
	case "section":
		c.section(path, b)
	case "header":
		c.plain(path+"/text", b["text"], true, 150)
		c.rendered += headerWeight
		if level, set := b["level"]; set && !slices.Contains([]any{1.0, 2.0, 3.0, 4.0}, level) {
			c.fail(path+"/level", "must be 1 to 4")
		}
	case "actions":
		c.elements(path, b, 25, inActions)
	case "context_actions":
		c.elements(path, b, 5, "feedback_buttons icon_button")
	case "context":
		c.context(path, b)
	case "image":
		c.image(path, b)
		c.plain(path+"/title", b["title"], false, 2000)
	case "input":
		c.inputs++
		c.plain(path+"/label", b["label"], true, 2000)
		c.plain(path+"/hint", b["hint"], false, 2000)
		c.element(path+"/element", b.obj("element"), inInput)
	case "markdown":
		c.markdown += len([]rune(b.str("text")))
		c.length(path+"/text", b.str("text"), 1, maxMarkdown)
		c.weigh(b.str("text"), true)
	case "rich_text":
		c.richText(path, b)
	case "table":
		c.table(path, b)
	default:
		c.rarer(path, b)
	}
}

func (c *checker) section(path string, b Block) {
	if b["text"] == nil && b["fields"] == nil {
		c.fail(path, "needs text or fields")
	}
	c.rich(path+"/text", b["text"], false, 3000)
	if fields, set := b["fields"].([]any); set {
		c.count(path+"/fields", len(fields), 1, 10)
		for i, f := range fields {
			c.rich(item(path+"/fields", i), f, true, 2000)
		}
	}
	if b["accessory"] != nil {
		c.element(path+"/accessory", b.obj("accessory"), inSection)
	}
}

func (c *checker) elements(path string, b Block, most int, allowed string) {
	list := b.list("elements")
	c.count(path+"/elements", len(list), 1, most)
	for i, e := range list {
		p := item(path+"/elements", i)
		if e.Type() == "feedback_buttons" || e.Type() == "icon_button" {
			continue // counted, not looked into
		}
		c.element(p, e, allowed)
	}
}

func (c *checker) context(path string, b Block) {
	list := b.list("elements")
	c.count(path+"/elements", len(list), 1, 10)
	for i, e := range list {
		p := item(path+"/elements", i)
		if e.Type() == "image" {
			c.image(p, e)
			continue
		}
		c.rich(p, map[string]any(e), true, 3000)
	}
}

// rarer checks the limits of the blocks this app has little use for.
func (c *checker) rarer(path string, b Block) {
	switch b.Type() {
	case "alert":
		c.rich(path+"/text", b["text"], true, 200)
	case "data_table":
		c.dataTable(path, b)
	case "card":
		c.rich(path+"/title", b["title"], false, 150)
		c.rich(path+"/body", b["body"], false, 200)
		c.count(path+"/actions", len(b.list("actions")), 0, 3)
	case "carousel":
		c.count(path+"/elements", len(b.list("elements")), 1, 10)
	case "container":
		c.rich(path+"/title", b["title"], false, 150)
		c.count(path+"/child_blocks", len(b.list("child_blocks")), 1, 10)
		c.blocks(path+"/child_blocks", b.list("child_blocks"))
	case "layout":
		c.count(path+"/rows", len(b.list("rows")), 1, 5)
	}
}
