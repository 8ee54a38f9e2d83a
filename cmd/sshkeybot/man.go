package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sshkeybot/internal/app"
	"sshkeybot/internal/config"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "Print the manual page", Args: noArguments, GroupID: groupSetUp,
		Long: "Prints one manual page, in the format of man(7), with every command, every setting and the exit\n" +
			"status. Exits 0.",
		Example: "  sshkeybot man | man -l -\n  sshkeybot man > /usr/local/share/man/man1/sshkeybot.1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), manual(cmd.Root()))
			return err
		},
	}
}

// page is a manual page in the format of man(7).
type page struct{ out strings.Builder }

// macro writes a line that begins with a macro; its arguments are quoted.
func (p *page) macro(name string, args ...string) {
	p.out.WriteString("." + name)
	for _, arg := range args {
		p.out.WriteString(` "` + strings.ReplaceAll(escaped(arg), `"`, `\(dq`) + `"`)
	}
	p.out.WriteByte('\n')
}

// text writes a text that is filled, line by line.
func (p *page) text(text string) {
	for line := range strings.Lines(text) {
		p.out.WriteString(strings.TrimSuffix(escaped(line), "\n") + "\n")
	}
}

// escaped returns a text so that no character of it is taken for a command, and in ASCII.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-': // which stays what people type
			b.WriteString(`\-`)
		case r == '.' || r == '\'': // at the beginning of a line they would begin a macro
			b.WriteString(`\&` + string(r))
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// manWidth is that of lines which are not filled, beside the margin of the page.
const manWidth = 70

// manual returns the manual page of the program.
func manual(root *cobra.Command) string {
	var p page
	p.macro("TH", "SSHKEYBOT", "1", "", "sshkeybot "+app.Build().Version, "User Commands")
	p.macro("SH", "NAME")
	p.text("sshkeybot - " + strings.ToLower(root.Short[:1]) + root.Short[1:])
	p.macro("SH", "SYNOPSIS")
	p.text("sshkeybot COMMAND [ARGUMENT ...] [FLAG ...]")
	p.macro("SH", "DESCRIPTION")
	p.text(root.Long)
	p.macro("SH", "COMMANDS")
	for _, c := range root.Commands() {
		p.command(c)
	}
	p.macro("SH", "SETTINGS")
	p.text("Settings are environment variables. Each secret may be given in a file instead, whose path is in the\nvariable with _FILE at its end.")
	for _, s := range config.Settings() {
		p.macro("TP")
		p.macro("B", s.Name)
		p.text(unmarked(s.Meaning) + " (" + standsIn(s) + ")")
	}
	p.macro("SH", "EXIT STATUS")
	p.text("0 when the command has done its work, 1 when it failed, 2 for wrong usage or settings.")
	return p.out.String()
}

// command writes what a command does, and then its subcommands.
func (p *page) command(c *cobra.Command) {
	if !c.IsAvailableCommand() && c.Name() != "help" {
		return
	}
	p.macro("SS", strings.TrimSuffix(c.UseLine(), " [flags]"))
	p.text(c.Long)
	for _, fixed := range []string{c.LocalNonPersistentFlags().FlagUsagesWrapped(manWidth), c.Example} {
		p.macro("PP")
		p.macro("nf")
		p.text(strings.TrimSuffix(fixed, "\n"))
		p.macro("fi")
	}
	for _, sub := range c.Commands() {
		p.command(sub)
	}
}
