//go:build conformance

package conformance

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"
)

// answer is what a server answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// client never follows a redirect nor decompresses: both are part of an answer.
var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       30 * time.Second,
}

// request asks a server.
func request(t testing.TB, s *server, method, path string, header http.Header, body []byte) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s of %s: %v\n%s", method, path, s.name, err, s.out)
	}
	raw, err := io.ReadAll(res.Body)
	if cerr := res.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		t.Fatalf("%s %s of %s: %v", method, path, s.name, err)
	}
	return answer{res.StatusCode, res.Header, raw}
}
