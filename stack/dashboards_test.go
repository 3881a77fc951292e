package stack_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// TestDashboards holds every shipped dashboard to what is promised of them: each
// panel says what it shows and in which unit, lies beside its neighbours, and
// asks for something that PromQL understands.
func TestDashboards(t *testing.T) {
	files, err := filepath.Glob("dashboards/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("only %d dashboards: %v", len(files), err)
	}
	uids := map[string]string{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			UID, Title, Description string
			Tags                    []string
			Panels                  []struct {
				ID                       int
				Type, Title, Description string
				GridPos                  struct{ X, Y, W, H int }
				Targets                  []struct{ Expr, RefID string }
				FieldConfig              struct{ Defaults struct{ Unit string } }
			}
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if other := uids[d.UID]; other != "" || !strings.HasPrefix(d.UID, "touchline-") || d.Title == "" || d.Description == "" || len(d.Tags) == 0 {
			t.Errorf("%s: uid %q (also of %q), title %q, description %q, tags %v", f, d.UID, other, d.Title, d.Description, d.Tags)
		}
		uids[d.UID] = f
		ids := map[int]bool{}
		var taken [24][]bool
		for _, p := range d.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: %q has the id %d of another", f, p.Title, p.ID)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					for len(taken[x]) <= y {
						taken[x] = append(taken[x], false)
					}
					if taken[x][y] {
						t.Fatalf("%s: %q lies over another panel", f, p.Title)
					}
					taken[x][y] = true
				}
			}
			if p.Type == "row" {
				continue
			}
			if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: panel %d (%q) lacks a title, a description or a unit", f, p.ID, p.Title)
			}
			if len(p.Targets) == 0 && p.Type != "alertlist" {
				t.Errorf("%s: %q asks for nothing", f, p.Title)
			}
			for _, q := range p.Targets {
				expr := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*").Replace(q.Expr)
				if _, err := parser.NewParser(parser.Options{}).ParseExpr(expr); err != nil {
					t.Errorf("%s: %q: %s: %v", f, p.Title, q.Expr, err)
				}
			}
		}
	}
}
