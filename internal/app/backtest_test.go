package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"touchline.dev/touchline/stack"
)

// TestBacktestAPI replays rules over what the running server has stored.
func TestBacktestAPI(t *testing.T) {
	files := t.TempDir()
	prom := write(t, filepath.Join(files, "prometheus.yml"), "scrape_configs:\n- {job_name: nobody, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:1']}]}\n")
	args := []string{"--storage.path=" + t.TempDir(), "--prometheus.config=" + prom}
	a, err := New(t.Context(), Options{Config: settings(t, args...), Reread: reread(t, args...), Logger: slog.New(slog.DiscardHandler), Shipped: stack.FS})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(context.WithoutCancel(t.Context())) }()
	a.get(t, `/api/v1/query?query=count_over_time(up{job="nobody"}[1m])>2`, `"value"`)
	rule := func(expr string) string {
		return fmt.Sprintf(`{"groups":[{"name":"g","interval":"1s","rules":[{"alert":"Down","expr":%q,"labels":{"severity":"critical"}}]}]}`, expr)
	}
	compare := func(before, rules string, back time.Duration) (int, string) {
		now := time.Now()
		raw, err := json.Marshal(map[string]any{"before": before, "rules": rules, "from": now.Add(-back), "to": now})
		if err != nil {
			t.Fatal(err)
		}
		return a.post(t, "/touchline/v1/backtest", string(raw), true)
	}
	send := func(rules string, back time.Duration) (int, string) { return compare("", rules, back) }
	code, body := send(rule(`up{job="nobody"} == 0`), time.Hour)
	var report struct {
		Rules []struct {
			Name  string
			New   int
			After struct{ Evaluations int }
			Some  []struct{ Labels map[string]string } `json:"new_examples"`
		}
	}
	if err := json.Unmarshal([]byte(body), &report); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	if len(report.Rules) != 1 || report.Rules[0].New != 1 || report.Rules[0].After.Evaluations < 3000 || report.Rules[0].Some[0].Labels["job"] != "nobody" {
		t.Errorf("report: %s", body)
	}
	code, body = compare(rule(`up{job="nobody"} == 0`), rule(`up{job="nobody"} == 1`), time.Hour)
	var change struct {
		Compared bool
		Rules    []struct {
			Status  string
			Removed int
			Before  struct{ Alerts int }
			After   struct{ Alerts int }
		}
	}
	if err := json.Unmarshal([]byte(body), &change); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	if !change.Compared || len(change.Rules) != 1 || change.Rules[0].Status != "changed" || change.Rules[0].Before.Alerts != 1 || change.Rules[0].After.Alerts != 0 || change.Rules[0].Removed != 1 {
		t.Errorf("change: %s", body)
	}
	if code, body := compare("groups: [", rule("up"), time.Hour); code != http.StatusUnprocessableEntity || !strings.Contains(body, "before: yaml") {
		t.Errorf("a file to compare with that is none: %d %s", code, body)
	}
	many := `{"groups":[{"name":"g","rules":[` + strings.Repeat(`{"alert":"A","expr":"up"},`, 50) + `{"alert":"A","expr":"up"}]}]}`
	for _, c := range []struct {
		rules string
		back  time.Duration
		want  string
	}{
		{rule("up ="), time.Hour, "parse error"},
		{"groups: [", time.Hour, "rules: yaml"},
		{rule("up"), 32 * 24 * time.Hour, "longer than 31 days"},
		{rule("up"), -time.Hour, "is empty"},
		{many, time.Hour, "more than 50 rules"},
	} {
		if code, body := send(c.rules, c.back); code != http.StatusUnprocessableEntity || !strings.Contains(body, c.want) {
			t.Errorf("%.60s over %s: %d %s, want %q", c.rules, c.back, code, body, c.want)
		}
	}
}
