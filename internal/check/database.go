package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"sshkeybot/internal/access"
	"sshkeybot/internal/store"
)

func (c Checker) database(ctx context.Context) []Finding {
	url := c.Config.DatabaseURL.Reveal()
	path, isFile, err := store.File(url)
	if isFile {
		if errors.Is(err, fs.ErrNotExist) {
			return []Finding{notYet(path)}
		}
		if err != nil {
			return []Finding{problem("database", fmt.Sprintf("%s cannot be read.", path), mendRights)}
		}
		// Looked at before it is opened, because opening it takes rights away from others.
		return append([]Finding{file(path)}, c.ledger(ctx, url)...)
	}
	return c.postgres(ctx, url)
}

const (
	mendRights = "Make the file and its folder belong to the user that runs the bot (chown), and check as that user."
	mendURL    = "Check SSHKEYBOT_DATABASE_URL and the rights of the user that runs the bot."
	mendWrite  = "See whether the disk is full and what the user of the database may do."
)

// postgres leaves the tables as they are: a bot may be at work on them, of an earlier
// version even.
func (Checker) postgres(ctx context.Context, url string) []Finding {
	ledger, err := store.OpenBeside(ctx, url)
	switch {
	case access.CodeOf(err) == access.NotFound:
		return []Finding{ok("database", "It can be reached and has no tables yet; the bot will make them at its first start.")}
	case err != nil:
		return []Finding{problem("database", access.MessageOf(err), mendURL)}
	}
	defer ledger.Close()
	if err := write(ctx, ledger); err != nil {
		return []Finding{problem("database", "The database was opened and cannot be written.", mendWrite)}
	}
	return []Finding{ok("database", "It was opened, and can be written."), chain(ctx, ledger)}
}

// notYet proves that the file can be made, without making it: it would belong to
// whoever checks.
func notYet(path string) Finding {
	dir := filepath.Dir(path)
	probe, err := os.CreateTemp(dir, ".sshkeybot-check-")
	if err != nil {
		return problem("database", fmt.Sprintf("%s does not exist, and nothing can be written in %s.", path, dir),
			"Make the folder and let the user that runs the bot write there, or set another path in SSHKEYBOT_DATABASE_URL.")
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return ok("database", fmt.Sprintf("%s does not exist yet; the bot will make it at its first start.", path))
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

// ledger opens a SQLite file, which also brings its tables up to date, writes to it,
// and verifies the audit log.
func (c Checker) ledger(ctx context.Context, url string) []Finding {
	ledger, err := store.Open(ctx, url, store.Options{Replica: c.Replica})
	if access.CodeOf(err) == access.Conflict {
		return c.besideBot(ctx, url)
	}
	if err != nil {
		return []Finding{problem("database", access.MessageOf(err), mendURL)}
	}
	defer ledger.Close()
	if err := write(ctx, ledger); err != nil {
		return []Finding{problem("database", "The database was opened and cannot be written.", mendWrite)}
	}
	return []Finding{ok("database", "It was opened, is up to date, and can be written."), chain(ctx, ledger)}
}

func (Checker) besideBot(ctx context.Context, url string) []Finding {
	running := note("database", "The bot is running on it, so nothing was written.")
	ledger, err := store.OpenBeside(ctx, url)
	if err != nil {
		return []Finding{running, problem("audit log", access.MessageOf(err), mendRights)}
	}
	defer ledger.Close()
	return []Finding{running, chain(ctx, ledger)}
}

// errUndo takes back what was written only to see whether it can be.
var errUndo = errors.New("only a try")

func write(ctx context.Context, ledger *store.Store) error {
	err := ledger.Update(ctx, func(tx access.Tx) error {
		if err := tx.SetFlag(ctx, "check", "try"); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

func chain(ctx context.Context, ledger access.Store) Finding {
	found, err := Verify(ctx, ledger)
	switch {
	case err != nil:
		return problem("audit log", "It could not be read to its end.", "See the log of the database.")
	case found.Broken != nil:
		return problem("audit log", fmt.Sprintf("It is broken at event %d: somebody changed or removed something.", found.Broken.Seq),
			"Compare with a backup. `sshkeybot log verify` shows the event.")
	}
	return ok("audit log", fmt.Sprintf("Its %d events hold together.", found.Events))
}
