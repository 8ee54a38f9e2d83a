package draw

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
)

// TestSlacksOwnTypes has TypeScript check everything drawn against the types that Slack publishes.
func TestSlacksOwnTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages")
	}
	t.Parallel()
	dir := nodeModules(t)
	name := filepath.Join(dir, fmt.Sprintf("drawn-%d.ts", os.Getpid()))
	if err := os.WriteFile(name, typeScript(t), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(name) })
	cmd := exec.CommandContext(t.Context(), "node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict",
		"--module", "nodenext", "--target", "es2022", filepath.Base(name))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%.4000s", err, out)
	}
}

// typeScript declares each thing drawn as a constant of its type. Literals are checked for unknown fields.
func typeScript(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString("import type { HomeView, KnownBlock, ModalView } from '@slack/types';\ntype M = { text: string; blocks: KnownBlock[] };\n")
	for variant, w := range variants() {
		for name, drawn := range w.cases() {
			kind := "M"
			switch drawn.(type) {
			case []byte:
				continue
			case []Message:
				kind = "M[]"
			case slack.ModalViewRequest:
				kind = "ModalView"
			case slack.HomeTabViewRequest:
				kind = "HomeView"
			}
			fmt.Fprintf(&out, "export const %s_%s: %s = %s;\n", variant, strings.ReplaceAll(name, "-", "_"), kind, encode(t, drawn))
		}
	}
	return out.Bytes()
}

// nodeModules installs the locked packages into the user's cache, or skips.
func nodeModules(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not there: %v", tool, err)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no cache directory: %v", err)
	}
	lock, err := os.ReadFile("testdata/node/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, fmt.Sprintf("sshkeybot-types-%x", sha256.Sum256(lock))[:40])
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Skipf("no cache directory: %v", err)
	}
	if err := os.CopyFS(dir, os.DirFS("testdata/node")); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	install(t, dir)
	return dir
}

// install runs npm once per lock file; a mark tells that it came to its end.
func install(t *testing.T, dir string) {
	t.Helper()
	mark := filepath.Join(dir, "installed")
	if _, err := os.Stat(mark); err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install: %v\n%.500s", err, out)
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
