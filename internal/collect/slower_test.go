package collect

import (
	"errors"
	"testing"
	"time"

	"github.com/google/cadvisor/lib/cache/memory"
	"github.com/google/cadvisor/lib/model"
	"github.com/prometheus/client_golang/prometheus"
)

// testClock is a time that a test moves.
type testClock struct{ t time.Time }

func (c *testClock) now() time.Time { return c.t }

// countingNode sends one metric with the number of the run.
type countingNode struct {
	desc *prometheus.Desc
	runs int
	err  error
	bang bool
}

func (c *countingNode) Update(ch chan<- prometheus.Metric) error {
	c.runs++
	if c.err != nil {
		return c.err
	}
	ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(c.runs))
	if c.bang {
		panic("bang")
	}
	return nil
}

func collected(t *testing.T, s *slowerNode) (int, error) {
	t.Helper()
	ch := make(chan prometheus.Metric, 10)
	err := s.Update(ch)
	return len(ch), err
}

func TestSlowerNode(t *testing.T) {
	c := &testClock{time.Unix(1000, 0)}
	inner := &countingNode{desc: prometheus.NewDesc("x", "x", nil, nil)}
	s := &slowerNode{Collector: inner, every: 5 * time.Second, now: c.now}
	step := func(d time.Duration, runs int) {
		t.Helper()
		c.t = c.t.Add(d)
		if n, err := collected(t, s); n != 1 || err != nil {
			t.Fatalf("got %d metrics, %v, want one at each scrape", n, err)
		}
		if inner.runs != runs {
			t.Fatalf("read %d times, want %d", inner.runs, runs)
		}
	}
	step(0, 1)
	step(time.Second, 1)
	step(4*time.Second, 2)
	step(time.Second, 2)
	// A clock that is set back must not stop the reading for hours.
	step(-time.Hour, 3)
}

func TestSlowerNodeRepeatsFailures(t *testing.T) {
	c := &testClock{time.Unix(1000, 0)}
	inner := &countingNode{desc: prometheus.NewDesc("x", "x", nil, nil), err: errors.New("broken")}
	s := &slowerNode{Collector: inner, every: time.Hour, now: c.now}
	for run := 1; run <= 3; run++ {
		if n, err := collected(t, s); n != 0 || err == nil || inner.runs != run {
			t.Fatalf("scrape %d: %d metrics, %v, read %d times", run, n, err, inner.runs)
		}
	}
	inner.err = nil
	if n, err := collected(t, s); n != 1 || err != nil {
		t.Fatalf("after recovery: %d metrics, %v", n, err)
	}
}

// TestSlowerNodePanics: the panic must reach the guard, and goleak must find nothing.
func TestSlowerNodePanics(t *testing.T) {
	inner := &countingNode{desc: prometheus.NewDesc("x", "x", nil, nil), bang: true}
	s := &slowerNode{Collector: inner, every: time.Hour, now: time.Now}
	if _, err := guard(func() (int, error) { return collected(t, s) }); err == nil {
		t.Fatal("the panic got lost")
	}
	inner.bang = false
	if n, err := collected(t, s); n != 1 || err != nil {
		t.Fatalf("after the panic: %d metrics, %v", n, err)
	}
}

// fakeInfo is a manager with two containers, which counts how often it is asked.
type fakeInfo struct {
	containerInfo
	asked int
	err   error
	names []string
}

func (f *fakeInfo) GetRequestedContainersInfo(string, model.RequestOptions) (map[string]*model.ContainerInfo, error) {
	f.asked++
	out := map[string]*model.ContainerInfo{}
	for _, n := range f.names {
		out[n] = &model.ContainerInfo{ContainerReference: model.ContainerReference{Name: n}, Spec: model.ContainerSpec{HasCpu: true}, Stats: []*model.ContainerStats{{}}}
	}
	return out, f.err
}

func TestSlowerInfo(t *testing.T) {
	c := &testClock{time.Now()}
	cache := memory.New(time.Minute, nil)
	add := func(name string, usage uint64) {
		t.Helper()
		ref := &model.ContainerInfo{ContainerReference: model.ContainerReference{Name: name}}
		st := &model.ContainerStats{Timestamp: c.t, Cpu: &model.CpuStats{}}
		st.Cpu.Usage.Total = usage
		if err := cache.AddStats(ref, st); err != nil {
			t.Fatal(err)
		}
	}
	add("/a", 1)
	add("/b", 1)
	inner := &fakeInfo{names: []string{"/a", "/b"}}
	s := &slowerInfo{containerInfo: inner, stats: cache, every: 5 * time.Second, now: c.now}
	ask := func() map[string]*model.ContainerInfo {
		t.Helper()
		got, err := s.GetRequestedContainersInfo("/", model.RequestOptions{Count: 1, Recursive: true})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := ask(); len(got) != 2 || inner.asked != 1 {
		t.Fatalf("got %d containers, asked %d times", len(got), inner.asked)
	}
	c.t = c.t.Add(time.Second)
	add("/a", 7)
	if err := cache.RemoveContainer("/b"); err != nil {
		t.Fatal(err)
	}
	got := ask()
	if inner.asked != 1 {
		t.Errorf("asked %d times within five seconds", inner.asked)
	}
	if len(got) != 1 || got["/a"] == nil || !got["/a"].Spec.HasCpu || len(got["/a"].Stats) != 1 || got["/a"].Stats[0].Cpu.Usage.Total != 7 {
		t.Errorf("got %+v, want the newest figures of /a alone", got)
	}
	c.t = c.t.Add(4 * time.Second)
	inner.names = append(inner.names, "/c")
	if got := ask(); got["/c"] == nil || inner.asked != 2 {
		t.Errorf("a new container was not seen after five seconds; asked %d times", inner.asked)
	}
}

func TestSlowerInfoRepeatsFailures(t *testing.T) {
	inner := &fakeInfo{names: []string{"/a"}, err: errors.New("partial failure")}
	s := &slowerInfo{containerInfo: inner, stats: memory.New(time.Minute, nil), every: time.Hour, now: time.Now}
	for i := 1; i <= 2; i++ {
		got, err := s.GetRequestedContainersInfo("/", model.RequestOptions{Count: 1})
		if err == nil || len(got) != 1 || inner.asked != i {
			t.Errorf("got %v, %v, asked %d times; want what was found, the error, and a new question each time", got, err, inner.asked)
		}
	}
}
