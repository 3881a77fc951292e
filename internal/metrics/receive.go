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

// Receive takes bytes of the budget for a message that another server reads, and
// returns what gives them back.
func (e *Engine) Receive(n int64) (release func(), err error) {
	s := &share{b: e.budget}
	if err := s.take(n); err != nil {
		return nil, err
	}
	return s.release, nil
}

// share is what one request has taken.
type share struct {
	b      *receiveBudget
	n      int64
	reader countedReader
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

// count counts what is read.
func (s *share) count(r io.Reader) io.Reader {
	s.reader = countedReader{R: r, s: s}
	return &s.reader
}

type countedReader struct {
	R io.Reader
	s *share
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.R.Read(p)
	if terr := c.s.take(int64(n)); terr != nil {
		return 0, terr
	}
	return n, err
}

// bodies recycles request bodies: a busy sender posts several times a second.
var bodies = sync.Pool{New: func() any { return new(requestBody) }}

// keepBuffer is the largest buffer worth keeping for the next request, in bytes.
const keepBuffer = 4 << 20

// requestBody is a body that was read whole. It is the Body of the request that
// is handed on.
type requestBody struct {
	share   share
	buf     bytes.Buffer
	limited io.LimitedReader
	reader  bytes.Reader
}

// Read implements io.Reader.
func (b *requestBody) Read(p []byte) (int, error) { return b.reader.Read(p) }

// Close implements io.Closer. What was read stays until release.
func (b *requestBody) Close() error { return nil }

// release gives the body back; nobody may read it any more.
func (b *requestBody) release() {
	b.share.release()
	b.limited.R, b.share.reader.R = nil, nil
	b.reader.Reset(nil)
	if b.buf.Cap() <= keepBuffer {
		bodies.Put(b)
	}
}

// readBody reads at most limit bytes. The caller gives the result back with
// release, also after an error.
func readBody(r *http.Request, limit int64, budget *receiveBudget) (*requestBody, error) {
	b := bodies.Get().(*requestBody)
	s := &b.share
	*s = share{b: budget}
	s.reader.s = s
	b.buf.Reset()
	b.reader.Reset(nil)
	if r.ContentLength > limit {
		return b, &http.MaxBytesError{Limit: limit}
	}
	if r.ContentLength > 0 && r.ContentLength <= keepBuffer {
		b.buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	s.reader.R = r.Body
	b.limited = io.LimitedReader{R: &s.reader, N: limit + 1}
	n, err := b.buf.ReadFrom(&b.limited)
	if err == nil && n > limit {
		err = &http.MaxBytesError{Limit: limit}
	}
	b.reader.Reset(b.buf.Bytes())
	return b, err
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
func limitSnappy(l ReceiveLimits, budget *receiveBudget, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(r, l.MaxBody, budget)
		s := &body.share
		defer body.release()
		if err != nil {
			refuseBody(w, err)
			return
		}
		if enc := r.Header.Get("Content-Encoding"); enc == "" || enc == "snappy" {
			// What is no snappy block promises nothing, and is for upstream's code to refuse.
			n, err := snappy.DecodedLen(body.buf.Bytes())
			if err != nil {
				n = 0
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
		r.Body = body
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
		raw, err := io.ReadAll(io.LimitReader(s.count(body), l.MaxDecoded+1))
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
