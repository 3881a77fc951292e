package httpserver

import (
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// LimitedDecompress decodes a body by its Content-Encoding (identity, gzip,
// deflate or zstd). Reading more than limit bytes of the decoded body fails
// with *http.MaxBytesError, however small the encoded one is; an unknown
// encoding is an *Error of status 415. Close releases the decoder, not body.
func LimitedDecompress(body io.Reader, encoding string, limit int64) (io.ReadCloser, error) {
	var r io.ReadCloser
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		r = io.NopCloser(body)
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Err: fmt.Errorf("read gzip header: %w", err)}
		}
		r = z
	case "deflate":
		z, err := zlib.NewReader(body)
		if err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Err: fmt.Errorf("read zlib header: %w", err)}
		}
		r = z
	case "zstd":
		// The window is what a hostile header can make the decoder allocate.
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderMaxMemory(uint64(max(limit, 1<<20))))
		if err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Err: fmt.Errorf("read zstd header: %w", err)}
		}
		r = z.IOReadCloser()
	default:
		return nil, Errorf(http.StatusUnsupportedMediaType, "content encoding %q is not known; use gzip, deflate, zstd or none", encoding)
	}
	return &limitedReader{r: r, left: limit, limit: limit}, nil
}

type limitedReader struct {
	r           io.ReadCloser
	left, limit int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	// One byte more than is allowed tells a body that ends from one that goes on.
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if int64(n) > l.left {
		n = int(l.left)
		l.left = 0
		return n, &http.MaxBytesError{Limit: l.limit}
	}
	l.left -= int64(n)
	return n, err
}

func (l *limitedReader) Close() error { return l.r.Close() }
