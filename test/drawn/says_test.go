package drawn

import (
	"fmt"
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
		// What is written in another unit than it is counted in.
		{"1259 KiB", 1259, "bytes", No}, {"250 ms", 250, "s", No}, {"250 s", 250, "ms", No}, {"250", 250, "ms", No}, {"45%", 45, "percentunit", No}, {"0.45%", 0.45, "percentunit", No}, {"1.5 Mil", 1.5, "short", No}, {"3 days", 3, "s", No}, {"12 GB/s", 12, "Bps", No},
		{"1.23 kB", 1260, "bytes", No}, {"1.5 K", 1500, "none", No}, {"45%", 45, "short", No}, {"3 B", 3, "none", No}, {"12 req/s", 12, "ops", No}, {"3 connections", 3, "connections", Yes}, {"3 kW", 3, "watt", No}, {"3 kW", 3, "kwatt", Yes}, {"4 kPa", 4, "pressurekpa", Yes}, {"4 m", 4, "lengthm", Yes},
		{"1.5K", 1500, "", Yes}, {"$1.5K", 1500, "currencyUSD", Yes}, {"1.5", 1.5, "currencyUSD", No}, {"3 min", 180, "s", Yes}, {"3 m", 180, "s", No},
		{"1 hour, 2 minutes", 3725, "dtdurations", Yes}, {"1 hour, 2 minutes", 3785, "dtdurations", No}, {"2 years", -6.4e7, "dtdurations", No}, {"2 yearsago", -6.4e7, "dtdurations", Yes}, {"01:02:05", 3725, "dthms", Yes}, {"01h:02m:05s:000ms", 3725e3, "clockms", Yes}, {"01h:02m:05s:000ms", 3726e3, "clockms", No},
		{"Yes", 1, "bool_yes_no", Yes}, {"Yes", 0, "bool_yes_no", No}, {"2026-01-02 03:04:05", 1767323045000, "dateTimeAsIso", Yes}, {"3 hours ago", 1767323045000, "dateTimeFromNow", Unclear},
		{"1.23 KiB", 1259, "bytes", Yes}, {"1.23 KiB", 1280, "bytes", No}, {"1.23 kB", 1230, "decbytes", Yes}, {"1.5 Mil", 1.5e6, "short", Yes}, {"1.5 K", 1500, "short", Yes}, {"1.5", 1500, "short", No},
		{"45.0%", 0.45, "percentunit", Yes}, {"45%", 45, "percent", Yes}, {"45.0%", 0.46, "percentunit", No}, {"1.50 s", 1500, "ms", Yes}, {"250 ms", 0.25, "s", Yes}, {"2.5 mins", 150, "s", Yes}, {"2.00 years", 63113800, "s", Yes},
		{"1.25 req/s", 1.25, "reqps", Yes}, {"2.5K ops/s", 2500, "ops", Yes}, {"12,345", 12345, "locale", Yes}, {"1e+3", 1000, "none", Yes}, {"−3.2", -3.2, "none", Yes}, {"3.2", -3.2, "none", No},
		{"2026-01-02 03:04:05", 1767323045, "dateTimeAsIso", No}, {"NaN", math.NaN(), "", Yes}, {"1", math.NaN(), "", No}, {"–", 3, "", No}, {"3", 3.4, "none", Yes}, {"3.0", 3.4, "none", No},
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
		{"names of bars are exchanged", Panel{}, "bargauge", []Shown{{"a", "7"}, {"b", "2"}}, 3},
		{"names of bars are cut off", Panel{}, "gauge", []Shown{{"…", "2"}, {"b…", "7"}}, 0},
		{"values without names", Panel{}, "stat", []Shown{{"", "2"}, {"", "7"}}, 0},
		{"mapped wrongly", Panel{Mapped: []Mapping{{Text: "UP", Is: "3"}}}, "stat", []Shown{{"", "UP"}, {"", "7"}}, 2},
		{"a table", Panel{}, "table", []Shown{{"Time", "2026-01-01 10:00:00"}, {"job", "a-1"}, {"Value", "7"}}, 0},
		{"a table of other values", Panel{}, "table", []Shown{{"Value", "8"}}, 2},
	} {
		c.panel.Units = []string{""}
		if _, got := c.panel.Compare(c.drawn, c.shown, known, false); len(got) != c.wrong {
			t.Errorf("%s: %d differences %q, want %d", c.why, len(got), got, c.wrong)
		}
	}
}

// TestHeld holds that only those values are counted that were read.
func TestHeld(t *testing.T) {
	known := []Known{{Name: "a", Labels: []string{"v1"}, Points: []float64{1767323045000}}}
	for _, c := range []struct {
		panel Panel
		drawn string
		shown []Shown
		want  int
	}{
		{Panel{Units: []string{"none"}}, "stat", []Shown{{"", "1767323045000"}}, 1},
		{Panel{Units: []string{"dateTimeFromNow"}}, "stat", []Shown{{"", "3 hours ago"}}, 0},
		{Panel{Units: []string{"none"}, Loose: true}, "stat", []Shown{{"", "v1"}}, 0},
		{Panel{Units: []string{"none"}}, "table", []Shown{{"job", "v1"}, {"Time", "2026-01-02 03:04:05"}, {"Value", "1767323045000"}}, 1},
		{Panel{Units: []string{"dateTimeFromNow"}}, "table", []Shown{{"Value", "3 hours ago"}}, 0},
	} {
		held, differences := c.panel.Compare(c.drawn, c.shown, known, false)
		if held != c.want || len(differences) > 0 {
			t.Errorf("%s %q: %d are held, want %d; %q", c.drawn, c.shown, held, c.want, differences)
		}
	}
}

// TestUnits holds which units a panel's values may be in.
func TestUnits(t *testing.T) {
	for panel, want := range map[string]string{
		`"fieldConfig":{"defaults":{"unit":"bytes"}}`:                                                 `["bytes"]`,
		`"fieldConfig":{"defaults":{},"overrides":[{"properties":[{"id":"unit","value":"s"}]}]}`:      `["" "s"]`,
		`"type":"graph","yaxes":[{"format":"ms"},{"format":"short"}]`:                                 `["ms"]`,
		`"type":"graph","yaxes":[{"show":true}],"fieldConfig":{"defaults":{"unit":"s"}}`:              `["s"]`,
		`"type":"timeseries","yaxes":[{"format":"ms"}]`:                                               `[""]`,
		`"type":"graph","yaxes":[{"format":"ms"},{"format":"short"}],"seriesOverrides":[{"yaxis":2}]`: `["ms" "short"]`,
		`"styles":[{"unit":"s"}]`: `["" "s"]`,
	} {
		board, err := ReadBoard([]byte(`{"panels":[{"id":1,"targets":[{"expr":"up"}],` + panel + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q", board.Panels[0].Units); got != want {
			t.Errorf("%s: %s, want %s", panel, got, want)
		}
	}
}

func TestInks(t *testing.T) {
	zero, one := 0.0, 1.0
	known := func(points ...float64) []Known { return []Known{{Points: points}} }
	for _, c := range []struct {
		why   string
		panel Panel
		known []Known
		want  bool
	}{
		{"a value", Panel{}, known(math.NaN(), 5), true},
		{"no value", Panel{}, known(math.NaN()), false},
		{"beyond the axis", Panel{Min: &zero, Max: &one}, known(5, 5), false},
		{"once within it", Panel{Min: &zero, Max: &one}, known(5, 1), true},
	} {
		if got := c.panel.inks(c.known); got != c.want {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
}
