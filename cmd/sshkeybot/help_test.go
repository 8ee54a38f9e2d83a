package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"sshkeybot/internal/config"
)

// commands returns all commands that people use, by what is typed for them.
func commands() map[string]*cobra.Command {
	all := map[string]*cobra.Command{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			all[strings.TrimPrefix(sub.CommandPath(), "sshkeybot ")] = sub
			walk(sub)
		}
	}
	root := rootCommand(time.Now)
	root.InitDefaultHelpCmd()
	walk(root)
	return all
}

// typedWord is a word of a command line in an example.
var typedWord = regexp.MustCompile(`'[^']*'|\S+`)

// Every command says what it does, how it exits and how it is used, and takes what its examples say.
func TestEveryCommandIsExplained(t *testing.T) {
	t.Parallel()
	all := commands()
	if len(all) < 13 {
		t.Fatalf("only %d commands", len(all))
	}
	for path, c := range all {
		if c.Short == "" || !strings.Contains(c.Long, "Exits 0") || !c.HasParent() {
			t.Errorf("%s: %q, %q", path, c.Short, c.Long)
		}
		if c.Parent() == c.Root() && c.GroupID == "" {
			t.Errorf("%s is in no group of the help", path)
		}
		for line := range strings.Lines(c.Long) {
			if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > helpWidth {
				t.Errorf("%s: a line of %d characters: %s", path, n, line)
			}
		}
		tried := 0
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the example is not indented: %q", path, line)
			}
			tried += tryExample(t, path, line)
		}
		if tried == 0 {
			t.Errorf("%s has no example: %q", path, c.Example)
		}
	}
}

// tryExample has the command line in an example parsed, and returns how many it was.
func tryExample(t *testing.T, path, line string) int {
	t.Helper()
	_, typed, _ := strings.Cut(line, "sshkeybot ")
	typed, _, _ = strings.Cut(typed, " > ")
	typed, _, _ = strings.Cut(typed, " | ")
	typed = strings.TrimPrefix(typed, "/sshkeybot ") // in a container
	var words []string
	for _, word := range typedWord.FindAllString(strings.TrimSuffix(strings.TrimSpace(typed), ")"), -1) {
		words = append(words, strings.Trim(word, "'"))
	}
	root := rootCommand(time.Now)
	root.InitDefaultHelpCmd()
	c, rest, err := root.Find(words)
	if err != nil || strings.TrimPrefix(c.CommandPath(), "sshkeybot ") != path {
		t.Errorf("%s: an example of something else: %s", path, line)
		return 0
	}
	if err := c.ParseFlags(rest); err != nil {
		t.Errorf("%s: %s: %v", path, line, err)
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		t.Errorf("%s: %s: %v", path, line, err)
	}
	return 1
}

// The table in README, and the manual page, name every command.
func TestEveryCommandIsDocumented(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| command | does |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	page := manual(rootCommand(time.Now))
	for path := range commands() {
		if path == "help" {
			continue
		}
		if !regexp.MustCompile("`(sshkeybot )?" + path + "[` ]").MatchString(table) {
			t.Errorf("README's table of commands lacks %s", path)
		}
		if !strings.Contains(page, `.SS "sshkeybot `+path) {
			t.Errorf("the manual page lacks %s", path)
		}
	}
}

// The help of run, and the manual page, have every setting with its default.
func TestEverySettingIsExplained(t *testing.T) {
	t.Parallel()
	help, page := settingsHelp(), manual(rootCommand(time.Now))
	for line := range strings.Lines(help) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	flat := strings.Join(strings.Fields(help), " ")
	for _, s := range config.Settings() {
		if !strings.Contains(help, "\n  "+s.Name+" ") || s.Default != "" && !strings.Contains(flat, "default: "+s.Default+")") {
			t.Errorf("%s: not in the help, or not with its default %q:\n%s", s.Name, s.Default, help)
		}
		if !strings.Contains(page, `.B "`+s.Name+`"`) {
			t.Errorf("the manual page lacks %s", s.Name)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                 {""},
		"one":              {"one"},
		"one two three":    {"one two", "three"},
		"… … … … …":        {"… … … …", "…"},
		"alongerword then": {"alongerword", "then"},
	} {
		if got := wrap(text, 7); !slices.Equal(got, want) {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// What would be a command in a manual page, or is not ASCII, is written so that it is none.
func TestManualIsEscaped(t *testing.T) {
	t.Parallel()
	const want = `\&.so \&'x\&' a\-b c\ed \[u2026]`
	if got := escaped(`.so 'x' a-b c\d …`); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for line := range strings.Lines(manual(rootCommand(time.Now))) {
		for _, r := range line {
			if r > '~' {
				t.Errorf("not ASCII: %s", line)
			}
		}
	}
}

// mandoc(1) finds nothing wrong with the manual page.
func TestManualAgainstMandoc(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("mandoc is not installed")
	}
	check := exec.CommandContext(t.Context(), "mandoc", "-T", "lint", "-W", "error")
	check.Stdin = strings.NewReader(manual(rootCommand(time.Now)))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// Each shell takes the script that is made for it, as far as it is installed.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for shell := range shells {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			script, err := command(t, "completion "+shell).Output()
			if err != nil || !strings.Contains(string(script), "sshkeybot") {
				t.Fatalf("%v: %s", err, script)
			}
			check := map[string][]string{"bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"}}[shell]
			if check == nil {
				return
			}
			if _, err := exec.LookPath(check[0]); err != nil {
				t.Skipf("%s is not installed", shell)
			}
			parse := exec.CommandContext(t.Context(), check[0], check[1:]...)
			parse.Stdin = strings.NewReader(string(script))
			if out, err := parse.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// The script asks the program itself what may follow.
func TestCompletions(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][]string{
		"che":            {"check"},
		"log v":          {"verify"},
		"completion ":    {"bash", "fish", "powershell", "zsh"},
		"help log ":      {"verify"},
		"check --":       {"--json", "--strict"},
		"offboard --tim": {"--timeout"},
		"list ":          nil, // not the files in this folder
	} {
		before, word, _ := strings.Cut(typed, " ")
		args := []string{"__completeNoDesc", before}
		if word != "" || strings.HasSuffix(typed, " ") {
			args = append(args, strings.Split(word, " ")...)
		}
		cmd := exec.CommandContext(t.Context(), "sshkeybot", args...)
		out, err := cmd.Output()
		lines := strings.Fields(string(out))
		if err != nil || len(lines) == 0 || !strings.HasPrefix(lines[len(lines)-1], ":4") { // ShellCompDirectiveNoFileComp
			t.Errorf("%s: %v, %s", typed, err, out)
			continue
		}
		for _, w := range want {
			if !slices.Contains(lines, w) {
				t.Errorf("after «%s» comes %v, want %s", typed, lines, w)
			}
		}
		if want == nil && len(lines) > 1 {
			t.Errorf("after «%s» comes %v", typed, lines)
		}
	}
}
