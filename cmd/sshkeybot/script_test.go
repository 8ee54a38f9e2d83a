package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// asCommand is set for a process that is to be sshkeybot rather than a test.
const asCommand = "TEST_AS_SSHKEYBOT"

// TestAsCommand is no test: it is how the tests get a process of the command.
func TestAsCommand(*testing.T) {
	if os.Getenv(asCommand) == "" {
		return
	}
	os.Args = slices.Concat([]string{"sshkeybot"}, os.Args[slices.Index(os.Args, "--")+1:])
	main()
}

// TestScripts are the commands as somebody types them, with what they print. A line
// of a script is one of
//
//	env NAME=VALUE         sets a variable for the commands that follow
//	empty FILE             makes an empty file
//	status N sshkeybot …   runs a command that must end with N
//	stdout PATTERN         that command printed this; with ! in front, it did not
//	stderr PATTERN
//	exists FILE
func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, dir: t.TempDir(), env: []string{asCommand + "=1", "PATH=" + os.Getenv("PATH")}}
			for number, line := range strings.Split(string(text), "\n") {
				s.where = path + ":" + strconv.Itoa(number+1) + ": " + line
				s.line(strings.TrimSpace(line))
			}
		})
	}
}

// script is a script under way.
type script struct {
	t              *testing.T
	dir            string
	env            []string
	where          string // the line, for messages
	stdout, stderr bytes.Buffer
}

func (s *script) line(line string) {
	s.t.Helper()
	rest, not := strings.CutPrefix(line, "! ")
	word, rest, _ := strings.Cut(rest, " ")
	switch word {
	case "", "#":
	case "env":
		s.env = append(s.env, rest)
	case "empty":
		if err := os.WriteFile(filepath.Join(s.dir, rest), nil, 0o600); err != nil {
			s.t.Fatal(err)
		}
	case "status":
		s.run(strings.Fields(rest))
	case "stdout":
		s.matches(&s.stdout, rest, !not)
	case "stderr":
		s.matches(&s.stderr, rest, !not)
	case "exists":
		if _, err := os.Stat(filepath.Join(s.dir, rest)); (err == nil) == not {
			s.t.Errorf("%s: %v", s.where, err)
		}
	default:
		s.t.Fatalf("%s: there is no such line", s.where)
	}
}

func (s *script) run(args []string) {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	s.stdout.Reset()
	s.stderr.Reset()
	cmd := exec.CommandContext(s.t.Context(), self, append([]string{"-test.run=^TestAsCommand$", "--"}, args[2:]...)...) //nolint:gosec // ourselves
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &s.stdout, &s.stderr
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("%s: %v", s.where, err)
	}
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[0] {
		s.t.Errorf("%s: ended with %s\n%s%s", s.where, got, &s.stdout, &s.stderr)
	}
}

func (s *script) matches(out *bytes.Buffer, pattern string, want bool) {
	s.t.Helper()
	matcher, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		s.t.Fatalf("%s: %v", s.where, err)
	}
	if matcher.Match(out.Bytes()) != want {
		s.t.Errorf("%s: it printed\n%s", s.where, out)
	}
}
