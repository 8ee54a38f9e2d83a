package main

import (
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

func checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check", Short: "Prove that the settings work, and say how to mend what does not", Args: noArguments,
		Long: "Asks Slack, the targets and the database whether the bot could do its work with these\n" +
			"settings: one line for each proof. Nothing is written or changed anywhere, and a bot may\n" +
			"run meanwhile. Run it as the user that runs the bot.\n" +
			"Exits 0 when nothing is a problem, 1 otherwise, 2 for settings that cannot be used.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load()
			if err != nil {
				return err
			}
			return showFindings(cmd.OutOrStdout(), checker(cfg).Run(cmd.Context()), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

func checker(cfg config.Config) check.Checker {
	c := check.Checker{Config: cfg, Manifest: sshkeybot.Manifest, Now: time.Now, Zone: os.Getenv("TZ")}
	for _, t := range app.Targets(cfg) {
		c.Targets = append(c.Targets, t.Name())
	}
	return c
}

func showFindings(out io.Writer, findings []check.Finding, asJSON bool) error {
	good := check.Good(findings)
	if asJSON {
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
