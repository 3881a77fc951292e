package metrics

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/snappy"
)

// writeError answers in the shape of Prometheus's HTTP API.
func writeError(w http.ResponseWriter, status int, kind, msg string) {
	body, err := json.Marshal(map[string]string{"status": "error", "errorType": kind, "error": msg})
	if err != nil {
		http.Error(w, msg, status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// errBusy says that too many bytes are being received at the same time.
var errBusy = errors.New("too much is being received at the same time; try again in a second, or send smaller batches")

// receiveBudget bounds the bytes of all requests that are being received,
// before and after decompression: the limits of one request alone would let
// some hundred of them take all memory.
type receiveBudget struct {
	limit int64
	used  atomic.Int64
}

// newReceiveBudget lets a request of the largest size in twice, or more where
// the process has the memory for it.
func newReceiveBudget(l ReceiveLimits, memory int64) *receiveBudget {
	return &receiveBudget{limit: max(2*(l.MaxBody+l.MaxDecoded), memory/4)}
}

// share is what one request has taken.
type share struct {
	b *receiveBudget
	n int64
}

func (s *share) take(n int64) error {
	if s.b.used.Add(n) > s.b.limit {
		s.b.used.Add(-n)
		return errBusy
	}
	s.n += n
	return nil
}

func (s *share) release() { s.b.used.Add(-s.n) }

// reader counts what is read.
func (s *share) reader(r io.Reader) io.Reader { return &countedReader{r: r, s: s} }

type countedReader struct {
	r io.Reader
	s *share
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if terr := c.s.take(int64(n)); terr != nil {
		return 0, terr
	}
	return n, err
}

// bodies recycles request buffers: a busy sender posts several times a second.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keepBuffer is the largest buffer worth keeping for the next request, in bytes.
const keepBuffer = 4 << 20

// readBody reads at most limit bytes. The buffer must be given back with release.
func readBody(r *http.Request, limit int64, s *share) (buf *bytes.Buffer, release func(), err error) {
	buf = bodies.Get().(*bytes.Buffer)
	buf.Reset()
	release = func() {
		if buf.Cap() <= keepBuffer {
			bodies.Put(buf)
		}
	}
	if r.ContentLength > limit {
		return buf, release, &http.MaxBytesError{Limit: limit}
	}
	if r.ContentLength > 0 && r.ContentLength <= keepBuffer {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(s.reader(r.Body), limit+1))
	if err == nil && n > limit {
		err = &http.MaxBytesError{Limit: limit}
	}
	return buf, release, err
}

func refuseBody(w http.ResponseWriter, err error) {
	if errors.Is(err, errBusy) {
		w.Header().Set("Retry-After", "1")
		writeError(w, http.StatusServiceUnavailable, "unavailable", err.Error())
		return
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		writeError(w, http.StatusRequestEntityTooLarge, "bad_data",
			fmt.Sprintf("request body is larger than %d bytes; send smaller batches (max_samples_per_send) or raise --remote-write.max-body", tooLarge.Limit))
		return
	}
	writeError(w, http.StatusBadRequest, "bad_data", "read request body: "+err.Error())
}

// limitSnappy guards remote write: the size as sent, and the size that the
// block's header promises, before anything of it is decompressed.
func limitSnappy(l ReceiveLimits, b *receiveBudget, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &share{b: b}
		defer s.release()
		buf, release, err := readBody(r, l.MaxBody, s)
		defer release()
		if err != nil {
			refuseBody(w, err)
			return
		}
		if enc := r.Header.Get("Content-Encoding"); enc == "" || enc == "snappy" {
			n, err := snappy.DecodedLen(buf.Bytes())
			if err != nil {
				writeError(w, http.StatusBadRequest, "bad_data", "request body is not a snappy block: "+err.Error())
				return
			}
			if int64(n) > l.MaxDecoded {
				writeError(w, http.StatusRequestEntityTooLarge, "bad_data",
					fmt.Sprintf("request body would grow to %d bytes, the limit is %d; send smaller batches or raise --remote-write.max-decoded", n, l.MaxDecoded))
				return
			}
			if err := s.take(int64(n)); err != nil {
				refuseBody(w, err)
				return
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(buf.Bytes()))
		next.ServeHTTP(w, r)
	})
}

// limitGzip guards OTLP over HTTP: it decompresses up to the limit itself, so
// that the handler behind it never meets a body that grows without end.
func limitGzip(l ReceiveLimits, b *receiveBudget, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &share{b: b}
		defer s.release()
		body := io.Reader(http.MaxBytesReader(w, r.Body, l.MaxBody))
		switch enc := r.Header.Get("Content-Encoding"); enc {
		case "", "identity":
		case "gzip":
			z, err := gzip.NewReader(body)
			if err != nil {
				refuseBody(w, err)
				return
			}
			body = z
		default:
			writeError(w, http.StatusUnsupportedMediaType, "bad_data", fmt.Sprintf("content encoding %q is not supported; use gzip or none", enc))
			return
		}
		raw, err := io.ReadAll(io.LimitReader(s.reader(body), l.MaxDecoded+1))
		if err == nil && int64(len(raw)) > l.MaxDecoded {
			err = &http.MaxBytesError{Limit: l.MaxDecoded}
		}
		if err != nil {
			refuseBody(w, err)
			return
		}
		r.Header.Del("Content-Encoding")
		r.ContentLength = int64(len(raw))
		r.Body = io.NopCloser(bytes.NewReader(raw))
		next.ServeHTTP(w, r)
	})
}
