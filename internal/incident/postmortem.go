package incident

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Postmortem is what a team writes its review of an incident from.
type Postmortem struct {
	Detail
	Language string   `json:"language"`
	Graphs   []Graph  `json:"graphs"`
	Hints    []Hint   `json:"hints"`
	Unread   string   `json:"hints_unread,omitempty" doc:"Why a part of the hints is not there."`
	Actors   []Actor  `json:"who_did_what"`
	Actions  []Action `json:"action_items" doc:"To be filled in."`
	Whys     []string `json:"five_whys" doc:"To be filled in."`
}

// Graph is what an alert's expression was at that time.
type Graph struct {
	Alert  string       `json:"alert"`
	Expr   string       `json:"expr"`
	Link   string       `json:"link"`
	Series []GraphLine  `json:"series"`
	Unread string       `json:"unread,omitempty" doc:"Why there are no series."`
	From   time.Time    `json:"from"`
	To     time.Time    `json:"to"`
	lines  []graphPoint // for the drawing
}

// GraphLine is one series of a graph, in words.
type GraphLine struct {
	Labels map[string]string `json:"labels"`
	Min    float64           `json:"min"`
	Max    float64           `json:"max"`
	Points []Point           `json:"points"`
}

// Point is one value.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

type graphPoint struct {
	labels string
	spark  string
	lo, hi float64
}

// Actor is somebody with what they did.
type Actor struct {
	Name string   `json:"name"`
	Did  []string `json:"did"`
}

// Action is something to do after an incident.
type Action struct {
	What  string `json:"what"`
	Owner string `json:"owner"`
	Due   string `json:"due"`
}

// Bounds of a post-mortem's graphs.
const (
	graphAround = 15 * time.Minute
	graphPoints = 60
	graphSeries = 8
	maxGraphs   = 6
)

// Query reads an expression over a time.
type Query func(ctx context.Context, expr string, from, to time.Time, step time.Duration, limit int) ([]Series, error)

// Postmortem collects what is known of an incident. query is nil where no graph can be had.
func (s *Service) Postmortem(ctx context.Context, id int64, language string, query Query) (*Postmortem, error) {
	d, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	p := &Postmortem{Detail: d, Language: language, Graphs: []Graph{}, Actors: []Actor{}, Actions: []Action{{}}, Whys: make([]string, 5)}
	if p.Hints, err = s.Hints(ctx, id); err != nil {
		part, ok := errors.AsType[*PartError](err)
		if !ok {
			return nil, err
		}
		p.Unread = part.Error()
	}
	for _, e := range d.Timeline {
		if e.Actor == "" {
			continue
		}
		n := slices.IndexFunc(p.Actors, func(a Actor) bool { return a.Name == e.Actor })
		if n < 0 {
			p.Actors = append(p.Actors, Actor{Name: e.Actor})
			n = len(p.Actors) - 1
		}
		p.Actors[n].Did = append(p.Actors[n].Did, e.Kind)
	}
	if query == nil {
		return p, nil
	}
	from, to := began(&d.Incident).Add(-graphAround), s.o.Now()
	if !d.ResolvedAt.IsZero() {
		to = d.ResolvedAt.Add(graphAround)
	} else if !d.ClosedAt.IsZero() {
		to = d.ClosedAt.Add(graphAround)
	}
	drawn := map[string]bool{}
	for _, m := range d.Alerts {
		expr := exprOf(m.Generator)
		if expr == "" || drawn[expr] || len(p.Graphs) == maxGraphs {
			continue
		}
		drawn[expr] = true
		series, err := query(ctx, expr, from, to, max(to.Sub(from)/graphPoints, time.Second), graphSeries)
		g := graphOf(m, expr, from, to, series)
		if err != nil {
			g.Unread = err.Error() // the link still leads there
		}
		p.Graphs = append(p.Graphs, g)
	}
	return p, nil
}

// begunAt is when it is known that something was wrong.
func begunAt(i *Incident) time.Time {
	if i.SampleAt.IsZero() && !i.DecidedAt.IsZero() {
		return i.DecidedAt
	}
	return began(i)
}

// exprOf is the expression of a generator's URL, as Prometheus makes them.
func exprOf(generator string) string {
	u, err := url.Parse(generator)
	if err != nil {
		return ""
	}
	return u.Query().Get("g0.expr")
}

func graphOf(m Member, expr string, from, to time.Time, series []Series) Graph {
	g := Graph{Alert: m.Name, Expr: expr, Link: m.Generator, From: from, To: to, Series: []GraphLine{}}
	for _, x := range series {
		l := GraphLine{Labels: x.Labels, Min: math.Inf(1), Max: math.Inf(-1)}
		for n, v := range x.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			l.Min, l.Max = min(l.Min, v), max(l.Max, v)
			l.Points = append(l.Points, Point{x.Times[n], v})
		}
		if len(l.Points) == 0 {
			continue
		}
		g.Series = append(g.Series, l)
		g.lines = append(g.lines, graphPoint{labels: labelText(x.Labels), spark: spark(l, from, to), lo: l.Min, hi: l.Max})
	}
	return g
}

func labelText(ls map[string]string) string {
	var out []string
	for k, v := range ls {
		out = append(out, fmt.Sprintf("%s=%q", k, v))
	}
	slices.Sort(out)
	return "{" + strings.Join(out, ", ") + "}"
}

// spark draws a series with eight heights; a gap is a space.
func spark(l GraphLine, from, to time.Time) string {
	heights := []rune("▁▂▃▄▅▆▇█")
	cells := slices.Repeat([]rune{' '}, graphPoints)
	for _, p := range l.Points {
		x := int(float64(graphPoints-1) * float64(p.At.Sub(from)) / float64(max(to.Sub(from), 1)))
		y := 0
		if l.Max > l.Min {
			y = int((p.Value - l.Min) / (l.Max - l.Min) * float64(len(heights)-1))
		}
		cells[min(max(x, 0), graphPoints-1)] = heights[y]
	}
	return string(cells)
}

// Languages that a post-mortem can have.
func Languages() []string { return []string{"en", "zh"} }

// Markdown writes a post-mortem for a team to go on with.
func (p *Postmortem) Markdown() string {
	w, ok := texts[p.Language]
	if !ok {
		w = texts["en"]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: #%d %s\n\n## %s\n\n", w.title, p.ID, oneLine(p.Title), w.summary)
	row := func(name, value string) {
		if value == "" {
			value = w.notKnown
		}
		fmt.Fprintf(&b, "- %s: %s\n", name, oneLine(value))
	}
	after := func(from, to time.Time) string {
		if from.IsZero() || to.IsZero() {
			return ""
		}
		return roundDuration(to.Sub(from)).String()
	}
	row(w.severity, p.Severity)
	row(w.state, string(p.State))
	row(w.assignee, p.Assignee)
	if held := p.held(); held > 0 {
		row(w.held, roundDuration(held).String())
	}
	row(w.detected, after(p.due(), p.DecidedAt))
	// An expression that reads no series has no bad sample.
	told := after(begunAt(&p.Incident), p.NotifiedAt)
	if told != "" && p.held() > 0 {
		told += fmt.Sprintf(w.afterFor, after(p.due(), p.NotifiedAt))
	}
	row(w.told, told)
	row(w.acknowledged, after(p.OpenedAt, p.FirstAckAt))
	row(w.repaired, after(began(&p.Incident), p.ResolvedAt))
	row(w.verdict, w.verdictOf(p.Verdict))
	fmt.Fprintf(&b, "\n## %s\n\n_%s_\n\n## %s\n\n", w.impact, w.impactHint, w.timeline)
	for _, e := range p.Timeline {
		kind, text := e.Words(p.Language)
		fmt.Fprintf(&b, "- %s %s", e.At.UTC().Format("2006-01-02 15:04:05.000"), kind)
		if e.Actor != "" {
			fmt.Fprintf(&b, " (%s)", oneLine(e.Actor))
		}
		if text != "" {
			fmt.Fprintf(&b, ": %s", oneLine(text))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\n## %s\n\n", w.alerts)
	for _, m := range p.Alerts {
		fmt.Fprintf(&b, "- %s `%s`\n", oneLine(m.Name), strings.ReplaceAll(labelText(m.Labels), "`", "'"))
	}
	fmt.Fprintf(&b, "\n## %s\n", w.graphs)
	for _, g := range p.Graphs {
		fmt.Fprintf(&b, "\n[%s](%s)\n\n```\n%s\n", oneLine(g.Alert), linkTarget(g.Link), strings.ReplaceAll(g.Expr, "```", "'''"))
		if g.Unread != "" {
			fmt.Fprintf(&b, "%s: %s\n", w.unread, strings.ReplaceAll(oneLine(g.Unread), "```", "'''"))
		}
		for _, l := range g.lines {
			fmt.Fprintf(&b, "%s  %.4g … %.4g  %s\n", l.spark, l.lo, l.hi, l.labels)
		}
		fmt.Fprintf(&b, "%s … %s\n```\n", g.From.UTC().Format("15:04:05"), g.To.UTC().Format("15:04:05"))
	}
	fmt.Fprintf(&b, "\n## %s\n\n", w.hints)
	if p.Unread != "" {
		fmt.Fprintf(&b, "_%s: %s_\n\n", w.unread, oneLine(p.Unread))
	}
	for _, h := range p.Hints {
		fmt.Fprintf(&b, "%d. %s %s", h.Rank, h.At.UTC().Format("15:04:05"), oneLine(h.Words(p.Language)))
		if after, ok := h.Follows(); ok {
			fmt.Fprintf(&b, " – "+w.follows, after.Round(time.Second))
		}
		if h.Verdict != "" {
			fmt.Fprintf(&b, " (%s)", w.judged[h.Verdict])
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\n## %s\n\n", w.who)
	for _, a := range p.Actors {
		var did []string
		for _, k := range a.Did {
			did = append(did, w.kinds[k])
		}
		fmt.Fprintf(&b, "- %s: %s\n", oneLine(a.Name), strings.Join(did, ", "))
	}
	fmt.Fprintf(&b, "\n## %s\n\n", w.whys)
	for n := range p.Whys {
		fmt.Fprintf(&b, "%d. %s? \n", n+1, w.why)
	}
	fmt.Fprintf(&b, "\n## %s\n\n| %s | %s | %s |\n|---|---|---|\n|  |  |  |\n", w.actions, w.what, w.owner, w.due)
	return b.String()
}

// linkTarget is an address that ends where Markdown's link does.
func linkTarget(address string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", " ", "%20", "<", "%3C", ">", "%3E", "\n", "", "\r", "").Replace(address)
}

// oneLine keeps what strangers wrote from becoming Markdown of its own.
func oneLine(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "<", "&lt;", "|", "\\|", "`", "'", "[", "\\[", "](", "\\](").Replace(text)
}
