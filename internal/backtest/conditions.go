package backtest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
)

// Condition is one thing that must not happen to a change.
type Condition struct {
	kind    string
	percent float64
	number  float64 // pages a week, or seconds
}

const conditionHelp = `write some of more-pages[=20%|=3], flapping, slower[=30s], lost, failing, no-data, separated by commas`

// ParseConditions reads what --fail-on says. compared is whether there is a
// before side: most conditions say how the two differ.
func ParseConditions(text string, compared bool) ([]Condition, error) {
	var out []Condition
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		kind, value, has := strings.Cut(item, "=")
		c := Condition{kind: kind}
		var err error
		switch kind {
		case "more-pages":
			if p, ok := strings.CutSuffix(value, "%"); ok {
				c.percent, err = strconv.ParseFloat(p, 64)
			} else if has {
				c.number, err = strconv.ParseFloat(value, 64)
			}
			if err != nil || c.percent < 0 || c.number < 0 {
				return nil, fmt.Errorf("parse --fail-on: %q is neither a percentage nor a number of pages a week; write more-pages=20%% or more-pages=3", item)
			}
		case "slower":
			if has {
				d, err := model.ParseDuration(value)
				if err != nil {
					return nil, fmt.Errorf("parse --fail-on: %q: %w; write slower=30s", item, err)
				}
				c.number = float64(d) / 1e9
			}
		case "flapping", "lost", "failing", "no-data":
			if has {
				return nil, fmt.Errorf("parse --fail-on: %s takes no value, got %q", kind, item)
			}
		default:
			return nil, fmt.Errorf("parse --fail-on: unknown condition %q; %s", item, conditionHelp)
		}
		if !compared && (kind == "more-pages" || kind == "slower" || kind == "lost") {
			return nil, fmt.Errorf("parse --fail-on: %s compares with what was before; give the old rules as --before", kind)
		}
		out = append(out, c)
	}
	return out, nil
}

// Check gives a sentence for each condition that has come true.
func (r *Report) Check(conditions []Condition) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, c := range conditions {
		switch c.kind {
		case "more-pages":
			was, is := r.Total.Before.PagesPerWeek, r.Total.After.PagesPerWeek
			if is > was*(1+c.percent/100)+c.number+1e-6 {
				say("more-pages: %.4g pages a week instead of %.4g", is, was)
			}
			continue
		case "lost":
			for _, rr := range r.Rules {
				if rr.Removed > 0 {
					say("lost: %s no longer fires for %s that it fired for", rr.title(), alerts(rr.Removed))
				}
			}
			continue
		}
		for i := range r.Rules {
			rr := &r.Rules[i]
			a, b := rr.After, rr.Before
			if a == nil {
				continue
			}
			if b == nil {
				b = &Figures{}
			}
			switch c.kind {
			case "flapping":
				if a.Flaps > b.Flaps {
					say("flapping: %s fires again soon after it resolved %d times, before %d", rr.title(), a.Flaps, b.Flaps)
				}
			case "slower":
				if a.Delay != nil && b.Delay != nil && a.Delay.P95 > b.Delay.P95+c.number {
					say("slower: %s is detected after %s instead of %s (p95)", rr.title(), span(a.Delay.P95), span(b.Delay.P95))
				}
			case "failing":
				if a.Failures > b.Failures {
					say("failing: %d evaluations of %s failed, the first at %s", a.Failures, rr.title(), a.FirstFailure)
				}
			case "no-data":
				if len(a.NoData) > len(b.NoData) {
					say("no-data: %s selects %s, which had no data", rr.title(), strings.Join(a.NoData, ", "))
				}
			}
		}
	}
	return out
}

func alerts(n int) string {
	if n == 1 {
		return "1 alert"
	}
	return fmt.Sprintf("%d alerts", n)
}
