package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sshkeybot/bot/render"
	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/workflow"
)

func logCommand(now func() time.Time) *cobra.Command {
	var asJSON bool
	var since string
	cmd := &cobra.Command{
		Use: "log [@USER_ID|REQUEST]", Short: "Print the audit log: who did what, and when", Args: atMostOneSubject, GroupID: groupLook,
		Long: "Prints the audit log, the latest event last: all of it, or what a person did and what was\n" +
			"done about them, or what became of a request. Reads the ledger, beside a running bot or\n" +
			"without one, and asks nobody outside, so it shows user IDs instead of names. Times are UTC.\n" +
			"Exits 0 when it was read, 1 when it was not, 2 for wrong usage.",
		Example: "  sshkeybot log\n  sshkeybot log 12\n  sshkeybot log @U012ABCDEF --since 7d --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseSince(since, now())
			if err != nil {
				return usageError{err}
			}
			var about access.Subject
			if len(args) == 1 {
				about, _ = access.ParseSubject(args[0])
			}
			return printLog(cmd, about, from, asJSON, now)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().StringVar(&since, "since", "", "only from `TIME` on: such as 2026-03-02T15:04:05Z, a date (its beginning in UTC), or how long ago, such as 7d")
	cmd.AddCommand(logVerifyCommand())
	return cmd
}

func atMostOneSubject(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%q is an argument too many", args[1])}
	}
	if len(args) == 1 {
		if _, ok := access.ParseSubject(args[0]); !ok {
			return usageError{fmt.Errorf("%q is neither a Slack user ID, which begins with U or W and stands in the profile's menu in Slack, nor the number of a request%s", args[0], didYouMean(cmd, args[0]))}
		}
	}
	return nil
}

// parseSince reads a time, a date or how long ago; empty is the zero time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	if d, err := duration.Parse(text); err == nil {
		return now.Add(-d), nil
	}
	return time.Time{}, errors.New("--since takes a time such as 2026-03-02T15:04:05Z, a date such as 2026-03-02, or how long ago, such as 7d")
}

func printLog(cmd *cobra.Command, about access.Subject, since time.Time, asJSON bool, now func() time.Time) error {
	cfg, err := config.LoadFor(ledgerSetting)
	if err != nil {
		return err
	}
	ledger, err := openToRead(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer ledger.Close()
	entries, err := app.ReadOnly(ledger, cfg, now).ReadLog(cmd.Context(), about, since)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	show := printEvent
	if asJSON {
		show = printEventJSON
	}
	for e, err := range entries {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if err := show(out, e); err != nil {
			return err
		}
	}
	return out.Flush()
}

func printEvent(out io.Writer, e workflow.LogEntry) error {
	_, err := fmt.Fprintln(out, render.EventText(e))
	return err
}

// eventLine is an event as log --json prints it.
type eventLine struct {
	Number  int64         `json:"number"`
	At      time.Time     `json:"at"`
	Actor   access.UserID `json:"actor"` // empty when time or the bot acted
	Action  access.Action `json:"action"`
	Subject access.Noun   `json:"subject"`
	ID      string        `json:"id"` // of the subject
	From    string        `json:"from"`
	To      string        `json:"to"`
	Detail  string        `json:"detail"`
	Hash    string        `json:"hash"`
}

func printEventJSON(out io.Writer, e workflow.LogEntry) error {
	return json.NewEncoder(out).Encode(eventLine{
		Number: e.Seq, At: e.At.UTC(), Actor: e.Actor, Action: e.Action, Subject: e.Noun, ID: e.NounID,
		From: e.From, To: e.To, Detail: e.Detail, Hash: e.Hash,
	})
}
