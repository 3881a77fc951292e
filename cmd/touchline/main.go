// Command touchline is production monitoring in one process.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata" // schedules have time zones also where the host has no list of them

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/selfmon"
)

// Exit codes, the same for every command.
const (
	exitFindings = 1 // the command ran and found something wrong
	exitUsage    = 2 // bad usage, or the command could not run
)

// exitError carries the exit code of a command. A nil err prints nothing:
// the command has said what there is to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, newRootCommand(), os.Args[1:])
	stop()
	os.Exit(code)
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "touchline",
		Short:         "Production monitoring in one process",
		Long:          "Touchline watches hosts, containers and applications, evaluates alerting rules and tells people.\nIt reads the files of Prometheus and Alertmanager and speaks their APIs.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(commands()...)
	root.SetFlagErrorFunc(explainFlag)
	// What people type first; the same as the command.
	root.Version = "-"
	root.SetVersionTemplate(selfmon.Build().String())
	return root
}

// run executes one command line and gives its exit code.
func run(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := exitUsage
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
		if exit.err == nil {
			return code
		}
	}
	fmt.Fprintln(root.ErrOrStderr(), "touchline:", explainCommand(root, err))
	return code
}
