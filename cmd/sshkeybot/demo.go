package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/internal/app"
	"sshkeybot/internal/play"
)

// demoOpts are the flags of the command.
type demoOpts struct {
	script  bool
	servers int
	addr    string
}

const pageServers = 3

func demoCommand() *cobra.Command {
	var o demoOpts
	cmd := &cobra.Command{
		Use: "demo", Short: "Try the whole thing on this machine, with nothing to set up", Args: noArguments, GroupID: groupSetUp,
		Long: "Plays a Slack workspace, a RunCloud account, a Scalingo account and an Octopus Deploy on this\n" +
			"machine, runs the real bot between them, and serves a page on which you are the people: ask,\n" +
			"approve, break a server, move the clock, and log in with ssh. Ctrl-C ends it and leaves nothing\n" +
			"behind. With --script it prints a story of such people instead, and ends.\n" +
			"Exits 0 at its end, 1 when something could not be played, 2 for wrong usage.",
		Example: "  sshkeybot demo\n  sshkeybot demo --servers 40 --addr 127.0.0.1:8000\n  sshkeybot demo --script",
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := demo(cmd, o)
			if cmd.Context().Err() != nil || errors.Is(err, syscall.EPIPE) {
				return nil //nolint:nilerr // told to stop, or the reader of the output is gone
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&o.script, "script", false, "print a story instead, and end")
	cmd.Flags().IntVar(&o.servers, "servers", 0, fmt.Sprintf("`NUMBER` of servers of the played account, up to %d (default %d, and %d with --script)", play.MaxServers, pageServers, scriptServers))
	cmd.Flags().StringVar(&o.addr, "addr", "127.0.0.1:0", "`HOST:PORT` where the page listens, on the loopback interface alone; port 0 takes a free one")
	return cmd
}

func demo(cmd *cobra.Command, o demoOpts) error {
	switch given := cmd.Flags().Changed("servers"); {
	case given && (o.servers < play.MinServers || o.servers > play.MaxServers):
		return usageError{fmt.Errorf("--servers takes a number from %d to %d", play.MinServers, play.MaxServers)}
	case o.script && cmd.Flags().Changed("addr"):
		return usageError{errors.New("--addr is for the page, which --script does without")}
	case o.script && !given:
		o.servers = scriptServers
	case !given:
		o.servers = pageServers
	}
	if o.script {
		return tellScript(cmd.Context(), app.Host{Now: time.Now}, o.servers, cmd.OutOrStdout())
	}
	if err := play.CheckAddress(o.addr); err != nil {
		return usageError{fmt.Errorf("--addr: %w", err)}
	}
	return servePage(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout())
}

// servePage serves the page of the demo until ctx ends.
func servePage(ctx context.Context, o demoOpts, in io.Reader, out io.Writer) (err error) {
	page, err := play.NewPage(ctx, o.addr, o.servers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.Close()) }()
	served := make(chan error, 1)
	go func() { served <- page.Serve() }()
	if _, err := fmt.Fprintf(out, "The demo is here, for this machine alone:\n\n  %s\n\nThe address can be opened once; Enter prints another one. Ctrl-C ends the demo and leaves nothing behind.\n", page.Address()); err != nil {
		return err
	}
	if isTerminal(in) {
		go printAddresses(page, in, out)
		openBrowser(ctx, page)
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return nil
	}
}

// printAddresses prints another address for every line that is entered.
func printAddresses(page *play.Page, in io.Reader, out io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		fmt.Fprintf(out, "  %s\n", page.Address())
	}
}

// openBrowser opens the page where there is a desktop. The address goes through a file that only this user can
// read: everybody on the machine can see the arguments of a program. If it fails, the printed one is there.
func openBrowser(ctx context.Context, page *play.Page) {
	var opener string
	switch {
	case runtime.GOOS == "darwin":
		opener = "open"
	case os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "":
		opener = "xdg-open"
	default:
		return
	}
	file := filepath.Join(page.Folder(), "open.html")
	text := `<!doctype html><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0; url=` + page.Address() + `">`
	if os.WriteFile(file, []byte(text), 0o600) == nil {
		_ = exec.CommandContext(ctx, opener, file).Run() //nolint:gosec // one of two programs
	}
}
