package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
)

// copier makes a copy of a ledger and puts it back, as an operator does.
type copier struct {
	r    *rig
	file string
	out  string // what restore printed
}

// copier returns a copier for the rig's ledger.
func (r *rig) copier() *copier { return &copier{r: r, file: filepath.Join(r.t.TempDir(), "copy")} }

func (c *copier) backup() {
	c.r.t.Helper()
	var out bytes.Buffer
	err := backup(c.r.t.Context(), &out, c.r.cfg, c.file, c.r.clocks.now)
	if isPostgres(c.r) {
		c.types(out.String(), "pg_dump")
		return
	}
	c.r.must(err)
	c.r.t.Log(out.String())
}

// restore ends the bot, puts the copy in place and marks it.
func (c *copier) restore() {
	c.r.t.Helper()
	c.r.Ends()
	var out bytes.Buffer
	err := restore(c.r.t.Context(), &out, c.r.cfg, c.file, c.r.clocks.now)
	if isPostgres(c.r) {
		c.types(out.String(), "pg_restore")
		out.Reset()
		err = markInPlace(c.r.t.Context(), &out, c.r.cfg, c.r.clocks.now)
	}
	c.r.must(err)
	c.r.t.Log(out.String())
	c.out = out.String()
}

// types runs the line of a text that begins with a program of PostgreSQL's.
func (c *copier) types(text, program string) {
	c.r.t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		c.r.t.Skip(program + " is not installed")
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, program) {
			continue
		}
		said, err := exec.CommandContext(c.r.t.Context(), "sh", "-c", line).CombinedOutput()
		if err != nil {
			c.r.t.Fatalf("%s%v\n%s", line, err, said)
		}
		return
	}
	c.r.t.Fatalf("no line begins with %s: %s", program, text)
}

func isPostgres(r *rig) bool { return strings.HasPrefix(r.cfg.DatabaseURL.Reveal(), "postgres") }

// restored waits for the request to go on, and returns its number.
func (r *rig) restoredRequest() (id int64) {
	r.t.Helper()
	r.must(r.app.Store.Read(r.t.Context(), func(tx access.Tx) error {
		mark, err := access.RestoredOf(r.t.Context(), tx)
		id = mark.Request
		return err
	}))
	return id
}

// A copy that was made while the bot ran is put back after much has happened. Nothing is given
// until an approver has seen what that means; what ends access goes on.
func TestRestoredLedgerWaitsForAnApprover(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		r := start(t, plan{database: database, servers: 3})
		aliceKey, daveKey := r.Register(alice), r.Register(dave)
		r.Granted(alice, "grant @alice 2d")
		r.Granted(dave, "grant @dave 1d")
		waiting := r.Ask(erin, "grant @carol 4h")
		r.Posted(waiting)
		c := r.copier()
		c.backup()

		erinKey := r.Register(erin)
		unknown := r.Granted(erin, "grant @erin 1d")
		lost := r.Posted(r.Ask(erin, "grant @erin 2d"))
		_, err := r.slack.Deactivate(t.Context(), dave)
		r.must(err)
		r.until("dave's key is gone", func() bool { return r.placed(daveKey) == 0 })
		if !isPostgres(r) {
			pause(2 * time.Hour)
		}

		c.restore()
		r.says(c.out, "marked as restored")
		r.Starts()
		id := r.restoredRequest()
		if id <= 1_000_000 {
			t.Errorf("the request has number %d", id)
		}
		r.until("all was read", func() bool { return strings.Contains(r.Message(id), "everything was read") })
		r.until("the approvers are mentioned", func() bool { return strings.Contains(r.Thread(id), "<@"+bob+">") })
		r.says(r.Message(id), "I grant nothing", "3 keys with my label on 3 servers", "Slack shows as gone: <@"+dave+">", "1 request that was open in the copy is closed", alice)
		r.until("what was open is drawn as closed", func() bool { return strings.Contains(r.Message(waiting), "restored from a copy") })
		r.says(r.PressAsShown(bob, lost, "Approve", valueOf(t, lost, "Approve")), "I do not know this request any more")

		early := r.Ask(alice, "grant @alice 3h on web-01")
		r.says(r.Press(bob, early, "Approve"), "Nothing is granted until an approver has pressed Continue")
		r.says(r.Press(erin, id, "Continue"), "Only an approver")
		_, metrics := r.page("/metrics")
		r.says(metrics, "sshkeybot_restored_waiting 1\n")
		r.says(r.Types(bob, "list"), "go on with the ledger, which was restored")
		r.Types(bob, "revoke @alice on db-01")
		r.PressPrivate(bob, r.confirmButton(bob))
		r.until("what ends access goes on", func() bool { return r.placed(aliceKey) == 2 })
		r.isOn(erinKey, 3)

		r.says(r.Press(bob, id, "Continue"), "I grant access again")
		r.says(r.Press(carol, id, "Continue"), "approved already")
		r.until("it is said", func() bool { return strings.Contains(r.Message(id), "*Continued* by <@"+bob+">") })
		r.says(r.Press(bob, early, "Approve"), "You approved request")
		r.Settled(early)
		if grant := r.view(early).Grant; grant == nil || grant.ID <= 1_000_000 || grant.ID == unknown {
			t.Errorf("the grant is %+v", grant)
		}
		if n := r.audited("ledger.continue"); n != 1 {
			t.Errorf("%d events say that somebody went on", n)
		}
		t.Log(r.Message(id))
	})
}

// A copy may be made while the bot writes, and takes nothing from it.
func TestBackupBesideARunningBot(t *testing.T) {
	t.Parallel()
	live(t)
	r := start(t, plan{sockets: true, servers: 3})
	key := r.Register(alice)
	r.Granted(alice, "grant @alice 1h")
	file := filepath.Join(t.TempDir(), "copy.db")
	out := r.Shell("backup", file)
	if out.status != exitDone {
		t.Fatalf("backup: %+v", out)
	}
	r.says(out.stdout, "Copied ", file, " KiB) at ", "Its last event is of ")
	if _, ok := access.ParseHead(lastLine(out.stdout)); !ok {
		t.Errorf("the last line is no head: %s", out.stdout)
	}
	info, err := os.Stat(file)
	r.must(err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %o", info.Mode().Perm())
	}
	again := r.Shell("backup", file)
	if again.status != exitFailed || !strings.Contains(again.stderr, "exists already") {
		t.Errorf("over an existing file: %+v", again)
	}
	if out := r.Shell("restore", file); out.status != exitFailed || !strings.Contains(out.stderr, "Another process is using the database") {
		t.Errorf("restore beside a bot: %+v", out)
	}
	if out := r.Shell("restore", "--mark"); out.status != exitFailed || !strings.Contains(out.stderr, "Another process is using the database") {
		t.Errorf("restore --mark beside a bot: %+v", out)
	}
	r.Ends()
	out = r.Shell("restore", file)
	if out.status != exitDone {
		t.Fatalf("restore: %+v", out)
	}
	r.says(out.stdout, "Restored ", "The ledger that was there is ", "start the bot")
	if out := r.Shell("log", "verify"); out.status != exitDone {
		t.Errorf("the log after it: %+v", out)
	}
	r.says(r.Shell("log").stdout, "The ledger was restored from a copy")
	if o, out := r.Offboards(alice); out.status != exitDone || r.placed(key) != 0 {
		t.Errorf("what ends access does not go on: %+v, %+v", o, out)
	}
	r.Starts()
}
