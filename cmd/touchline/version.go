package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/selfmon"
)

func newVersionCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version and those of the engines inside",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("--output=%s is unknown; write text or json", output)
			}
			b := selfmon.Build()
			if output == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(b)
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), b.String())
			return err
		},
	}
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	return cmd
}
