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
		if found := c.place(); !Good(found) {
			return found
		}
		return append(c.place(), ok("database", path+" does not exist yet; the bot will make it at its first start."))
	case err != nil:
		return []Finding{problem("database", fmt.Sprintf("%s cannot be read.", path), mendRights)}
	}
	findings := c.ledger(ctx, url, path+" can be read")
	if access.CodeOf(store.Recognise(ctx, url)) == access.Invalid {
		return findings // the mode of another program's file is not our affair
	}
	return append(append(c.place(), file(path)), findings...)
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
	findings := append([]Finding{ok("database", reached+", and can be written."), chain(ctx, ledger)}, restored(ctx, ledger)...)
	return append(append(findings, c.adopted(ctx, ledger)...), c.unconfigured(ctx, ledger)...)
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

// restored returns a warning while nothing is granted since the ledger was put back from a copy.
func restored(ctx context.Context, ledger access.Store) []Finding {
	const name = "restored"
	var mark access.Restored
	err := ledger.Read(ctx, func(tx access.Tx) (err error) {
		mark, err = access.RestoredOf(ctx, tx)
		return err
	})
	switch {
	case err != nil:
		return []Finding{problem(name, "Whether the ledger was restored from a copy could not be read.", "See the log of the database.")}
	case mark.Waiting():
		return []Finding{warning(name, access.MessageOf(mark.Refusal()), "Let the bot run, and an approver read that request in Slack and press Continue there.")}
	}
	return nil
}
