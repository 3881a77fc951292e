// Package dashboard keeps dashboards: Grafana's JSON byte for byte as it came,
// with versions, folders, stars and read-only links, in the state database; and,
// beside those, dashboards of files, which are changed in their files only.
package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/touchline/internal/state"
)

// Bounds of what is kept.
const (
	maxDashboards   = 10_000
	keepVersions    = 50
	keepBytes       = 64 << 20 // of all versions of one dashboard
	maxShares       = 100      // of one dashboard
	maxMessage      = 1000     // characters
	DefaultShare    = 7 * 24 * time.Hour
	MaxShare        = 365 * 24 * time.Hour
	maxSecretLength = 200
)

// Options configure a Service. All fields without a remark are required.
type Options struct {
	DB         *state.DB
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // optional, time.Now
	// Audit notes a change that somebody made; optional.
	Audit func(ctx context.Context, tx *state.Tx, actor, action, target string, before, after any) error
}

// Service keeps dashboards. Its methods may be called side by side.
type Service struct {
	o       Options
	files   atomic.Pointer[fileSet]
	stored  prometheus.Gauge
	fromDir prometheus.Gauge
	changes *prometheus.CounterVec
}

// Meta is what is known of a dashboard beside its JSON.
type Meta struct {
	UID         string    `json:"uid"`
	Title       string    `json:"title"`
	Folder      string    `json:"folder" doc:"Empty for none."`
	Tags        []string  `json:"tags"`
	Starred     bool      `json:"starred" doc:"By whoever asks."`
	Provisioned bool      `json:"provisioned" doc:"Whether it comes from a file."`
	Shipped     bool      `json:"shipped,omitempty" doc:"Whether it ships with Touchline. The console shows its words in the reader's language."`
	Panels      int       `json:"panels"`
	Updated     time.Time `json:"updated,omitzero" doc:"Not there for what ships."`
	UpdatedBy   string    `json:"updated_by,omitempty" doc:"Not there for what comes from a file."`
	Version     int64     `json:"version" doc:"Grows with each change; the ETag."`

	Source   string `json:"-"` // the file, "" for none
	ReadOnly bool   `json:"-"` // whoever may change dashboards may not change this one
}

// Version is one that is kept, without its content.
type Version struct {
	Version   int64     `json:"version"`
	Updated   time.Time `json:"updated"`
	UpdatedBy string    `json:"updated_by"`
	Message   string    `json:"message"`
}

// New returns a Service over an open database.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Logger == nil || o.Registerer == nil {
		return nil, errors.New("create dashboards: DB, Logger and Registerer are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Audit == nil {
		o.Audit = func(context.Context, *state.Tx, string, string, string, any, any) error { return nil }
	}
	kept := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "touchline_dashboards", Help: "Dashboards that there are, by where they are kept: in the state database or in files.",
	}, []string{"origin"})
	s := &Service{
		o: o, stored: kept.WithLabelValues("stored"), fromDir: kept.WithLabelValues("provisioned"),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_dashboard_changes_total", Help: "Dashboards saved, restored and deleted by people.",
		}, []string{"action"}),
	}
	for _, a := range []string{"create", "update", "restore", "delete"} {
		s.changes.WithLabelValues(a)
	}
	for _, c := range []prometheus.Collector{kept, s.changes} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of dashboards: %w", err)
		}
	}
	s.files.Store(&fileSet{})
	return s, nil
}

// Start counts what is kept.
func (s *Service) Start(ctx context.Context) error {
	err := s.o.DB.Read(ctx, func(q state.Querier) error {
		n, err := count(ctx, q)
		s.stored.Set(float64(n))
		return err
	})
	if err != nil {
		return fmt.Errorf("count dashboards: %w", err)
	}
	return nil
}

func count(ctx context.Context, q state.Querier) (n int, err error) {
	err = q.QueryRowContext(ctx, "SELECT COUNT(*) FROM dashboards").Scan(&n)
	return n, err
}

// now is the time as the database keeps it.
func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// write changes the database and counts.
func (s *Service) write(ctx context.Context, what string, f func(tx *state.Tx) error) error {
	n := 0
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		var err error
		n, err = count(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.stored.Set(float64(n))
	return nil
}

func target(uid string) string { return "dashboard/" + uid }

// noted is what the audit log has of a dashboard.
type noted struct {
	Title   string `json:"title"`
	Folder  string `json:"folder"`
	Version int64  `json:"version"`
	Message string `json:"message,omitempty"`
}

func note(r *row, message string) any {
	if r == nil {
		return nil
	}
	return noted{r.Title, r.Folder, r.Version, message}
}
