package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// printJSON writes one document for programs.
func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// plain is a stranger's text, such as a label or a server's name, without what
// could move the cursor of a terminal or forge a line.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
