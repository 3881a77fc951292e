package drawn

import (
	"math"
	"testing"
)

func TestSays(t *testing.T) {
	for _, c := range []struct {
		drawn string
		value float64
		unit  string
		want  Verdict
	}{
		{"1.23 KiB", 1259, "bytes", Yes}, {"1.23 KiB", 1280, "bytes", No}, {"1.23 kB", 1230, "decbytes", Yes}, {"1.5 Mil", 1.5e6, "short", Yes}, {"1.5 K", 1500, "short", Yes}, {"1.5", 1500, "short", No},
		{"45.0%", 0.45, "percentunit", Yes}, {"45%", 45, "percent", Yes}, {"45.0%", 0.46, "percentunit", No}, {"1.50 s", 1500, "ms", Yes}, {"250 ms", 0.25, "s", Yes}, {"2.5 mins", 150, "s", Yes}, {"2.00 years", 63113800, "s", Yes},
		{"1.25 req/s", 1.25, "reqps", Yes}, {"2.5K ops/s", 2500, "ops", Yes}, {"12,345", 12345, "locale", Yes}, {"1e+3", 1000, "none", Yes}, {"−3.2", -3.2, "none", Yes}, {"3.2", -3.2, "none", No},
		{"2026-01-02 03:04:05", 1767323045, "dateTimeAsIso", Unclear}, {"NaN", math.NaN(), "", Yes}, {"1", math.NaN(), "", No}, {"–", 3, "", No}, {"3", 3.4, "none", Yes}, {"3.0", 3.4, "none", No},
	} {
		if got := Says(c.drawn, c.value, []string{c.unit}); got != c.want {
			t.Errorf("%q as %v of %s: %v, want %v", c.drawn, c.value, c.unit, got, c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	known := []Known{{Name: "a", Labels: []string{"v1"}, Points: []float64{1, 2}}, {Name: "b", Points: []float64{5, 7}}}
	for _, c := range []struct {
		why   string
		panel Panel
		drawn string
		shown []Shown
		wrong int
	}{
		{"right", Panel{}, "timeseries", []Shown{{"a", "2"}, {"b", "7"}}, 0},
		{"the names are exchanged", Panel{}, "timeseries", []Shown{{"a", "7"}, {"b", "2"}}, 3},
		{"one is left out", Panel{}, "timeseries", []Shown{{"a", "2"}}, 1},
		{"names are changed by an option", Panel{Loose: true}, "timeseries", []Shown{{"x", "2"}}, 0},
		{"a label that an option chooses", Panel{Loose: true}, "stat", []Shown{{"", "v1"}}, 0},
		{"a label that nothing chooses", Panel{}, "stat", []Shown{{"", "v1"}, {"", "2"}, {"", "7"}}, 1},
		{"mean", Panel{Calcs: []string{"mean"}}, "stat", []Shown{{"", "1.5"}, {"", "6"}}, 0},
		{"last for mean", Panel{Calcs: []string{"mean"}}, "stat", []Shown{{"", "2.0"}, {"", "7.0"}}, 3},
		{"mapped", Panel{Mapped: []Mapping{{Text: "UP", Is: "2"}}}, "stat", []Shown{{"", "UP"}, {"", "7"}}, 0},
		{"mapped wrongly", Panel{Mapped: []Mapping{{Text: "UP", Is: "3"}}}, "stat", []Shown{{"", "UP"}, {"", "7"}}, 2},
		{"a table", Panel{}, "table", []Shown{{"Time", "2026-01-01 10:00:00"}, {"job", "a-1"}, {"Value", "7"}}, 0},
		{"a table of other values", Panel{}, "table", []Shown{{"Value", "8"}}, 2},
	} {
		if got := c.panel.Compare(c.drawn, c.shown, known, false); len(got) != c.wrong {
			t.Errorf("%s: %d differences %q, want %d", c.why, len(got), got, c.wrong)
		}
	}
}
