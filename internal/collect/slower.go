package collect

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/google/cadvisor/lib/cache/memory"
	"github.com/google/cadvisor/lib/manager"
	"github.com/google/cadvisor/lib/model"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/node_exporter/collector"
)

// describeEvery is how often what describes the host and its containers is read
// again: limits, labels, the state of network links. What measures load is read
// at every scrape. Reading the descriptions took as long as reading all figures:
// two dozen files for each network interface and each cgroup.
const describeEvery = 5 * time.Second

// describing are the collectors of node_exporter that describe and do not
// measure, where reading them costs much.
var describing = map[string]bool{"netclass": true}

// slowerNode reads a collector every so often, and in between gives what it
// has found last.
type slowerNode struct {
	collector.Collector
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	at   time.Time // of what was kept
	kept []prometheus.Metric
}

// Update implements collector.Collector. An error is not remembered: the next
// scrape tries again.
func (s *slowerNode) Update(ch chan<- prometheus.Metric) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.at.IsZero() || now.Sub(s.at) >= s.every || now.Before(s.at) {
		found, err := update(s.Collector)
		if err != nil {
			s.at = time.Time{}
			return err
		}
		s.at, s.kept = now, found
	}
	for _, m := range s.kept {
		ch <- m
	}
	return nil
}

// update runs a collector and gives what it sends.
func update(c collector.Collector) ([]prometheus.Metric, error) {
	var found []prometheus.Metric
	ch := make(chan prometheus.Metric)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m := range ch {
			found = append(found, m)
		}
	}()
	// A panic goes on to guardedNode, and must not leave the goroutine behind.
	err := func() error {
		defer func() {
			close(ch)
			<-done
		}()
		return c.Update(ch)
	}()
	return found, err
}

// statsCache is what the manager keeps the latest figures of each container in.
type statsCache interface {
	RecentStats(name string, start, end time.Time, maxStats int) ([]*model.ContainerStats, error)
}

// containerInfo is the part of manager.Manager that cAdvisor's collectors ask.
type containerInfo interface {
	GetRequestedContainersInfo(name string, o model.RequestOptions) (map[string]*model.ContainerInfo, error)
	GetVersionInfo() (*model.VersionInfo, error)
	GetMachineInfo() (*model.MachineInfo, error)
}

var (
	_ containerInfo = manager.Manager(nil)
	_ statsCache    = (*memory.InMemoryCache)(nil)
)

// slowerInfo answers with the containers that it last saw and their newest
// figures. The manager itself would read the limits and the children of every
// cgroup each time it is asked. A container that begins is seen within
// describeEvery, as cAdvisor's own API has it; one that ends is gone at once.
type slowerInfo struct {
	containerInfo
	stats statsCache
	every time.Duration
	now   func() time.Time

	mu    sync.Mutex
	at    time.Time // of what is known
	known map[string]*model.ContainerInfo
}

// GetRequestedContainersInfo implements containerInfo. It is asked with one set
// of options only.
func (s *slowerInfo) GetRequestedContainersInfo(name string, o model.RequestOptions) (map[string]*model.ContainerInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.at.IsZero() || now.Sub(s.at) >= s.every || now.Before(s.at) {
		found, err := s.containerInfo.GetRequestedContainersInfo(name, o)
		if err != nil {
			// Some of it may have been found; what failed is asked for again at the next scrape.
			s.at = time.Time{}
			return found, err
		}
		// The caller owns the answer, so a copy is kept.
		s.at, s.known = now, maps.Clone(found)
		return found, nil
	}
	out := make(map[string]*model.ContainerInfo, len(s.known))
	for key, c := range s.known {
		stats, err := s.stats.RecentStats(c.Name, time.Time{}, time.Time{}, o.Count)
		if errors.Is(err, memory.ErrDataNotFound) {
			continue // It has ended.
		}
		if err != nil {
			return out, err
		}
		fresh := *c
		fresh.Stats = stats
		out[key] = &fresh
	}
	return out, nil
}
