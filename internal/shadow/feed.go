package shadow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"touchline.dev/touchline/internal/backtest"
)

// maxQuery keeps a request's selectors within what servers take as an address.
const maxQuery = 6000

// needs are what the rules read that no rule writes.
type needs struct {
	selectors [][]*labels.Matcher
	reach     time.Duration // how far back
	long      []string      // rules that read further back than is fetched
}

func needsOf(groups []apiGroup, p parser.Parser) (needs, error) {
	out := needs{reach: lookback}
	recorded := map[string]bool{"ALERTS": true, "ALERTS_FOR_STATE": true}
	for _, g := range groups {
		for _, r := range g.Rules {
			if r.Type == "recording" {
				recorded[r.Name] = true
			}
		}
	}
	seen := map[string]bool{}
	for _, g := range groups {
		for _, r := range g.Rules {
			expr, err := p.ParseExpr(r.Query)
			if err != nil {
				return out, fmt.Errorf("parse rule %s of group %s: %w", r.Name, g.Name, err)
			}
			at := time.UnixMilli(1 << 40)
			oldest, _ := promql.FindMinMaxTime(&parser.EvalStmt{Expr: expr, Start: at, End: at, LookbackDelta: lookback})
			if back := at.Sub(time.UnixMilli(oldest)) + lookback; back <= maxBackfill {
				out.reach = max(out.reach, back)
			} else {
				out.long = append(out.long, r.Name)
			}
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				n, ok := node.(*parser.VectorSelector)
				if !ok || recorded[n.Name] {
					return nil
				}
				if text := selectorText(n.LabelMatchers); !seen[text] {
					seen[text] = true
					out.selectors = append(out.selectors, n.LabelMatchers)
				}
				return nil
			})
		}
	}
	return out, nil
}

// selectorText writes a selector without a name in front, whatever the name.
func selectorText(ms []*labels.Matcher) string {
	parts := make([]string, len(ms))
	for i, m := range ms {
		parts[i] = m.String()
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ",") + "}"
}

// feed copies the newest samples of the pair's Prometheus into our storage.
type feed struct {
	from     *server
	paths    []string // of /federate, each with a part of the selectors
	external labels.Labels
	to       storage.AppendableV2
	now      func() time.Time

	series  map[string]*fed
	poll    int
	samples int
	refused int
}

// fed is one series that came by federation.
type fed struct {
	ls     labels.Labels
	ref    storage.SeriesRef
	last   int64 // written, a staleness marker too
	sample int64 // seen last
	poll   int
	gone   bool
}

func newFeed(from *server, ms [][]*labels.Matcher, external labels.Labels, to storage.AppendableV2, now func() time.Time) *feed {
	f := &feed{from: from, external: external, to: to, now: now, series: map[string]*fed{}}
	q := ""
	for _, m := range ms {
		one := "match%5B%5D=" + url.QueryEscape(selectorText(m))
		if q != "" && len(q)+len(one) > maxQuery {
			f.paths = append(f.paths, "/federate?"+q)
			q = ""
		}
		if q != "" {
			q += "&"
		}
		q += one
	}
	if q != "" {
		f.paths = append(f.paths, "/federate?"+q)
	}
	return f
}

// sample is one sample on its way.
type sample struct {
	ls labels.Labels
	t  int64
	v  float64
	h  *histogram.FloatHistogram
}

// once asks for the newest samples. All of them are one transaction, as a
// scrape is: what belongs together arrives together.
func (f *feed) once(ctx context.Context) error {
	var got []sample
	for _, path := range f.paths {
		body, head, err := f.from.get(ctx, path, "text/plain;version=0.0.4")
		if err != nil {
			return err
		}
		if got, err = parseText(got, body, head.Get("Content-Type"), f.external); err != nil {
			return fmt.Errorf("read federation of %s: %w", f.from.name, err)
		}
	}
	f.poll++
	app := f.to.AppenderV2(ctx)
	var errs []error
	var buf [1024]byte
	newest := int64(math.MinInt64)
	for _, s := range got {
		key := string(s.ls.Bytes(buf[:0]))
		e := f.series[key]
		if e == nil {
			e = &fed{ls: s.ls, last: math.MinInt64, sample: math.MinInt64}
			f.series[key] = e
		}
		newest = max(newest, s.t)
		again := s.t == e.sample && !e.gone
		e.poll, e.gone, e.sample = f.poll, false, s.t
		if again {
			continue
		}
		if s.t <= e.last {
			f.refused++ // It is back with a sample from before its end.
			continue
		}
		ref, err := app.Append(e.ref, e.ls, 0, s.t, s.v, nil, s.h, storage.AOptions{})
		switch {
		case err == nil:
			e.ref, e.last = ref, s.t
			f.samples++
		case errors.Is(err, storage.ErrOutOfOrderSample), errors.Is(err, storage.ErrDuplicateSampleForTimestamp), errors.Is(err, storage.ErrOutOfBounds), errors.Is(err, storage.ErrTooOldSample):
			f.refused++
			e.last = s.t
		default:
			errs = append(errs, err)
		}
	}
	// Federation leaves out a series that has ended, so its absence is the mark.
	// All that are absent have ended at one time, and that is the pair's: by a
	// clock of ours that is ahead, the next samples would be older than the end.
	var ended []*fed
	for _, e := range f.series {
		if e.poll != f.poll && !e.gone {
			ended = append(ended, e)
			newest = max(newest, e.last+1)
		}
	}
	for _, e := range ended {
		e.gone = true
		if _, err := app.Append(e.ref, e.ls, 0, newest, math.Float64frombits(value.StaleNaN), nil, nil, storage.AOptions{}); err == nil {
			e.last = newest
		}
	}
	if err := errors.Join(errs...); err != nil {
		return errors.Join(fmt.Errorf("store samples: %w", err), app.Rollback())
	}
	if err := app.Commit(); err != nil {
		return fmt.Errorf("store samples: %w", err)
	}
	return nil
}

// parseText reads the exposition format and takes the external labels off.
func parseText(out []sample, body []byte, contentType string, external labels.Labels) ([]sample, error) {
	p, err := textparse.New(body, contentType, labels.NewSymbolTable(), textparse.ParserOptions{FallbackContentType: "text/plain"})
	if p == nil {
		return out, err
	}
	var ls labels.Labels
	for {
		kind, err := p.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if kind != textparse.EntrySeries {
			continue
		}
		_, ts, v := p.Series()
		if ts == nil {
			continue
		}
		p.Labels(&ls)
		out = append(out, sample{ls: own(ls, external), t: *ts, v: v})
	}
}

// own gives the labels that the series has in the pair's storage.
func own(ls, external labels.Labels) labels.Labels {
	lb := labels.NewBuilder(ls)
	ls.Range(func(l labels.Label) {
		if l.Value == "" {
			lb.Del(l.Name)
		}
	})
	external.Range(func(l labels.Label) {
		if ls.Get(l.Name) == l.Value {
			lb.Del(l.Name)
		}
	})
	return lb.Labels()
}

// backfill gives rules with ranges what they need from before the beginning.
func (f *feed) backfill(ctx context.Context, src *backtest.Source, ms [][]*labels.Matcher, reach time.Duration) error {
	now := f.now()
	var all []sample
	seen := map[string]bool{}
	for _, m := range ms {
		if err := src.Each(ctx, now.Add(-reach), now, m, func(ls labels.Labels, t int64, v float64, h *histogram.FloatHistogram) {
			all = append(all, sample{ls: ls, t: t, v: v, h: h})
		}); err != nil {
			return err
		}
	}
	// The head takes new series only near its newest sample, so time leads.
	slices.SortStableFunc(all, func(a, b sample) int { return int(min(max(a.t-b.t, -1), 1)) })
	var buf [1024]byte
	app := f.to.AppenderV2(ctx)
	n := 0
	for _, s := range all {
		key := string(s.ls.Bytes(buf[:0]))
		at := fmt.Sprintf("%s\xff%d", key, s.t)
		if seen[at] {
			continue // Two selectors found it.
		}
		seen[at] = true
		e := f.series[key]
		if e == nil {
			e = &fed{ls: s.ls, last: math.MinInt64, sample: math.MinInt64}
			f.series[key] = e
		}
		ref, err := app.Append(e.ref, e.ls, 0, s.t, s.v, nil, s.h, storage.AOptions{})
		if err != nil {
			return errors.Join(fmt.Errorf("store samples from before: %w", err), app.Rollback())
		}
		e.ref, e.last, e.sample = ref, s.t, s.t
		e.gone = value.IsStaleNaN(s.v)
		if n++; n%10000 == 0 {
			if err := app.Commit(); err != nil {
				return fmt.Errorf("store samples from before: %w", err)
			}
			app = f.to.AppenderV2(ctx)
		}
	}
	if err := app.Commit(); err != nil {
		return fmt.Errorf("store samples from before: %w", err)
	}
	return nil
}
