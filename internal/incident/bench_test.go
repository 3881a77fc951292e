package incident

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/state"
)

const insertNotification = `INSERT INTO notifications (id, at, receiver, integration, group_key, group_labels, incident_id, firing, resolved, took, error, way)
	VALUES ($1, $2, $3, 'webhook', $4, '{alertname="Down"}', $5, 1, 0, 5000, $6, '{"class":"local"}')`

// fill writes a history of incidents and notifications.
func fill(b *testing.B, db *state.DB, incidents, notifications int) {
	b.Helper()
	ctx := b.Context()
	const year = 365 * 24 * time.Hour
	at := func(n, of int) int64 {
		return state.Micros(evening.Add(-time.Duration(float64(year) * float64(of-n) / float64(of))))
	}
	const batch = 20_000
	for first := 0; first < notifications; first += batch {
		if err := db.Write(ctx, func(tx *state.Tx) error {
			for n := first; n < min(first+batch, notifications); n++ {
				failed := ""
				if n%1000 == 0 {
					failed = "503 Service Unavailable"
				}
				if _, err := tx.ExecContext(ctx, insertNotification, n+1, at(n, notifications), fmt.Sprint("receiver-", n%20), fmt.Sprint("group-", n%5000), n*incidents/notifications+1, failed); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Write(ctx, func(tx *state.Tx) error {
		for n := range incidents {
			i := Incident{Title: fmt.Sprintf("Down: db-%d is down", n), Severity: []string{"critical", "warning"}[n%2], Labels: map[string]string{"alertname": "Down", "instance": fmt.Sprint("db-", n), "job": "db"},
				State: Closed, OpenedAt: state.Time(at(n, incidents)), UpdatedAt: state.Time(at(n, incidents)), Version: 1}
			if n > incidents-50 {
				i.State = Firing
			}
			if err := insert(ctx, tx, &i); err != nil {
				return err
			}
			for range 10 {
				if err := i.add(ctx, tx, i.OpenedAt, EventNotified, "", map[string]any{"receiver": "ops"}); err != nil {
					return err
				}
			}
			m := member{Fingerprint: fmt.Sprint(n), Name: "Down", Severity: i.Severity, Labels: i.Labels, StartsAt: i.OpenedAt, EndsAt: i.OpenedAt.Add(time.Hour), Fired: 1}
			if err := putMember(ctx, tx, i.ID, &m); err != nil {
				return err
			}
			if err := save(ctx, tx, &i, i.OpenedAt); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkHistory reads pages of a year with 10,000 incidents and 1,000,000
// notifications, and says how long the slowest of each kind took.
func BenchmarkHistory(b *testing.B) {
	db, err := state.Open(b.Context(), state.Options{Path: filepath.Join(b.TempDir(), "state.db"), Registerer: prometheus.NewRegistry()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	fill(b, db, 10_000, 1_000_000)
	s, err := New(Options{DB: db, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Opens: func(map[string]string) bool { return true }})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	list := func(f Filter) func() error { return func() error { _, _, err := s.List(ctx, f); return err } }
	told := func(f Filter) func() error { return func() error { _, _, err := s.Notifications(ctx, f); return err } }
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"incidents", list(Filter{})}, {"incidents, last page", list(Filter{Before: 51})}, {"incidents that fire", list(Filter{States: []State{Firing, Acknowledged}})},
		{"incidents by words", list(Filter{Text: "db-9999 down"})}, {"incidents by words that nothing has", list(Filter{Text: "nothing"})}, {"incidents of a week", list(Filter{From: evening.Add(-200 * 24 * time.Hour), To: evening.Add(-193 * 24 * time.Hour)})},
		{"incidents by severity, 1000", list(Filter{Severity: "warning", Limit: 1000})}, {"one incident", func() error { _, err := s.Get(ctx, 5000); return err }},
		{"notifications", told(Filter{})}, {"notifications, last page", told(Filter{Before: 51})}, {"notifications of a receiver, middle", told(Filter{Receiver: "receiver-7", Before: 500_000})},
		{"notifications of an incident", told(Filter{Incident: 5000})}, {"notifications that failed", told(Filter{Failed: true})}, {"notifications of a receiver that failed", told(Filter{Failed: true, Receiver: "receiver-7"})},
		{"notifications of a week", told(Filter{From: evening.Add(-200 * 24 * time.Hour), To: evening.Add(-193 * 24 * time.Hour)})},
		{"report of a week", func() error {
			_, err := s.Report(ctx, evening.Add(-200*24*time.Hour), evening.Add(-193*24*time.Hour))
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if err := c.do(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkStorm takes in 5,000 groups of one alert each and that each was told:
// what a storm costs beside the telling.
func BenchmarkStorm(b *testing.B) {
	const groups = 5000
	for b.Loop() {
		b.StopTimer()
		db, err := state.Open(b.Context(), state.Options{Path: filepath.Join(b.TempDir(), "state.db"), Registerer: prometheus.NewRegistry()})
		if err != nil {
			b.Fatal(err)
		}
		s, err := New(Options{DB: db, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Opens: func(map[string]string) bool { return true }, Flapping: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		for n := range groups {
			key := fmt.Sprint("{}:", n)
			s.Observe(Group{Key: key, Receiver: "ops", Labels: map[string]string{"instance": key}, At: evening, Alerts: []Alert{{
				Fingerprint: key, Labels: map[string]string{"alertname": "Down", "instance": key, "severity": "critical"}, StartsAt: evening,
			}}})
			s.Told(Notification{At: evening, Receiver: "ops", Integration: "webhook", GroupKey: key, Group: "{}", Firing: 1, Took: time.Millisecond, Way: `{"class":"local"}`})
		}
		b.StartTimer()
		if err := s.work(b.Context(), func(time.Duration) {}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if n := s.inbox.waiting(); n != 0 {
			b.Fatalf("%d are left", n)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/groups, "µs/group")
}
