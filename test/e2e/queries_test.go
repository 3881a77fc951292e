//go:build e2e

package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAbsurdQueries asks what would take all memory or time, alone and in a
// crowd: each is answered or refused, and the server goes on.
func TestAbsurdQueries(t *testing.T) {
	t.Parallel()
	p := launch(t, t.TempDir(), "--stack.enabled=false", "--query.timeout=5s")
	p.until(20*time.Second, "the in-process targets", func() bool { return p.value("count(up)") == "3" })
	before := p.peak()
	queries := []string{
		`count_over_time(up[290y:1ms])`,
		`max_over_time(sum_over_time(avg_over_time(up[30d:1s])[30d:1s])[30d:1s])`,
		`{__name__=~".+"} * on() group_left {__name__=~".+"}`,
		`count({__name__=~".+"} + on() group_right() count by (__name__) ({__name__=~".+"}))`,
		`label_replace({__name__=~".+"}, "x", "` + strings.Repeat("$1", 50) + `", "__name__", "(.*)")`,
		`label_replace(label_replace(up, "x", "` + strings.Repeat("y", 100000) + `", "", ""), "x", "` + strings.Repeat("$1", 20) + `", "x", "(.*)")`,
		`{__name__=~"(((a*)*)*)*b"}`,
		`{__name__=~"(x{1000}){1000}"}`,
		`up{a="` + strings.Repeat("a", 1<<20) + `"}`,
		strings.Repeat("(", 5000) + "up" + strings.Repeat(")", 5000),
		`topk(1000000000, {__name__=~".+"})`,
		`sum by (__name__, job, instance, le) ({__name__=~".+"})`,
		`quantile_over_time(0.5, {__name__=~".+"}[1h:1s])`,
	}
	ask := func(q string) (int, string) {
		return p.do(http.MethodPost, "/api/v1/query", "application/x-www-form-urlencoded", []byte("query="+url.QueryEscape(q)), nil)
	}
	for _, q := range queries {
		code, body := ask(q)
		if code == 0 || code == http.StatusInternalServerError || code != http.StatusOK && !strings.Contains(body, `"error":"`) {
			t.Errorf("%.100s: %d %.300s", q, code, body)
		}
	}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if code, body := ask(queries[i%len(queries)]); code == http.StatusInternalServerError {
				t.Errorf("in a crowd: %.100s: %d %.200s", queries[i%len(queries)], code, body)
			}
		})
	}
	for range 20 {
		if code, body := p.get("/-/healthy"); code != http.StatusOK {
			t.Errorf("health: %d %s", code, body)
		}
	}
	wg.Wait()
	p.until(15*time.Second, "an ordinary answer", func() bool { return p.value("count(up)") == "3" })
	if grown := p.peak() - before; grown > 2<<30 {
		t.Errorf("the largest resident size grew by %d MiB", grown>>20)
	}
}
