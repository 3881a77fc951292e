package metrics

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/teststorage"
)

// brokenRead is a secondary storage that cannot be read.
type brokenRead struct{ storage.Storage }

func (brokenRead) Querier(int64, int64) (storage.Querier, error) { return brokenQuerier{}, nil }

type brokenQuerier struct{ storage.Querier }

var errBroken = errors.New("404 of /api/v1/read")

func (brokenQuerier) Select(ctx context.Context, _ bool, _ *storage.SelectHints, _ ...*labels.Matcher) storage.SeriesSet {
	return storage.ErrSeriesSet(errBroken)
}

func (brokenQuerier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errBroken
}

func (brokenQuerier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errBroken
}

func (brokenQuerier) Close() error { return nil }

// TestWhole reads through a fan-out of which one half cannot be read.
func TestWhole(t *testing.T) {
	db := teststorage.New(t)
	app := db.Appender(t.Context())
	if _, err := app.Append(0, labels.FromStrings("__name__", "up"), 1000, 1); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	matcher := labels.MustNewMatcher(labels.MatchEqual, "__name__", "up")
	for name, c := range map[string]struct {
		storage storage.Storage
		broken  bool
	}{
		"one that can be read":    {db, false},
		"one that cannot be read": {storage.NewFanout(slog.New(slog.DiscardHandler), db, brokenRead{}), true},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := (whole{c.storage}).Querier(0, 2000)
			if err != nil {
				t.Fatal(err)
			}
			defer q.Close()
			check := func(what string, err error) {
				t.Helper()
				if broken := err != nil && errors.Is(err, errBroken) && strings.Contains(err.Error(), "could not be read"); broken != c.broken || !broken && err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			set := q.Select(t.Context(), false, nil, matcher)
			n := 0
			for set.Next() {
				n++
			}
			check("series", set.Err())
			if n != 1 {
				t.Errorf("%d series, want 1", n)
			}
			_, _, err = q.LabelValues(t.Context(), "__name__", nil)
			check("values", err)
			_, _, err = q.LabelNames(t.Context(), nil)
			check("names", err)
		})
	}
}
