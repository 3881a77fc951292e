package statuspage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// world is what a Publisher looks at.
type world struct {
	mu       sync.Mutex
	alerts   []ActiveAlert
	windows  []Window
	err      error
	state    string
	dir      string
	unknown  error // instead of alerts
	data     string
	disk     disk
	settings Settings
	log      bytes.Buffer
}

func (w *world) OK()               { w.set(func() { w.state = "ok" }) }
func (w *world) Degraded(m string) { w.set(func() { w.state = m }) }

func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) said() (string, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String(), w.state
}

// by is a component that alerts with its ID as service are about.
func by(id string) ComponentSettings {
	return ComponentSettings{ID: id, Name: Text{En: strings.ToUpper(id)}, State: func(ls map[string]string) State {
		if ls["service"] != id {
			return NotMeasured
		}
		return map[string]State{"critical": Outage, "warning": Degraded}[ls["severity"]]
	}}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	return &world{dir: filepath.Join(dir, "site"), data: filepath.Join(dir, "data"), disk: systemDisk{}, settings: Settings{Annotation: "public", Components: []ComponentSettings{by("api"), by("web")}}}
}

func (w *world) publish(t *testing.T) *Publisher {
	t.Helper()
	incidents, err := openDerived(w.disk, filepath.Join(w.data, IncidentsFile), quiet)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(PublisherOptions{
		Settings: w.settings, Dir: w.dir, DataDir: w.data, Incidents: incidents, Health: w, Logger: slog.New(slog.NewTextHandler(w, nil)), Registerer: prometheus.NewRegistry(),
		Alerts: func(context.Context) ([]ActiveAlert, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return append([]ActiveAlert(nil), w.alerts...), w.unknown
		},
		Maintenance: func(context.Context) ([]Window, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return append([]Window(nil), w.windows...), w.err
		},
		disk: w.disk,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Start()
	return p
}

func (w *world) read(t *testing.T) jsonSnapshot {
	t.Helper()
	synctest.Wait()
	raw, err := os.ReadFile(filepath.Join(w.dir, jsonFile))
	if err != nil {
		t.Fatal(err)
	}
	var s jsonSnapshot
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func stop(t *testing.T, p *Publisher) {
	t.Helper()
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

func alertAbout(service, severity, public string) ActiveAlert {
	return ActiveAlert{
		Labels:      map[string]string{"alertname": "geheim", "service": service, "severity": severity, "instance": "geheim"},
		Annotations: map[string]string{"summary": "geheim", "public": public}, StartsAt: time.Now(),
	}
}

func TestPublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.publish(t)
		if s := w.read(t); s.State != Operational || len(s.Components) != 2 || !s.GeneratedAt.Equal(time.Now()) {
			t.Errorf("at first: %+v", s)
		}
		// Without news the page is renewed each minute.
		<-time.After(5*time.Minute + time.Second)
		if age := time.Since(w.read(t).GeneratedAt); age > time.Minute {
			t.Errorf("the page is %s old", age)
		}
		w.set(func() {
			w.alerts = []ActiveAlert{alertAbout("api", "critical", "We know."), alertAbout("api", "warning", ""), alertAbout("api", "info", ""), alertAbout("none", "critical", "")}
		})
		<-time.After(lookEvery + time.Second)
		s := w.read(t)
		if s.State != Outage || s.Components[0].State != Outage || s.Components[1].State != Operational || len(s.Incidents) != 1 || s.Incidents[0].Updates[0].Text.En != "We know." {
			t.Errorf("an alert: %+v", s)
		}
		<-time.After(2 * time.Minute)
		w.set(func() { w.alerts = nil })
		<-time.After(lookEvery + time.Second)
		s = w.read(t)
		if s.State != Operational || s.Incidents[0].Open() {
			t.Errorf("afterwards: %+v", s)
		}
		today := s.Components[0].Days[Days-1]
		if today.Worst != Outage || today.Down < 115 || today.Down > 130 || today.Measured < 420 {
			t.Errorf("today: %+v", today)
		}
		// Only what is configured is public.
		entries, err := os.ReadDir(w.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			raw, err := os.ReadFile(filepath.Join(w.dir, e.Name()))
			if err != nil || bytes.Contains(raw, []byte("geheim")) {
				t.Errorf("%s shows what nobody published: %v", e.Name(), err)
			}
		}
		stop(t, p)
		if _, state := w.said(); state != "ok" {
			t.Errorf("health %q", state)
		}
		if s := w.read(t); s.State != Operational {
			t.Error("the files are gone with the process")
		}
	})
}

// TestUnknownIsNotWell keeps what was known while nobody knows the alerts.
func TestUnknownIsNotWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.alerts = []ActiveAlert{alertAbout("api", "critical", "")}
		p := w.publish(t)
		<-time.After(2 * time.Minute)
		before := w.read(t)
		w.set(func() { w.alerts, w.unknown = nil, errors.New("nobody answers") })
		<-time.After(3 * time.Minute)
		if s := w.read(t); s.State != Outage || time.Since(s.GeneratedAt) < 3*time.Minute || s.GeneratedAt.Before(before.GeneratedAt) {
			t.Errorf("while nobody knows: %s of %s", s.State, s.GeneratedAt)
		}
		if _, state := w.said(); !strings.Contains(state, "nobody answers") {
			t.Errorf("health %q", state)
		}
		w.set(func() { w.unknown = nil })
		<-time.After(lookEvery + time.Second)
		if s := w.read(t); s.State != Operational {
			t.Errorf("when it is known again: %s", s.State)
		}
		stop(t, p)
	})
}

// TestRestartDoesNotResolve starts anew while an alert fires: it takes a
// moment until it is known again, and meanwhile nothing has resolved.
func TestRestartDoesNotResolve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.alerts = []ActiveAlert{alertAbout("api", "critical", "")}
		p := w.publish(t)
		<-time.After(time.Minute)
		stop(t, p)
		w.set(func() { w.alerts = nil })
		<-time.After(10 * time.Second)
		p = w.publish(t)
		<-time.After(30 * time.Second)
		if s := w.read(t); s.Components[0].State != Outage || !s.Incidents[0].Open() || len(s.Incidents) != 1 || len(s.Incidents[0].Updates) != 1 {
			t.Errorf("soon after the restart: %+v", s.Incidents)
		}
		<-time.After(2 * time.Minute)
		if s := w.read(t); s.Components[0].State != Operational || s.Incidents[0].Open() {
			t.Errorf("later: %+v", s.Incidents)
		}
		stop(t, p)
	})
}

func TestMaintenanceWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		now := time.Now()
		w.alerts = []ActiveAlert{alertAbout("api", "critical", "")}
		w.windows = []Window{{ID: "m", Title: Text{En: "Move"}, Components: []string{"api"}, From: now.Add(-time.Minute), To: now.Add(3 * time.Minute)}}
		p := w.publish(t)
		defer stop(t, p)
		if s := w.read(t); s.Components[0].State != Maintenance || s.Components[1].State != Operational || len(s.Incidents) != 0 || s.Maintenance[0].Title.En != "Move" {
			t.Errorf("meanwhile: %+v", s)
		}
		w.set(func() { w.err = errors.New("no answer") })
		<-time.After(time.Minute)
		if s := w.read(t); s.Components[0].State != Maintenance {
			t.Error("what was known of maintenance is forgotten when it cannot be asked for")
		}
		if log, state := w.said(); strings.Count(log, "could not be brought up to date") != 1 || !strings.Contains(state, "no answer") {
			t.Errorf("health %q, log:\n%s", state, log)
		}
		w.set(func() { w.err = nil })
		<-time.After(3 * time.Minute)
		if s := w.read(t); s.Components[0].State != Outage || len(s.Incidents) != 1 {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

func TestApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.publish(t)
		defer stop(t, p)
		synctest.Wait()
		p.Apply(Settings{Title: Text{En: "New title"}, Components: []ComponentSettings{by("web"), by("shop"), by("mail")}})
		<-time.After(lookEvery + time.Second)
		if s := w.read(t); len(s.Components) != 3 || s.Components[1].ID != "shop" {
			t.Errorf("got %+v", s.Components)
		}
		if raw, err := os.ReadFile(filepath.Join(w.dir, indexFile)); err != nil || !bytes.Contains(raw, []byte("New title")) {
			t.Errorf("the page has the old title: %v", err)
		}
	})
}

// TestFailingFolder goes on when the folder can be written again.
func TestFailingFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		disk := &failing{left: 1 << 30}
		w.disk = disk
		p := w.publish(t)
		synctest.Wait()
		disk.after(0)
		<-time.After(10 * time.Minute)
		if log, state := w.said(); !strings.Contains(state, "the disk is gone") || strings.Count(log, "could not be brought up to date") != 1 {
			t.Errorf("health %q, log:\n%s", state, log)
		}
		old := w.read(t).GeneratedAt
		if time.Since(old) < 9*time.Minute {
			t.Fatal("the disk does not fail")
		}
		disk.after(1 << 30)
		<-time.After(lookEvery + time.Second)
		if log, state := w.said(); state != "ok" || !strings.Contains(log, "written again") || !w.read(t).GeneratedAt.After(old) {
			t.Errorf("health %q", state)
		}
		stop(t, p)
	})
}

func TestFolderIsTriedAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, "")
	_, err := New(PublisherOptions{Dir: path, DataDir: t.TempDir(), Logger: quiet, Registerer: prometheus.NewRegistry()})
	if err == nil || !strings.Contains(err.Error(), "status_page.folder") {
		t.Errorf("got %v", err)
	}
}
