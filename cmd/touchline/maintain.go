package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/incident"
)

// windowAnswer is a maintenance window as the API shows it.
type windowAnswer struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Matchers []string  `json:"matchers"`
	Source   string    `json:"source"`
	Active   bool      `json:"active"`
	Ends     time.Time `json:"ends,omitzero"`
	Next     time.Time `json:"next,omitzero"`
}

// maintain is what a maintain command was asked for.
type maintain struct {
	flags    clientFlags
	lasts    string
	matchers []string
	name     string
	anyway   bool
	list     bool
}

func newMaintainCommand() *cobra.Command {
	m := &maintain{}
	cmd := &cobra.Command{
		Use:   "maintain --for=DURATION --match MATCHER… -- COMMAND…",
		Short: "Silence what a command is expected to disturb, for as long as it runs",
		Long: "Make a maintenance window and a note of a deployment, run a command, and end both when the\n" +
			"command ends. The window ends after --for in any case. The exit code is the command's.\n" +
			"Without a command the window stays until --for has passed. --list shows the windows.",
		Example: "  touchline maintain --for=15m --match service=api -- ./deploy.sh v42",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := m.flags.client()
			if err != nil {
				return err
			}
			if m.list {
				return listWindows(cmd, c)
			}
			d, err := config.ParseDuration(m.lasts)
			if err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("--for: %w", err)}
			}
			if len(m.matchers) == 0 {
				return &exitError{code: exitUsage, err: errors.New("--match is missing; say what is silenced, such as --match service=api")}
			}
			return m.run(cmd, c, d, args)
		},
	}
	m.flags.register(cmd)
	cmd.Flags().StringVar(&m.lasts, "for", "15m", "how long the window is at most")
	cmd.Flags().StringArrayVar(&m.matchers, "match", nil, "matcher of Alertmanager's syntax, such as service=api; all given must hold; may be repeated")
	cmd.Flags().StringVar(&m.name, "name", "", "what the window is called; the command's name where it is left out")
	cmd.Flags().BoolVar(&m.anyway, "anyway", false, "run the command even where the server does not answer")
	cmd.Flags().BoolVar(&m.list, "list", false, "list the windows that are active or to come")
	return cmd
}

func listWindows(cmd *cobra.Command, c *apiClient) error {
	var a struct{ Windows []windowAnswer }
	if err := c.getJSON(cmd.Context(), "/touchline/v1/maintenance", &a); err != nil {
		return err
	}
	if len(a.Windows) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "No maintenance windows.")
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tNAME\tWHEN\tMATCHERS")
	for _, x := range a.Windows {
		number, when := x.Source, "from "+x.Next.Local().Format("2006-01-02 15:04")
		if x.ID > 0 {
			number = fmt.Sprint(x.ID)
		}
		if x.Active {
			when = "now, until " + x.Ends.Local().Format("2006-01-02 15:04:05")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", number, x.Name, when, strings.Join(x.Matchers, ", "))
	}
	return w.Flush()
}

func (m *maintain) run(cmd *cobra.Command, c *apiClient, d time.Duration, args []string) error {
	title := m.name
	if title == "" && len(args) > 0 {
		title = filepath.Base(args[0]) // its arguments may hold secrets
	}
	if title == "" {
		return &exitError{code: exitUsage, err: errors.New("--name is missing; say what the window is for, or give a command after --")}
	}
	if len(title) > 200 {
		title = strings.ToValidUTF8(title[:200], "")
	}
	var window windowAnswer
	err := c.postJSON(cmd.Context(), "/touchline/v1/maintenance", map[string]any{"name": title, "matchers": m.matchers, "duration_seconds": d.Seconds()}, &window)
	var gone *noServerError
	switch {
	case err == nil:
		cmd.PrintErrf("Maintenance window %d until %s\n", window.ID, window.Ends.Local().Format("15:04:05"))
	case m.anyway && errors.As(err, &gone):
		cmd.PrintErrf("NOT silenced: %v\n", err)
	default:
		return err
	}
	if len(args) == 0 {
		return nil
	}
	deploy := incident.Deploy{}
	if window.ID > 0 {
		if err := c.postJSON(cmd.Context(), "/touchline/v1/deployments", map[string]any{"title": title, "labels": labelsOf(m.matchers)}, &deploy); err != nil {
			cmd.PrintErrf("The deployment could not be noted: %v\n", err)
		}
	}
	child := exec.CommandContext(cmd.Context(), args[0], args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, cmd.OutOrStdout(), cmd.ErrOrStderr()
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
	child.WaitDelay = 30 * time.Second
	ran := child.Run()
	// Whatever became of the command, what was opened for it is closed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), clientTimeout)
	defer cancel()
	if deploy.ID > 0 {
		if err := c.postJSON(ctx, fmt.Sprintf("/touchline/v1/deployments/%d/end", deploy.ID), map[string]bool{"failed": ran != nil}, nil); err != nil {
			cmd.PrintErrf("The end of the deployment could not be noted: %v\n", err)
		}
	}
	if window.ID > 0 {
		if err := c.postJSON(ctx, fmt.Sprintf("/touchline/v1/maintenance/%d/end", window.ID), nil, nil); err != nil {
			cmd.PrintErrf("Maintenance window %d could not be ended, and ends by itself: %v\n", window.ID, err)
		} else {
			cmd.PrintErrf("Maintenance window %d has ended\n", window.ID)
		}
	}
	var exit *exec.ExitError
	switch {
	case ran == nil:
		return nil
	case errors.As(ran, &exit) && exit.ExitCode() > 0:
		return &exitError{code: exit.ExitCode()}
	}
	return fmt.Errorf("run %s: %w", args[0], ran)
}

// labelsOf are the labels that matchers ask for by equality, for the note of the deployment.
func labelsOf(matchers []string) map[string]string {
	out := map[string]string{}
	for _, m := range matchers {
		name, value, ok := strings.Cut(m, "=")
		if ok && !strings.HasSuffix(name, "!") && !strings.HasPrefix(value, "~") {
			out[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return out
}
