// Package backend passes requests on to other servers that speak Prometheus's or
// Alertmanager's API, with credentials that stay here: bounded in time, in size
// and in number, and to nowhere but the server that was named.
package backend

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds that no caller sets.
const (
	redirects = 3
	maxText   = 64 << 10         // read of an answer that is not passed on, so that its connection can be used again
	maxWait   = 10 * time.Second // for a request before this one to end
)

// Options configure a Client. All fields are required.
type Options struct {
	Name        string   // what errors call the server, such as "data source Peer"
	URL         *url.URL // without user, query and fragment; its path ends without a slash
	Transport   http.RoundTripper
	Timeout     time.Duration // of one request and its answer
	Requests    int           // at the same time
	Credentials string        // where they stand, for errors, such as "its provisioning file"
}

// Client reaches one server.
type Client struct {
	o     Options
	http  *http.Client
	slots chan struct{}
}

// New returns a Client. It connects when it is first asked.
func New(o Options) *Client {
	return &Client{o: o, slots: make(chan struct{}, o.Requests), http: &http.Client{
		Timeout: o.Timeout, Transport: o.Transport,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != o.URL.Scheme || r.URL.Host != o.URL.Host || len(via) > redirects {
				return errElsewhere
			}
			if r.Method != via[0].Method {
				return errOtherMethod
			}
			return nil
		},
	}}
}

var errElsewhere = errors.New("it redirects to elsewhere, where its credentials do not belong; write the address that it redirects to as its url")

// errOtherMethod is a redirect that clients follow with a GET: what was to be done
// would not be, and the answer would look as if it had been.
var errOtherMethod = errors.New("it redirects a request that is not a GET; write the address that it redirects to as its url")

// URL is where the server is.
func (c *Client) URL() string { return c.o.URL.String() }

// Close drops connections that wait for a next request.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Error is why a request has no answer of the server. Nothing has been written
// to whoever asked.
type Error struct {
	Status int
	Kind   string // as Prometheus's API calls it
	Reason string // in a sentence that names the server, and nothing secret
	asked  bool   // the server was asked
}

func (e *Error) Error() string { return e.Reason }

// Refused says why a request is not passed on.
func Refused(status int, kind, format string, args ...any) *Error {
	return &Error{Status: status, Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

func (c *Client) failed(status int, format string, args ...any) *Error {
	kind := "bad_gateway"
	switch status {
	case http.StatusNotFound:
		kind = "not_found"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		kind = "unavailable"
	}
	return &Error{Status: status, Kind: kind, Reason: fmt.Sprintf("%s (%s): %s", c.o.Name, c.URL(), fmt.Sprintf(format, args...)), asked: true}
}

// errCut is an answer that ended early, when a part of it had been passed on.
type errCut struct{ error }

func (e errCut) Unwrap() error { return e.error }

// errGone is a caller that waits no longer.
var errGone = errors.New("whoever asked has gone")

// The outcomes of a request.
const (
	OK      = "ok"
	Denied  = "refused" // here, before the server was asked
	Failing = "failed"  // the server could not be reached, or answered something else
)

// Outcomes lists them.
var Outcomes = []string{OK, Denied, Failing}

// Outcome says which one an error of Pass is, "" where nobody waited for any.
func Outcome(err error) string {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return OK
	case errors.Is(err, errGone):
		return ""
	case ok && !e.asked:
		return Denied
	}
	return Failing
}

// Call says what of a request is passed on, and what of its answer.
type Call struct {
	Path      string   // below the server's address, unescaped
	MaxBody   int64    // bytes of the request
	MaxAnswer int64    // bytes of the answer, after gzip
	Types     []string // media types of the answer
	Headers   []string // of the request that are passed on
	BodyType  string   // media type of the request's body, where Headers does not have it
	Encoded   bool     // the answer is passed on in the encoding that it comes in
	MayBeBare bool     // an answer without a body is one, too
}

// Pass asks the server and passes its answer on. An *Error has written nothing
// yet: it is for the caller to write, in the shape of the protocol. After any
// other error the answer has been cut off, and there is nothing to be written.
func (c *Client) Pass(w http.ResponseWriter, r *http.Request, call Call) error {
	out, err := c.request(r, call)
	if err != nil {
		return err
	}
	resp, err := c.do(out)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := c.check(resp, call)
	if err != nil {
		if v := resp.Header.Get("Retry-After"); v != "" {
			w.Header().Set("Retry-After", v)
		}
		return err
	}
	h := w.Header()
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if v := resp.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	if enc := resp.Header.Get("Content-Encoding"); call.Encoded && enc != "" {
		h.Set("Content-Encoding", enc)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(resp.StatusCode)
	n, err := io.Copy(w, io.LimitReader(body, call.MaxAnswer))
	if err == nil && n == call.MaxAnswer {
		if more, _ := body.Read(make([]byte, 1)); more > 0 {
			err = fmt.Errorf("the answer is larger than %d bytes", call.MaxAnswer)
		}
	}
	if err != nil {
		// Half an answer must not look like a whole one: the connection ends with it.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
		return errCut{fmt.Errorf("pass on the answer of %s after %d bytes: %w", c.o.Name, n, plain(err))}
	}
	return nil
}

// request is what is sent instead of what has been received.
func (c *Client) request(r *http.Request, call Call) (*http.Request, error) {
	if strings.Contains(call.Path, "/../") || strings.HasSuffix(call.Path, "/..") {
		return nil, Refused(http.StatusBadRequest, "bad_data", "%.200q is no path that can be passed on", call.Path)
	}
	var body []byte
	if r.Body != nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, call.MaxBody+1)); err != nil {
			return nil, Refused(http.StatusBadRequest, "bad_data", "read request: %v", err)
		}
		if int64(len(body)) > call.MaxBody {
			return nil, Refused(http.StatusRequestEntityTooLarge, "bad_data", "the request is larger than %d bytes; send a shorter one", call.MaxBody)
		}
	}
	to := *c.o.URL
	to.Path, to.RawPath, to.RawQuery = to.Path+call.Path, "", r.URL.RawQuery
	out, err := http.NewRequestWithContext(r.Context(), r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, Refused(http.StatusBadRequest, "bad_data", "the request cannot be passed on")
	}
	out.Header.Set("Accept", strings.Join(call.Types, ", "))
	if !call.Encoded {
		out.Header.Set("Accept-Encoding", "gzip")
	}
	for _, name := range call.Headers {
		if v := r.Header.Get(name); v != "" {
			out.Header.Set(name, v)
		}
	}
	if call.BodyType != "" && len(body) > 0 {
		out.Header.Set("Content-Type", call.BodyType)
	}
	return out, nil
}

// held is the body of an answer, whose turn ends when it is closed.
type held struct {
	io.ReadCloser
	slots <-chan struct{}
	once  sync.Once
}

func (h *held) Close() error {
	h.once.Do(func() { <-h.slots })
	return h.ReadCloser.Close()
}

// do asks when it is this request's turn, which lasts until the body of the answer
// is closed.
func (c *Client) do(out *http.Request) (*http.Response, error) {
	wait := time.NewTimer(maxWait)
	defer wait.Stop()
	select {
	case c.slots <- struct{}{}:
	case <-out.Context().Done():
		return nil, errGone
	case <-wait.C:
		return nil, Refused(http.StatusServiceUnavailable, "unavailable", "%d requests to %s are on their way; try again in a second", c.o.Requests, c.o.Name)
	}
	resp, err := c.send(out)
	if err != nil {
		<-c.slots
		return nil, err
	}
	resp.Body = &held{ReadCloser: resp.Body, slots: c.slots}
	return resp, nil
}

// send asks at once.
func (c *Client) send(out *http.Request) (*http.Response, error) {
	out.Header.Set("User-Agent", "touchline")
	resp, err := c.http.Do(out)
	if err != nil {
		if out.Context().Err() != nil {
			return nil, errGone
		}
		return nil, c.failed(http.StatusBadGateway, "%v", plain(err))
	}
	return resp, nil
}

// check tells an answer of the API from one of something that stands before it,
// or of another server.
func (c *Client) check(resp *http.Response, call Call) (io.Reader, error) {
	var body io.Reader = bufio.NewReader(resp.Body)
	if !call.Encoded && resp.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, c.failed(http.StatusBadGateway, "its answer is no gzip, as it says")
		}
		body = unzipped
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	bare := false
	if b, ok := body.(*bufio.Reader); ok && call.MayBeBare {
		_, err := b.Peek(1)
		bare = errors.Is(err, io.EOF)
	}
	known := bare || slices.Contains(call.Types, kind)
	if !known {
		_, _ = io.CopyN(io.Discard, resp.Body, maxText)
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		// Who is refused there is this server, not whoever asks.
		return nil, c.failed(http.StatusBadGateway, "it answers %s: the credentials of %s are not right", resp.Status, c.o.Credentials)
	case !known && (resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed):
		return nil, c.failed(http.StatusNotFound, "it does not have %.200s", call.Path)
	case !known && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable):
		// What stands before it is busy, and says so in words of its own.
		return nil, c.failed(resp.StatusCode, "it answers %s", resp.Status)
	case !known:
		return nil, c.failed(http.StatusBadGateway, "it answers %s and no %s; is its url right?", resp.Status, wanted(call.Types))
	case resp.ContentLength > call.MaxAnswer:
		return nil, c.failed(http.StatusBadGateway, "its answer has %d bytes, and at most %d are passed on; ask for less", resp.ContentLength, call.MaxAnswer)
	}
	return body, nil
}

func wanted(types []string) string {
	if slices.Equal(types, JSON) {
		return "JSON"
	}
	return strings.Join(types, " or ")
}

// JSON is what most answers are.
var JSON = []string{"application/json"}

// plain is an error without the address, which stands in the message already.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		if u.Timeout() {
			return errors.New("it has not answered in time")
		}
		return u.Err
	}
	return err
}

// read gives the JSON that a GET of path answers, when it is its turn.
func (c *Client) read(ctx context.Context, path string, params url.Values, limit int64) ([]byte, error) {
	return c.readBy(ctx, c.do, path, params, limit)
}

func (c *Client) readBy(ctx context.Context, do func(*http.Request) (*http.Response, error), path string, params url.Values, limit int64) ([]byte, error) {
	to := c.o.URL.JoinPath(path)
	to.RawQuery = params.Encode()
	out, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	out.Header.Set("Accept", JSON[0])
	resp, err := do(out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := c.check(resp, Call{Path: path, Types: JSON, MaxAnswer: limit})
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(body, limit))
	if err != nil {
		return nil, c.failed(http.StatusBadGateway, "%v", plain(err))
	}
	if resp.StatusCode/100 != 2 {
		return nil, c.failed(resp.StatusCode, "it answers %s", resp.Status)
	}
	return raw, nil
}
