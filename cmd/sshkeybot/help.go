package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"sshkeybot/internal/config"
	"sshkeybot/internal/nearest"
)

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Explain a command", GroupID: groupSetUp,
		Long:    "Prints what COMMAND does, what may follow it, and how it exits, as COMMAND --help does.\nExits 0, or 2 where there is no such command.",
		Example: "  sshkeybot help check\n  sshkeybot help log verify",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, _ := cmd.Root().Find(args) // what it does not know is the rest
			if len(rest) > 0 {
				return noArguments(about, rest)
			}
			return about.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			about, _, _ := cmd.Root().Find(args)
			return subcommands(about), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// subcommands returns the names of the commands of a command that people use.
func subcommands(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// didYouMean returns a question that names the subcommand which is most like a word, or "" if none is.
func didYouMean(cmd *cobra.Command, word string) string {
	if near := nearest.Closest(word, subcommands(cmd), func(name string) int { return len(name) / 2 }); near != "" {
		return fmt.Sprintf("; did you mean %s %s?", cmd.CommandPath(), near)
	}
	return ""
}

// shells are those for which cobra writes a script that completes commands and flags.
var shells = map[string]func(root *cobra.Command, out io.Writer) error{
	"bash":       func(root *cobra.Command, out io.Writer) error { return root.GenBashCompletionV2(out, true) },
	"fish":       func(root *cobra.Command, out io.Writer) error { return root.GenFishCompletion(out, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	"zsh":        (*cobra.Command).GenZshCompletion,
}

func completionCommand() *cobra.Command {
	names := slices.Sorted(maps.Keys(shells))
	return &cobra.Command{
		Use: "completion " + strings.Join(names, "|"), Short: "Print a script for your shell that completes commands and flags", GroupID: groupSetUp,
		Long: "Prints a script that lets the Tab key complete the commands and flags of sshkeybot in your shell.\n" +
			"Exits 0, or 2 for another shell.",
		Example: "  source <(sshkeybot completion bash)\n" +
			"  sshkeybot completion bash > /etc/bash_completion.d/sshkeybot\n" +
			"  sshkeybot completion zsh > /usr/local/share/zsh/site-functions/_sshkeybot\n" +
			"  sshkeybot completion fish > ~/.config/fish/completions/sshkeybot.fish\n" +
			"  sshkeybot completion powershell | Out-String | Invoke-Expression",
		ValidArgs: names,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || shells[args[0]] == nil {
				return usageError{errors.New("name one shell: " + strings.Join(names, ", "))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return shells[args[0]](cmd.Root(), cmd.OutOrStdout()) },
	}
}

// The columns of the settings in the help.
const (
	helpWidth  = 100
	nameColumn = 36
)

// settingsHelp returns the settings in two columns.
func settingsHelp() string {
	var b strings.Builder
	b.WriteString("Settings are environment variables. One with * may be in a file, whose path is in NAME_FILE.\n")
	for _, s := range config.Settings() {
		name := s.Name
		if s.Secret {
			name += " *"
		}
		for _, line := range wrap(unmarked(s.Meaning)+" ("+standsIn(s)+")", helpWidth-nameColumn) {
			fmt.Fprintf(&b, "  %-*s%s\n", nameColumn-2, name, line)
			name = ""
		}
	}
	return b.String()
}

// standsIn returns what holds where a setting is missing.
func standsIn(s config.Setting) string {
	if s.Required {
		return s.Missing
	}
	return "default: " + unmarked(cmp.Or(s.Default, s.Missing))
}

// unmarked takes the asterisks of Markdown out of a text; its back quotes do as well in plain text.
func unmarked(text string) string { return strings.ReplaceAll(text, "*", "") }

// wrap breaks a text into lines of at most so many characters, between words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
