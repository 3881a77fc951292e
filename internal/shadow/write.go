package shadow

import (
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

const shownPairs = 20

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Shadow of %s from %s to %s (%s), samples by %s", r.Prometheus, stamp(r.From), stamp(r.To), r.To.Sub(r.From).Round(time.Second), r.Mode)
	line("")
	line("same alerts        %d", r.Same)
	line("sooner than theirs %s", r.Sooner.Text())
	line("missed by us       %d", r.Missed)
	line("extra              %d", r.Extra)
	line("not compared       %d active before, %d at the very end", r.AlreadyActive, r.Undecided)
	if len(r.Rules) > 0 {
		line("")
		width := len("rule")
		for _, row := range r.Rules {
			width = max(width, len([]rune(row.Name)))
		}
		line("%-*s  same  missed  extra  sooner", width, "rule")
		for _, row := range r.Rules {
			line("%-*s  %4d  %6d  %5d  %s", width, row.Name, row.Same, row.Missed, row.Extra, row.Sooner.Text())
		}
	}
	list := func(title string, alerts []Alert) {
		if len(alerts) == 0 {
			return
		}
		line("")
		line("%s:", title)
		for _, a := range alerts {
			line("  %s to %s  %s  %s", stamp(a.Fired), a.Until(), labelText(a.Labels), a.Note)
		}
	}
	list("Missed by us", r.MissedList)
	list("Extra", r.ExtraList)
	if len(r.Pairs) > 0 {
		line("")
		line("Same (the first %d of %d):", min(shownPairs, len(r.Pairs)), len(r.Pairs))
		for _, p := range r.Pairs[:min(shownPairs, len(r.Pairs))] {
			decided := ""
			if p.Decided != "" {
				decided = "  decided by " + p.Decided
			}
			line("  ours %s  theirs %s  %+.2f s  %s%s", clock(p.Ours), clock(p.Theirs), p.Sooner, labelText(p.Labels), decided)
		}
	}
	line("")
	for _, l := range r.Limits {
		line("%s", l)
	}
	for _, e := range slices.Sorted(maps.Keys(r.Errors)) {
		line("%d times: %s", r.Errors[e], e)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Until writes the end of an alert.
func (a Alert) Until() string {
	if a.Ended == nil {
		return "the end"
	}
	return stamp(*a.Ended)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }

func labelText(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s=%q", k, m[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

var page = template.Must(template.New("shadow").Funcs(template.FuncMap{"stamp": stamp, "clock": clock, "labels": labelText}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Shadow of {{.Prometheus}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1d21;background:#fff}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #dde1e6;vertical-align:top}
th{font-weight:600}td.n{text-align:right}code{font-size:.9em;word-break:break-all}
@media (prefers-color-scheme:dark){body{color:#e4e7eb;background:#15181c}th,td{border-color:#343a41}}
</style></head><body>
<h1>Shadow of {{.Prometheus}}</h1>
<p>{{stamp .From}} to {{stamp .To}}, samples by {{.Mode}}.</p>
<table>
<tr><th>same alerts</th><td>{{.Same}}</td></tr>
<tr><th>sooner than theirs</th><td>{{.Sooner.Text}}</td></tr>
<tr><th>missed by us</th><td>{{.Missed}}</td></tr>
<tr><th>extra</th><td>{{.Extra}}</td></tr>
<tr><th>not compared</th><td>{{.AlreadyActive}} active before, {{.Undecided}} at the very end</td></tr>
</table>
{{if .Rules}}<h2>Rules</h2><table><tr><th>rule</th><th>same</th><th>missed</th><th>extra</th><th>sooner</th></tr>
{{range .Rules}}<tr><td>{{.Name}}</td><td class="n">{{.Same}}</td><td class="n">{{.Missed}}</td><td class="n">{{.Extra}}</td><td>{{.Sooner.Text}}</td></tr>
{{end}}</table>{{end}}
{{define "alerts"}}<table><tr><th>fired</th><th>until</th><th>labels</th><th></th></tr>
{{range .}}<tr><td>{{stamp .Fired}}</td><td>{{.Until}}</td><td><code>{{labels .Labels}}</code></td><td>{{.Note}}</td></tr>
{{end}}</table>{{end}}
{{if .MissedList}}<h2>Missed by us</h2>{{template "alerts" .MissedList}}{{end}}
{{if .ExtraList}}<h2>Extra</h2>{{template "alerts" .ExtraList}}{{end}}
{{if .Pairs}}<h2>Same</h2><table><tr><th>ours</th><th>theirs</th><th>sooner</th><th>labels</th><th>decided by</th></tr>
{{range .Pairs}}<tr><td>{{clock .Ours}}</td><td>{{clock .Theirs}}</td><td class="n">{{printf "%+.2f s" .Sooner}}</td><td><code>{{labels .Labels}}</code></td><td>{{.Decided}}</td></tr>
{{end}}</table>{{end}}
{{range .Limits}}<p>{{.}}</p>{{end}}
{{range $e, $n := .Errors}}<p>{{$n}} times: {{$e}}</p>{{end}}
</body></html>
`))

// WriteHTML writes the report as one page that needs nothing else.
func (r *Report) WriteHTML(w io.Writer) error { return page.Execute(w, r) }
