// Package wire writes remote-write 1.0 requests for the benchmarks: labels are
// encoded once and bodies are put together from them, so that making and
// sending a body costs next to nothing beside what the server does with it.
package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"
)

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

// Labels encodes the labels of a series, which must be sorted by name.
func Labels(all [][2]string) []byte {
	var out []byte
	for _, l := range all {
		var m []byte
		m = protowire.AppendString(protowire.AppendTag(m, labelName, protowire.BytesType), l[0])
		m = protowire.AppendString(protowire.AppendTag(m, labelValue, protowire.BytesType), l[1])
		out = protowire.AppendBytes(protowire.AppendTag(out, seriesLabels, protowire.BytesType), m)
	}
	return out
}

// Request is a request that is being put together. The zero value is empty.
type Request struct{ raw, one, sample []byte }

// Add adds a series with one sample, at a time in milliseconds. labels are what Labels gave.
func (r *Request) Add(labels []byte, value float64, at int64) {
	r.sample = protowire.AppendFixed64(protowire.AppendTag(r.sample[:0], sampleValue, protowire.Fixed64Type), math.Float64bits(value))
	r.sample = protowire.AppendVarint(protowire.AppendTag(r.sample, sampleTime, protowire.VarintType), uint64(at))
	r.one = append(r.one[:0], labels...)
	r.one = protowire.AppendBytes(protowire.AppendTag(r.one, seriesSamples, protowire.BytesType), r.sample)
	r.raw = protowire.AppendBytes(protowire.AppendTag(r.raw, requestSeries, protowire.BytesType), r.one)
}

// Take returns the compressed body and empties the request.
func (r *Request) Take(compress func(dst, src []byte) []byte) []byte {
	body := compress(nil, r.raw)
	r.raw = r.raw[:0]
	return body
}

// Post sends a compressed body. An answer that is not 2xx is an error.
func Post(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("write samples to %s: %s: %s", url, res.Status, text)
	}
	return nil
}
