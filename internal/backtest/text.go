package backtest

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer) error { return r.write(w, false) }

// WriteMarkdown writes the report for the comment on a change.
func (r *Report) WriteMarkdown(w io.Writer) error { return r.write(w, true) }

func (r *Report) write(w io.Writer, markdown bool) error {
	p := &printer{w: w, markdown: markdown}
	p.heading("Backtest")
	p.line("%s from %s to %s (%s); %d rules unchanged; replayed in %.1f s.", r.Source, stamp(r.From), stamp(r.To),
		span(r.To.Sub(r.From).Seconds()), r.Unchanged, r.Took)
	p.line("Pages: %s. Flapping: fires again within %s.", r.PagesBy, span(r.FlapWindow))
	p.gap()
	head := []string{"rule", "status", "alerts", "pages/week", "firing", "delay p50", "p95", "max", "flaps"}
	var rows [][]string
	for i := range r.Rules {
		rr := &r.Rules[i]
		rows = append(rows, append([]string{rr.title(), rr.Status}, r.cells(rr.Pair)...))
	}
	rows = append(rows, append([]string{"total", ""}, r.cells(r.Total)...))
	p.table(head, rows)
	for i := range r.Rules {
		p.rule(&r.Rules[i], r.Compared)
	}
	for _, n := range r.Recorded {
		for _, m := range n.NoData {
			p.line("%s (recording rule, %s): no data for %s in the period: nothing can be said.", n.Name, n.Side, m)
		}
		if n.Failures > 0 {
			p.line("%s (recording rule, %s): %d evaluations failed, the first at %s", n.Name, n.Side, n.Failures, n.FirstFailure)
		}
	}
	p.gap()
	for _, l := range r.Limits {
		p.line("%s", l)
	}
	return p.err
}

func (rr *RuleReport) title() string {
	if rr.Labels == "" {
		return rr.Name
	}
	return rr.Name + " " + rr.Labels
}

// cells gives one line of the table: "before → after", or one figure where
// both are equal or only one side has any.
func (r *Report) cells(p Pair) []string {
	get := func(f func(*Figures) string) string {
		switch {
		case p.Before == nil && p.After == nil:
			return "-"
		case p.Before == nil && !r.Compared:
			return f(p.After)
		case p.Before == nil:
			return "- → " + f(p.After)
		case p.After == nil:
			return f(p.Before) + " → -"
		}
		b, a := f(p.Before), f(p.After)
		if a == b {
			return a
		}
		return b + " → " + a
	}
	delay := func(f func(*Delay) float64) string {
		return get(func(x *Figures) string {
			if x.Delay == nil {
				return "-"
			}
			return span(f(x.Delay))
		})
	}
	return []string{
		get(func(f *Figures) string {
			if f.FiringAtStart > 0 {
				return fmt.Sprintf("%d (+%d firing already)", f.Alerts, f.FiringAtStart)
			}
			return fmt.Sprint(f.Alerts)
		}),
		get(func(f *Figures) string { return fmt.Sprintf("%.4g", f.PagesPerWeek) }),
		get(func(f *Figures) string { return fmt.Sprintf("%.3g%%", 100*f.FiringShare) }),
		delay(func(d *Delay) float64 { return d.P50 }),
		delay(func(d *Delay) float64 { return d.P95 }),
		delay(func(d *Delay) float64 { return d.Max }),
		get(func(f *Figures) string { return fmt.Sprint(f.Flaps) }),
	}
}

type printer struct {
	w        io.Writer
	markdown bool
	err      error
}

func (p *printer) raw(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) line(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	p.raw("%s\n", text)
	if p.markdown {
		p.raw("\n")
	}
}

func (p *printer) gap() {
	if !p.markdown {
		p.raw("\n")
	}
}

func (p *printer) heading(s string) {
	if p.markdown {
		p.raw("### %s\n\n", s)
		return
	}
	p.raw("%s\n", s)
}

func (p *printer) table(head []string, rows [][]string) {
	if p.markdown {
		p.raw("| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
		for _, row := range rows {
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], "|", "\\|")
			}
			p.raw("| %s |\n", strings.Join(row, " | "))
		}
		p.raw("\n")
		return
	}
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, c := range row {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	for _, row := range append([][]string{head}, rows...) {
		var b strings.Builder
		for i, c := range row {
			b.WriteString(c)
			b.WriteString(strings.Repeat(" ", width[i]-len([]rune(c))+2))
		}
		p.raw("%s\n", strings.TrimRight(b.String(), " "))
	}
}

// rule tells what there is to tell about one rule beside its figures.
func (p *printer) rule(rr *RuleReport, compared bool) {
	notes := rr.notes()
	if rr.New+rr.Removed+rr.Changed == 0 && len(notes) == 0 {
		return
	}
	p.gap()
	p.heading(rr.title())
	for _, n := range notes {
		p.line("%s", n)
	}
	kind := "new"
	if !compared {
		kind = "alerts"
	}
	p.examples(kind, rr.New, rr.NewSome)
	p.examples("lost", rr.Removed, rr.RemovedSome)
	p.examples("changed", rr.Changed, rr.ChangedSome)
}

func (rr *RuleReport) notes() []string {
	var out []string
	for _, s := range []struct {
		name string
		f    *Figures
	}{{"before", rr.Before}, {"after", rr.After}} {
		if s.f == nil || s.name == "after" && rr.Status == "unchanged" {
			continue
		}
		for _, m := range s.f.NoData {
			out = append(out, fmt.Sprintf("%s: no data for %s in the period: nothing can be said.", s.name, m))
		}
		if s.f.Failures > 0 {
			out = append(out, fmt.Sprintf("%s: %d of %d evaluations failed, the first at %s", s.name, s.f.Failures, s.f.Evaluations, s.f.FirstFailure))
		}
	}
	if rr.SingleReason != "" {
		out = append(out, "Evaluated one time at a time, which is slow: "+rr.SingleReason+".")
	}
	return out
}

func (p *printer) examples(kind string, n int, some []Example) {
	if n == 0 {
		return
	}
	more := ""
	if n > len(some) {
		more = fmt.Sprintf(", of which the first %d", len(some))
	}
	p.line("%s: %d%s", kind, n, more)
	for _, e := range some {
		text := fmt.Sprintf("%s to %s  %s  value %.6g", stamp(e.Fired), until(e.Resolved), setText(e.Labels), float64(e.Value))
		if e.BeforeFired != nil {
			text += fmt.Sprintf("  (before: %s to %s", stamp(*e.BeforeFired), until(e.BeforeResolved))
			if e.BeforeLabels != nil {
				text += "  " + setText(e.BeforeLabels)
			}
			text += ")"
		}
		if p.markdown {
			text = "- `" + strings.ReplaceAll(text, "`", "'") + "`"
		} else {
			text = "  " + text
		}
		p.raw("%s\n", strings.ReplaceAll(text, "\n", " "))
	}
	if p.markdown {
		p.raw("\n")
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func until(t *time.Time) string {
	if t == nil {
		return "the end"
	}
	return stamp(*t)
}

func setText(m map[string]string) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%s=%q", k, m[k])
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

// span writes seconds as people do: 90 s, 15m, 7d.
func span(s float64) string {
	d := time.Duration(math.Round(s*1000)) * time.Millisecond
	switch {
	case d >= 24*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d >= time.Minute:
		text := d.Round(time.Second).String()
		if t, ok := strings.CutSuffix(text, "m0s"); ok {
			text = t + "m"
		}
		if t, ok := strings.CutSuffix(text, "h0m"); ok {
			text = t + "h"
		}
		return text
	}
	return fmt.Sprintf("%.3gs", d.Seconds())
}
