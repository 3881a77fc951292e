package backtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

func TestContentsAndBounds(t *testing.T) {
	store := newTestStore()
	from := time.Unix(1_700_000_000, 0)
	for i := range 3600 {
		if err := store.add(labels.FromStrings("__name__", "x"), from.Add(time.Duration(i)*time.Second).UnixMilli(), 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	run := func(text string, held, rules int) (*Report, error) {
		return Run(t.Context(), Options{After: []string{"rules"}, Contents: map[string][]byte{"rules": []byte(text)}, From: from.Add(10 * time.Minute), To: from.Add(time.Hour), Source: NewSource("test", store), MaxHeld: held, MaxRules: rules})
	}
	const good = "groups: [{name: g, rules: [{alert: A, expr: x == 1}, {alert: B, expr: x > 5}]}]"
	r, err := run(good, 3600, 2)
	if err != nil || r.Rules[0].After.FiringAtStart+r.Rules[0].After.Alerts != 1 || r.Rules[1].After.Alerts != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := run(good, 100, 2); !errors.Is(err, ErrTooMuch) {
		t.Errorf("more samples than may be held: %v", err)
	}
	if _, err := run(good, 0, 1); err == nil || !strings.Contains(err.Error(), "rules: more than 1 rules") {
		t.Errorf("more rules than are allowed: %v", err)
	}
	if _, err := run("groups: [{name: g, rules: [{alert: A, expr: x ==}]}]", 0, 0); err == nil || !strings.Contains(err.Error(), "rules: ") {
		t.Errorf("a broken rule: %v", err)
	}
}
