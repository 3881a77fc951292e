package fleet

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"

	"github.com/klauspost/compress/snappy"

	"touchline.dev/touchline/bench/wire"
)

// Interval is the time between two samples of a series, in milliseconds.
const Interval = 15_000

// perRequest is what Prometheus sends at once by default (max_samples_per_send).
const perRequest = 2000

// advance moves a series one interval on.
func (f *Fleet) advance(s *series) {
	const seconds = Interval / 1000
	v := s.value
	switch s.kind {
	case constant:
		return
	case gauge:
		v += s.base * 0.01 * (f.next() - 0.5)
		v = min(max(v, s.base*0.5), s.base)
	case counter:
		v += s.base * seconds * (0.8 + 0.4*f.next())
	case seldom:
		if f.next() < 0.02 {
			v++
		}
	}
	s.value = math.Round(v*s.decimal) / s.decimal
}

// Round gives the bodies of the remote-write requests that carry one sample of
// every series, at the time at in milliseconds. They are compressed, so that
// sending them costs next to nothing.
func (f *Fleet) Round(at int64) [][]byte {
	var bodies [][]byte
	var req wire.Request
	for i := range f.series {
		s := &f.series[i]
		f.advance(s)
		req.Add(s.labels, s.value, at)
		if (i+1)%perRequest == 0 || i == len(f.series)-1 {
			bodies = append(bodies, req.Take(snappy.Encode))
		}
	}
	return bodies
}

// Writer sends rounds to one server.
type Writer struct {
	URL         string
	Connections int // that send at the same time; each has its own part of the series
	client      *http.Client
}

// Write sends rounds. Each connection sends its part of the series in the order
// of time, without waiting for the others at the end of a round, as the shards
// of a Prometheus do. An answer that is not 2xx is an error.
func (w *Writer) Write(ctx context.Context, rounds [][][]byte) error {
	if w.client == nil {
		w.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: w.Connections}}
	}
	errs := make([]error, w.Connections)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for c := range w.Connections {
		wg.Go(func() {
			for _, bodies := range rounds {
				for i := c; i < len(bodies); i += w.Connections {
					if errs[c] = wire.Post(ctx, w.client, w.URL, bodies[i]); errs[c] != nil {
						cancel()
						return
					}
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close gives the connections back.
func (w *Writer) Close() {
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
}
