package maintenance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

func TestMain(m *testing.M) { statetest.Main(m) }

// manager is what has silences.
type manager struct {
	t        *testing.T
	mu       sync.Mutex
	n        int
	silences map[string]Silence
	down     bool
	told     []string
	making   func(context.Context, Silence) error // while one is being made
	ending   error
	unknown  int // how often it is yet to hear of a silence
	telling  error
}

// bounded says that whoever calls does not wait for ever.
func (m *manager) bounded(ctx context.Context, what string) {
	if _, ok := ctx.Deadline(); !ok {
		m.t.Errorf("%s: the call has no deadline", what)
	}
}

func (m *manager) silence(ctx context.Context, s Silence) (string, error) {
	m.bounded(ctx, "silence")
	if m.making != nil {
		if err := m.making(ctx, s); err != nil {
			return "", err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return "", errors.New("connection refused")
	}
	m.n++
	id := fmt.Sprint("silence-", m.n)
	m.silences[id] = s
	return id, nil
}

func (m *manager) expire(ctx context.Context, id string) error {
	m.bounded(ctx, "expire")
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unknown > 0 {
		m.unknown--
		return ErrNoSilence
	}
	if m.ending != nil {
		return m.ending
	}
	delete(m.silences, id)
	return nil
}

func (m *manager) endings(ctx context.Context, before time.Time) (out []Ending, err error) {
	m.bounded(ctx, "endings")
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(m.silences)) {
		if s := m.silences[id]; s.To.Before(before) {
			out = append(out, Ending{ID: id, Comment: s.Comment, Ends: s.To})
		}
	}
	return out, nil
}

func (m *manager) announce(ctx context.Context, e Ending) error {
	m.bounded(ctx, "announce")
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.telling != nil {
		return m.telling
	}
	m.told = append(m.told, e.Comment)
	return nil
}

func (m *manager) active() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, s := range m.silences {
		out = append(out, s.Comment)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

type bench struct {
	*Service
	t     *testing.T
	now   time.Time
	am    *manager
	files []Window
	mine  bool
	audit []string
}

func newBench(t *testing.T, db *state.DB) *bench {
	b := &bench{t: t, now: time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC), am: &manager{t: t, silences: map[string]Silence{}}, mine: true}
	b.open(db)
	return b
}

func (b *bench) open(db *state.DB) { b.Service = b.replica(db) }

// replica is another service of the same Alertmanager.
func (b *bench) replica(db *state.DB) *Service {
	s, err := New(Options{
		DB: db, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Now: func() time.Time { return b.now },
		Matchers: func(ms []string) error {
			if slices.Contains(ms, "bad") {
				return errors.New("bad matcher")
			}
			return nil
		},
		Silence: b.am.silence, Expire: b.am.expire, Endings: b.am.endings, Announce: b.am.announce,
		Notice: 10 * time.Minute, Files: func() []Window { return b.files }, Mine: func() bool { return b.mine },
		Audit: func(_ context.Context, _ *state.Tx, actor, action, target string, _, _ any) error {
			b.am.mu.Lock()
			defer b.am.mu.Unlock()
			b.audit = append(b.audit, actor+" "+action+" "+target)
			return nil
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// wait lets time pass; silences end by themselves as Alertmanager's do.
func (b *bench) wait(d time.Duration) {
	b.t.Helper()
	b.now = b.now.Add(d)
	for id, s := range b.am.silences {
		if !s.To.After(b.now) {
			delete(b.am.silences, id)
		}
	}
	if err := b.work(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func over(t *testing.T, f func(t *testing.T, b *bench, reopen func())) {
	statetest.Run(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		b := newBench(t, db)
		f(t, b, func() { b.open(reopen()) })
	})
}

func TestWindows(t *testing.T) {
	over(t, func(t *testing.T, b *bench, reopen func()) {
		ctx := t.Context()
		now, err := b.Create(ctx, Window{Name: "deploy", Matchers: []string{`service="api"`}, Duration: 15 * time.Minute}, "anna")
		if err != nil || !now.Active || now.Version != 1 {
			t.Fatalf("%+v, %v", now, err)
		}
		if got := b.am.active(); got != "Maintenance: deploy" {
			t.Errorf("silences: %s", got)
		}
		later, err := b.Create(ctx, Window{Name: "nightly", Matchers: []string{`job="db"`}, TimeZone: "Asia/Shanghai", Start: b.now.Add(time.Hour), Duration: 30 * time.Minute, RRule: "FREQ=DAILY", Comment: "backup"}, "li")
		if err != nil || later.Active || !later.Next.Equal(b.now.Add(time.Hour)) {
			t.Fatalf("%+v, %v", later, err)
		}
		b.wait(time.Second)
		reopen()
		b.wait(time.Second)
		if b.am.n != 1 {
			t.Errorf("%d silences were made", b.am.n)
		}
		b.wait(6 * time.Minute)
		b.wait(time.Minute)
		if got := strings.Join(b.am.told, ", "); got != "Maintenance: deploy" {
			t.Errorf("announced %q", got)
		}
		b.wait(10 * time.Minute)
		if got := b.am.active(); got != "" {
			t.Errorf("after its end: %s", got)
		}
		b.wait(43 * time.Minute)
		if got := b.am.active(); got != "Maintenance: nightly (backup)" {
			t.Errorf("silences: %s", got)
		}
		if _, err := b.End(ctx, later.ID, 7, "anna"); !errors.Is(err, ErrConflict) {
			t.Errorf("an old version: %v", err)
		}
		ended, err := b.End(ctx, later.ID, later.Version, "anna")
		if err != nil || ended.EndedAt.IsZero() || b.am.active() != "" {
			t.Errorf("%+v, %v; silences: %s", ended, err, b.am.active())
		}
		b.wait(24 * time.Hour)
		if got := b.am.active(); got != "" {
			t.Errorf("ended for good, and there is %s", got)
		}
		if ws, err := b.List(ctx, false); err != nil || len(ws) != 0 {
			t.Errorf("%+v, %v", ws, err)
		}
		if ws, err := b.List(ctx, true); err != nil || len(ws) != 2 {
			t.Errorf("%+v, %v", ws, err)
		}
		if _, err := b.Get(ctx, 99); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestWindowsOfAFile(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.files = []Window{{Name: "weekly", Matchers: []string{`a="b"`}, TimeZone: "UTC", Start: b.now.Add(-8 * 24 * time.Hour), Duration: 48 * time.Hour, RRule: "FREQ=WEEKLY"}}
		b.wait(time.Second)
		if got := b.am.active(); got != "Maintenance: weekly" {
			t.Errorf("silences: %s", got)
		}
		w := &b.files[0]
		if got := w.Coming(b.now); len(got) != 2 || !got[0].From.Equal(w.Start.AddDate(0, 0, 7)) || got[0].To.Sub(got[0].From) != 48*time.Hour || !got[1].From.Equal(w.Start.AddDate(0, 0, 14)) {
			t.Errorf("coming: %v", got)
		}
		// Another duration is another silence; a window that is gone is none.
		b.files[0].Duration = 50 * time.Hour
		b.wait(time.Second)
		if got := b.am.active(); got != "Maintenance: weekly" || b.am.n != 2 {
			t.Errorf("silences: %s, %d made", got, b.am.n)
		}
		b.files = nil
		b.wait(time.Second)
		if got := b.am.active(); got != "" {
			t.Errorf("silences: %s", got)
		}
	})
}

func TestAlertmanagerIsDown(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.am.down = true
		w, err := b.Create(t.Context(), Window{Name: "deploy", Matchers: []string{"a=b"}, Duration: time.Hour}, "anna")
		if err == nil || !strings.Contains(err.Error(), "not in force yet") || w.ID == 0 {
			t.Errorf("%+v, %v", w, err)
		}
		b.am.down = false
		b.wait(time.Second)
		if got := b.am.active(); got != "Maintenance: deploy" {
			t.Errorf("silences: %s", got)
		}
	})
}

func TestRefused(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		good := Window{Name: "x", Matchers: []string{"a=b"}, Duration: time.Hour}
		for want, change := range map[string]func(*Window){
			"matchers: there is none":      func(w *Window) { w.Matchers = nil },
			"bad matcher":                  func(w *Window) { w.Matchers = []string{"bad"} },
			"is not a time zone":           func(w *Window) { w.TimeZone = "Mars/Base" },
			"name":                         func(w *Window) { w.Name = "" },
			"duration: 0s is not possible": func(w *Window) { w.Duration = 0 },
			"rrule: ":                      func(w *Window) { w.RRule = "FREQ=SECONDLY" },
		} {
			w := good
			change(&w)
			_, err := b.Create(t.Context(), w, "anna")
			var r *Refused
			if !errors.As(err, &r) || !strings.Contains(err.Error(), want) {
				t.Errorf("want %q, got %v", want, err)
			}
		}
		if _, err := b.Create(t.Context(), good, ""); err == nil {
			t.Error("nobody can make a window")
		}
	})
}

func TestDeployments(t *testing.T) {
	over(t, func(t *testing.T, b *bench, reopen func()) {
		ctx := t.Context()
		d, err := b.Deploy(ctx, incident.Deploy{Title: "deploy.sh", Labels: map[string]string{"service": "api"}}, "anna")
		if err != nil || d.ID != 1 || d.Actor != "anna" {
			t.Fatalf("%+v, %v", d, err)
		}
		reopen()
		b.now = b.now.Add(time.Minute)
		if d, err = b.Deployed(ctx, 1, true, "anna"); err != nil || !d.Failed || !d.Ended.Equal(b.now) {
			t.Errorf("%+v, %v", d, err)
		}
		if _, err := b.Deployed(ctx, 1, false, "anna"); err == nil || !strings.Contains(err.Error(), "has ended already") {
			t.Error(err)
		}
		if _, err := b.Deployed(ctx, 9, false, "anna"); !errors.Is(err, ErrNoDeployment) {
			t.Error(err)
		}
		if ds, err := b.Deploys(ctx, b.now.Add(-time.Hour), b.now); err != nil || len(ds) != 1 || ds[0].Labels["service"] != "api" {
			t.Errorf("%+v, %v", ds, err)
		}
		for _, bad := range []incident.Deploy{{}, {Title: strings.Repeat("x", 400)}, {Title: "x", Ended: b.now.Add(-time.Hour)}, {Title: "x", Labels: map[string]string{"k": strings.Repeat("x", 400)}}} {
			if _, err := b.Deploy(ctx, bad, "anna"); err == nil {
				t.Errorf("%+v is taken", bad)
			}
		}
	})
}

func TestRunning(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		b := newBench(t, db)
		b.Start()
		b.Wake()
		if err := b.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
