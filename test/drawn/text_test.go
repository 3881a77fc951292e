package drawn

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Verdict tells whether a drawn text says a value.
type Verdict int

// What a text may say of a value. Unclear are texts such as "3 hours ago", from which no number is read here.
const (
	No Verdict = iota
	Unclear
	Yes
)

var inText = regexp.MustCompile(`^([^0-9+\-−.∞]*)([+\-−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+\-]?\d+)?|[+\-−]?∞)\s*(.*)$`)

// A measure is how the numbers of a unit are written.
type measure struct {
	before, after string  // what stands at the number
	steps         []scale // what may stand between the number and after
	one           float64 // what one of the unit is, where the text may count in another
}

// A scale is what a word multiplies by.
type scale struct {
	word string
	by   float64
}

var (
	plain    = []scale{{"", 1}}
	counted  = []scale{{"", 1}, {"K", 1e3}, {"M", 1e6}, {"B", 1e9}, {"T", 1e12}}
	shortly  = []scale{{"", 1}, {"K", 1e3}, {"Mil", 1e6}, {"Bil", 1e9}, {"Tri", 1e12}, {"Quadr", 1e15}, {"Quint", 1e18}, {"Sext", 1e21}, {"Sept", 1e24}}
	decimal  = []scale{{"f", 1e-15}, {"p", 1e-12}, {"n", 1e-9}, {"µ", 1e-6}, {"m", 1e-3}, {"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18}, {"Z", 1e21}, {"Y", 1e24}}
	inBinary = []scale{{"", 1}, {"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"Pi", 1 << 50}, {"Ei", 1 << 60}}
	inTime   = []scale{{"ns", 1e-9}, {"µs", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"mins", 60}, {"hour", 3600}, {"hours", 3600}, {"day", 86400}, {"days", 86400}, {"week", 604800}, {"weeks", 604800}, {"year", 31536000}, {"years", 31536000}, {"year", 31556900}, {"years", 31556900}} // a year is of 365 days, or of a little more, as Grafana counts seconds
	yesOrNo  = map[string][2]string{"bool": {"False", "True"}, "bool_yes_no": {"No", "Yes"}, "bool_on_off": {"Off", "On"}}
	noNumber = regexp.MustCompile(`^(dateTime|time:|hex|bool:|string$)`)
)

// measures are how Grafana writes its units.
var measures = map[string]measure{
	"none": {steps: plain}, "locale": {steps: plain}, "sci": {steps: plain}, "short": {steps: shortly}, "sishort": {steps: decimal},
	"percent": {after: "%", steps: plain}, "percentunit": {after: "%", steps: plain, one: 100}, "humidity": {after: "%H", steps: plain},
	"degree": {after: "°", steps: plain}, "celsius": {after: "°C", steps: plain}, "fahrenheit": {after: "°F", steps: plain}, "kelvin": {after: "K", steps: plain},
	"rotrpm": {after: "rpm", steps: plain}, "pressurehpa": {after: "hPa", steps: plain}, "pressurekpa": {after: "kPa", steps: plain}, "velocityms": {after: "m/s", steps: plain}, "dBm": {after: "dbm", steps: plain},
	"currencyUSD": {before: "$", steps: counted}, "currencyEUR": {before: "€", steps: counted}, "currencyGBP": {before: "£", steps: counted},
	"s": {steps: inTime}, "ms": {steps: inTime, one: 1e-3}, "µs": {steps: inTime, one: 1e-6}, "ns": {steps: inTime, one: 1e-9}, "m": {steps: inTime, one: 60}, "h": {steps: inTime, one: 3600}, "d": {steps: inTime, one: 86400}, "timeticks": {steps: inTime, one: 0.01},
	"bytes": {after: "B", steps: inBinary}, "kbytes": {after: "B", steps: inBinary, one: 1 << 10}, "mbytes": {after: "B", steps: inBinary, one: 1 << 20}, "gbytes": {after: "B", steps: inBinary, one: 1 << 30}, "tbytes": {after: "B", steps: inBinary, one: 1 << 40}, "bits": {after: "b", steps: inBinary},
	"decbytes": {after: "B", steps: decimal}, "deckbytes": {after: "B", steps: decimal, one: 1e3}, "decmbytes": {after: "B", steps: decimal, one: 1e6}, "decgbytes": {after: "B", steps: decimal, one: 1e9}, "dectbytes": {after: "B", steps: decimal, one: 1e12}, "decbits": {after: "b", steps: decimal},
	"Bps": {after: "B/s", steps: decimal}, "KBs": {after: "B/s", steps: decimal, one: 1e3}, "MBs": {after: "B/s", steps: decimal, one: 1e6}, "GBs": {after: "B/s", steps: decimal, one: 1e9}, "binBps": {after: "B/s", steps: inBinary}, "KiBs": {after: "B/s", steps: inBinary, one: 1 << 10}, "MiBs": {after: "B/s", steps: inBinary, one: 1 << 20},
	"bps": {after: "b/s", steps: decimal}, "Kbits": {after: "b/s", steps: decimal, one: 1e3}, "Mbits": {after: "b/s", steps: decimal, one: 1e6}, "Gbits": {after: "b/s", steps: decimal, one: 1e9}, "binbps": {after: "b/s", steps: inBinary}, "pps": {after: "p/s", steps: decimal},
	"flops": {after: "FLOPS", steps: decimal}, "mflops": {after: "FLOPS", steps: decimal, one: 1e6}, "gflops": {after: "FLOPS", steps: decimal, one: 1e9}, "tflops": {after: "FLOPS", steps: decimal, one: 1e12},
	"watt": {after: "W", steps: decimal}, "kwatt": {after: "W", steps: decimal, one: 1e3}, "mwatt": {after: "W", steps: decimal, one: 1e-3}, "watth": {after: "Wh", steps: decimal}, "kwatth": {after: "Wh", steps: decimal, one: 1e3}, "joule": {after: "J", steps: decimal}, "volt": {after: "V", steps: decimal}, "amp": {after: "A", steps: decimal},
	"hertz": {after: "Hz", steps: decimal}, "rothz": {after: "Hz", steps: decimal}, "lengthm": {after: "m", steps: decimal},
	"cps": {after: "c/s", steps: counted}, "ops": {after: "ops/s", steps: counted}, "reqps": {after: "req/s", steps: counted}, "rps": {after: "rd/s", steps: counted}, "wps": {after: "wr/s", steps: counted}, "iops": {after: "io/s", steps: counted}, "eps": {after: "evt/s", steps: counted}, "mps": {after: "msg/s", steps: counted},
	"recps": {after: "rec/s", steps: counted}, "rowsps": {after: "rows/s", steps: counted}, "cpm": {after: "c/m", steps: counted}, "opm": {after: "ops/m", steps: counted}, "reqpm": {after: "req/m", steps: counted}, "rpm": {after: "rd/m", steps: counted}, "wpm": {after: "wr/m", steps: counted}, "epm": {after: "evts/m", steps: counted},
}

// measured are the ways to write a unit. What Grafana does not know it writes behind the number.
func measured(unit string) []measure {
	if unit == "" {
		return []measure{measures["none"], measures["short"]}
	}
	if m, ok := measures[unit]; ok {
		return []measure{m}
	}
	kind, symbol, _ := strings.Cut(unit, ":")
	switch kind {
	case "prefix":
		return []measure{{before: symbol, steps: plain}}
	case "suffix":
		return []measure{{after: symbol, steps: plain}}
	case "currency":
		return []measure{{before: symbol, steps: counted}}
	case "count":
		return []measure{{after: symbol, steps: counted}}
	}
	return []measure{{after: unit, steps: plain}}
}

// factors are what a number between two texts is multiplied by. There is none where the unit is not written so.
func (m *measure) factors(before, after string) []float64 {
	var out []float64
	if strings.TrimSpace(before) != m.before {
		return nil
	}
	for _, s := range m.steps {
		if after == s.word+m.after || after == s.word+" "+m.after {
			out = append(out, s.by/cmp.Or(m.one, 1))
		}
	}
	return out
}

// Says tells whether a text is a value in one of the units, to the decimals that it has.
func Says(drawn string, value float64, units []string) Verdict {
	drawn = strings.Join(strings.Fields(strings.ReplaceAll(drawn, "\u00a0", " ")), " ")
	best := No
	for _, u := range units {
		best = max(best, saysIn(drawn, value, u))
	}
	return best
}

func saysIn(drawn string, value float64, unit string) Verdict {
	verdict := func(ok bool) Verdict {
		if ok {
			return Yes
		}
		return No
	}
	m := inText.FindStringSubmatch(drawn)
	if math.IsNaN(value) {
		return verdict(m == nil) // "NaN", "–" or what an option says
	}
	if words, ok := yesOrNo[unit]; ok {
		return verdict(drawn == words[0] && value == 0 || drawn == words[1] && value != 0)
	}
	if unit == "dateTimeAsIso" {
		at, err := time.Parse(time.DateTime, drawn)
		return verdict(err == nil && at.Equal(time.UnixMilli(int64(value)).Truncate(time.Second)))
	}
	if one, ok := spelled[unit]; ok {
		length, past := strings.CutSuffix(drawn, "ago")
		sum, least, ok := lasting(length)
		v := math.Abs(value * one)
		return verdict(ok && sum <= v*(1+1e-9)+1e-9 && v < sum+least && past == (value < 0))
	}
	switch {
	case noNumber.MatchString(unit):
		return Unclear
	case m == nil:
		return No
	case strings.HasSuffix(m[2], "∞"):
		return verdict(math.IsInf(value, 0))
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
	for _, way := range measured(unit) {
		for _, f := range way.factors(m[1], m[3]) {
			if math.Abs(n*f-value) <= half*f*(1+1e-6)+1e-9*math.Abs(value) {
				return Yes
			}
		}
	}
	return No
}

// spelled are the units that are written as several numbers, and how many seconds one of them is.
var spelled = map[string]float64{"dtdurations": 1, "dtdurationms": 1e-3, "dthms": 1, "dtdhms": 1, "clocks": 1, "clockms": 1e-3}

var (
	part    = regexp.MustCompile(`(\d+)\s*(years?|months?|weeks?|days?|hours?|minutes?|milliseconds?|seconds?|ms|d|h|m|s)\b`)
	hms     = regexp.MustCompile(`(\d+):(\d\d):(\d\d)`)
	lengths = map[string]float64{"year": 31536000, "month": 2592000, "week": 604800, "day": 86400, "hour": 3600, "minute": 60, "second": 1, "millisecond": 1e-3, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 1e-3}
)

// lasting adds the parts of a duration, in seconds, and gives the least of them: what is less is cut off.
func lasting(drawn string) (sum, least float64, ok bool) {
	least = math.Inf(1)
	add := func(n string, of float64) {
		v, _ := strconv.ParseFloat(n, 64) // digits
		sum, least, ok = sum+v*of, min(least, of), true
	}
	for _, m := range part.FindAllStringSubmatch(drawn, -1) {
		of, known := lengths[m[2]]
		if !known {
			of = lengths[strings.TrimSuffix(m[2], "s")]
		}
		add(m[1], of)
	}
	if m := hms.FindStringSubmatch(drawn); m != nil {
		add(m[1], 3600)
		add(m[2], 60)
		add(m[3], 1)
	}
	return sum, least, ok
}

// says also knows what the panel's mappings make of a value.
func (p *Panel) says(drawn string, value float64) Verdict {
	drawn = strings.TrimSpace(drawn)
	if slices.ContainsFunc(p.Mapped, func(m Mapping) bool { return m.Text == drawn && m.takes(value) }) {
		return Yes
	}
	return Says(drawn, value, p.Units)
}

func (m Mapping) takes(value float64) bool {
	if m.Is != "" {
		n, err := strconv.ParseFloat(m.Is, 64)
		return err == nil && n == value || strings.Contains(m.Is, "nan") && math.IsNaN(value)
	}
	return (m.From != nil || m.To != nil) && (m.From == nil || value >= *m.From) && (m.To == nil || value <= *m.To)
}
