package drawn

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Shown is a value that a panel shows, and what it is called there.
type Shown struct{ Name, Text string }

// Known is what a query gives for one series.
type Known struct {
	Name   string // by the legend; empty where the file leaves it to Grafana
	Labels []string
	Points []float64
}

// remakes are transformations after which the values that are drawn are no longer those of the queries.
var remakes = map[string]bool{
	"calculateField": true, "configFromData": true, "timeSeriesTable": true, "histogram": true, "groupBy": true, "reduce": true, "formatTime": true, "seriesToRows": true, "convertFieldType": true,
}

// incomparable says why the values that a panel of a drawn type shows cannot be held against those of its queries.
// It says nothing where they can.
func (p *Panel) incomparable(drawn string) string {
	switch drawn {
	case "stat", "gauge", "bargauge", "table", "timeseries":
	default:
		return drawn
	}
	if p.Borrows != 0 {
		return "shows the data of another panel"
	}
	if slices.Contains(p.Calcs, "name") {
		return "shows names"
	}
	if i := slices.IndexFunc(p.Transforms, func(s string) bool { return remakes[s] }); i >= 0 {
		return "transformed by " + p.Transforms[i]
	}
	return ""
}

// mostDifferences is how many are told of one panel.
const mostDifferences = 3

// Compare holds what a panel shows against what is known. It gives how many of the values it could read, and says
// what differs. cut says that the panel shows only some.
func (p *Panel) Compare(drawn string, shown []Shown, known []Known, cut bool) (held int, out []string) {
	switch drawn {
	case "table":
		held, out = p.table(shown, known)
	case "timeseries":
		held, out = p.match(shown, known, []string{"last"}, !p.Loose && !cut)
	default:
		calcs := p.Calcs
		if len(calcs) == 0 {
			calcs = []string{"lastNotNull"}
		}
		// A singlestat showed one value, of whatever there was.
		held, out = p.match(shown, known, calcs, !p.Loose && !cut && p.Type != "singlestat")
	}
	return held, out[:min(len(out), mostDifferences)]
}

// isNamed tells whether a panel calls a series by its legend. One value alone may have no name, and a long name may be cut off.
func isNamed(shown, legend string) bool {
	start, cut := strings.CutSuffix(shown, "…")
	return legend == "" || shown == "" || shown == legend || cut && strings.HasPrefix(legend, start)
}

// match wants each shown value to be a known one and, where all are shown, the reverse.
func (p *Panel) match(shown []Shown, known []Known, calcs []string, all bool) (held int, out []string) {
	same := func(s Shown, k Known) Verdict {
		best := No
		if p.Loose || isNamed(s.Name, k.Name) {
			for _, calc := range calcs {
				best = max(best, p.says(s.Text, reduce(k.Points, calc)))
			}
		}
		return best
	}
	for _, s := range shown {
		// Where options choose what is shown, it may be a time or a label.
		if p.Loose && (isTime(s.Text) || slices.ContainsFunc(known, func(k Known) bool { return slices.Contains(k.Labels, s.Text) })) {
			continue
		}
		best := No
		for _, k := range known {
			best = max(best, same(s, k))
		}
		if best != Unclear {
			held++
		}
		if best == No {
			out = append(out, fmt.Sprintf("shows %q as %q, known are %s", s.Name, s.Text, samples(known, calcs)))
		}
	}
	for _, k := range known {
		if all && !math.IsNaN(reduce(k.Points, calcs[0])) && !slices.ContainsFunc(shown, func(s Shown) bool { return same(s, k) != No }) {
			out = append(out, fmt.Sprintf("does not show %q, which is %v", k.Name, reduce(k.Points, calcs[0])))
		}
	}
	return held, out
}

// inks tells whether a plot must have something in it: no line leads through a value that is none, or beyond a fixed axis.
func (p *Panel) inks(known []Known) bool {
	return slices.ContainsFunc(known, func(k Known) bool {
		return slices.ContainsFunc(k.Points, func(v float64) bool {
			return !math.IsNaN(v) && !math.IsInf(v, 0) && (p.Min == nil || v >= *p.Min) && (p.Max == nil || v <= *p.Max)
		})
	})
}

var numeric = regexp.MustCompile(`^[^A-Za-z]{0,3}\d`)

// table wants each number of a cell to be a known one, but for those that are labels or times, and one at least.
func (p *Panel) table(cells []Shown, known []Known) (held int, out []string) {
	texts := map[string]bool{}
	for _, k := range known {
		for _, l := range k.Labels {
			texts[l] = true
		}
	}
	found := false
	for _, c := range cells {
		if isTime(c.Text) || texts[c.Text] {
			// Where options choose the columns, the labels may be all that is wanted.
			found = found || p.Loose && texts[c.Text]
			continue
		}
		best := No
		for _, k := range known {
			for _, v := range k.Points {
				best = max(best, p.says(c.Text, v))
			}
		}
		found = found || best != No
		if best == Yes {
			held++
		}
		if best == No && numeric.MatchString(c.Text) {
			held++
			out = append(out, fmt.Sprintf("shows %q in %q, known are %s", c.Text, c.Name, samples(known, []string{"last"})))
		}
	}
	if !found && len(cells) > 0 {
		out = append(out, fmt.Sprintf("shows none of the values, which are %s", samples(known, []string{"last"})))
	}
	return held, out
}

// isTime tells whether a text is a time, which panels show beside values.
func isTime(s string) bool {
	_, err := time.Parse(time.DateTime, s)
	return err == nil
}

func samples(known []Known, calcs []string) string {
	var out []string
	for _, k := range known[:min(len(known), 4)] {
		out = append(out, fmt.Sprintf("%q %.6g", k.Name, reduce(k.Points, calcs[0])))
	}
	return strings.Join(out, ", ")
}

// reduce makes one value of a series by a calculation of Grafana's, in its old names or its new ones.
func reduce(points []float64, calc string) float64 {
	var real []float64
	for _, v := range points {
		if !math.IsNaN(v) {
			real = append(real, v)
		}
	}
	if len(real) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, v := range real {
		sum += v
	}
	switch calc {
	case "mean", "avg":
		return sum / float64(len(real))
	case "max":
		return slices.Max(real)
	case "min":
		return slices.Min(real)
	case "sum", "total":
		return sum
	case "count":
		return float64(len(points))
	case "first", "firstNotNull":
		return real[0]
	case "range":
		return slices.Max(real) - slices.Min(real)
	case "diff", "delta":
		return real[len(real)-1] - real[0]
	default:
		return real[len(real)-1]
	}
}

var inLegend = regexp.MustCompile(`\{\{\s*([^{}]+?)\s*\}\}`)

// legendLabels are the labels that a legend names.
func legendLabels(legend string) []string {
	var out []string
	for _, m := range inLegend.FindAllStringSubmatch(legend, -1) {
		out = append(out, m[1])
	}
	return out
}

// Legend names a series as a legend says.
func Legend(legend string, labels map[string]string) string {
	if legend == "__auto" {
		return ""
	}
	named := inLegend.ReplaceAllStringFunc(legend, func(s string) string {
		return labels[inLegend.FindStringSubmatch(s)[1]]
	})
	return strings.Join(strings.Fields(named), " ") // as a page shows it
}
