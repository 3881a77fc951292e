package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func newNotifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Add, test and take out the ways in which people are told",
		Long:  "Add a channel to a receiver, send a sample through all integrations of one, or take a channel out.",
		Args:  subcommandNeeded,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNotifyAddCommand(), newNotifyTestCommand(), newNotifyRemoveCommand())
	return cmd
}

// notifyTestFlags are the flags of "notify test".
type notifyTestFlags struct {
	client   clientFlags
	receiver string
	language string
	output   string
}

// trialAnswer is what the server says became of a sample.
type trialAnswer struct {
	Receiver     string             `json:"receiver"`
	Integrations []integrationTrial `json:"integrations"`
}

type integrationTrial struct {
	Integration string  `json:"integration"`
	OK          bool    `json:"ok"`
	Error       string  `json:"error,omitempty"`
	Said        string  `json:"said,omitempty"`
	Took        float64 `json:"took_seconds"`
}

func newNotifyTestCommand() *cobra.Command {
	var f notifyTestFlags
	cmd := &cobra.Command{
		Use:   "test --receiver NAME",
		Short: "Send a sample through each integration of a receiver and say what came back",
		Long: `Asks the running server to send a message that says of itself that it is a test through each integration of a receiver,
past routes, silences and waiting times, and prints what each of the other sides answered. What gets through counts as the
receiver's last proof. Services on which an alert opens something, such as PagerDuty, get the end of the test, too.

Exit code: 0 when all took it, 1 when one did not or the receiver has no integration, 2 when the server could not be asked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.execute(cmd) },
	}
	f.client.register(cmd)
	cmd.Flags().StringVar(&f.receiver, "receiver", "", "receiver of alertmanager.yml")
	cmd.Flags().StringVar(&f.language, "lang", "en", "language of the sample: en or zh")
	cmd.Flags().StringVar(&f.output, "output", "text", "text or json")
	return cmd
}

func (f *notifyTestFlags) execute(cmd *cobra.Command) error {
	switch {
	case f.output != "text" && f.output != "json":
		return fmt.Errorf("--output=%s is unknown; write text or json", f.output)
	case f.receiver == "":
		return fmt.Errorf("name the receiver, such as: touchline notify test --receiver=ops-team")
	}
	c, err := f.client.client()
	if err != nil {
		return err
	}
	var answer trialAnswer
	path := "/touchline/v1/receivers/" + url.PathEscape(f.receiver) + "/test?lang=" + url.QueryEscape(f.language)
	if err := c.do(cmd.Context(), http.MethodPost, path, "", nil, &answer); err != nil {
		return err
	}
	if f.output == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(answer); err != nil {
			return fmt.Errorf("print answer: %w", err)
		}
	} else {
		printTrials(cmd.OutOrStdout(), answer)
	}
	for _, t := range answer.Integrations {
		if !t.OK {
			return &exitError{code: exitFindings}
		}
	}
	if len(answer.Integrations) == 0 {
		return &exitError{code: exitFindings}
	}
	return nil
}

func printTrials(w io.Writer, a trialAnswer) {
	if len(a.Integrations) == 0 {
		fmt.Fprintf(w, "%s: tells nobody: it has no integration in alertmanager.yml and no channel in touchline.yaml; touchline notify add --receiver=%s adds one\n", a.Receiver, a.Receiver)
		return
	}
	names := 0
	for _, t := range a.Integrations {
		names = max(names, len(t.Integration))
	}
	for _, t := range a.Integrations {
		printTrial(w, fmt.Sprintf("%s %-*s", a.Receiver, names, t.Integration), t)
	}
}

func printTrial(w io.Writer, name string, t integrationTrial) {
	took := fmt.Sprintf("%.0f ms", t.Took*1000)
	switch {
	case !t.OK:
		fmt.Fprintf(w, "%s  FAILED after %s: %s\n", name, took, t.Error)
	case t.Said != "":
		fmt.Fprintf(w, "%s  taken in %s: %s\n", name, took, t.Said)
	default:
		fmt.Fprintf(w, "%s  taken in %s\n", name, took)
	}
}
