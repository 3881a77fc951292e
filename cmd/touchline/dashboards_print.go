package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/browser"
	"touchline.dev/touchline/internal/dashboard"
)

// maxPicture is how long a side of a PNG can be, in device pixels; browsers draw no more.
const maxPicture = 16384

// dashboardPrint is what a dashboard is printed with.
type dashboardPrint struct {
	flags    clientFlags
	output   string
	format   string
	from, to string
	timezone string
	theme    string
	language string
	paper    string
	browser  string
	vars     []string
	panel    int
	width    int
	scale    float64
	openRows bool
	timeout  time.Duration
}

func newDashboardsPrintCommand() *cobra.Command {
	p := &dashboardPrint{}
	cmd := &cobra.Command{
		Use:   "print UID",
		Short: "Print a dashboard as PDF or PNG",
		Long: "Draw a dashboard as the console shows it, with all its panels, and write it as PDF or PNG, for reports.\n" +
			"A headless Chromium (or Chrome, or Edge) of this machine draws; the server can be on another one.\n" +
			"The exit code is 1 where it was written, but a panel shows an error.",
		Example: "  touchline dashboards print touchline-system --output=week.pdf --from=now-7d --paper=a4\n" +
			"  touchline dashboards print node --output=cpu.png --panel=4 --var=instance=db-1 --var=instance=db-2",
		Args: wantArgs(1, 1, "the uid of a dashboard, as \"touchline dashboards list\" says", "touchline dashboards print touchline-system --output=week.pdf"),
		RunE: p.run,
	}
	p.flags.register(cmd)
	f := cmd.Flags()
	f.StringVarP(&p.output, "output", "o", "", "file to write, *.pdf or *.png, or - for standard output; UID.pdf unless given")
	f.StringVar(&p.format, "format", "", "pdf or png, if the name of the file does not say so")
	f.StringVar(&p.from, "from", "", "where the time range begins, such as now-24h or 2026-11-26T00:00:00Z; as the dashboard says unless given")
	f.StringVar(&p.to, "to", "", "where it ends; as the dashboard says unless given")
	f.StringVar(&p.timezone, "timezone", "", "time zone of times, such as utc or Asia/Shanghai; as the dashboard says, or that of this machine, unless given")
	f.StringArrayVar(&p.vars, "var", nil, "value of a variable, as NAME=VALUE; may be repeated, also for one name")
	f.IntVar(&p.panel, "panel", 0, "id of the only panel to print; all unless given")
	f.BoolVar(&p.openRows, "open-rows", false, "open rows that are closed, too")
	f.StringVar(&p.paper, "paper", "page", "sheet of a PDF: page (one sheet as large as the dashboard), a3, a4, letter, or landscape (A4 across)")
	f.StringVar(&p.theme, "theme", "light", "light or dark")
	f.StringVar(&p.language, "language", "en", "en or zh")
	f.IntVar(&p.width, "width", 1280, "width to draw for, in pixels")
	f.Float64Var(&p.scale, "scale", 2, "pixels of the picture for one of the width")
	f.StringVar(&p.browser, "browser", os.Getenv("CHROMIUM"), "browser to draw with (CHROMIUM); the first of Chromium, Chrome and Edge in PATH unless given")
	f.DurationVar(&p.timeout, "timeout", time.Minute, "how long to wait until all panels are drawn")
	return cmd
}

func (p *dashboardPrint) run(cmd *cobra.Command, args []string) error {
	uid := args[0]
	query, err := p.check(uid)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	c, err := p.flags.client()
	if err != nil {
		return err
	}
	// What is not there, or not for this token, is told in words before a browser starts.
	var kept struct {
		Meta      dashboard.Meta
		Dashboard json.RawMessage
	}
	if err := c.getJSON(cmd.Context(), dashboardsPath+"/"+url.PathEscape(uid), &kept); err != nil {
		return err
	}
	for name := range query {
		v, ok := strings.CutPrefix(name, "var-")
		if ok && !regexp.MustCompile(`"name"\s*:\s*"`+regexp.QuoteMeta(v)+`"`).Match(kept.Dashboard) {
			cmd.PrintErrf("warning: the dashboard has no variable %s\n", v)
		}
	}
	path, err := browser.Find(p.browser)
	if err != nil {
		return err
	}
	language := "en-GB"
	if p.language == "zh" {
		language = "zh-CN"
	}
	b, err := browser.Start(browser.Options{
		Path: path, Server: c.base, Authorization: c.authorization(), Language: language,
		Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(cmd.Context(), p.timeout)
	defer stop()
	content, seen, err := p.draw(ctx, b, c.base.String()+"/ui/d/"+url.PathEscape(uid)+"?"+query.Encode())
	if e := b.Close(); e != nil {
		cmd.PrintErrf("warning: %v\n", e)
	}
	if err != nil {
		return err
	}
	if err := p.write(cmd.OutOrStdout(), content); err != nil {
		return err
	}
	broken := 0
	for _, panel := range seen.Panels {
		if panel.State == "error" {
			broken++
			cmd.PrintErrf("warning: panel %d (%s) shows an error: %s\n", panel.ID, panel.Title, panel.Problem)
		}
	}
	if p.output != "-" {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s, %s\n", p.output, kept.Meta.Title, counted(seen.drawn(), "panel"))
	}
	if broken > 0 {
		return &exitError{exitFindings, fmt.Errorf("it is written, with errors in %s", counted(broken, "panel"))}
	}
	return nil
}

// check says what is wrong with the flags, and returns the query of the page's address.
func (p *dashboardPrint) check(uid string) (url.Values, error) {
	if p.output == "" {
		p.output = strings.Map(func(r rune) rune {
			if strings.ContainsRune(`/\:*?"<>|`, r) {
				return '_'
			}
			return r
		}, uid) + "." + cmp.Or(p.format, "pdf")
	}
	if ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(p.output), ".")); p.format == "" {
		p.format = ext
	}
	if p.format != "pdf" && p.format != "png" {
		return nil, fmt.Errorf("--output=%s names neither a PDF nor a PNG; end it in .pdf or .png, or add --format=pdf or --format=png", p.output)
	}
	if _, ok := browser.Papers[p.paper]; !ok {
		return nil, fmt.Errorf("--paper=%s is unknown; write one of %s", p.paper, strings.Join(slices.Sorted(maps.Keys(browser.Papers)), ", "))
	}
	if p.format == "png" && p.paper != "page" {
		return nil, errors.New("--paper is of PDF; a PNG is one picture")
	}
	if p.theme != "light" && p.theme != "dark" {
		return nil, fmt.Errorf("--theme=%s is unknown; write light or dark", p.theme)
	}
	if p.language != "en" && p.language != "zh" {
		return nil, fmt.Errorf("--language=%s is unknown; write en or zh", p.language)
	}
	if p.width < 300 || p.width > 8000 {
		return nil, fmt.Errorf("--width=%d is out of range; write 300 to 8000", p.width)
	}
	if p.scale < 0.5 || p.scale > 4 {
		return nil, fmt.Errorf("--scale=%g is out of range; write 0.5 to 4", p.scale)
	}
	q := url.Values{"print": {strconv.FormatFloat(browser.Papers[p.paper].Length(p.width), 'f', 3, 64)}, "refresh": {"off"}}
	for name, value := range map[string]string{"from": p.from, "to": p.to, "timezone": p.timezone} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if p.to == "" && p.from != "" {
		q.Set("to", "now")
	}
	for _, v := range p.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--var=%s has no name and value; write --var=NAME=VALUE", v)
		}
		q.Add("var-"+name, value)
	}
	if p.panel != 0 {
		q.Set("viewPanel", strconv.Itoa(p.panel))
	}
	return q, nil
}

// seenPage is what a page tells of itself.
type seenPage struct {
	Ready  bool    `json:"ready"`
	Height float64 `json:"height"`
	Closed int     `json:"closed"` // rows
	Failed string  `json:"failed"` // why there is no dashboard
	Panels []struct {
		ID      int    `json:"id"`
		Title   string `json:"title"`
		Type    string `json:"type"`
		State   string `json:"state"`
		Problem string `json:"problem"`
	} `json:"panels"`
}

func (s *seenPage) drawn() int {
	n := 0
	for _, p := range s.Panels {
		if p.Type != "row" && p.Type != "tabs" {
			n++
		}
	}
	return n
}

// lookAtPage is JavaScript whose value is a seenPage. With true rows are opened.
const lookAtPage = `((open) => {
  const text = (e) => (e?.textContent ?? '').replace(/\s+/g, ' ').trim();
  const root = document.querySelector('[data-dashboard-state]');
  const panels = [...document.querySelectorAll('[data-panel-id]')].map((e) => ({
    id: Number(e.dataset.panelId), title: text(e.querySelector('h2, h3')), type: e.dataset.panelType, state: e.dataset.panelState,
    problem: text(e.querySelector('.panel-problem-text')).slice(0, 300),
  }));
  const closed = [...document.querySelectorAll('.dash-row button[aria-expanded=false]')];
  if (open) for (const c of closed) c.click();
  const busy = panels.some((p) => p.state === 'loading') || document.querySelector('main .skeleton, main .panel-busy') || document.fonts.status !== 'loaded';
  return {
    ready: root?.dataset.dashboardState === 'ready' && !busy, closed: closed.length, panels,
    height: Math.ceil(document.querySelector('main')?.getBoundingClientRect().bottom ?? 0),
    failed: root && panels.length === 0 ? text(document.querySelector('main [role=alert], main .empty')) : '',
  };
})(%t)`

func (p *dashboardPrint) draw(ctx context.Context, b *browser.Browser, address string) ([]byte, *seenPage, error) {
	page, err := b.Open(ctx, address, browser.Look{Width: p.width, Scale: p.scale, Theme: p.theme})
	if err != nil {
		return nil, nil, err
	}
	seen, err := p.settle(ctx, page)
	if err != nil {
		return nil, nil, err
	}
	height := int(seen.Height)
	if p.format == "pdf" {
		if p.paper == "page" && height > browser.MaxSheet {
			return nil, nil, fmt.Errorf("the dashboard is %d pixels high, and a sheet at most %d; write --paper=a4 for several sheets, or a larger --width", height, browser.MaxSheet)
		}
		content, err := page.PDF(ctx, browser.Papers[p.paper], height)
		return content, seen, err
	}
	scale := min(p.scale, maxPicture/float64(max(height, p.width)))
	if scale < 0.5 {
		return nil, nil, fmt.Errorf("the dashboard is %d pixels high, too many for a picture; write a PDF, or one panel with --panel", height)
	}
	if err := page.Resize(ctx, height, scale); err != nil {
		return nil, nil, err
	}
	if seen, err = p.settle(ctx, page); err != nil {
		return nil, nil, err
	}
	content, err := page.PNG(ctx)
	return content, seen, err
}

// settle waits until all is drawn, and nothing has moved for some looks.
func (p *dashboardPrint) settle(ctx context.Context, page *browser.Page) (*seenPage, error) {
	const looks = 4
	var seen seenPage
	still, height := 0, 0.0
	err := page.Until(ctx, fmt.Sprintf(lookAtPage, p.openRows), &seen, func() bool {
		done := seen.Ready && seen.Height == height && (seen.Closed == 0 || !p.openRows)
		if height = seen.Height; !done {
			still = 0
			return false
		}
		still++
		return still >= looks
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		var waits []string
		for _, panel := range seen.Panels {
			if panel.State == "loading" {
				waits = append(waits, fmt.Sprintf("%d (%s)", panel.ID, panel.Title))
			}
		}
		what := "the page did not become ready"
		if len(waits) > 0 {
			what = "still loading: panel " + strings.Join(waits, ", ")
		}
		return nil, fmt.Errorf("%s after %s; give it more with --timeout", what, p.timeout)
	case err != nil:
		return nil, err
	case seen.Failed != "":
		return nil, errors.New(seen.Failed)
	case seen.drawn() == 0:
		return nil, errors.New("there is no panel on it: its rows are closed, which --open-rows opens, or the one that --panel names is a row")
	}
	return &seen, nil
}

// write writes the file, or standard output.
func (p *dashboardPrint) write(out io.Writer, content []byte) error {
	if p.output == "-" {
		_, err := out.Write(content)
		return err
	}
	if err := os.WriteFile(p.output, content, 0o644); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
