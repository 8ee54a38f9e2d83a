// Command sshkeybot lends SSH access to the servers of a RunCloud account, asked
// for, approved and taken back in Slack.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // for TZ, on machines and in images that know no time zones

	"github.com/spf13/cobra"

	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
)

// Exit status.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(runProcess(time.Now)) }

// runProcess runs the command line with that clock, and returns the exit status.
func runProcess(now func() time.Time) int {
	signal.Ignore(syscall.SIGPIPE) // if the reader of our output is gone, what we do still has to be finished
	// The first signal cancels ctx, and so stops everything in order. A second one ends the
	// process at once.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr, now)
}

// usageError is the error of a command line or a setting that cannot be used.
type usageError struct{ error }

// failed is the error of a command that has printed why it failed: it only sets the status.
type failed struct{}

func (failed) Error() string { return "failed" }

func run(ctx context.Context, args []string, stdout, stderr io.Writer, now func() time.Time) int {
	root := rootCommand(now) //nolint:contextcheck // a command has its own
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return status(err, cmd.CommandPath(), stderr)
}

// status prints an error, and returns the exit status. command is the one that was given, for the hint.
func status(err error, command string, stderr io.Writer) int {
	var problems *config.Problems
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &failed{}), errors.Is(err, syscall.EPIPE): // the reader of the output is gone
		return exitFailed
	case errors.As(err, &problems):
		fmt.Fprintf(stderr, "%v\nsshkeybot run --help explains every setting.\n", problems)
		return exitUsage
	case errors.As(err, &usageError{}):
		fmt.Fprintf(stderr, "%v\n%s --help shows how it is used.\n", err, command)
		return exitUsage
	}
	fmt.Fprintf(stderr, "%v\n", err)
	return exitFailed
}

// The groups of commands in the help.
const (
	groupSetUp = "set up"
	groupRun   = "run"
	groupLook  = "look"
	groupAct   = "act"
)

func rootCommand(now func() time.Time) *cobra.Command {
	root := &cobra.Command{
		Use:   "sshkeybot",
		Short: "Lends SSH access to your RunCloud servers, with approval in Slack and an end",
		Long: "Lends SSH access to the servers of a RunCloud account, and takes it back: somebody asks in Slack,\n" +
			"an approver presses a button, and when the time is over the key is gone from every server.\n" +
			"Settings are environment variables, which sshkeybot run --help explains.\n" +
			"Every command exits 0 when it has done its work, 1 when it failed, 2 for wrong usage or settings.",
		Example:       "  sshkeybot demo\n  sshkeybot check && sshkeybot run",
		Version:       app.Build().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return usage(errors.New("name a command"), cmd) },
	}
	root.SetVersionTemplate("sshkeybot {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd == root && cmd.Flags().NArg() > 0 { // the flag is that of a command whose name is mistyped
			return noArguments(cmd, cmd.Flags().Args())
		}
		return usageError{err}
	})
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp) // no argument is a file
	root.AddGroup(&cobra.Group{ID: groupSetUp, Title: "Set it up:"}, &cobra.Group{ID: groupRun, Title: "Run it:"},
		&cobra.Group{ID: groupLook, Title: "Look:"}, &cobra.Group{ID: groupAct, Title: "Act:"})
	root.SetHelpCommand(helpCommand())
	root.AddCommand(runCommand(now), demoCommand(), manifestCommand(), versionCommand(), healthcheckCommand(),
		checkCommand(), listCommand(now), auditCommand(now), offboardCommand(now), logCommand(now),
		backupCommand(now), restoreCommand(now), completionCommand(), manCommand())
	return root
}

// usage prints a command's help, and returns err as a usage error.
func usage(err error, cmd *cobra.Command) error {
	cmd.SetOut(cmd.ErrOrStderr())
	_ = cmd.Help() // if it cannot be printed, the error says enough
	return usageError{err}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%q is not a command, or an argument too many%s", args[0], didYouMean(cmd, args[0]))}
	}
	return nil
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, and the commit that it was built from", Args: noArguments, GroupID: groupSetUp,
		Long:    "Prints the version of this program, the commit that it was built from, and when that was made, as\n--version does. Exits 0.",
		Example: "  sshkeybot version",
		Run:     func(cmd *cobra.Command, _ []string) { fmt.Fprintf(cmd.OutOrStdout(), "sshkeybot %s\n", app.Build()) },
	}
}
