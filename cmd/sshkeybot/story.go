package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"sshkeybot/internal/sim/slacksim"
)

// story prints what happens in the demo.
type story struct {
	out   io.Writer
	color bool
	width int
}

func newStory(out io.Writer) story {
	s := story{out: out, width: scriptWidth}
	if w, ok := out.(cancelOnError); ok {
		out = w.Writer
	}
	if file, ok := out.(*os.File); ok && colorful(file) {
		s.color = true
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			s.width = min(max(width, 60), 120)
		}
	}
	return s
}

// viewer returns a viewer of Slack in that time zone.
func (s story) viewer(zone string) slacksim.Viewer {
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC // the machine has no time zones
	}
	return slacksim.Viewer{TZ: location, Width: s.width, Color: s.color}
}

func (s story) says(line string) {
	if s.color {
		line = "\x1b[1;36m" + line + "\x1b[0m"
	}
	fmt.Fprintf(s.out, "\n── %s\n", line)
}

func (s story) shows(text string) { fmt.Fprintln(s.out, text) }
