package lint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// LiveOptions say which server's series the rules and dashboards are compared with.
type LiveOptions struct {
	// URL is the base of a Prometheus HTTP API, such as http://127.0.0.1:7070. It is not used when Source is set.
	URL string
	// Client makes the requests, with whatever authentication the server wants; nil is a client that waits 30 seconds.
	Client *http.Client
	// Source answers instead of a server.
	Source SeriesSource
	// Exported are names that count as exported beside what the server has.
	// Without URL and Source nothing but names is compared, with these and with
	// those that the sources in this process have.
	Exported *Exported
	// Targets answers about scraping instead of a server; with Source and without Targets nothing is said about it.
	Targets TargetSource
	// Note takes what the reader should know that is no finding, such as a check that the server cannot be asked for. It may be nil.
	Note func(string)
	// Lookback is how far back a series may have had its last sample to count as exported; 0 is a day. Series that come and go, such as
	// those of errors, need a long one.
	Lookback time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// maxSeriesOfSelector bounds what is fetched for one selector. Where there is more, the checks that would have to see all of it are left out.
const maxSeriesOfSelector = 2000

// Live compares the rules and dashboards among the documents with the series of a server, and returns warnings: metrics, labels and values that nothing
// exports, joins that match nothing, functions that do not fit a metric's type, targets that cannot be scraped and why. CheckMistakes is included. A failing server is an error.
func Live(ctx context.Context, docs []*Document, opts LiveOptions) ([]Finding, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	l, err := newLiveLint(ctx, opts)
	if err != nil {
		return nil, err
	}
	var rules []ParsedRule
	for _, d := range docs {
		if d.Kind == Rules {
			parsed, _ := ParseRules(d)
			rules = append(rules, parsed...)
		}
	}
	for i := range rules {
		if r := &rules[i]; !r.Alert {
			l.recorded[r.Name] = append(l.recorded[r.Name], r)
		}
	}
	for i := range rules {
		if err := l.check(ctx, rules[i].subject()); err != nil {
			return nil, err
		}
	}
	for _, d := range docs {
		if d.Kind != Dashboard {
			continue
		}
		unread, err := l.checkDashboard(ctx, d)
		if err != nil {
			return nil, err
		}
		if unread > 0 && opts.Note != nil {
			opts.Note(fmt.Sprintf("%s: %d of its queries are not compared: without the values of their variables they cannot be read as PromQL", d.Path, unread))
		}
	}
	about, err := opts.checkTargets(ctx, docs, l.source)
	if err != nil {
		return nil, err
	}
	return merge(append(l.findings, about...), CheckMistakes(docs)), nil
}

func newLiveLint(ctx context.Context, opts LiveOptions) (*liveLint, error) {
	l := &liveLint{recorded: map[string][]*ParsedRule{}, cache: map[string]seriesAnswer{}, known: map[string]bool{}, exported: opts.Exported}
	if opts.Source == nil && opts.URL == "" && opts.Exported != nil {
		l.names, l.types = opts.Exported.Names, opts.Exported.Types
	} else {
		var err error
		if l.source, err = opts.source(); err != nil {
			return nil, err
		}
		if l.names, err = l.source.MetricNames(ctx); err != nil {
			return nil, err
		}
		if len(l.names) == 0 {
			return nil, errors.New("compare with live series: the server has no series at all; point --url at one that scrapes what the rules are about")
		}
		if l.types, err = l.source.MetricTypes(ctx); err != nil {
			return nil, err
		}
	}
	for _, name := range l.names {
		l.known[name] = true
	}
	return l, nil
}

func (o LiveOptions) checkTargets(ctx context.Context, docs []*Document, source SeriesSource) ([]Finding, error) {
	targets := o.Targets
	if api, ok := source.(*apiSource); ok && targets == nil {
		targets = api
	}
	if targets == nil {
		return nil, nil
	}
	list, err := targets.Targets(ctx)
	if errors.Is(err, ErrNoTargetList) {
		if o.Note != nil {
			o.Note("targets are not checked: " + err.Error())
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	server := "live"
	if api, ok := source.(*apiSource); ok {
		server = api.base.Redacted()
	}
	return targetFindings(docs, list, server), nil
}

// merge adds what the files alone tell to what the series tell, but not a second remark about the same matcher.
func merge(live, static []Finding) []Finding {
	taken := map[place]bool{}
	for _, f := range live {
		taken[place{f.File, f.Line, f.Column}] = true
	}
	out := live
	for _, f := range static {
		if f.Code != "unknown-job" && f.Code != "foreign-protocol" || !taken[place{f.File, f.Line, f.Column}] {
			out = append(out, f)
		}
	}
	Sort(out)
	return dedupe(out)
}

func (o LiveOptions) source() (SeriesSource, error) {
	if o.Source != nil {
		return o.Source, nil
	}
	client := o.Client
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	end := o.Now()
	return newAPISource(o.URL, client, end.Add(-cmp.Or(o.Lookback, 24*time.Hour)), end)
}

// liveLint is the state of one Live call.
type liveLint struct {
	source   SeriesSource // nil where only names are known
	exported *Exported    // nil for none
	names    []string
	known    map[string]bool
	types    map[string]string
	recorded map[string][]*ParsedRule
	cache    map[string]seriesAnswer
	findings []Finding
}

type seriesAnswer struct {
	series []labels.Labels
	more   bool
}

// series asks the source once for each selector.
func (l *liveLint) series(ctx context.Context, selector string) (seriesAnswer, error) {
	if answer, ok := l.cache[selector]; ok {
		return answer, nil
	}
	series, more, err := l.source.Series(ctx, selector, maxSeriesOfSelector)
	if err != nil {
		return seriesAnswer{}, err
	}
	answer := seriesAnswer{series, more}
	l.cache[selector] = answer
	return answer, nil
}

// selectorOf writes matchers as a selector.
func selectorOf(matchers []*labels.Matcher) string {
	out := "{"
	for i, m := range matchers {
		if i > 0 {
			out += ","
		}
		out += m.String()
	}
	return out + "}"
}

// labelValues returns the values that the label has among the series, sorted; the empty value is left out.
func labelValues(series []labels.Labels, name string) []string {
	var out []string
	for _, s := range series {
		if v := s.Get(name); v != "" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// labelNames returns the names of all labels among the series but __name__, sorted.
func labelNames(series []labels.Labels) []string {
	var out []string
	for _, s := range series {
		s.Range(func(l labels.Label) {
			if l.Name != labels.MetricName {
				out = append(out, l.Name)
			}
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}
