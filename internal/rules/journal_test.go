package rules

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func group(name, state string) *savedGroup {
	return &savedGroup{File: "f.yml", Group: name, Rules: []savedRule{{ID: "r", Hold: 60, Alerts: []savedAlert{{
		Element: map[string]string{"a": "b"}, Labels: map[string]string{"a": "b", "alertname": "A"}, State: state, ActiveAt: time.Unix(1000, 0).UTC(),
	}}}}}
}

func line(t *testing.T, g *savedGroup) []byte {
	t.Helper()
	raw, err := encodeRecord(g)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestJournalKeepsTheNewestRecordOfEachGroup(t *testing.T) {
	var raw []byte
	for _, g := range []*savedGroup{group("one", "pending"), group("two", "firing"), group("one", "firing"), {File: "f.yml", Group: "two"}} {
		raw = append(raw, line(t, g)...)
	}
	got, bad := decodeJournal(bytes.NewReader(raw))
	if bad != 0 || len(got) != 1 || got["f.yml;one"].Rules[0].Alerts[0].State != "firing" {
		t.Errorf("got %v with %d bad records", got, bad)
	}
}

func TestDamagedRecordCostsOnlyItself(t *testing.T) {
	first, second := line(t, group("one", "firing")), line(t, group("two", "firing"))
	first[20] ^= 1
	path := filepath.Join(t.TempDir(), "state.journal")
	if err := os.WriteFile(path, append(append(first, second...), "0000"...), 0o600); err != nil {
		t.Fatal(err)
	}
	j, saved, err := openJournal(path, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	if len(saved) != 1 || saved["f.yml;two"] == nil {
		t.Errorf("got %v", saved)
	}
	// What was opened has been rewritten without the damage.
	again, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, second) {
		t.Errorf("the file holds %q, want %q", again, second)
	}
}

func TestUnchangedStateIsNotWrittenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.journal")
	j, _, err := openJournal(path, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	one := line(t, group("one", "firing"))
	for range 3 {
		if err := j.write("f.yml;one", one); err != nil {
			t.Fatal(err)
		}
	}
	if j.size != int64(len(one)) {
		t.Errorf("the journal has %d bytes, one record has %d", j.size, len(one))
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	if err := j.write("f.yml;one", line(t, group("one", "pending"))); err == nil {
		t.Error("a closed journal must refuse records")
	}
}

func TestValuesAloneAreWrittenNowAndThen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.journal")
	j, _, err := openJournal(path, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1000, 0)
	j.now = func() time.Time { return now }
	put := func(v float64) {
		t.Helper()
		g := group("one", "firing")
		g.Rules[0].Alerts[0].Labels["values"] = `,"values":[[` // is text
		g.Values = [][]number{{number(v)}}
		if err := j.write("f.yml;one", line(t, g)); err != nil {
			t.Fatal(err)
		}
	}
	stored := func() float64 {
		t.Helper()
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, bad := decodeJournal(bytes.NewReader(raw))
		if bad != 0 || got["f.yml;one"] == nil {
			t.Fatalf("got %v with %d bad records", got, bad)
		}
		return got["f.yml;one"].Rules[0].Alerts[0].Value
	}
	put(math.Inf(1))
	if v := stored(); !math.IsInf(v, 1) {
		t.Errorf("stored %v", v)
	}
	put(2)
	if v := stored(); !math.IsInf(v, 1) {
		t.Errorf("a new value was written at once: %v", v)
	}
	now = now.Add(valuesEvery)
	put(3)
	if v := stored(); v != 3 {
		t.Errorf("after %v the file has %v", valuesEvery, v)
	}
	put(0.1)
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	if v := stored(); v != 0.1 {
		t.Errorf("after the stop the file has %v", v)
	}
}

func TestRecordWithoutValues(t *testing.T) {
	got, bad := decodeJournal(bytes.NewReader(line(t, group("one", "firing"))))
	if bad != 0 || !math.IsNaN(got["f.yml;one"].Rules[0].Alerts[0].Value) {
		t.Errorf("got %v with %d bad records", got, bad)
	}
	g := group("one", "firing")
	for _, values := range [][][]number{{{}}, {{1}, {2}}, {{1, 2}}} {
		g.Values = values
		if _, bad := decodeJournal(bytes.NewReader(line(t, g))); bad != 1 {
			t.Errorf("the values %v of one alert are taken", values)
		}
	}
}

func FuzzDecodeJournal(f *testing.F) {
	raw, err := encodeRecord(group("one", "firing"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("00000000 {}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, _ := decodeJournal(bytes.NewReader(raw))
		for _, g := range got {
			if len(g.Rules) == 0 {
				t.Error("a group without rules was kept")
			}
		}
	})
}

// A tick and an arrival may record one group at the same time. What was looked
// at first must not be written last.
func TestJournalDoesNotGoBack(t *testing.T) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr("m > 5")
	if err != nil {
		t.Fatal(err)
	}
	ar := rules.NewAlertingRule("High", expr, 0, 0, labels.EmptyLabels(), labels.EmptyLabels(), labels.EmptyLabels(), "", true, nil)
	g := rules.NewGroup(rules.GroupOptions{Name: "g", File: "f", Rules: []rules.Rule{ar}, Opts: &rules.ManagerOptions{Metrics: rules.NewGroupMetrics(nil)}})
	st := &groupState{results: map[string]map[uint64]*noted{}}
	j, _, err := openJournal(filepath.Join(t.TempDir(), "state.journal"), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	var vec promql.Vector
	change := func() {
		ls := labels.FromStrings("__name__", "m", "instance", fmt.Sprint(len(vec)))
		vec = append(vec, promql.Sample{Metric: ls, F: 9})
		st.note(ruleID(rules.NewRuleDetail(ar)), ls)
		if _, err := ar.Eval(t.Context(), 0, time.Unix(1000, 0), func(context.Context, string, time.Time) (promql.Vector, error) { return vec, nil }, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		change()
		var wg sync.WaitGroup
		j.mu.Lock()
		wg.Go(func() { j.record(g, st) })
		for range 1000 { // until it has looked, and waits to write
			runtime.Gosched()
		}
		change()
		j.mu.Unlock()
		j.record(g, st)
		wg.Wait()
		want, err := encodeRecord(snapshot(g, st))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(j.live[rules.GroupKey("f", "g")].line, want) {
			t.Fatalf("with %d alerts the journal holds an older state", len(vec))
		}
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
}
