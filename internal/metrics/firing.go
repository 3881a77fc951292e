package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// LastFiring is when a rule last stored that an alert of a name fires, as seen
// from since on; zero for never. It reads the local storage.
func (e *Engine) LastFiring(ctx context.Context, name string, since time.Time) (time.Time, error) {
	q, err := e.db.Querier(since.UnixMilli(), time.Now().Add(time.Minute).UnixMilli())
	if err != nil {
		return time.Time{}, fmt.Errorf("open querier: %w", err)
	}
	defer func() { _ = q.Close() }()
	set := q.Select(ctx, false, nil,
		labels.MustNewMatcher(labels.MatchEqual, "__name__", "ALERTS"),
		labels.MustNewMatcher(labels.MatchEqual, "alertname", name),
		labels.MustNewMatcher(labels.MatchEqual, "alertstate", "firing"))
	var last time.Time
	var it chunkenc.Iterator
	for set.Next() {
		it = set.At().Iterator(it)
		for it.Next() == chunkenc.ValFloat {
			if t, v := it.At(); !value.IsStaleNaN(v) && time.UnixMilli(t).After(last) {
				last = time.UnixMilli(t)
			}
		}
		if err := it.Err(); err != nil {
			return time.Time{}, fmt.Errorf("read samples of %s: %w", name, err)
		}
	}
	if err := set.Err(); err != nil {
		return time.Time{}, fmt.Errorf("select samples of %s: %w", name, err)
	}
	return last, nil
}
