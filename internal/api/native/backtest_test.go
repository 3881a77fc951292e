package native

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type backtester struct{}

func (backtester) Backtest(_ context.Context, r BacktestRequest) (any, error) {
	switch r.Rules {
	case "bad":
		return nil, fmt.Errorf("%w: no such function", ErrBacktest)
	case "busy":
		return nil, ErrBacktestBusy
	case "slow":
		return nil, context.DeadlineExceeded
	case "broken":
		return nil, errors.New("a secret of ours")
	}
	return map[string]any{"from": r.From, "rules": []string{r.Rules}}, nil
}

func TestBacktests(t *testing.T) {
	mux := http.NewServeMux()
	New(Options{Mux: mux, Version: "1", Logger: slog.New(slog.DiscardHandler), Actor: func(context.Context) string { return "" }}).Backtests(backtester{})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	const period = `"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"`
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"rules":"good",` + period + `}`, 200, `{"from":"2026-01-01T00:00:00Z","rules":["good"]}`},
		{`{"rules":"bad",` + period + `}`, 422, "no such function"},
		{`{"rules":"busy",` + period + `}`, 429, "another backtest runs"},
		{`{"rules":"slow",` + period + `}`, 503, "took too long"},
		{`{"rules":"broken",` + period + `}`, 500, "the log says why"},
		{`{"rules":"",` + period + `}`, 422, "body.rules"},
		{`{"rules":"x"}`, 422, "from"},
		{`{"rules":"x","more":1,` + period + `}`, 422, "body.more"},
		{`{"rules":"` + strings.Repeat("x", 300_000) + `",` + period + `}`, 422, "body.rules"},
		{`{"rules":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "too large"},
	} {
		status, _, body := ask(t, srv, "POST", Base+"/backtest", c.body)
		if status != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "secret") {
			t.Errorf("POST %.80s: %d %.300s", c.body, status, body)
		}
	}
}
