package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sshkeybot/internal/store"
)

// place checks the folder of a ledger that is a file; it returns nothing for PostgreSQL.
func (c Checker) place() []Finding {
	url := c.Config.DatabaseURL.Reveal()
	path, isFile, err := store.File(url)
	if !isFile {
		return nil
	}
	if err != nil { // the file does not exist yet
		path = strings.TrimPrefix(url, "sqlite:")
	}
	dir := filepath.Dir(path)
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	where := folder(dir)
	if where.Status == Problem {
		return []Finding{where}
	}
	return append([]Finding{where}, disk(dir)...)
}

// folder checks whether the ledger can be in a folder, and who else may get at it there.
func folder(dir string) Finding {
	const name = "database folder"
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return problem(name, dir+" does not exist, or cannot be looked at.", "Make the folder and let the user that runs the bot write there, or set another path in SSHKEYBOT_DATABASE_URL.")
	case !info.IsDir():
		return problem(name, dir+" is not a folder.", "Set another path in SSHKEYBOT_DATABASE_URL.")
	case unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
		return problem(name, "Nothing can be written in "+dir+" by the user who checks.", mendFolder)
	case info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0:
		return warning(name, "Everybody may replace the database in "+dir+".", "chmod o-w "+dir)
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if known && owner.Uid != 0 && int(owner.Uid) != os.Getuid() {
		return warning(name, dir+" belongs to another user than the one who checks, who could replace the database.", mendFolder)
	}
	if openToOthers(dir) {
		return warning(name, fmt.Sprintf("Others on this machine may look into %s (mode %04o): a copy of the database that is made there could be read.", dir, info.Mode().Perm()), "chmod o-rx "+dir)
	}
	return ok(name, dir+" can be written, and others do not get into it.")
}

const mendFolder = "Make the folder belong to the user that runs the bot (chown), and check as that user."

// openToOthers reports whether everybody may see what is in a folder, by its absolute path: they may read it, and get there.
func openToOthers(dir string) bool {
	needed := os.FileMode(0o005) // to read it and to pass; of those above, to pass
	for ; ; dir, needed = filepath.Dir(dir), 0o001 {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&needed != needed {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// leastSpace is how many bytes should be free, so that the ledger can grow for a while.
const leastSpace = 200 << 20

// disk checks what the ledger's folder is on.
func disk(dir string) []Finding {
	const name = "disk"
	var on unix.Statfs_t
	if err := unix.Statfs(dir, &on); err != nil {
		return []Finding{note(name, "How much room is left could not be seen.")}
	}
	findings := []Finding{room(dir, on.Bavail*uint64(on.Bsize))} //nolint:gosec // the size of a block is positive
	if network := networkName(&on); network != "" {
		findings = append(findings, warning("file system", dir+" is on "+network+", where the locks that keep a database whole are not reliable.",
			"Put the database on a disk of this machine, or use PostgreSQL."))
	}
	return findings
}

func room(dir string, left uint64) Finding {
	const name = "disk"
	text := fmt.Sprintf("%d MiB are left for the database.", left>>20)
	switch {
	case left >= leastSpace:
		return ok(name, text)
	case left > 0:
		return warning(name, text, "Make room on the disk of "+dir+": when it is full, no key is removed any more.")
	}
	return problem(name, "The disk of "+dir+" is full.", "Make room there: until then no key is removed.")
}
