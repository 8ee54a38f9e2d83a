package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with one setting. Text says what is expected and never repeats a value,
// since a token may have been put into the wrong variable.
type Problem struct {
	Name string // of the environment variable
	Text string
}

func (p Problem) String() string { return p.Name + " " + p.Text }

// Problems is the error of Load: everything that is wrong, in the order of the documentation.
type Problems struct{ List []Problem }

func (p *Problems) Error() string {
	var text strings.Builder
	text.WriteString("the settings are wrong:")
	for _, problem := range p.List {
		text.WriteString("\n  " + problem.String())
	}
	return text.String()
}

// add adds a problem, once: several accounts may share a setting.
func (p *Problems) add(name, format string, args ...any) {
	if problem := (Problem{Name: name, Text: fmt.Sprintf(format, args...)}); !slices.Contains(p.List, problem) {
		p.List = append(p.List, problem)
	}
}

func (p *Problems) errorOrNil() error {
	if len(p.List) == 0 {
		return nil
	}
	return p
}
