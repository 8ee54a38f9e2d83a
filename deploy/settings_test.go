package deploy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// address is where the health pages are in a container, on port: not on the loopback interface, where no probe
// reaches them.
const (
	address = ":9464"
	port    = 9464
)

// stops is how many seconds the bot may take to end.
const stops = 20

// tokens are the secrets that the bot cannot do without, by the names of their files.
var tokens = []string{"runcloud_api_token", "slack_app_token", "slack_bot_token"}

// TestSettings looks for variables in all files that deploy the bot, and checks that each is a setting.
func TestSettings(t *testing.T) {
	t.Parallel()
	known := matches(t, "../internal/config/environment.go", `envconfig:"(\w+)"`)
	files := []string{"../Dockerfile"}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".go") && !strings.HasPrefix(filepath.Base(path), "go.") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range files {
		for _, name := range matches(t, path, `\b((?:SSHKEYBOT|SLACK|RUNCLOUD|SCALINGO|OCTOPUS)_[A-Z_]*[A-Z])\b`) {
			found++
			if !slices.Contains(known, name) {
				t.Errorf("%s names %s, which is no setting", path, name)
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d variables were found in %q", found, files)
	}
}

// TestImage checks what the other files rely on, and that no secret gets into the image: the whole folder above is
// what it is built from.
func TestImage(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"SSHKEYBOT_HTTP_ADDR=" + address + "\n", "\nEXPOSE 9464\n", "\nVOLUME /data\n", "\nWORKDIR /data\n", ":nonroot\n", "\nHEALTHCHECK "} {
		if !strings.Contains(read(t, "../Dockerfile"), want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	for _, want := range []string{"deploy", "*.env", ".git"} {
		if !slices.Contains(strings.Split(read(t, "../.dockerignore"), "\n"), want) {
			t.Errorf(".dockerignore lacks %s", want)
		}
	}
}

// checkFiles checks that env names the files at which the secrets are mounted, by their variables, and no others.
func checkFiles(t *testing.T, env, mounted map[string]string) {
	t.Helper()
	for name, path := range mounted {
		if variable := strings.ToUpper(name) + "_FILE"; env[variable] != path {
			t.Errorf("%s is %q, and the secret is at %s", variable, env[variable], path)
		}
	}
	for variable, path := range env {
		if name, ok := strings.CutSuffix(variable, "_FILE"); ok && mounted[strings.ToLower(name)] == "" {
			t.Errorf("%s is %s, where no secret is", variable, path)
		}
	}
}

// filled returns a copy of a folder with settings and secrets filled in at these paths.
func filled(t *testing.T, folder string, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		content := "secret"
		if filepath.Ext(path) == ".env" {
			content = "SSHKEYBOT_APPROVERS=U0ALICE\n"
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// matches returns the first group of each match of a regular expression in a file.
func matches(t *testing.T, path, expression string) []string {
	t.Helper()
	var found []string
	for _, groups := range regexp.MustCompile(expression).FindAllStringSubmatch(read(t, path), -1) {
		found = append(found, groups[1])
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
