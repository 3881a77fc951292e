package incident

import (
	"context"
	"fmt"
	"maps"
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
		return nil, err
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
	}
	drawn := map[string]bool{}
	for _, m := range d.Alerts {
		expr := exprOf(m.Generator)
		if expr == "" || drawn[expr] || len(p.Graphs) == maxGraphs {
			continue
		}
		drawn[expr] = true
		series, err := query(ctx, expr, from, to, max(to.Sub(from)/graphPoints, time.Second), graphSeries)
		if err != nil {
			continue // the link still leads there
		}
		p.Graphs = append(p.Graphs, graphOf(m, expr, from, to, series))
	}
	return p, nil
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

// words are the texts of a post-mortem.
type words struct {
	title, summary, severity, state, assignee, detected, told, acknowledged, repaired, verdict, notKnown string
	timeline, alerts, graphs, hints, who, actions, whys, why, impact, impactHint, what, owner, due       string
	notTold                                                                                              string // what a notification is that failed
	follows                                                                                              string // what a hint is that began after, with how long after
	kinds                                                                                                map[string]string
}

var texts = map[string]words{
	"en": {
		title: "Post-mortem", summary: "Summary", severity: "Severity", state: "State", assignee: "Assignee", detected: "Detected after", told: "First receiver answered after",
		acknowledged: "Acknowledged after", repaired: "Repaired after", verdict: "Verdict", notKnown: "not known", timeline: "Timeline (UTC)", alerts: "Alerts", graphs: "Graphs",
		hints: "What else changed", who: "Who did what", actions: "Action items", whys: "Five whys", why: "Why", impact: "Impact", impactHint: "Who noticed, what did not work, for how long?",
		what: "What", owner: "Who", due: "Until", notTold: "could not be told", follows: "began %s after, so it is rather a consequence",
		kinds: map[string]string{
			EventSample: "first bad sample", EventDetected: "rule decided", EventOpened: "incident opened", EventAlertFired: "alert fires", EventAlertEnded: "alert has ended", EventJoined: "another group joined",
			EventNotified: "told", EventAcknowledged: "acknowledged", EventReleased: "given back", EventAssigned: "assigned", EventCommented: "comment", EventSnoozed: "snoozed", EventSnoozeEnded: "snooze ended",
			EventAssigneeTold: "assignee told", EventEscalated: "escalated", EventMerged: "merged", EventFlapped: "fires again", EventResolved: "resolved", EventClosed: "closed", EventVerdict: "verdict", EventFull: "timeline is full",
		},
	},
	"zh": {
		title: "事故复盘", summary: "概要", severity: "级别", state: "状态", assignee: "负责人", detected: "检测耗时", told: "首个接收方应答耗时",
		acknowledged: "确认耗时", repaired: "恢复耗时", verdict: "结论", notKnown: "未知", timeline: "时间线（UTC）", alerts: "告警", graphs: "图表",
		hints: "同时发生的变化", who: "人员与操作", actions: "改进项", whys: "五个为什么", why: "为什么", impact: "影响", impactHint: "谁受到影响？什么功能不可用？持续多久？",
		what: "事项", owner: "负责人", due: "期限", notTold: "通知失败", follows: "始于事故开始 %s 后，更可能是后果",
		kinds: map[string]string{
			EventSample: "首个异常样本", EventDetected: "规则判定", EventOpened: "事故创建", EventAlertFired: "告警触发", EventAlertEnded: "告警结束", EventJoined: "另一告警组加入",
			EventNotified: "已通知", EventAcknowledged: "已确认", EventReleased: "取消确认", EventAssigned: "已指派", EventCommented: "评论", EventSnoozed: "已暂缓", EventSnoozeEnded: "暂缓结束",
			EventAssigneeTold: "已通知负责人", EventEscalated: "已升级", EventMerged: "已合并", EventFlapped: "再次触发", EventResolved: "已恢复", EventClosed: "已关闭", EventVerdict: "结论", EventFull: "时间线已满",
		},
	},
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
	row(w.detected, after(p.SampleAt, p.DecidedAt))
	row(w.told, after(p.SampleAt, p.NotifiedAt))
	row(w.acknowledged, after(p.OpenedAt, p.FirstAckAt))
	row(w.repaired, after(began(&p.Incident), p.ResolvedAt))
	row(w.verdict, p.Verdict)
	fmt.Fprintf(&b, "\n## %s\n\n_%s_\n\n## %s\n\n", w.impact, w.impactHint, w.timeline)
	for _, e := range p.Timeline {
		kind := w.kinds[e.Kind]
		if kind == "" {
			kind = e.Kind
		}
		if e.Kind == EventNotified && e.Data["error"] != nil {
			kind = w.notTold
		}
		fmt.Fprintf(&b, "- %s %s", e.At.UTC().Format("2006-01-02 15:04:05.000"), kind)
		if e.Actor != "" {
			fmt.Fprintf(&b, " (%s)", oneLine(e.Actor))
		}
		if text := eventText(e); text != "" {
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
		fmt.Fprintf(&b, "\n[%s](%s)\n\n```\n%s\n", oneLine(g.Alert), g.Link, strings.ReplaceAll(g.Expr, "```", "'''"))
		for _, l := range g.lines {
			fmt.Fprintf(&b, "%s  %.4g … %.4g  %s\n", l.spark, l.lo, l.hi, l.labels)
		}
		fmt.Fprintf(&b, "%s … %s\n```\n", g.From.UTC().Format("15:04:05"), g.To.UTC().Format("15:04:05"))
	}
	fmt.Fprintf(&b, "\n## %s\n\n", w.hints)
	for _, h := range p.Hints {
		fmt.Fprintf(&b, "%d. %s %s", h.Rank, h.At.UTC().Format("15:04:05"), oneLine(h.Title))
		if after, ok := h.Follows(); ok {
			fmt.Fprintf(&b, " – "+w.follows, after.Round(time.Second))
		}
		if h.Verdict != "" {
			fmt.Fprintf(&b, " (%s)", h.Verdict)
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

// oneLine keeps what strangers wrote from becoming Markdown of its own.
func oneLine(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "<", "&lt;", "|", "\\|", "`", "'", "[", "\\[", "](", "\\](").Replace(text)
}

func roundDuration(d time.Duration) time.Duration {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond)
	case d < time.Hour:
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// eventText is what an event has to say beside its kind.
func eventText(e Event) string {
	get := func(key string) string {
		if v, ok := e.Data[key]; ok {
			return fmt.Sprint(v)
		}
		return ""
	}
	switch e.Kind {
	case EventNotified:
		out := get("receiver") + "/" + get("integration") + ", " + millis(e.Data["took_ms"])
		if err := get("error"); err != "" {
			out += ", " + err
		}
		return out
	case EventCommented:
		return get("text")
	case EventAssigned:
		return get("to")
	case EventAlertFired, EventAlertEnded:
		return get("alert")
	case EventEscalated, EventAssigneeTold:
		var out []string
		if rs, ok := e.Data["receivers"].(map[string]any); ok {
			for _, r := range slices.Sorted(maps.Keys(rs)) {
				out = append(out, fmt.Sprintf("%s: %v", r, rs[r]))
			}
		}
		if notes, ok := e.Data["notes"].([]any); ok {
			for _, n := range notes {
				out = append(out, fmt.Sprint(n))
			}
		}
		return strings.Join(out, ", ")
	case EventVerdict:
		return get("verdict")
	case EventClosed:
		return get("reason")
	case EventSnoozed:
		return get("until")
	case EventMerged:
		if into := get("into"); into != "" {
			return "→ #" + into
		}
		return "← #" + get("from")
	}
	return millis(e.Data["after_ms"])
}

// millis writes a number of milliseconds as people read it, "" for none.
func millis(v any) string {
	ms, ok := v.(float64)
	if !ok {
		return ""
	}
	return roundDuration(time.Duration(ms * float64(time.Millisecond))).String()
}
