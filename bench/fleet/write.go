package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"
)

// Interval is the time between two samples of a series, in milliseconds.
const Interval = 15_000

// perRequest is what Prometheus sends at once by default (max_samples_per_send).
const perRequest = 2000

// The field numbers of remote write 1.0: WriteRequest, TimeSeries, Label, Sample.
const (
	requestSeries = 1
	seriesLabels  = 1
	seriesSamples = 2
	labelName     = 1
	labelValue    = 2
	sampleValue   = 1
	sampleTime    = 2
)

func encodeLabels(all [][2]string) []byte {
	var out []byte
	for _, l := range all {
		var m []byte
		m = protowire.AppendTag(m, labelName, protowire.BytesType)
		m = protowire.AppendString(m, l[0])
		m = protowire.AppendTag(m, labelValue, protowire.BytesType)
		m = protowire.AppendString(m, l[1])
		out = protowire.AppendTag(out, seriesLabels, protowire.BytesType)
		out = protowire.AppendBytes(out, m)
	}
	return out
}

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
	var raw, one, sample []byte
	for i := range f.series {
		s := &f.series[i]
		f.advance(s)
		sample = protowire.AppendTag(sample[:0], sampleValue, protowire.Fixed64Type)
		sample = protowire.AppendFixed64(sample, math.Float64bits(s.value))
		sample = protowire.AppendTag(sample, sampleTime, protowire.VarintType)
		sample = protowire.AppendVarint(sample, uint64(at))
		one = append(one[:0], s.labels...)
		one = protowire.AppendTag(one, seriesSamples, protowire.BytesType)
		one = protowire.AppendBytes(one, sample)
		raw = protowire.AppendTag(raw, requestSeries, protowire.BytesType)
		raw = protowire.AppendBytes(raw, one)
		if (i+1)%perRequest == 0 || i == len(f.series)-1 {
			bodies = append(bodies, snappy.Encode(nil, raw))
			raw = raw[:0]
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
					if errs[c] = w.post(ctx, bodies[i]); errs[c] != nil {
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

func (w *Writer) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	res, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("write samples to %s: %s: %s", w.URL, res.Status, text)
	}
	return nil
}

// Close gives the connections back.
func (w *Writer) Close() {
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
}
