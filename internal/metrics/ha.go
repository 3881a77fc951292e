package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// HAOptions configure the deduplication of replicated senders.
type HAOptions struct {
	Enabled      bool
	ClusterLabel string        // names the pair, such as "cluster"
	ReplicaLabel string        // names the sender within it, such as "__replica__"; stripped before storage
	Failover     time.Duration // how long the elected replica may be silent before another takes over
	MaxClusters  int           // pairs that are tracked; samples of more are refused
}

// haTracker elects one replica for each cluster and lets only its samples
// pass, as Cortex and Mimir do: the first one seen is elected, and another
// takes over when the elected one has been silent for longer than Failover.
type haTracker struct {
	o   HAOptions
	now func() time.Time

	mu      sync.Mutex
	elected map[string]election
	swept   time.Time // when silent clusters were last looked for

	dropped  *prometheus.CounterVec
	switches *prometheus.CounterVec
}

type election struct {
	replica string
	seen    time.Time
}

func newHATracker(o HAOptions, now func() time.Time, reg prometheus.Registerer) *haTracker {
	t := &haTracker{
		o: o, now: now, elected: map[string]election{},
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_ha_deduped_samples_total", Help: "Samples of replicas that are not elected, accepted and dropped.",
		}, []string{"cluster"}),
		switches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_ha_elected_replica_changes_total", Help: "Times that another replica of a cluster was elected.",
		}, []string{"cluster"}),
	}
	if reg != nil {
		reg.MustRegister(t.dropped, t.switches)
	}
	return t
}

// accept says whether a sample of this replica is the one to keep.
func (t *haTracker) accept(cluster, replica string) bool {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	e, known := t.elected[cluster]
	switch {
	case known && e.replica == replica:
	case known && now.Sub(e.seen) <= t.o.Failover:
		t.dropped.WithLabelValues(cluster).Inc()
		return false
	case !known && t.o.MaxClusters > 0 && len(t.elected) >= t.o.MaxClusters && !t.forget(now):
		t.dropped.WithLabelValues("").Inc()
		return false
	default:
		t.switches.WithLabelValues(cluster).Inc()
	}
	t.elected[cluster] = election{replica: replica, seen: now}
	return true
}

// haForget is after how long without a sample a pair gives its place to a new one.
const haForget = time.Hour

// forget makes room for a new cluster, and says whether there is any. It looks
// once a minute: a sender of ever new names asks for each of its samples.
func (t *haTracker) forget(now time.Time) bool {
	if now.Sub(t.swept) < time.Minute {
		return false
	}
	t.swept = now
	for cluster, e := range t.elected {
		if now.Sub(e.seen) > max(haForget, t.o.Failover) {
			delete(t.elected, cluster)
			t.dropped.DeleteLabelValues(cluster)
			t.switches.DeleteLabelValues(cluster)
		}
	}
	return len(t.elected) < t.o.MaxClusters
}

func (t *haTracker) wrap(next storage.AppendableV2) storage.AppendableV2 {
	return &haAppendable{next: next, t: t}
}

type haAppendable struct {
	next storage.AppendableV2
	t    *haTracker
}

func (a *haAppendable) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &haAppender{AppenderV2: a.next.AppenderV2(ctx), t: a.t, b: labels.NewBuilder(labels.EmptyLabels())}
}

// haAppender drops the samples of replicas that are not elected and strips
// the replica label from the others. A sample that carries only one of the
// two labels passes as it is.
type haAppender struct {
	storage.AppenderV2
	t *haTracker
	b *labels.Builder
}

// dedupe returns the labels to store, and whether to store at all.
func (a *haAppender) dedupe(ls labels.Labels) (labels.Labels, bool) {
	replica := ls.Get(a.t.o.ReplicaLabel)
	if replica == "" {
		return ls, true
	}
	cluster := ls.Get(a.t.o.ClusterLabel)
	if cluster == "" {
		return ls, true
	}
	if !a.t.accept(cluster, replica) {
		return ls, false
	}
	a.b.Reset(ls)
	a.b.Del(a.t.o.ReplicaLabel)
	return a.b.Labels(), true
}

func (a *haAppender) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options) (storage.SeriesRef, error) {
	kept, ok := a.dedupe(ls)
	if !ok {
		return ref, nil
	}
	return a.AppenderV2.Append(ref, kept, st, t, v, h, fh, opts)
}

// AppendExemplars passes exemplars of the elected replica on.
func (a *haAppender) AppendExemplars(ref storage.SeriesRef, ls labels.Labels, es []exemplar.Exemplar) (storage.SeriesRef, error) {
	next, ok := a.AppenderV2.(storage.ExemplarAppenderV2)
	if !ok {
		return ref, nil
	}
	kept, ok := a.dedupe(ls)
	if !ok {
		return ref, nil
	}
	return next.AppendExemplars(ref, kept, es)
}

var _ storage.ExemplarAppenderV2 = (*haAppender)(nil)
