package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// client asks servers that are not to be trusted with time or memory.
type client struct {
	http    *http.Client
	timeout time.Duration
}

func newClient(rt http.RoundTripper, timeout time.Duration) *client {
	return &client{timeout: timeout, http: &http.Client{
		Transport: rt,
		// A redirect would take the secret of the URL or of the header elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newTransport is one that keeps no more connections than are used.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: 2 * time.Minute, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: maxAnswer,
	}
}

// do sends a request and returns the beginning of the answer's body. An answer
// other than 2xx is an error. No error repeats anything of the URL but its host.
func (c *client) do(ctx context.Context, method, to, body string, header map[string]string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, to, r)
	if err != nil {
		return nil, errors.New("make request: not a URL")
	}
	req.Header.Set("User-Agent", "Touchline")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", req.URL.Host, plain(err))
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	_ = res.Body.Close()
	switch {
	case res.StatusCode/100 == 3:
		return nil, &statusError{host: req.URL.Host, code: res.StatusCode, status: res.Status + ", a redirect, which is not followed; name the address that it leads to"}
	case res.StatusCode/100 != 2:
		return nil, &statusError{host: req.URL.Host, code: res.StatusCode, status: res.Status}
	case err != nil:
		return nil, fmt.Errorf("read answer of %s: %w", req.URL.Host, plain(err))
	}
	return raw, nil
}

// statusError is an answer that is not 2xx.
type statusError struct {
	host   string
	code   int
	status string
}

func (e *statusError) Error() string { return e.host + " answered " + e.status }

// plain is an error of net/http without the URL that it repeats.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}
