//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	varint "encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collectormetrics "go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// peak is the largest resident size that the process ever had, in bytes.
func (p *process) peak() int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return n << 10
		}
	}
	p.t.Fatal("no VmHWM")
	return 0
}

// zeros is a body without end, or of a size.
type zeros struct{ left int64 }

func (z *zeros) Read(b []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	if z.left > 0 && int64(len(b)) > z.left {
		b = b[:z.left]
	}
	clear(b)
	if z.left > 0 {
		z.left -= int64(len(b))
	}
	return len(b), nil
}

// gzipBomb grows by a factor of a thousand.
func gzipBomb(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, &zeros{size}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// post sends a body and returns the answer, also where the server closes the
// connection before it has read everything.
func (p *process) post(path, contentType, encoding string, body io.Reader, length int64) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	r.ContentLength = length
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Expect", "100-continue") // so that a refusal is read and not lost in a reset
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	tr := &http.Transport{ExpectContinueTimeout: 5 * time.Second}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return res.StatusCode, err.Error()
	}
	return res.StatusCode, string(raw)
}

// TestHugeBodies sends what no client should to every door that takes bodies.
func TestHugeBodies(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir(), "--web.enable-lifecycle", "--stack.enabled=false")
	p.until(20*time.Second, "the in-process targets", func() bool { return p.value("count(up)") == "3" })
	before := p.peak()
	const twoGB = 2 << 30
	prom, am, otlp := `"status":"error"`, `"message":`, ``
	protobuf, form := "application/x-protobuf", "application/x-www-form-urlencoded"
	snappyBomb := append(varint.AppendUvarint(nil, 4<<30-1), make([]byte, 1000)...)
	bomb := gzipBomb(t, 1<<30)
	for _, c := range []struct {
		path, contentType, encoding string
		body                        func() io.Reader
		length                      int64
		want                        []int
		shape                       string
	}{
		{"/api/v1/write", protobuf, "snappy", nil, twoGB, []int{413}, prom},
		{"/api/v1/write", protobuf, "snappy", nil, -1, []int{413}, prom},
		{"/api/v1/write", protobuf, "snappy", func() io.Reader { return bytes.NewReader(snappyBomb) }, int64(len(snappyBomb)), []int{413}, prom},
		{"/api/v1/otlp/v1/metrics", protobuf, "", nil, twoGB, []int{413}, prom},
		{"/api/v1/otlp/v1/metrics", protobuf, "", nil, -1, []int{413}, prom},
		{"/api/v1/otlp/v1/metrics", protobuf, "gzip", func() io.Reader { return bytes.NewReader(bomb) }, int64(len(bomb)), []int{413}, prom},
		{"/v1/metrics", protobuf, "", nil, -1, []int{413}, otlp},
		{"/v1/metrics", protobuf, "gzip", func() io.Reader { return bytes.NewReader(bomb) }, int64(len(bomb)), []int{413}, otlp},
		{"/v1/logs", protobuf, "", nil, -1, []int{413, 501}, otlp},
		{"/api/v2/alerts", "application/json", "", nil, twoGB, []int{413}, am},
		{"/api/v2/alerts", "application/json", "", nil, -1, []int{413, 400}, am},
		{"/api/v2/silences", "application/json", "", nil, twoGB, []int{413}, am},
		{"/api/v2/silences", "application/json", "", nil, -1, []int{413, 400}, am},
		{"/api/v1/query", form, "", nil, twoGB, []int{413}, prom},
		{"/api/v1/query", form, "", nil, -1, []int{413, 400}, prom},
		{"/api/v1/query_range", form, "", nil, -1, []int{413, 400}, prom},
		{"/api/v1/series", form, "", nil, -1, []int{413, 400}, prom},
		{"/api/v1/parse_query", form, "", nil, -1, []int{413, 400}, prom},
		{"/api/v1/read", protobuf, "snappy", nil, twoGB, []int{413}, prom},
		{"/api/v1/read", protobuf, "snappy", nil, -1, []int{413, 400}, prom},
		{"/api/v1/read", protobuf, "snappy", func() io.Reader { return bytes.NewReader(snappyBomb) }, int64(len(snappyBomb)), []int{413, 400}, prom},
		{"/-/reload", "text/plain", "", nil, twoGB, []int{413}, ""},
	} {
		name := fmt.Sprintf("%s %s %d", c.path, c.encoding, c.length)
		body := io.Reader(&zeros{c.length})
		if c.body != nil {
			body = c.body()
		}
		code, text := p.post(c.path, c.contentType, c.encoding, body, c.length)
		// A client that goes on writing may lose the answer to the reset that
		// ends its body; it was refused all the same.
		for try := 0; code == 0 && c.length < 0 && try < 5; try++ {
			code, text = p.post(c.path, c.contentType, c.encoding, &zeros{c.length}, c.length)
		}
		if code == 0 && c.length < 0 && strings.Contains(text, "reset") {
			continue
		}
		ok := false
		for _, w := range c.want {
			ok = ok || code == w
		}
		if !ok || !strings.Contains(strings.ReplaceAll(text, `": `, `":`), c.shape) {
			t.Errorf("%s: %d %.300s", name, code, text)
		}
		if code, _ := p.get("/-/healthy"); code != http.StatusOK {
			t.Fatalf("%s: the server is not healthy any more", name)
		}
	}
	// Twice the largest request after decompression, what the collector has not
	// swept yet, and the 128 MiB that it leaves under load (selfmon.PaceGC); the
	// bodies themselves claim some 20 GiB.
	grown := p.peak() - before
	t.Logf("the largest resident size grew by %d MiB", grown>>20)
	if grown > (640+128)<<20 {
		t.Error("that is too much")
	}
	if !p.write("neighbour", 1, time.Now()) {
		t.Error("an ordinary write is refused")
	}
}

// TestOversizedGRPC sends a message above the limit of OTLP.
func TestOversizedGRPC(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir(), "--stack.enabled=false")
	c, err := grpc.NewClient(p.listener("otlp-grpc"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	m := pmetric.NewMetrics()
	m.ResourceMetrics().AppendEmpty().Resource().Attributes().PutStr("big", strings.Repeat("x", 80<<20))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = collectormetrics.NewGRPCClient(c).Export(ctx, collectormetrics.NewExportRequestFromMetrics(m))
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("got %v", err)
	}
	if _, err = collectormetrics.NewGRPCClient(c).Export(ctx, collectormetrics.NewExportRequest()); err != nil {
		t.Errorf("an ordinary message after it: %v", err)
	}
}

// TestManyUnfinishedGRPC begins many calls whose messages never end.
func TestManyUnfinishedGRPC(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir(), "--stack.enabled=false", "--web.read-timeout=15s")
	before := p.peak()
	// A message of 30 MiB of which the last byte is missing.
	message := append([]byte{0, 30 << 20 >> 24, 30 << 20 >> 16 & 0xff, 0, 0}, make([]byte, 30<<20-1)...)
	var wg sync.WaitGroup
	answers := make([]string, 100)
	for i := range answers {
		wg.Go(func() {
			answers[i] = unfinishedCall(t.Context(), p.listener("otlp-grpc"), message)
		})
	}
	wg.Wait()
	count := map[string]int{}
	for _, a := range answers {
		count[a]++
	}
	t.Log(count)
	if count[codes.Unavailable.String()] == 0 || count[codes.Unavailable.String()]+count[codes.DeadlineExceeded.String()] != len(answers) {
		t.Errorf("the calls ended with %v", count)
	}
	if grown := p.peak() - before; grown > 640<<20 {
		t.Errorf("the largest resident size grew by %d MiB", grown>>20)
	}
	c, err := grpc.NewClient(p.listener("otlp-grpc"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err = collectormetrics.NewGRPCClient(c).Export(t.Context(), collectormetrics.NewExportRequest()); err != nil {
		t.Errorf("an ordinary message after them: %v", err)
	}
}

// unfinishedCall sends the beginning of a message and returns the status code that ends the call.
func unfinishedCall(ctx context.Context, addr string, message []byte) string {
	body, w := io.Pipe()
	defer func() { _ = w.Close() }()
	go func() { _, _ = w.Write(message) }()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", body)
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("TE", "trailers")
	resp, err := tr.RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err.Error()
	}
	code := resp.Header.Get("Grpc-Status")
	if code == "" {
		code = resp.Trailer.Get("Grpc-Status")
	}
	n, err := strconv.Atoi(code)
	if err != nil {
		return "no status: " + code
	}
	return codes.Code(n).String()
}

// TestSlowHeaders holds connections open without ever finishing a request.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir(), "--stack.enabled=false")
	addr := strings.TrimPrefix(p.url, "http://")
	conns := make([]net.Conn, 100)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-"); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	if code, _ := p.get("/-/healthy"); code != http.StatusOK {
		t.Error("neighbours are not served")
	}
	for _, c := range conns {
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a request without an end was not cut off within 20 s")
		}
	}
}
