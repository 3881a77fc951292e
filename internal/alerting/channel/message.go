package channel

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

// Timing are the times at which an alert passed the stations of its way. A time
// that is not known is zero. Sent is zero where the receiver has been told of
// this firing before.
type Timing struct {
	Rule  string
	Class string // local, target, global; "tick" where the interval decided; "api" for alerts of others

	Active     time.Time // since when its expression has been true: before Sample where the rule waits (for)
	Sample     time.Time // timestamp of the sample, or the end of the rule's for
	Received   time.Time // its transaction was committed
	Decided    time.Time // the rule had been evaluated
	Queued     time.Time // handed over by the rules
	Dispatched time.Time // put into its groups
	Sent       time.Time // an attempt to tell the receiver began
}

// Links lead from a message to where something can be done; an empty one is
// left out by the templates.
type Links struct {
	Acknowledge string
	Incident    string
	Silence     string
	Graph       string
	Runbook     string
}

// Told is what is told: the group of alerts that links are for.
type Told struct {
	GroupKey string
	Receiver string
	Firing   []map[string]string // labels of the alerts that fire
}

// LinksFunc makes the links of a group for a receiver. Those that it leaves
// empty are made from the alerts, where they can be.
type LinksFunc func(ctx context.Context, t Told) Links

// SampleKey begins the group keys of samples, which belong to no group and so
// have no links of their own.
const SampleKey = "touchline/test:"

// Message is everything that a template may use: upstream's data under its own
// names, and what only this server knows.
type Message struct {
	*template.Data
	Alerts   Alerts // upstream's, each with its timing and links
	Language string
	Links    Links  // of the group
	Timing   Timing // of the firing alert that has been on its way for longest
	// Truncated is how many alerts the sender has left out.
	Truncated int
	Picture   bool // an inline picture of the first alert's expression goes with the message
}

// Alert is one alert of a message.
type Alert struct {
	template.Alert
	Timing Timing
	Links  Links

	now        time.Time
	words      *words
	zone       *time.Location
	neutralise func(string) string // nil for nothing
}

// Alerts keep upstream's order: firing and resolved as they came.
type Alerts []Alert

// Firing are those that fire.
func (as Alerts) Firing() Alerts { return as.with("firing") }

// Resolved are those that are over.
func (as Alerts) Resolved() Alerts { return as.with("resolved") }

func (as Alerts) with(status string) Alerts {
	out := Alerts{}
	for _, a := range as {
		if a.Status == status {
			out = append(out, a)
		}
	}
	return out
}

// maxShown is how many alerts the default templates describe. Nobody reads
// more on a telephone, and the services refuse long messages.
const maxShown = 10

// Shown are the alerts that are described, firing ones first.
func (m *Message) Shown() Alerts {
	all := append(m.Alerts.Firing(), m.Alerts.Resolved()...)
	return all[:min(len(all), maxShown)]
}

// Hidden is how many alerts are not described.
func (m *Message) Hidden() int { return max(0, len(m.Alerts)-maxShown) + m.Truncated }

// Name is the alert's.
func (a Alert) Name() string { return a.Labels["alertname"] }

// Severity is the alert's label, "" for none.
func (a Alert) Severity() string { return a.Labels["severity"] }

// Summary is what happened in one sentence: an annotation, or the name and the
// labels where there is none.
func (a Alert) Summary() string {
	for _, name := range []string{"summary", "title", "message"} {
		if s := strings.TrimSpace(a.Annotations[name]); s != "" {
			return s
		}
	}
	return strings.TrimSpace(a.Name() + " " + a.Others())
}

// Description is the annotation, "" for none.
func (a Alert) Description() string { return strings.TrimSpace(a.Annotations["description"]) }

// Others are the labels besides name and severity, as name=value.
func (a Alert) Others() string {
	return a.Labels.Remove([]string{"alertname", "severity"}).SortedPairs().String()
}

// Since is when it began, in the zone of the server.
func (a Alert) Since() string {
	return a.StartsAt.In(a.zone).Format("2006-01-02 15:04:05 MST")
}

// Until is when it ended, "" while it fires.
func (a Alert) Until() string {
	if a.Status != "resolved" {
		return ""
	}
	return a.EndsAt.In(a.zone).Format("2006-01-02 15:04:05 MST")
}

// Lasted is how long it has fired, or fired until it ended.
func (a Alert) Lasted() string {
	end := a.now
	if a.Status == "resolved" {
		end = a.EndsAt
	}
	return a.words.duration(max(0, end.Sub(a.StartsAt)))
}

// Expr is the expression that the alert's generator names, "" for none.
func (a Alert) Expr() string {
	expr := exprOf(a.GeneratorURL)
	if a.neutralise != nil {
		return a.neutralise(expr) // Whoever sends alerts writes this, too.
	}
	return expr
}

// Measured says how it was found out, "" where nothing is known of that.
func (a Alert) Measured() string { return a.words.measured(a.Timing, a.zone) }

// exprOf reads the expression out of a link to a graph, as Prometheus writes it.
func exprOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Query().Get("g0.expr")
}

// timingsKey finds the times of alerts in a context.
type timingsKey struct{}

// WithTimings lets a message know the times of its alerts.
func WithTimings(ctx context.Context, of func(*alert.Alert) (Timing, bool)) context.Context {
	return context.WithValue(ctx, timingsKey{}, of)
}

// replyKey finds where to note what the other side said.
type replyKey struct{}

// WithReply has a notifier note what the other side said, in words for people.
func WithReply(ctx context.Context, into *string) context.Context {
	return context.WithValue(ctx, replyKey{}, into)
}

// NoteReply notes what the other side said, where somebody wants to know.
func NoteReply(ctx context.Context, text string) {
	if into, ok := ctx.Value(replyKey{}).(*string); ok {
		*into = text
	}
}

// senderKey finds a Sender in a context.
type senderKey struct{}

// Sender is another Alertmanager whose alerts are told here.
type Sender struct {
	ExternalURL string
	Truncated   int // alerts that it has left out
}

// WithSender has a message lead to the Alertmanager that the alerts come from.
func WithSender(ctx context.Context, s Sender) context.Context {
	return context.WithValue(ctx, senderKey{}, s)
}

// message gathers what templates may use.
func (r *Renderer) message(ctx context.Context, as []*alert.Alert) *Message {
	data := notify.GetTemplateData(ctx, r.tmpl, as, r.o.Logger)
	m := &Message{Data: data, Language: r.o.Language}
	if s, ok := ctx.Value(senderKey{}).(Sender); ok {
		m.ExternalURL, m.Truncated = s.ExternalURL, s.Truncated
	}
	of, _ := ctx.Value(timingsKey{}).(func(*alert.Alert) (Timing, bool))
	now := r.o.Now()
	for n, a := range data.Alerts {
		out := Alert{Alert: a, now: now, words: r.words, zone: r.o.Zone}
		if of != nil {
			out.Timing, _ = of(as[n])
		}
		out.Links = Links{Graph: webLink(a.GeneratorURL), Runbook: webLink(a.Annotations["runbook_url"]), Silence: silenceLink(data.ExternalURL, labelsOf(as[n]))}
		m.Alerts = append(m.Alerts, out)
		if a.Status == "firing" && !out.Timing.Sent.IsZero() && (m.Timing.Sent.IsZero() || out.Timing.began().Before(m.Timing.began())) {
			m.Timing = out.Timing
		}
	}
	data.Alerts = nil // A template gets ours, and could not reach these.
	r.link(ctx, m, as)
	return m
}

// began is the first station that is known.
func (t Timing) began() time.Time {
	for _, at := range []time.Time{t.Sample, t.Received, t.Decided, t.Queued, t.Dispatched} {
		if !at.IsZero() {
			return at
		}
	}
	return t.Sent
}

// link makes the links of the group: of a runbook only where all alerts share it.
func (r *Renderer) link(ctx context.Context, m *Message, as []*alert.Alert) {
	if key, _ := notify.GroupKey(ctx); r.o.Links != nil && !strings.HasPrefix(key, SampleKey) {
		told := Told{GroupKey: key}
		told.Receiver, _ = notify.ReceiverName(ctx)
		for n, a := range m.Alerts {
			if a.Status == "firing" {
				told.Firing = append(told.Firing, labelsOf(as[n]))
			}
		}
		m.Links = r.o.Links(ctx, told)
	}
	if len(m.Alerts) == 0 {
		return
	}
	first := m.Alerts[0]
	if f := m.Alerts.Firing(); len(f) > 0 {
		first = f[0]
	}
	if m.Links.Graph == "" {
		m.Links.Graph = first.Links.Graph
	}
	if m.Links.Runbook == "" {
		m.Links.Runbook = webLink(m.CommonAnnotations["runbook_url"])
	}
	if m.Links.Silence == "" {
		common := labelsOf(as[0])
		for _, a := range as[1:] {
			maps.DeleteFunc(common, func(name, value string) bool { return string(a.Labels[model.LabelName(name)]) != value })
		}
		m.Links.Silence = silenceLink(m.ExternalURL, common)
	}
}

// silenceLink opens the form for a new silence with matchers filled in.
func silenceLink(external string, labels map[string]string) string {
	if external == "" || len(labels) == 0 {
		return ""
	}
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	sort.Strings(names)
	matchers := make([]string, 0, len(names))
	for _, name := range names {
		matchers = append(matchers, fmt.Sprintf("%s=%q", name, labels[name]))
	}
	return strings.TrimRight(external, "/") + "/#/silences/new?filter=" + url.QueryEscape("{"+strings.Join(matchers, ",")+"}")
}

// webLink lets only addresses of the web through: an annotation may come from
// anybody, and a link in a message is clicked.
func webLink(link string) string {
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	// What would end a link in Markdown is written in its escaped form.
	return strings.NewReplacer("(", "%28", ")", "%29", " ", "%20", "<", "%3C", ">", "%3E", "\"", "%22", "|", "%7C").Replace(u.String())
}
