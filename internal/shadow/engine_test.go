package shadow

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"touchline.dev/touchline/internal/backtest"
)

// direct has requests answered by a handler, without a network in between.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestRulesBeginWithTheComparison has a pair whose samples from before take ten
// minutes to come: no alert may have begun while they did.
func TestRulesBeginWithTheComparison(t *testing.T) {
	const hold = 55 * time.Second
	synctest.Test(t, func(t *testing.T) {
		first := true
		var bad time.Time // the first sample that is
		pair := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/federate":
				v := 9
				if first {
					first, v = false, 1
					<-time.After(10 * time.Minute)
				} else if bad.IsZero() {
					bad = time.Now()
				}
				fmt.Fprintf(w, "m{job=\"j\"} %d %d\n", v, time.Now().UnixMilli())
			case "/api/v1/alerts":
				fmt.Fprint(w, `{"data":{"alerts":[]}}`)
			default:
				http.NotFound(w, r)
			}
		})
		r := testRun(0)
		// Nobody listens there, so that remote read fails at once.
		r.o.Prometheus, r.o.Alertmanager, r.o.Now = &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil, time.Now
		r.o.Poll, r.o.For = time.Second, 3*time.Minute
		r.mine, r.theirs = newRecorder(time.Now), newRecorder(time.Now)
		r.prom = &server{name: "Prometheus", base: r.o.Prometheus, http: &http.Client{Transport: direct{pair}}}
		r.config = backtest.ServerConfig{EvaluationInterval: time.Minute, ScrapeInterval: time.Second}
		r.groups = []apiGroup{{Name: "g", File: "rules.yml", Interval: 60, Rules: []apiRule{{Type: "alerting", Name: "High", Query: "m > 5", Duration: hold.Seconds()}}}}
		if _, err := r.inside(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		if len(r.mine.list) != 1 {
			t.Fatalf("%d alerts fired, want 1", len(r.mine.list))
		}
		if held := r.mine.list[0].fired.Sub(bad); held < hold || held > hold+time.Minute {
			t.Errorf("the alert fired %s after the first bad sample, want %s to %s", held, hold, hold+time.Minute)
		}
	})
}
