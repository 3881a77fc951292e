package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"touchline.dev/touchline/internal/selfmon"
)

const statusPath = "/touchline/v1/status"

func newStatusCommand() *cobra.Command {
	var (
		flags  clientFlags
		output string
	)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print what the server watches, who is told, and what is wrong",
		Long: "Print the lines that \"touchline run\" prints when it is ready, as they are now.\n" +
			"Exit code 1 when the server is not ready, a component does not work, or a receiver or Alertmanager\n" +
			"did not take what it was last told.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("--output=%s is unknown; write text or json", output)
			}
			c, err := flags.client()
			if err != nil {
				return err
			}
			var report selfmon.Report
			if err := c.getJSON(cmd.Context(), statusPath, &report); err != nil {
				return err
			}
			if output == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				err = enc.Encode(report)
			} else {
				err = report.WriteText(cmd.OutOrStdout(), textStyle(cmd.OutOrStdout()))
			}
			if err != nil {
				return fmt.Errorf("print status: %w", err)
			}
			if report.State != selfmon.StateReady || !report.Alerts.Telling() {
				return &exitError{code: exitFindings}
			}
			return nil
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	return cmd
}

// textStyle gives the width and the colours that w can show. NO_COLOR is the
// convention by which people switch colours off everywhere.
func textStyle(w io.Writer) selfmon.Style {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return selfmon.Style{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return selfmon.Style{Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", Width: width}
}
