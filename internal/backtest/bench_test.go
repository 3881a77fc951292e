package backtest

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	benchSeries = 1000
	benchRules  = 50
)

// benchDB writes a week of 1,000 series at 15 s into a TSDB with blocks: 50
// metrics of 20 instances, every other one a counter. About 2 % of the
// time each has a fault of five to ten minutes.
func benchDB(b *testing.B, dir string, from, to time.Time) {
	b.Helper()
	opts := tsdb.DefaultOptions()
	opts.MinBlockDuration = (24 * time.Hour).Milliseconds()
	opts.MaxBlockDuration = opts.MinBlockDuration
	opts.RetentionDuration = 0
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, opts, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	r := rand.New(rand.NewPCG(1, 2))
	type series struct {
		ls    labels.Labels
		ref   storage.SeriesRef
		v     float64
		bad   int
		phase int64
	}
	all := make([]series, benchSeries)
	for i := range all {
		all[i].ls = labels.FromStrings(labels.MetricName, fmt.Sprintf("metric_%d", i%benchRules), "instance", fmt.Sprintf("host-%d:9100", i/benchRules), "job", "node")
		all[i].phase = r.Int64N(15000)
	}
	for t := from; t.Before(to); t = t.Add(15 * time.Second) {
		app := db.Appender(context.Background())
		for i := range all {
			s := &all[i]
			if s.bad--; s.bad < -(1000 + i) {
				s.bad = 20 + r.IntN(20)
			}
			if i%2 == 1 {
				s.v += 20 + float64(r.IntN(10))
				if s.bad > 0 {
					s.v += 40
				}
			} else {
				s.v = math.Round(40 + 30*math.Sin(float64(t.Unix())/3600+float64(i)) + 10*r.Float64())
				if s.bad > 0 {
					s.v = 95
				}
			}
			ref, err := app.Append(s.ref, s.ls, t.UnixMilli()+s.phase, s.v)
			if err != nil {
				b.Fatal(err)
			}
			s.ref = ref
		}
		if err := app.Commit(); err != nil {
			b.Fatal(err)
		}
		if t.Sub(from)%(6*time.Hour) == 0 {
			if err := db.Compact(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// benchRulesFile writes 50 rules of 20 series each: thresholds, rates, sums.
// Every one differs with the threshold.
func benchRulesFile(b *testing.B, path string, threshold int, interval, rewrite string) {
	b.Helper()
	var s strings.Builder
	fmt.Fprintf(&s, "groups:\n- name: bench\n  interval: %s\n  rules:\n", interval)
	for i := range benchRules {
		expr := fmt.Sprintf("metric_%d > %d", i, threshold)
		if i%2 == 1 {
			expr = fmt.Sprintf("rate(metric_%d[5m]) > %d / 36", i, threshold)
		}
		if i%10 == 4 {
			expr = fmt.Sprintf("sum by (job) (metric_%d) > %d * 15", i, threshold)
		}
		expr = strings.Replace(expr, " >", rewrite+" >", 1)
		fmt.Fprintf(&s, "  - alert: A%d\n    expr: %q\n    for: 1m\n    labels: {severity: page}\n    annotations: {summary: \"{{ $labels.instance }}\"}\n", i, expr)
	}
	if err := os.WriteFile(path, []byte(s.String()), 0o600); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWeek is the size that a pull request has to bear: no before side, every
// threshold changed, every expression changed.
func BenchmarkWeek(b *testing.B) {
	dir := b.TempDir()
	to := time.Unix(1_760_000_000, 0)
	from := to.Add(-7 * 24 * time.Hour)
	data := filepath.Join(dir, "data")
	benchDB(b, data, from.Add(-time.Hour), to)
	for _, interval := range []string{"15s", "1m"} {
		before, after := filepath.Join(dir, "before.yml"), filepath.Join(dir, "after.yml")
		benchRulesFile(b, after, 90, interval, "")
		for _, change := range []string{"none", "thresholds", "expressions"} {
			rewrite := ""
			if change == "expressions" {
				rewrite = " + 0"
			}
			benchRulesFile(b, before, 85, interval, rewrite)
			b.Run(fmt.Sprintf("interval=%s/changed=%s", interval, change), func(b *testing.B) {
				began := cpu(b)
				for b.Loop() {
					src, err := OpenTSDB(data, to)
					if err != nil {
						b.Fatal(err)
					}
					o := Options{After: []string{after}, From: from, To: to, Source: src, Workers: 2}
					if change != "none" {
						o.Before = []string{before}
					}
					r, err := Run(context.Background(), o)
					if err != nil {
						b.Fatal(err)
					}
					if r.Total.After.Failures > 0 || r.Total.After.Alerts == 0 {
						b.Fatalf("nothing was measured: %+v", r.Total.After)
					}
					b.ReportMetric(float64(r.Total.After.Alerts), "alerts")
					if err := src.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric((cpu(b)-began)/float64(b.N), "cpu-s/op")
			})
		}
	}
}

// cpu is the processor time of this process in seconds: on a machine with other
// work it says more than the clock.
func cpu(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
