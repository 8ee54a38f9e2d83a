package slacksim

import "unicode/utf8"

// table checks a table block: 100 rows of 20 cells; the characters of all
// tables of a message are counted together.
func (c *checker) table(path string, b Block) {
	c.tables++
	rows, _ := b["rows"].([]any)
	c.count(path+"/rows", len(rows), 1, 100)
	c.columns(path, b)
	for i, row := range rows {
		c.tableText += c.row(item(path+"/rows", i), row)
	}
}

// dataTable checks a data_table: a header and up to 200 rows of 20 cells, and
// 20,000 characters.
func (c *checker) dataTable(path string, b Block) {
	rows, _ := b["rows"].([]any)
	c.count(path+"/rows", len(rows), 2, 201)
	c.length(path+"/caption", b.str("caption"), 1, 3000)
	c.columns(path, b)
	if size, set := b["page_size"].(float64); set && (size < 1 || size > 100) {
		c.fail(path+"/page_size", "must be 1 to 100")
	}
	total := 0
	for i, row := range rows {
		total += c.row(item(path+"/rows", i), row)
	}
	if total > 20_000 {
		c.fail(path+"/rows", "must hold no more than 20000 characters, hold %d", total)
	}
}

func (c *checker) columns(path string, b Block) {
	settings, _ := b["column_settings"].([]any)
	c.count(path+"/column_settings", len(settings), 0, 20)
	for i, s := range settings {
		m, _ := s.(map[string]any)
		align, set := m["align"]
		if set && align != "left" && align != "center" && align != "right" {
			c.fail(item(path+"/column_settings", i)+"/align", "must be left, center or right")
		}
	}
}

// row checks one row and returns its characters.
func (c *checker) row(path string, row any) int {
	cells, isList := row.([]any)
	if !isList {
		c.fail(path, "must be a list of cells")
		return 0
	}
	c.count(path, len(cells), 1, 20)
	n := 0
	for i, x := range cells {
		m, _ := x.(map[string]any)
		n += c.cell(item(path, i), m)
	}
	return n
}

func (c *checker) cell(path string, cell Block) int {
	s := cell.str("text")
	switch cell.Type() {
	case "raw_text":
		c.length(path+"/text", s, 1, 3000)
		c.weigh(s, true)
	case "raw_number":
		if _, isNumber := cell["value"].(float64); !isNumber {
			c.fail(path+"/value", "must be a number")
		}
		c.weigh(s, true)
	case "rich_text":
		s = c.richText(path, cell)
	default:
		c.fail(path+"/type", "must be raw_text, raw_number or rich_text, is %q", cell.Type())
	}
	return utf8.RuneCountInString(s)
}

// richText checks a rich_text block or cell and returns its text.
func (c *checker) richText(path string, b Block) string {
	all := ""
	for i, group := range b.list("elements") {
		p := item(path+"/elements", i)
		switch group.Type() {
		case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
			all += c.richSection(p, group)
		case "rich_text_list":
			for j, line := range group.list("elements") {
				all += c.richSection(item(p+"/elements", j), line)
			}
		default:
			c.fail(p+"/type", "unsupported type: %q", group.Type())
		}
	}
	if len(b.list("elements")) == 0 {
		c.fail(path+"/elements", "is empty")
	}
	return all
}

func (c *checker) richSection(path string, group Block) string {
	all := ""
	for i, e := range group.list("elements") {
		switch e.Type() {
		case "text":
			c.length(item(path+"/elements", i)+"/text", e.str("text"), 1, 1<<20)
			all += e.str("text")
		case "link":
			all += e.str("text") + e.str("url")
		case "emoji", "user", "usergroup", "channel", "date", "broadcast", "color":
			all += e.str("fallback")
		default:
			c.fail(item(path+"/elements", i)+"/type", "unsupported type: %q", e.Type())
		}
	}
	c.weigh(all, true)
	return all
}
