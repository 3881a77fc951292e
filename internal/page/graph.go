package page

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of one graph.
const (
	graphPoints   = 240
	maxRows       = 1000
	maxExpression = 32 << 10
	defaultRange  = time.Hour
	maxRange      = 10 * 365 * 24 * time.Hour
)

// ranges are the choices of the form.
var ranges = []string{"5m", "15m", "1h", "6h", "1d", "1w", "4w"}

// examples fill the empty page.
var examples = []string{
	"up",
	`100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[1m])))`,
	"node_memory_MemAvailable_bytes",
	"topk(5, scrape_duration_seconds)",
}

// graphParams is what the address of a graph says. The names are those of
// Prometheus's own console, so that the links in its alerts work.
type graphParams struct {
	Expr  string
	Table bool
	Range time.Duration
	End   time.Time // zero for now
}

// parseGraphParams reads g0.*; what it does not understand gets its default,
// because these links are old and made elsewhere.
func parseGraphParams(q url.Values) graphParams {
	g := graphParams{Expr: strings.TrimSpace(q.Get("g0.expr")), Range: defaultRange}
	if len(g.Expr) > maxExpression {
		g.Expr = g.Expr[:maxExpression]
	}
	switch q.Get("g0.tab") {
	case "1", "table":
		g.Table = true
	case "":
		// A link without a tab is an alert's generatorURL of old.
		g.Table = false
	}
	if d, ok := parseRange(q.Get("g0.range_input")); ok {
		g.Range = d
	}
	for _, name := range []string{"g0.end_input", "g0.moment_input"} {
		if t, ok := parseMoment(q.Get(name)); ok {
			g.End = t
			break
		}
	}
	return g
}

// parseRange reads a duration in Prometheus's notation, such as 1h30m or 2d.
func parseRange(s string) (time.Duration, bool) {
	units := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour}
	s = strings.TrimSpace(s)
	var total time.Duration
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 || i > 9 {
			return 0, false
		}
		n, err := strconv.Atoi(s[:i])
		if err != nil {
			return 0, false
		}
		s = s[i:]
		j := strings.IndexFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
		if j < 0 {
			j = len(s)
		}
		unit, ok := units[s[:j]]
		if !ok || time.Duration(n) > maxRange/unit {
			return 0, false
		}
		total += time.Duration(n) * unit
		s = s[j:]
		if total > maxRange {
			return 0, false
		}
	}
	return total, total >= time.Second
}

func parseMoment(s string) (time.Time, bool) {
	if s == "" || len(s) > 40 {
		return time.Time{}, false
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1971 && t.Year() < 3000 {
			return t, true
		}
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil && v > 0 && v < 1e11 {
		return time.UnixMilli(int64(v * 1000)).UTC(), true
	}
	return time.Time{}, false
}

type graphBody struct {
	Expr     string
	Table    bool
	Range    string
	Ranges   []string
	End      string
	Err      string
	Warnings []string
	Drawing  template.HTML
	Legend   []legendRow
	Rows     []valueRow
	Total    int
	Shown    int
	Examples []string
	From, To time.Time
}

type legendRow struct {
	Class  string
	Labels string
	Last   string
}

type valueRow struct{ Labels, Value string }

func (p *Page) graph(w http.ResponseWriter, r *http.Request) error {
	v := p.newView(r, "explore", "Explore")
	g := parseGraphParams(r.URL.Query())
	b := &graphBody{Expr: g.Expr, Table: g.Table, Range: rangeText(g.Range), Ranges: ranges, Examples: examples}
	if !g.End.IsZero() {
		b.End = g.End.UTC().Format("2006-01-02 15:04:05")
	}
	known := false
	for _, c := range ranges {
		known = known || c == b.Range
	}
	if !known {
		b.Ranges = append([]string{b.Range}, ranges...)
	}
	v.Body = b
	if g.Expr == "" {
		return p.render(w, "graph", http.StatusOK, v)
	}
	var err error
	if g.Table {
		err = p.fillTable(r, b, g)
	} else {
		err = p.fillGraph(r, b, g)
	}
	if err != nil {
		b.Err = strings.TrimPrefix(strings.TrimPrefix(err.Error(), "ask /api/v1/query_range: "), "ask /api/v1/query: ")
		v.Mark = "warning"
	}
	return p.render(w, "graph", http.StatusOK, v)
}

func (p *Page) fillTable(r *http.Request, b *graphBody, g graphParams) error {
	res, err := p.api.instant(r.Context(), g.Expr, g.End)
	if err != nil {
		return err
	}
	b.Warnings = res.Warnings
	switch {
	case res.Scalar != nil:
		b.Rows = []valueRow{{"scalar", exact(res.Scalar.V)}}
	case res.Type == "string":
		b.Rows = []valueRow{{"string", res.Text}}
	}
	for _, s := range res.Series[:min(len(res.Series), maxRows)] {
		row := valueRow{Labels: labelText(s.Metric)}
		switch {
		case s.Value != nil:
			row.Value = exact(s.Value.V)
		case len(s.Values) > 0:
			row.Value = exact(s.Values[len(s.Values)-1].V)
		case len(s.Histogram) > 0:
			row.Value = translate(language(r), "native histogram")
		}
		b.Rows = append(b.Rows, row)
	}
	b.Total, b.Shown = max(len(res.Series), len(b.Rows)), len(b.Rows)
	return nil
}

func (p *Page) fillGraph(r *http.Request, b *graphBody, g graphParams) error {
	end := g.End
	if end.IsZero() {
		end = p.now()
	}
	step := max(g.Range/graphPoints, time.Second).Truncate(time.Millisecond)
	// Aligned to the step, so that a refresh does not make the line shimmer.
	end = end.Truncate(step)
	start := end.Add(-g.Range).Truncate(step)
	res, err := p.api.between(r.Context(), g.Expr, start, end, step)
	if err != nil {
		return err
	}
	b.Warnings, b.From, b.To = res.Warnings, start, end
	b.Total, b.Shown = len(res.Series), min(len(res.Series), maxDrawn)
	if b.Total == 0 {
		return nil
	}
	b.Drawing = drawGraph(res.Series, start, end, step)
	for i, s := range res.Series[:b.Shown] {
		row := legendRow{Class: "s" + strconv.Itoa(i), Labels: labelText(s.Metric), Last: "–"}
		if n := len(s.Values); n > 0 {
			row.Last = digits(s.Values[n-1].V)
		}
		b.Legend = append(b.Legend, row)
	}
	return nil
}

func exact(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// rangeText prints a range in the notation that parseRange reads.
func rangeText(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{7 * 24 * time.Hour, "w"}, {24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= u.size && d%u.size == 0 {
			return strconv.Itoa(int(d/u.size)) + u.name
		}
	}
	return strconv.Itoa(int(d/time.Second)) + "s"
}
