package drawn

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Verdict tells whether a drawn text says a value.
type Verdict int

// What a text may say of a value. Unclear are texts such as dates, from which no number is read here.
const (
	No Verdict = iota
	Yes
	Unclear
)

var (
	inText = regexp.MustCompile(`^([^0-9+\-−.∞]*)([+\-−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+\-]?\d+)?|[+\-−]?∞)\s*(.*)$`)
	// Units that are not written as one number.
	unreadable = regexp.MustCompile(`^(dateTime|dtd|clock|time:|bool|dthms|duration)`)
)

// In what a unit is counted, where its name says another than the text may show.
var bases = map[string]float64{
	"ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9, "m": 60, "h": 3600, "d": 86400,
	"kbytes": 1 << 10, "mbytes": 1 << 20, "gbytes": 1 << 30, "deckbytes": 1e3, "decmbytes": 1e6, "decgbytes": 1e9,
	"KBs": 1e3, "MBs": 1e6, "GBs": 1e9, "Kbits": 1e3, "Mbits": 1e6, "Gbits": 1e9, "kwatt": 1e3, "kwatth": 1e3,
}

var words = map[string]float64{
	"%": 0.01, "K": 1e3, "Mil": 1e6, "Bil": 1e9, "Tri": 1e12, "Quadr": 1e15,
	"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "mins": 60, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400, "week": 604800, "weeks": 604800, "year": 31556900, "years": 31556900, // as Grafana counts them
}

var powers = map[string]int{"k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6, "Z": 7, "Y": 8, "m": -1, "µ": -2, "u": -2, "n": -3}

// scales are what a text's suffix may multiply its number by.
func scales(suffix string) []float64 {
	out := []float64{1}
	word, _, _ := strings.Cut(suffix, " ")
	for _, w := range []string{word, strings.TrimSuffix(word, "/s")} {
		if f, ok := words[w]; ok {
			out = append(out, f)
		}
	}
	first, rest := "", ""
	for i, r := range word {
		if i == 0 {
			first, rest = string(r), word[len(string(r)):]
		}
	}
	power, ok := powers[first]
	switch {
	case !ok:
	case strings.HasPrefix(rest, "i"):
		out = append(out, math.Pow(1024, float64(power)))
	default:
		out = append(out, math.Pow(1000, float64(power)))
	}
	return out
}

// Says tells whether a text is a value in one of the units, to the decimals that it has.
func Says(drawn string, value float64, units []string) Verdict {
	drawn = strings.TrimSpace(strings.ReplaceAll(drawn, "\u00a0", " "))
	if slices.ContainsFunc(units, unreadable.MatchString) {
		return Unclear
	}
	m := inText.FindStringSubmatch(drawn)
	switch {
	case math.IsNaN(value):
		if m == nil {
			return Yes // "NaN", "–" or what an option says
		}
		return No
	case m == nil:
		return No
	case strings.HasSuffix(m[2], "∞"):
		if math.IsInf(value, 0) {
			return Yes
		}
		return No
	}
	digits := strings.NewReplacer(",", "", "−", "-").Replace(m[2])
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return No
	}
	mantissa, exponent, _ := strings.Cut(digits, "e")
	_, decimals, _ := strings.Cut(mantissa, ".")
	half := 0.5 * math.Pow10(-len(decimals))
	if e, err := strconv.Atoi(exponent); err == nil {
		half *= math.Pow10(e)
	}
	inUnit := []float64{1}
	for _, u := range units {
		if b, ok := bases[u]; ok {
			inUnit = append(inUnit, b)
		}
	}
	for _, scale := range scales(m[3]) {
		for _, base := range inUnit {
			if f := scale / base; math.Abs(n*f-value) <= half*f*(1+1e-6)+1e-9*math.Abs(value) {
				return Yes
			}
		}
	}
	return No
}

// says also knows what the panel's mappings make of a value.
func (p *Panel) says(drawn string, value float64) Verdict {
	drawn = strings.TrimSpace(drawn)
	for _, m := range p.Mapped {
		if m.takes(value) && (m.Text == drawn || m.Text == "") {
			return Yes
		}
	}
	v := Says(drawn, value, p.Units)
	if v == No && p.Flips {
		return Says(drawn, -value, p.Units)
	}
	return v
}

func (m Mapping) takes(value float64) bool {
	if m.Is != "" {
		n, err := strconv.ParseFloat(m.Is, 64)
		return err == nil && n == value || strings.Contains(m.Is, "nan") && math.IsNaN(value)
	}
	return (m.From != nil || m.To != nil) && (m.From == nil || value >= *m.From) && (m.To == nil || value <= *m.To)
}
