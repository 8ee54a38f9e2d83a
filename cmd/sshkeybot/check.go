package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot"
	"sshkeybot/internal/app"
	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
)

// checkOpts are the flags of the command.
type checkOpts struct{ json, strict bool }

// checkPatience is the longest that a service may ask to wait for check to do so.
const checkPatience = 90 * time.Second

func checkCommand() *cobra.Command {
	var o checkOpts
	cmd := &cobra.Command{
		Use: "check", Short: "Prove that the settings work, and say how to mend what does not", Args: noArguments, GroupID: groupSetUp,
		Long: "Asks Slack, the targets and the database whether the bot could do its work with these\n" +
			"settings: one line for each proof. Nothing is written or changed anywhere, and a bot may\n" +
			"run meanwhile. Run it as the user that runs the bot. Where a service asks for patience of up\n" +
			"to 90 seconds, it waits, and says so on standard error.\n" +
			"Exits 0 when nothing is a problem, 1 otherwise, 2 for settings that cannot be used.",
		Example: "  sshkeybot check\n  sshkeybot check --strict --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load()
			if err != nil {
				return err
			}
			c := checker(cfg)
			c.Patience, c.Waiting = checkPatience, func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
			findings := c.Run(cmd.Context())
			if cmd.Context().Err() != nil {
				return errors.New("told to stop before everything was checked")
			}
			return showFindings(cmd.OutOrStdout(), findings, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON document")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "exit 1 for a warning, too")
	return cmd
}

func checker(cfg config.Config) check.Checker {
	c := check.Checker{Config: cfg, Manifest: sshkeybot.Manifest, Now: time.Now, Zone: os.Getenv("TZ")}
	for _, t := range app.Targets(cfg) {
		c.Targets = append(c.Targets, t.Name())
	}
	return c
}

func showFindings(out io.Writer, findings []check.Finding, o checkOpts) error {
	good := check.Good(findings) && (!o.strict || check.Spotless(findings))
	if o.json {
		document := struct {
			Good     bool            `json:"good"`
			Findings []check.Finding `json:"findings"`
		}{good, findings}
		if err := printJSON(out, document); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Fprintln(out, line(f))
		}
	}
	if !good {
		return failed{}
	}
	return nil
}

func line(f check.Finding) string {
	text := fmt.Sprintf("%-8s %-18s %s", f.Status, f.Name, plain(f.Text))
	if f.Remedy != "" {
		text += " To mend it: " + plain(f.Remedy)
	}
	return text
}
