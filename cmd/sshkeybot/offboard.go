package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/control"
	"sshkeybot/internal/delivery"
	"sshkeybot/internal/store"
	"sshkeybot/internal/workflow"
)

// offboardOpts are the flags of the command, and its clock.
type offboardOpts struct {
	reason  string
	json    bool
	yes     bool
	timeout time.Duration
	now     func() time.Time
}

func offboardCommand(now func() time.Time) *cobra.Command {
	o := offboardOpts{now: now}
	cmd := &cobra.Command{
		Use: "offboard USER_ID", Short: "Take away everything of a person's, everywhere", Args: oneUser, GroupID: groupAct,
		Long: "Ends all access of a person, removes every key the bot placed for them, and reads every\n" +
			"server for keys that may be theirs. A running bot does the work; without one this command\n" +
			"does it, and follows the work. Repeating it follows the same offboarding.\n" +
			"Exits 0 when all is gone, 1 when something is still owed (the bot goes on) or left for an\n" +
			"approver to decide in Slack, 2 for wrong usage or settings.",
		Example: "  sshkeybot offboard U012ABCDEF --reason 'left the company'\n  sshkeybot offboard U012ABCDEF --yes --json --timeout 30m",
		RunE: func(cmd *cobra.Command, args []string) error {
			return offboard(cmd, access.UserID(args[0]), o)
		},
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "`TEXT` that says why, for the announcement and the audit log")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON document at the end")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask; needed without a terminal")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 10*time.Minute, "how long to follow the work")
	return cmd
}

func oneUser(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("name the person by their Slack user ID, for example U012ABCDEF")}
	}
	return atMostOneUser(cmd, args)
}

func offboard(cmd *cobra.Command, person access.UserID, o offboardOpts) error {
	if o.timeout <= 0 {
		return usageError{errors.New("--timeout takes a duration above 0, like 10m")}
	}
	cfg, err := config.LoadWithout("SLACK_APP_TOKEN")
	if err != nil {
		return err
	}
	if err := mustExist(cfg); err != nil {
		return err
	}
	if !o.yes {
		if err := confirm(cmd.InOrStdin(), cmd.ErrOrStderr(), person); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), o.timeout)
	defer cancel()
	exec, err := newExecutor(ctx, cfg, newLog("error", cfg.LogFormat, cmd.ErrOrStderr()), cmd.ErrOrStderr(), o.now)
	if err != nil {
		return err
	}
	defer exec.close()
	began := o.now()
	id, err := exec.offboard(ctx, control.Ask{Person: person, Operator: operator(), Reason: o.reason, Source: rand.Text()})
	if err != nil {
		return err
	}
	progress := cmd.OutOrStdout()
	if o.json {
		progress = io.Discard
		if isTerminal(cmd.ErrOrStderr()) {
			progress = cmd.ErrOrStderr()
		}
	}
	return report(ctx, cmd.OutOrStdout(), newFollower(exec.service, exec.outbox, progress), id, began, o.json)
}

// report follows the work and prints the outcome. It returns failed if something is left to do.
func report(ctx context.Context, out io.Writer, f *follower, id int64, began time.Time, asJSON bool) error {
	view, err := f.follow(ctx, id)
	if err != nil {
		return err
	}
	end := outcomeOf(view, f.halted, began)
	if asJSON {
		err = printJSON(out, end)
	} else {
		err = end.print(out)
	}
	if err == nil && !end.Done {
		err = failed{}
	}
	return err
}

func confirm(in io.Reader, out io.Writer, person access.UserID) error {
	if !isTerminal(in) {
		return usageError{errors.New("nobody can be asked without a terminal: give --yes")}
	}
	return askYes(in, out, person)
}

func askYes(in io.Reader, out io.Writer, person access.UserID) error {
	fmt.Fprintf(out, "Offboard %s: all access ends and every key of theirs goes, on every server. Type yes: ", person)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// operator returns who gives the command, for the audit log: the user and the host, since there
// is no Slack user.
func operator() string {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if before := os.Getenv("SUDO_USER"); before != "" && before != name {
		name = before + " as " + name
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}

// executor is how a command has an offboarding done: by a running bot, or by itself.
type executor struct {
	service  *workflow.Service // to follow the work with
	outbox   delivery.Store
	offboard func(ctx context.Context, a control.Ask) (int64, error)
	close    func()
}

// newExecutor returns the executor for this ledger. On SQLite, a bot is running if another
// process has the file locked, unless that is a command like this one: then newExecutor waits
// for it to end.
func newExecutor(ctx context.Context, cfg config.Config, log *slog.Logger, out io.Writer, now func() time.Time) (executor, error) {
	a, err := app.NewRemover(ctx, cfg, log, app.Host{Now: now})
	for waits := 0; access.CodeOf(err) == access.Conflict; waits++ {
		if !strings.HasPrefix(store.Holder(cfg.DatabaseURL.Reveal()), app.ShellReplica) {
			return botExecutor(ctx, cfg, now)
		}
		if waits == 0 {
			fmt.Fprintln(out, "Another sshkeybot command is at work on the database; waiting for it to end.")
		}
		select {
		case <-ctx.Done():
			return executor{}, errors.New("nothing was done: another sshkeybot command is still at work on the database")
		case <-time.After(pollEvery):
		}
		a, err = app.NewRemover(ctx, cfg, log, app.Host{Now: now})
	}
	if err != nil {
		return executor{}, err
	}
	running, err := botRuns(ctx, a.Store)
	if err != nil {
		a.Close()
		return executor{}, err
	}
	if running { // the jobs go to it through the ledger; this machine may not be allowed to call the targets
		ask := func(ctx context.Context, wish control.Ask) (int64, error) { return offboardIn(ctx, a.Service, wish) }
		return executor{service: a.Service, outbox: a.Store.Outbox(), offboard: ask, close: a.Close}, nil
	}
	return ownExecutor(a), nil
}

// botExecutor returns an executor that asks the bot which has the SQLite file locked.
func botExecutor(ctx context.Context, cfg config.Config, now func() time.Time) (executor, error) {
	url := cfg.DatabaseURL.Reveal()
	path, _, err := store.File(url)
	if err != nil {
		return executor{}, err
	}
	ledger, err := store.OpenReadOnly(ctx, url)
	if err != nil {
		return executor{}, err
	}
	ask := func(ctx context.Context, a control.Ask) (int64, error) {
		return control.Offboard(ctx, control.Path(path), a)
	}
	return executor{service: app.ReadOnly(ledger, cfg, now), outbox: ledger.Outbox(), offboard: ask, close: ledger.Close}, nil
}

// ownExecutor returns an executor that does the work in this process, without listening to
// Slack. It starts the queue after the request is in the ledger, so that the removals are
// among the first jobs.
func ownExecutor(a *app.App) executor {
	started := false
	ask := func(ctx context.Context, wish control.Ask) (int64, error) {
		id, err := offboardIn(ctx, a.Service, wish)
		if err != nil {
			return 0, err
		}
		started = true
		return id, a.Start(ctx)
	}
	return executor{service: a.Service, outbox: a.Store.Outbox(), offboard: ask, close: func() {
		if started {
			a.Stop()
		}
		a.Close()
	}}
}

func offboardIn(ctx context.Context, uses *workflow.Service, wish control.Ask) (int64, error) {
	r, err := uses.OffboardFromShell(ctx, wish.Person, wish.Operator, wish.Reason, wish.Source)
	return r.ID, err
}
