package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// writeCLIReference writes docs/reference/cli.md from the commands themselves.
func writeCLIReference(w io.Writer, root *cobra.Command) error {
	var b strings.Builder
	b.WriteString("# Commands\n\nThis page is generated from the commands; do not edit it by hand.\n\n" +
		"Exit codes are the same everywhere: 0 when all is well, 1 when a command ran and found something wrong,\n" +
		"2 when it was called in a wrong way or could not run.\n")
	describeCommand(&b, root)
	_, err := io.WriteString(w, b.String())
	return err
}

func describeCommand(b *strings.Builder, cmd *cobra.Command) {
	if cmd.HasParent() {
		fmt.Fprintf(b, "\n## `%s`\n\n%s.\n", cmd.UseLine(), strings.TrimSuffix(cmd.Short, "."))
		if cmd.Long != "" {
			fmt.Fprintf(b, "\n%s\n", cmd.Long)
		}
		describeFlags(b, cmd)
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			describeCommand(b, c)
		}
	}
}

// settingsPage lists the flags of "run", which are too many to repeat.
const settingsPage = "config.md"

func describeFlags(b *strings.Builder, cmd *cobra.Command) {
	if cmd.Name() == "run" && cmd.Parent() == cmd.Root() {
		fmt.Fprintf(b, "\nIts flags are the settings: [%s](%s).\n", settingsPage, settingsPage)
		return
	}
	first := true
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if first {
			b.WriteString("\n| flag | default | what |\n|---|---|---|\n")
			first = false
		}
		value := ""
		if t := f.Value.Type(); t != "bool" {
			value = "=" + strings.ToUpper(t)
		}
		def := f.DefValue
		if def != "" && def != "[]" {
			def = "`" + def + "`"
		} else {
			def = ""
		}
		fmt.Fprintf(b, "| `--%s%s` | %s | %s |\n", f.Name, value, def, strings.ReplaceAll(f.Usage, "|", "\\|"))
	})
}
