package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

const (
	mendRights = "Make the file and its folder belong to the user that runs the bot (chown), and check as that user."
	mendURL    = "Check SSHKEYBOT_DATABASE_URL and the rights of the user that runs the bot."
	mendWrite  = "See whether the disk is full and what the user of the database may do."
)

// database only reads: a bot may be running on that database, even one of an earlier version,
// and the file may be another program's.
func (c Checker) database(ctx context.Context) []Finding {
	url := c.Config.DatabaseURL.Reveal()
	path, isFile, err := store.File(url)
	switch {
	case !isFile:
		return c.ledger(ctx, url, "It can be reached")
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{notYet(path)}
	case err != nil:
		return []Finding{problem("database", fmt.Sprintf("%s cannot be read.", path), mendRights)}
	}
	findings := c.ledger(ctx, url, path+" can be read")
	if access.CodeOf(store.Recognise(ctx, url)) == access.Invalid {
		return findings // the mode of another program's file is not our affair
	}
	return append([]Finding{file(path), diskSpace(path)}, findings...)
}

// ledger checks whether the ledger can be used, and verifies the audit log.
func (c Checker) ledger(ctx context.Context, url, reached string) []Finding {
	ledger, err := store.OpenReadOnly(ctx, url)
	switch {
	case access.CodeOf(err) == access.NotFound:
		return []Finding{ok("database", reached+" and has no tables yet; the bot will make them at its first start.")}
	case err != nil:
		return []Finding{problem("database", access.MessageOf(err), mendURL)}
	}
	defer ledger.Close()
	if err := ledger.TakesWrites(ctx); err != nil {
		return []Finding{problem("database", reached+" and cannot be written.", mendWrite), chain(ctx, ledger)}
	}
	findings := []Finding{ok("database", reached+", and can be written."), chain(ctx, ledger)}
	return append(append(findings, c.adopted(ctx, ledger)...), c.unconfigured(ctx, ledger)...)
}

// notYet checks whether the file could be made. It does not make it, because it would belong
// to the user who runs the check.
func notYet(path string) Finding {
	dir := filepath.Dir(path)
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return problem("database", fmt.Sprintf("%s does not exist, and nothing can be written in %s.", path, dir),
			"Make the folder and let the user that runs the bot write there, or set another path in SSHKEYBOT_DATABASE_URL.")
	}
	return ok("database", fmt.Sprintf("%s does not exist yet; the bot will make it at its first start.", path))
}

// leastSpace is how many bytes should be free, so that the ledger can grow for a while.
const leastSpace = 64 << 20

func diskSpace(path string) Finding {
	const name = "disk"
	var disk unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &disk); err != nil {
		return note(name, "How much room is left could not be seen.")
	}
	left := disk.Bavail * uint64(disk.Bsize) //nolint:gosec // the size of a block is positive
	if text := fmt.Sprintf("%d MiB are left for the database.", left>>20); left >= leastSpace {
		return ok(name, text)
	} else if left > 0 {
		return warning(name, text, "Make room on the disk of "+path+": when it is full, no key is removed any more.")
	}
	return problem(name, "The disk of "+path+" is full.", "Make room there: until then no key is removed.")
}

func file(path string) Finding {
	const name = "database file"
	info, err := os.Stat(path)
	if err != nil {
		return problem(name, path+" cannot be looked at.", mendRights)
	}
	if owner, is := info.Sys().(*syscall.Stat_t); is && int(owner.Uid) != os.Getuid() {
		return warning(name, path+" belongs to another user than the one who checks.", "Check as the user that runs the bot.")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return warning(name, fmt.Sprintf("%s could be read or written by others (mode %04o).", path, mode), "The bot sets mode 0600 when it opens it. See who may enter "+filepath.Dir(path)+".")
	}
	if dir, err := os.Stat(filepath.Dir(path)); err == nil && dir.Mode().Perm()&0o002 != 0 {
		return warning(name, "Everybody may write in the folder of "+path+".", "chmod o-w "+filepath.Dir(path))
	}
	return ok(name, path+" is readable by its owner alone.")
}

func chain(ctx context.Context, log Log) Finding {
	found, err := Verify(ctx, log, access.Head{})
	switch {
	case err != nil:
		return problem("audit log", "It could not be read to its end.", "See the log of the database.")
	case found.Broken != nil:
		return problem("audit log", fmt.Sprintf("It is broken at event %d: somebody changed or removed something.", found.Broken.Number),
			"Compare with a backup. `sshkeybot log verify` shows the event.")
	}
	return ok("audit log", fmt.Sprintf("Its %d events hold together.", found.Events))
}
