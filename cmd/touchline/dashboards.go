package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/dashboard"
)

const dashboardsPath = "/touchline/v1/dashboards"

func newDashboardsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dashboards",
		Short: "Import, list, export and print dashboards",
		Long: "Dashboards are Grafana's JSON. What is imported is kept as it is, with versions; a dashboard that comes\n" +
			"from a file of the provisioning folder is changed in its file only.",
	}
	cmd.AddCommand(newDashboardsImportCommand(), newDashboardsListCommand(), newDashboardsExportCommand(), newDashboardsPrintCommand())
	return cmd
}

// dashboardImport is what an import was asked for.
type dashboardImport struct {
	flags     clientFlags
	folder    string
	message   string
	overwrite bool
	inputs    map[string]string
}

func newDashboardsImportCommand() *cobra.Command {
	i := &dashboardImport{}
	cmd := &cobra.Command{
		Use:   "import PATH…",
		Short: "Import dashboards from files, or all that a folder has",
		Long: "Import Grafana's JSON: exports, answers of its API, schema v2. A folder is searched for *.json that are\n" +
			"dashboards. Each file is imported by itself; the exit code is 1 where one was not taken.",
		Example: "  touchline dashboards import node.json --folder Hosts --input DS_PROMETHEUS=touchline",
		Args:    wantArgs(1, 0, "files or folders with dashboards", "touchline dashboards import node.json"),
		RunE:    i.run,
	}
	i.flags.register(cmd)
	cmd.Flags().StringVar(&i.folder, "folder", "", "title of the folder to import into")
	cmd.Flags().StringVarP(&i.message, "message", "m", "", "what has changed, for the list of versions")
	cmd.Flags().BoolVar(&i.overwrite, "overwrite", false, "replace dashboards that have the same uid")
	cmd.Flags().StringToStringVar(&i.inputs, "input", nil, "what stands for an input of an export, such as DS_PROMETHEUS=touchline; may be repeated")
	return cmd
}

func (i *dashboardImport) run(cmd *cobra.Command, args []string) error {
	c, err := i.flags.client()
	if err != nil {
		return err
	}
	var files []string
	named := map[string]bool{}
	for _, path := range args {
		found, err := dashboardFiles(path)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		files = append(files, found...)
		named[path] = true
	}
	failed, taken := 0, 0
	for _, file := range files {
		saved, err := i.send(cmd, c, file)
		var gone *noServerError
		var e *dashboard.Error
		switch {
		case errors.As(err, &gone):
			return err
		case errors.As(err, &e) && e.NoDashboard && !named[file]:
			cmd.PrintErrf("%s: left out: it is not a dashboard\n", file)
		case err != nil:
			failed++
			cmd.PrintErrf("%s: %v\n", file, err)
		default:
			taken++
			for _, w := range saved.Warnings {
				cmd.PrintErrf("%s: warning: %s\n", file, w)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, version %d\n", file, saved.URL, saved.Version)
		}
	}
	if failed > 0 {
		return &exitError{exitFindings, fmt.Errorf("%s not taken", counted(failed, "dashboard"))}
	}
	if taken == 0 {
		return &exitError{exitUsage, errors.New("there is no dashboard in what was named")}
	}
	return nil
}

// dashboardFiles are a file, or all JSON files below a folder.
func dashboardFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("import %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var out []string
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && p != path && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case !e.IsDir() && strings.EqualFold(filepath.Ext(p), ".json"):
			out = append(out, p)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", path, err)
	}
	return out, nil
}

// savedDashboard is what the server answers.
type savedDashboard struct {
	UID      string   `json:"uid"`
	URL      string   `json:"url"`
	Version  int64    `json:"version"`
	Warnings []string `json:"warnings"`
}

func (i *dashboardImport) send(cmd *cobra.Command, c *apiClient, file string) (savedDashboard, error) {
	var saved savedDashboard
	f, err := os.Open(file)
	if err != nil {
		return saved, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, 2*dashboard.MaxSize))
	if err != nil {
		return saved, err
	}
	// What is wrong with it is told with its place in the file.
	d, err := dashboard.Parse(string(raw))
	if err != nil {
		return saved, err
	}
	rest := map[string]any{"message": i.message, "overwrite": i.overwrite}
	if cmd.Flags().Changed("folder") {
		rest["folder"] = i.folder
	}
	inputs := map[string]string{}
	for _, in := range d.Inputs {
		if v, ok := i.inputs[in.Name]; ok {
			inputs[in.Name] = v
		}
	}
	if len(inputs) > 0 {
		rest["inputs"] = inputs
	}
	fields, err := json.Marshal(rest)
	if err != nil {
		return saved, fmt.Errorf("import: %w", err)
	}
	// The text goes as it is: encoding it would rewrite it.
	body := `{"dashboard":` + d.Text + "," + string(fields[1:])
	return saved, c.do(cmd.Context(), http.MethodPost, dashboardsPath, "application/json", strings.NewReader(body), &saved)
}

func newDashboardsListCommand() *cobra.Command {
	var flags clientFlags
	var output, query, tag, folder string
	var starred bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dashboards",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return &exitError{exitUsage, fmt.Errorf("--output=%s is unknown; write text or json", output)}
			}
			c, err := flags.client()
			if err != nil {
				return err
			}
			q := url.Values{"limit": {"1000"}}
			for key, value := range map[string]string{"query": query, "tag": tag, "folder": folder} {
				if value != "" {
					q.Set(key, value)
				}
			}
			if starred {
				q.Set("starred", strconv.FormatBool(true))
			}
			list := []dashboard.Meta{}
			for {
				var page struct {
					Dashboards []dashboard.Meta
					Next       string
				}
				if err := c.getJSON(cmd.Context(), dashboardsPath+"?"+q.Encode(), &page); err != nil {
					return err
				}
				list = append(list, page.Dashboards...)
				if page.Next == "" {
					break
				}
				q.Set("cursor", page.Next)
			}
			if output == "json" {
				return writeJSON(cmd.OutOrStdout(), map[string]any{"dashboards": list})
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "No dashboards.")
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "UID\tTITLE\tFOLDER\tPANELS\tVERSION\tUPDATED\tBY")
			for _, m := range list {
				by, when := m.UpdatedBy, m.Updated.Local().Format("2006-01-02 15:04")
				if m.Provisioned && by == "" {
					by = "file"
				}
				if m.Updated.IsZero() {
					when = "-"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", m.UID, m.Title, m.Folder, m.Panels, m.Version, when, by)
			}
			return w.Flush()
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	cmd.Flags().StringVarP(&query, "query", "q", "", "words of title, folder and tags")
	cmd.Flags().StringVar(&tag, "tag", "", "only with this tag")
	cmd.Flags().StringVar(&folder, "folder", "", "only in this folder")
	cmd.Flags().BoolVar(&starred, "starred", false, "only those that one has starred")
	return cmd
}

func newDashboardsExportCommand() *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "export UID",
		Short: "Print a dashboard's JSON",
		Args:  wantArgs(1, 1, "the uid of a dashboard", "touchline dashboards export node"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.client()
			if err != nil {
				return err
			}
			var answer struct {
				Dashboard json.RawMessage `json:"dashboard"`
			}
			if err := c.getJSON(cmd.Context(), dashboardsPath+"/"+url.PathEscape(args[0]), &answer); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), string(answer.Dashboard))
			return err
		},
	}
	flags.register(cmd)
	return cmd
}
