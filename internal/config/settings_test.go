package config

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the example and the table of the README anew")

// What people read about the settings is all that the bot reads, and nothing else.
func TestSettingsAreAll(t *testing.T) {
	var documented []string
	for _, s := range Settings() {
		documented = append(documented, s.Name)
		if s.Secret {
			documented = append(documented, s.Name+"_FILE")
		}
		if (s.Default == "") == (s.Missing == "") {
			t.Errorf("%s must have either a default or words for a missing value", s.Name)
		}
		if s.Meaning == "" || strings.HasSuffix(s.Meaning, ".") || strings.Contains(s.Meaning, "\n") {
			t.Errorf("the meaning of %s is not one line without a full stop: %q", s.Name, s.Meaning)
		}
	}
	slices.Sort(documented)
	known := names()
	slices.Sort(known)
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Error(diff)
	}
}

func TestRequiredSettings(t *testing.T) {
	setEnvironment(t, nil)
	for _, s := range Settings() {
		t.Run(s.Name, func(t *testing.T) {
			t.Setenv(s.Name, "")
			if _, err := Load(); s.Required != (err != nil) {
				t.Errorf("required is %v, and without it: %v", s.Required, err)
			}
		})
	}
}

// Every default is what the bot takes for a missing value.
func TestDefaultsAreTaken(t *testing.T) {
	setEnvironment(t, nil)
	missing, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Settings() {
		if s.Default != "" {
			t.Setenv(s.Name, s.Default)
		}
	}
	given, err := Load()
	given.HTTPAddrSet = false // the one setting for which it matters whether it is set
	if diff := cmp.Diff(missing, given, revealed); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// The example names every setting, and once it is filled in it can be loaded.
func TestExample(t *testing.T) {
	const file = "../../deploy/sshkeybot.env.example"
	want := example()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Fatalf("the example is not that of the settings (write it anew with -update): %v\n%s", err, diff)
	}
	filled := map[string]string{}
	for line := range strings.Lines(want) {
		if name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "#")), "="); ok && !strings.Contains(name, " ") {
			filled[name] = value
		}
	}
	for _, s := range Settings() {
		if _, ok := filled[s.Name]; !ok {
			t.Errorf("the example lacks %s", s.Name)
		}
		if s.Required || s.Default == "" {
			delete(filled, s.Name)
		}
	}
	if _, problems := load(t, filled); problems != nil {
		t.Error(problems)
	}
}

// example returns the file that a new operator fills in.
func example() string {
	var text strings.Builder
	text.WriteString(`# The settings of sshkeybot. Copy this to sshkeybot.env, make that readable for its owner alone
# (chmod 600 sshkeybot.env), and fill in what is required. A line that begins with # is not set, and
# shows the default. Write values without quotes.
`)
	for _, s := range Settings() {
		text.WriteByte('\n')
		for _, line := range wrap(strings.NewReplacer("`", "", "*", "").Replace(capital(s.Meaning))+".", 98) {
			text.WriteString("# " + line + "\n")
		}
		switch {
		case s.Required:
			text.WriteString("# Required.\n")
		case s.Missing != "":
			fmt.Fprintf(&text, "# Without it: %s.\n", strings.ReplaceAll(s.Missing, "`", ""))
		}
		if s.Secret {
			fmt.Fprintf(&text, "# Or %s_FILE, the path of a file that holds it.\n", s.Name)
		}
		if !s.Required {
			text.WriteByte('#')
		}
		text.WriteString(s.Name + "=" + s.Default + "\n")
	}
	text.WriteString("\n# The time zone of everything that has a local time.\n#TZ=Europe/Berlin\n")
	return text.String()
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// wrap breaks a text into lines of at most so many bytes, unless a word is longer.
func wrap(text string, most int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > most {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

// The README's table is that of the settings.
func TestReadme(t *testing.T) {
	const file, head = "../../README.md", "| variable | default | meaning |\n| --- | --- | --- |\n"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), head)
	if !ok {
		t.Fatal("README.md has no table of settings")
	}
	after := rest[len(table(rest)):]
	want := rows()
	if *update {
		if err := os.WriteFile(file, []byte(before+head+want+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, table(rest)); diff != "" {
		t.Errorf("the table in README.md is not that of the settings (write it anew with -update):\n%s", diff)
	}
}

// table returns the lines of a table at the beginning of a text.
func table(text string) string {
	length := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		length += len(line)
	}
	return text[:length]
}

func rows() string {
	var text strings.Builder
	for _, s := range Settings() {
		missing := s.Missing
		if s.Default != "" {
			missing = "`" + s.Default + "`"
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s |\n", s.Name, missing, strings.ReplaceAll(s.Meaning, "|", `\|`))
	}
	return text.String()
}
