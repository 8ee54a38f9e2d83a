package sshkeybot

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// typeScript answers a compiler that checks a literal against the type of a manifest.
func typeScript(t *testing.T) func(literal string) (out []byte, err error) {
	t.Helper()
	dir := nodeModules(t)
	name := filepath.Join(dir, fmt.Sprintf("manifest-%d.ts", os.Getpid()))
	t.Cleanup(func() { _ = os.Remove(name) })
	return func(literal string) ([]byte, error) {
		text := "import type { AppsManifestValidateArguments } from '@slack/web-api';\n" +
			"export const manifest: Exclude<AppsManifestValidateArguments['manifest'], string> = " + literal + ";\n"
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck",
			"--module", "nodenext", "--target", "es2022", filepath.Base(name))
		cmd.Dir = dir
		return cmd.CombinedOutput()
	}
}

// nodeModules installs the locked packages into the user's cache once per lock
// file, or skips.
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
	dir := filepath.Join(cache, fmt.Sprintf("sshkeybot-manifest-%x", sha256.Sum256(lock))[:40])
	if !isDir(dir) {
		install(t, dir)
	}
	return dir
}

// install fills a directory beside its place and moves it there when it is
// complete. Where another test was quicker, its work is as good.
func install(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	part, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-part-") //nolint:usetesting // is moved to where it is kept
	if err != nil {
		t.Skipf("no cache directory: %v", err)
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := os.CopyFS(part, os.DirFS("testdata/node")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install: %v\n%.500s", err, out)
	}
	if err := os.Rename(part, dir); err != nil && !isDir(dir) {
		t.Fatal(err)
	}
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
