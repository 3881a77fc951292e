package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// How long a stream's server may be silent: before its answer begins, where a
// compaction may have to end first, and then between two pieces of it.
const (
	streamStart = 15 * time.Minute
	streamStall = 2 * time.Minute
)

// errStalled is why a stream is given up.
var errStalled = errors.New("the server sends nothing any more")

// stream posts to path and copies the answer, however long, to w.
func (c *apiClient) stream(ctx context.Context, path string, w io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(streamStart, func() { cancel(errStalled) })
	defer idle.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	req.Header.Set("User-Agent", "touchline-cli")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	long := *c.http
	long.Timeout = 0
	resp, err := long.Do(req) //nolint:bodyclose // it is closed below; the readers in between hide that
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
			err = cause
		}
		return c.explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		raw, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenFile))
		if err != nil {
			return fmt.Errorf("read answer of %s: %w", c.base, err)
		}
		return c.refused(resp, path, raw)
	}
	n, err := io.Copy(w, readerFunc(func(p []byte) (int, error) {
		idle.Reset(streamStall)
		n, err := resp.Body.Read(p)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return n, cause
		}
		if err != nil && !errors.Is(err, io.EOF) {
			err = &cutOffError{err}
		}
		return n, err
	}))
	var cut *cutOffError
	if errors.As(err, &cut) || errors.Is(err, errStalled) {
		return fmt.Errorf("the answer of %s broke off after %d bytes: %w; the log of the server has the reason", c.base, n, err)
	}
	return err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// cutOffError tells a connection's error from one of the file that is written.
type cutOffError struct{ err error }

func (e *cutOffError) Error() string { return e.err.Error() }
func (e *cutOffError) Unwrap() error { return e.err }
