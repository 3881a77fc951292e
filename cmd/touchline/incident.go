package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/incident"
)

const incidentsPath = "/touchline/v1/incidents"

// incidentCommand is what all commands about incidents have in common.
type incidentCommand struct {
	flags  clientFlags
	output string
}

func (i *incidentCommand) register(cmd *cobra.Command) *cobra.Command {
	i.flags.register(cmd)
	cmd.Flags().StringVar(&i.output, "output", "text", "text or json")
	return cmd
}

func (i *incidentCommand) client() (*apiClient, error) {
	if i.output != "text" && i.output != "json" {
		return nil, fmt.Errorf("--output=%s is unknown; write text or json", i.output)
	}
	return i.flags.client()
}

func newIncidentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "incident",
		Short: "List incidents, take them, and see what happened",
		Long: "An alert group that fires opens an incident. Whoever acknowledges it stops its escalation;\n" +
			"all that happens and all that people do stands in its timeline.",
	}
	cmd.AddCommand(
		newIncidentListCommand(), newIncidentShowCommand(),
		incidentAction("ack NUMBER", "Take an incident; its escalation stops", "acknowledge", 1, nil),
		incidentAction("unack NUMBER", "Give an incident back; its escalation begins anew", "unacknowledge", 1, nil),
		incidentAction("assign NUMBER [USER]", "Say whose an incident is; nobody's without a user", "assign", 2, func(args []string) (any, error) {
			return map[string]string{"to": strings.Join(args, "")}, nil
		}),
		incidentAction("comment NUMBER TEXT…", "Write a comment into the timeline", "comments", 0, func(args []string) (any, error) {
			if len(args) == 0 {
				return nil, fmt.Errorf("the comment is missing; write it after the number")
			}
			return map[string]string{"text": strings.Join(args, " ")}, nil
		}),
		incidentAction("snooze NUMBER DURATION", "Keep an incident quiet for some time, such as 30m; 0s ends it", "snooze", 2, func(args []string) (any, error) {
			if len(args) == 0 {
				return nil, fmt.Errorf("the duration is missing; write one such as 30m after the number")
			}
			d, err := config.ParseDuration(args[0])
			if err != nil {
				return nil, err
			}
			return map[string]time.Time{"until": time.Now().Add(d)}, nil
		}),
		incidentAction("merge NUMBER INTO", "Make an incident part of another one", "merge", 2, func(args []string) (any, error) {
			if len(args) == 0 {
				return nil, fmt.Errorf("the other incident is missing; write its number after the first")
			}
			into, err := strconv.ParseInt(strings.TrimPrefix(args[0], "#"), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is not the number of an incident", args[0])
			}
			return map[string]int64{"into": into}, nil
		}),
		incidentAction("close NUMBER [REASON…]", "End an incident by hand", "close", 0, func(args []string) (any, error) {
			return map[string]string{"reason": strings.Join(args, " ")}, nil
		}),
		incidentAction("verdict NUMBER real|false_alarm|none", "Say whether an incident was real or a false alarm; none takes a verdict back", "verdict", 2, func(args []string) (any, error) {
			if len(args) == 0 {
				return nil, fmt.Errorf("the verdict is missing; write real, false_alarm or none after the number")
			}
			// As it is written in messages, it is the same.
			verdict := strings.NewReplacer(" ", "_", "-", "_").Replace(args[0])
			return map[string]string{"verdict": strings.TrimPrefix(verdict, "none")}, nil
		}),
		newPostmortemCommand(), newIncidentReportCommand(),
	)
	return cmd
}

func newIncidentListCommand() *cobra.Command {
	i := &incidentCommand{}
	var states []string
	var severity, assignee, words string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List incidents, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := i.client()
			if err != nil {
				return err
			}
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			for key, value := range map[string]string{"state": strings.Join(states, ","), "severity": severity, "assignee": assignee, "q": words} {
				if value != "" {
					q.Set(key, value)
				}
			}
			var page struct {
				Incidents  []incident.Incident `json:"incidents"`
				NextCursor string              `json:"next_cursor,omitempty"`
			}
			if err := c.getJSON(cmd.Context(), incidentsPath+"?"+q.Encode(), &page); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if i.output == "json" {
				return writeJSON(out, page)
			}
			if len(page.Incidents) == 0 {
				_, err := fmt.Fprintln(out, "No incidents.")
				return err
			}
			w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "NUMBER\tSTATE\tSEVERITY\tSINCE\tFOR\tWHOSE\tTITLE")
			for _, x := range page.Incidents {
				end := x.ResolvedAt
				if end.IsZero() {
					end = time.Now()
				}
				fmt.Fprintf(w, "#%d\t%s\t%s\t%s\t%s\t%s\t%s\n", x.ID, stateText(&x), x.Severity, x.OpenedAt.Local().Format("2006-01-02 15:04:05"),
					end.Sub(x.OpenedAt).Round(time.Second), x.Assignee, x.Title)
			}
			if page.NextCursor != "" {
				fmt.Fprintf(w, "There are more; --limit shows up to 1000.\n")
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringSliceVar(&states, "state", []string{"firing", "acknowledged"}, "only these: firing, acknowledged, resolved, closed, merged, or snoozed, which are firing or acknowledged; empty for all")
	cmd.Flags().StringVar(&severity, "severity", "", "only this severity")
	cmd.Flags().StringVar(&assignee, "assignee", "", "only whose they are")
	cmd.Flags().StringVarP(&words, "query", "q", "", "words of the title and of labels, such as: disk instance=db-1")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many")
	return i.register(cmd)
}

// stateText is an incident's state, and until when it is snoozed.
func stateText(i *incident.Incident) string {
	now := time.Now()
	if !i.Snoozed(now) {
		return string(i.State)
	}
	format := "15:04"
	if i.SnoozedUntil.Sub(now) > 20*time.Hour { // when a time of day could be another day's
		format = "2006-01-02 15:04"
	}
	return fmt.Sprintf("%s, snoozed until %s", i.State, i.SnoozedUntil.Local().Format(format))
}

func newIncidentShowCommand() *cobra.Command {
	i := &incidentCommand{}
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show an incident with its alerts, its timeline, and what else changed",
		Args:  wantArgs(1, 1, "the number of an incident", "touchline incident show 7"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := i.client()
			if err != nil {
				return err
			}
			path, err := incidentPath(args[0])
			if err != nil {
				return err
			}
			var d shownIncident
			if err := c.getJSON(cmd.Context(), path, &d); err != nil {
				return err
			}
			if err := c.getJSON(cmd.Context(), path+"/hints", &d); err != nil {
				return err
			}
			if i.output == "json" {
				return writeJSON(cmd.OutOrStdout(), d)
			}
			return showIncident(cmd.OutOrStdout(), &d)
		},
	}
	return i.register(cmd)
}

// shownIncident is an incident with what else changed when it began.
type shownIncident struct {
	incident.Detail
	Hints []incident.Hint `json:"hints"`
}

func showIncident(out io.Writer, d *shownIncident) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "#%d\t%s\n", d.ID, d.Title)
	fmt.Fprintf(w, "state\t%s\n", stateText(&d.Incident))
	fmt.Fprintf(w, "severity\t%s\n", d.Severity)
	for _, row := range [][2]string{{"whose", d.Assignee}, {"verdict", incident.VerdictText(d.Verdict)}} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	}
	fmt.Fprintln(w, "\nALERT\tSINCE\tENDED\tLABELS")
	for _, a := range d.Alerts {
		ended := "firing"
		if !a.EndsAt.IsZero() {
			ended = a.EndsAt.Local().Format("15:04:05")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Name, a.StartsAt.Local().Format("2006-01-02 15:04:05"), ended, labelsText(a.Labels))
	}
	fmt.Fprintln(w, "\nWHEN\tWHAT\tWHO\t")
	for _, e := range d.Timeline {
		what, text := e.Words("en")
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.At.Local().Format("2006-01-02 15:04:05.000"), what, e.Actor, strings.NewReplacer("\n", " ", "\t", " ").Replace(text))
	}
	if len(d.Hints) > 0 {
		fmt.Fprintln(w, "\nWHAT ELSE CHANGED\t\t\t")
		for _, h := range d.Hints {
			fmt.Fprintf(w, "%d. %s\t%s\t%s\t%s\n", h.Rank, h.Kind, h.At.Local().Format("15:04:05"), h.Verdict, hintText(&h))
		}
	}
	return w.Flush()
}

func hintText(h *incident.Hint) string {
	if after, ok := h.Follows(); ok {
		return fmt.Sprintf("%s – began %s after, so it is rather a consequence", h.Title, after.Round(time.Second))
	}
	return h.Title
}

func labelsText(ls map[string]string) string {
	raw, err := json.Marshal(ls)
	if err != nil {
		return ""
	}
	return string(raw)
}

func incidentPath(number string) (string, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(number, "#"), 10, 64)
	if err != nil || n < 1 {
		return "", &exitError{code: exitUsage, err: fmt.Errorf("%q is not the number of an incident; \"touchline incident list\" has them", number)}
	}
	return incidentsPath + "/" + strconv.FormatInt(n, 10), nil
}

// incidentAction is a command that does one thing to an incident. body makes what
// is sent of the arguments after the number.
func incidentAction(use, short, verb string, most int, body func(args []string) (any, error)) *cobra.Command {
	i := &incidentCommand{}
	name, _, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  wantArgs(1, most, "the number of an incident", "touchline incident "+name+" 7"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := i.client()
			if err != nil {
				return err
			}
			path, err := incidentPath(args[0])
			if err != nil {
				return err
			}
			var send any
			if body != nil {
				if send, err = body(args[1:]); err != nil {
					return &exitError{code: exitUsage, err: err}
				}
			}
			var now incident.Incident
			if err := c.postJSON(cmd.Context(), path+"/"+verb, send, &now); err != nil {
				return err
			}
			if i.output == "json" {
				return writeJSON(cmd.OutOrStdout(), now)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "#%d %s: %s\n", now.ID, now.Title, stateText(&now))
			return err
		},
	}
	return i.register(cmd)
}

func newPostmortemCommand() *cobra.Command {
	flags := &clientFlags{}
	var language, format, file string
	cmd := &cobra.Command{
		Use:   "postmortem NUMBER",
		Short: "Write what a team reviews an incident from",
		Args:  wantArgs(1, 1, "the number of an incident", "touchline incident postmortem 7 --file=postmortem.md"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.client()
			if err != nil {
				return err
			}
			path, err := incidentPath(args[0])
			if err != nil {
				return err
			}
			raw, err := c.getRaw(cmd.Context(), path+"/postmortem?"+url.Values{"lang": {language}, "format": {format}}.Encode())
			if err != nil {
				return err
			}
			if file == "" {
				_, err = cmd.OutOrStdout().Write(raw)
				return err
			}
			f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return fmt.Errorf("write post-mortem: %w; name a file that is not there yet", err)
			}
			if _, err := f.Write(raw); err != nil {
				_ = f.Close()
				return fmt.Errorf("write post-mortem: %w", err)
			}
			return f.Close()
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&language, "lang", "en", "en or zh")
	cmd.Flags().StringVar(&format, "format", "md", "md or json")
	cmd.Flags().StringVar(&file, "file", "", "file to write, which must not be there; empty prints it")
	return cmd
}

func newIncidentReportCommand() *cobra.Command {
	i := &incidentCommand{}
	var since string
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Sum up the incidents of the last week, or of another time",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := i.client()
			if err != nil {
				return err
			}
			d, err := config.ParseDuration(since)
			if err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("--since: %w", err)}
			}
			now := time.Now()
			q := url.Values{"from": {now.Add(-d).Format(time.RFC3339)}, "to": {now.Add(time.Second).Format(time.RFC3339)}}
			var r incident.Report
			if err := c.getJSON(cmd.Context(), "/touchline/v1/reports/incidents?"+q.Encode(), &r); err != nil {
				return err
			}
			if i.output == "json" {
				return writeJSON(cmd.OutOrStdout(), r)
			}
			return writeReport(cmd.OutOrStdout(), &r)
		},
	}
	cmd.Flags().StringVar(&since, "since", "7d", "how far back")
	return i.register(cmd)
}

func writeReport(out io.Writer, r *incident.Report) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "%d incidents from %s to %s", r.Incidents, r.From.Local().Format("2006-01-02 15:04"), r.To.Local().Format("2006-01-02 15:04"))
	if r.Precision != nil {
		fmt.Fprintf(w, "; %.0f%% of the %d with a verdict were real", 100**r.Precision, r.Judged)
	}
	fmt.Fprintln(w)
	if len(r.Severities) > 0 {
		fmt.Fprintln(w, "\nSEVERITY\tINCIDENTS\tTOLD AFTER p50\tp95\tACKNOWLEDGED AFTER p50\tp95\tREPAIRED AFTER p50\tp95")
		for _, s := range r.Severities {
			fmt.Fprintf(w, "%s\t%d", s.Severity, s.Incidents)
			for _, x := range []incident.Spread{s.Detect, s.Acknowledge, s.Repair} {
				if x.Count == 0 {
					fmt.Fprint(w, "\t–\t–")
					continue
				}
				fmt.Fprintf(w, "\t%s\t%s", secondsText(x.P50), secondsText(x.P95))
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, "\nRULE\tFIRED\tINCIDENTS\tFALSE ALARMS")
		for _, x := range r.Rules {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", x.Name, x.Fired, x.Incidents, x.FalseAlarm)
		}
	}
	if r.Cut {
		fmt.Fprintln(w, "\nThere was more than a report can hold; ask for a shorter time with --since.")
	}
	if len(r.Woken) > 0 {
		fmt.Fprintln(w, "\nCALLED AT\tINCIDENT\tWHO\tRECEIVERS")
		for _, x := range r.Woken {
			fmt.Fprintf(w, "%s\t#%d\t%s\t%s\n", x.At.Local().Format("2006-01-02 15:04:05"), x.Incident, strings.Join(x.People, ", "), strings.Join(x.Receivers, ", "))
		}
	}
	return w.Flush()
}

func secondsText(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// postJSON sends a value, nil for none, and decodes the answer.
func (c *apiClient) postJSON(ctx context.Context, path string, send, out any) error {
	if send == nil {
		return c.do(ctx, http.MethodPost, path, "", nil, out)
	}
	raw, err := json.Marshal(send)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	return c.do(ctx, http.MethodPost, path, "application/json", bytes.NewReader(raw), out)
}

// getRaw asks for path and returns the answer as it is.
func (c *apiClient) getRaw(ctx context.Context, path string) (raw []byte, err error) {
	err = c.do(ctx, http.MethodGet, path, "", nil, &raw)
	return raw, err
}
