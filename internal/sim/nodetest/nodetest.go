// Package nodetest installs the packages of Slack's own Node clients for tests, so that
// somebody else's code checks what is played here. It is for tests alone.
package nodetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const installWithin = 2 * time.Minute

// Modules returns the path of a folder with the files of the given one and with the
// packages that its package-lock.json names, installed once into the user's cache for
// each state of those files. Where Node, npm or its registry are missing it skips the
// test and says so; it skips in short mode, too.
func Modules(t *testing.T, folder string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("installs packages for Node")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not there: %v", tool, err)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no cache directory: %v", err)
	}
	dir := filepath.Join(cache, "sshkeybot-node-"+digest(t, folder))
	if !isDir(dir) {
		install(t, folder, dir)
	}
	return dir
}

// digest returns a hash of the names and contents of a folder's files.
func digest(t *testing.T, folder string) string {
	t.Helper()
	sum := sha256.New()
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, path))
		_, _ = fmt.Fprintf(sum, "%s %d %s\n", path, len(content), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))[:24]
}

// install fills a folder beside its place and moves it there when it is complete.
// Where another test was quicker, its work is as good.
func install(t *testing.T, folder, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installWithin)
	defer cancel()
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		t.Skipf("no cache directory: %v", err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-part-") //nolint:usetesting // is moved to where it is kept
	if err != nil {
		t.Skipf("no cache directory: %v", err)
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := os.CopyFS(part, os.DirFS(folder)); err != nil {
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
