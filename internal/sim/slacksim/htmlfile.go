package slacksim

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// shownOfFile is how many bytes of a file a page shows.
const shownOfFile = 20_000

// htmlFile is what the template of a file shows.
type htmlFile struct {
	Name, Size string
	Content    string
	Binary     bool
	Cut        string // how much is shown, where that is not everything
}

func htmlFileOf(f File) htmlFile {
	h := htmlFile{Name: clean(f.Title), Size: size(len(f.Content))}
	if !utf8.Valid(f.Content) || bytes.ContainsRune(f.Content, 0) {
		h.Binary = true
		return h
	}
	shown := f.Content
	if len(shown) > shownOfFile {
		end := shownOfFile
		for !utf8.RuneStart(shown[end]) {
			end--
		}
		shown, h.Cut = shown[:end], size(shownOfFile)
	}
	h.Content = clean(string(shown))
	return h
}

// size returns a number of bytes as people say it.
func size(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 999_500:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	default:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
}
