package incident

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// level makes a series that changes from one value to another at a time.
func level(name string, at time.Time, from, to float64, counter bool) Series {
	s := Series{Labels: map[string]string{"__name__": name, "instance": "db-1"}, Counter: counter}
	total := 0.0
	for t := at.Add(-hintBefore); t.Before(at.Add(hintAfter)); t = t.Add(hintStep) {
		v := from
		if !t.Before(at) {
			v = to
		}
		v += 0.01 * float64(t.Unix()/15%3)
		if counter {
			total += v * hintStep.Seconds()
			v = total
		}
		s.Times, s.Values = append(s.Times, t), append(s.Values, v)
	}
	return s
}

func TestHints(t *testing.T) {
	over(t, func(t *testing.T, n *night, reopen func()) {
		began := n.now.Add(-20 * time.Millisecond)
		set := func() {
			n.o.Surroundings = Surroundings{
				Series: func(_ context.Context, ls map[string]string, from, to time.Time, _ time.Duration, _ int) ([]Series, error) {
					if fmt.Sprint(ls) != "map[instance:db-1]" || !from.Equal(began.Add(-hintBefore)) || !to.Equal(began.Add(hintAfter)) {
						return nil, fmt.Errorf("asked for %v from %s to %s", ls, from, to)
					}
					return []Series{
						level("quiet", began, 5, 5, false), level("disk_used", began, 10, 90, false), level("errors_total", began, 1, 40, true),
						level("up", began, 1, 0, false), level("ALERTS", began, 0, 1, false), level("requests_total", began, 100, 100, true),
						{Labels: map[string]string{"__name__": "broken"}, Times: []time.Time{began}, Values: []float64{math.NaN()}},
					}, nil
				},
				Deploys: func(context.Context, time.Time, time.Time) ([]Deploy, error) {
					return []Deploy{{At: began.Add(-time.Minute), Title: "deploy.sh", Labels: map[string]string{"job": "x"}}}, nil
				},
			}
		}
		set()
		n.Observe(n.group("g", n.alert("Down", "db-1")))
		n.Observe(n.group("h", n.alert("Slow", "db-1")))
		n.wait(time.Second)
		hs, err := n.Hints(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for _, h := range hs {
			titles = append(titles, h.Kind+" "+h.Title)
		}
		want := []string{"deploy deploy.sh", "scrape scrapes of db-1 fail", "shift rate of errors_total rose from 1.01 to 40.01", "alert Slow", "shift disk_used rose from 10.01 to 90.01"}
		if !slices.Equal(titles, want) {
			t.Errorf("%q\nwant %q", titles, want)
		}
		if err := n.JudgeHint(t.Context(), 1, 2, "anna", "right"); !Refused(err) {
			t.Errorf("a hint that is not kept yet: %v", err)
		}
		n.wait(29 * time.Second)
		n.Observe(n.group("k", n.alert("Late", "web-1")))
		n.wait(3 * time.Minute)
		for rank, verdict := range map[int]string{1: "wrong", 2: "right"} {
			if err := n.JudgeHint(t.Context(), 1, rank, "anna", verdict); err != nil {
				t.Error(err)
			}
		}
		for _, err := range []error{n.JudgeHint(t.Context(), 1, 77, "anna", "right"), n.JudgeHint(t.Context(), 1, 1, "anna", "maybe")} {
			if !Refused(err) {
				t.Error(err)
			}
		}
		reopen() // without surroundings: they are kept
		if hs, err = n.Hints(t.Context(), 1); err != nil || len(hs) != len(want)+1 || hs[1].Verdict != "right" || hs[1].JudgedBy != "anna" {
			t.Fatalf("%+v, %v", hs, err)
		}
		late := hs[len(want)]
		if after, ok := late.Follows(); !ok || late.Title != "Late" || after != 30*time.Second+20*time.Millisecond {
			t.Errorf("%+v followed after %s, %t", late, after, ok)
		}
		for language, said := range map[string]string{"en": "Late – began 30s after, so it is rather a consequence", "zh": "Late – 始于事故开始 30s 后，更可能是后果"} {
			p, err := n.Postmortem(t.Context(), 1, language, nil)
			if err != nil {
				t.Fatal(err)
			}
			if md := p.Markdown(); !strings.Contains(md, said) || strings.Count(md, "30s") != 1 {
				t.Errorf("%s: no %q in\n%s", language, said, md)
			}
		}
		if r, err := n.HintRate(t.Context()); err != nil || r != (HitRate{Judged: 1, Top3: 1}) {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestReportAndPostmortem(t *testing.T) {
	over(t, func(t *testing.T, n *night, _ func()) {
		ctx := t.Context()
		for i := range 4 {
			a := n.alert("Down", fmt.Sprintf("db-%d", i))
			a.Generator = "http://x/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
			key := fmt.Sprint(i)
			n.Observe(n.group(key, a))
			n.Told(Notification{At: n.now, Receiver: "ops", Integration: "webhook", GroupKey: key, Firing: 1, Took: 80 * time.Millisecond})
			n.wait(time.Second)
			if i < 2 {
				n.now = n.now.Add(time.Minute)
				if _, err := n.Acknowledge(ctx, int64(i+1), "anna", ""); err != nil {
					t.Fatal(err)
				}
				if _, err := n.Judge(ctx, int64(i+1), 0, "anna", []string{Real, FalseAlarm}[i]); err != nil {
					t.Fatal(err)
				}
			}
			n.Ended(a.Fingerprint, n.now.Add(time.Minute))
			n.wait(time.Minute)
		}
		r, err := n.Report(ctx, evening, n.now)
		if err != nil {
			t.Fatal(err)
		}
		s := r.Severities[0]
		if r.Incidents != 4 || len(r.Severities) != 1 || s.Detect.Count != 4 || math.Abs(s.Detect.P95-.1) > .0001 || s.Acknowledge.Count != 2 || math.Abs(s.Acknowledge.Mean-60.5) > 1 || s.Repair.Count != 4 {
			t.Errorf("%+v", r)
		}
		if len(r.Rules) != 1 || r.Rules[0] != (RuleReport{Name: "Down", Fired: 4, Incidents: 4, FalseAlarm: 1}) || r.Precision == nil || *r.Precision != .5 {
			t.Errorf("%+v", r)
		}
		if len(r.Weeks) != 1 || r.Weeks[0].Begin != time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%+v", r.Weeks)
		}
		if _, err := n.Report(ctx, n.now, evening); !Refused(err) {
			t.Error(err)
		}
		if _, err := n.Comment(ctx, 1, "li", "<b>it was | the `disk`</b>\n# not a title"); err != nil {
			t.Fatal(err)
		}
		query := func(_ context.Context, expr string, from, to time.Time, _ time.Duration, _ int) ([]Series, error) {
			if expr != "up == 0" {
				return nil, fmt.Errorf("asked for %s", expr)
			}
			return []Series{{Labels: map[string]string{"instance": "db-0"}, Times: []time.Time{from, to}, Values: []float64{1, 3}}}, nil
		}
		for _, verdict := range []string{"", FalseAlarm, Real} {
			if _, err := n.Judge(ctx, 1, 0, "anna", verdict); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			language, title, ack, verdict string
			verdicts                      []string
		}{
			{"en", "# Post-mortem: #1 Down: Down of db-0", "acknowledged (anna): ", "- Verdict: real\n", []string{"verdict (anna): real", "verdict (anna): taken back", "verdict (anna): false alarm"}},
			{"zh", "# 事故复盘: #1", "已确认 (anna): ", "- 判定: 真实故障\n", []string{"判定 (anna): 真实故障", "判定 (anna): 已撤销", "判定 (anna): 误报"}},
		} {
			p, err := n.Postmortem(ctx, 1, c.language, query)
			if err != nil {
				t.Fatal(err)
			}
			md := p.Markdown()
			for _, want := range append(c.verdicts, c.title, c.ack, c.verdict, "▁", "█", "up == 0", "&lt;b>it was \\| the 'disk'&lt;/b> # not a title", "ops/webhook, 80ms", "\n5. ") {
				if !strings.Contains(md, want) {
					t.Errorf("%s: no %q in\n%s", c.language, want, md)
				}
			}
			if len(p.Actors) != 2 || len(p.Graphs) != 1 || len(p.Whys) != 5 {
				t.Errorf("%+v", p)
			}
		}
		// Every kind of event has its words.
		for language, w := range texts {
			if len(w.kinds) != len(texts["en"].kinds) || w.kinds[EventFull] == "" {
				t.Errorf("%s: %d kinds", language, len(w.kinds))
			}
		}
	})
}

func TestSpread(t *testing.T) {
	var xs []float64
	for i := range 100 {
		xs = append(xs, float64(100-i))
	}
	if s := spread(xs); s != (Spread{100, s.Mean, 50, 95}) || math.Abs(s.Mean-50.5) > 1e-9 {
		t.Errorf("%+v", s)
	}
	if s := spread(nil); s != (Spread{}) {
		t.Errorf("%+v", s)
	}
	if s := spread([]float64{7}); s != (Spread{1, 7, 7, 7}) {
		t.Errorf("%+v", s)
	}
}
