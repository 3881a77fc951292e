package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var (
	unknownFlag    = regexp.MustCompile(`^unknown flag: --([^=\s]+)`)
	unknownCommand = regexp.MustCompile(`^unknown command "([^"]*)" for "([^"]*)"`)
)

// explainFlag says which flag was meant, and where all of them are listed.
func explainFlag(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	if m := unknownFlag.FindStringSubmatch(err.Error()); m != nil {
		best, score := "", 0
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if s := alike(m[1], f.Name); !f.Hidden && s > score {
				best, score = f.Name, s
			}
		})
		if best != "" {
			hint = fmt.Sprintf("did you mean --%s? %s", best, hint)
		}
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// alike is how many letters two names share at both ends; 0 where that is less
// than two thirds of the shorter one.
func alike(a, b string) int {
	norm := strings.NewReplacer("_", "-", ".", "-").Replace
	a, b = norm(strings.ToLower(a)), norm(strings.ToLower(b))
	n := min(len(a), len(b))
	start := 0
	for start < n && a[start] == b[start] {
		start++
	}
	end := 0
	for end < n-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	if 3*(start+end) < 2*n || start+end < 2 {
		return 0
	}
	// Of two that share as much, the one with fewer letters more is meant.
	return 100*(start+end) - max(len(a), len(b))
}

// wantArgs refuses fewer arguments than least and, unless most is 0, more than most; the message shows how it is written.
func wantArgs(least, most int, what, example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("name %s, such as: %s", what, example)
		case most > 0 && len(args) > most:
			return fmt.Errorf("name only %s, and %q is one more; such as: %s", what, args[most], example)
		}
		return nil
	}
}

// explainCommand puts cobra's answer to an unknown command into one line.
func explainCommand(root *cobra.Command, err error) error {
	m := unknownCommand.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	if cmd, _, ferr := root.Find(strings.Fields(m[2])[1:]); ferr == nil && cmd != root {
		return fmt.Errorf("%s takes no argument, and %q is one; %s --help lists its flags", m[2], m[1], m[2])
	}
	return fmt.Errorf("there is no command %q; %s", m[1], commandHint(root, m[1]))
}

func commandHint(parent *cobra.Command, name string) string {
	if parent.SuggestionsMinimumDistance <= 0 {
		parent.SuggestionsMinimumDistance = 2 // as cobra does for the root
	}
	if meant := parent.SuggestionsFor(name); len(meant) > 0 {
		return fmt.Sprintf("did you mean %q?", meant[0])
	}
	return parent.CommandPath() + " --help lists them"
}

// subcommandNeeded refuses what is no subcommand of a command that only groups them.
func subcommandNeeded(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return errors.New("there is no command \"" + cmd.CommandPath() + " " + args[0] + "\"; " + commandHint(cmd, args[0]))
}
