package page

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

// Sizes of a sparkline in SVG units; CSS scales it.
const (
	sparkWidth  = 120.0
	sparkHeight = 28.0
)

// spark draws a line of the last minutes. With top given (100 for percents)
// the scale is fixed, so that a calm host does not look like a busy one.
func spark(values []float64, top float64) template.HTML {
	hi := top
	for _, v := range values {
		if finite(v) && v > hi {
			hi = v
		}
	}
	if hi <= 0 {
		hi = 1
	}
	var line, area strings.Builder
	open, last := false, 0.0
	start := 0.0
	known := 0
	for i, v := range values {
		if !finite(v) {
			if open {
				fmt.Fprintf(&area, "L%.1f %.1fL%.1f %.1fZ", last, sparkHeight, start, sparkHeight)
			}
			open = false
			continue
		}
		known++
		x := sparkWidth * float64(i) / float64(max(len(values)-1, 1))
		y := sparkHeight - 1 - (sparkHeight-2)*max(v, 0)/hi
		op := 'L'
		if !open {
			op, start = 'M', x
		}
		fmt.Fprintf(&line, "%c%.1f %.1f", op, x, y)
		fmt.Fprintf(&area, "%c%.1f %.1f", op, x, y)
		open, last = true, x
	}
	if open {
		fmt.Fprintf(&area, "L%.1f %.1fL%.1f %.1fZ", last, sparkHeight, start, sparkHeight)
	}
	class := "spark"
	if known == 0 {
		class += " none"
	}
	// Only numbers of ours go into the markup, so it is safe as it is.
	return template.HTML(fmt.Sprintf(`<svg class="%s" viewBox="0 0 %g %g" preserveAspectRatio="none" aria-hidden="true"><path class="area" d="%s"/><path class="line" d="%s"/></svg>`,
		class, sparkWidth, sparkHeight, area.String(), line.String()))
}

// bar draws how full something is.
func bar(f figure) template.HTML {
	v, class := 0.0, "bar none"
	if f.Known && finite(f.Value) {
		v, class = min(max(f.Value, 0), 100), "bar"
		switch {
		case v >= 95:
			class += " critical"
		case v >= 85:
			class += " warning"
		}
	}
	return template.HTML(fmt.Sprintf(`<svg class="%s" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="4"/><rect class="fill" width="%.1f" height="4"/></svg>`, class, v))
}

// icons are drawn on a 24-unit grid with a 1.6-unit line.
var icons = map[string]string{
	"overview": `<path d="M3 13h4l3-8 4 14 3-6h4"/>`,
	"explore":  `<circle cx="11" cy="11" r="6.5"/><path d="m16 16 5 5"/>`,
	"alerts":   `<path d="M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4"/>`,
	"targets":  `<circle cx="12" cy="12" r="8.5"/><circle cx="12" cy="12" r="4"/><path d="M12 1.5v4M12 18.5v4M1.5 12h4M18.5 12h4"/>`,
	"rules":    `<path d="M4 6h10M4 12h16M4 18h7M18 4v4M14 16v4"/>`,
	"status":   `<rect x="3.5" y="4" width="17" height="6.5" rx="1.5"/><rect x="3.5" y="13.5" width="17" height="6.5" rx="1.5"/><path d="M7 7.2h.1M7 16.8h.1"/>`,
	"ok":       `<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
	"critical": `<path d="M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 7.5V13M12 16.4v.1"/>`,
	"warning":  `<path d="M12 3.5 21.5 20h-19zM12 10v4.5M12 17.2v.1"/>`,
	"info":     `<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.5v.1"/>`,
	"pending":  `<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2.5"/>`,
	"off":      `<circle cx="12" cy="12" r="9"/><path d="M7.5 12h9"/>`,
}

func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">` + icons[name] + `</svg>`)
}

// Sizes of the graph in SVG units.
const (
	graphWidth  = 960.0
	graphHeight = 340.0
	graphLeft   = 62.0
	graphRight  = 10.0
	graphTop    = 10.0
	graphBottom = 26.0
)

// maxDrawn is the number of series that a graph draws and its palette has.
const maxDrawn = 10

// drawGraph draws the first maxDrawn series of a matrix.
func drawGraph(all []series, from, to time.Time, step time.Duration) template.HTML {
	lo, hi := math.Inf(1), math.Inf(-1)
	drawn := all[:min(len(all), maxDrawn)]
	for _, s := range drawn {
		for _, v := range s.Values {
			if finite(v.V) {
				lo, hi = min(lo, v.V), max(hi, v.V)
			}
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	ticks := axis(lo, hi)
	lo, hi = min(lo, ticks[0]), max(hi, ticks[len(ticks)-1])
	t0, t1 := float64(from.UnixMilli())/1000, float64(to.UnixMilli())/1000
	x := func(t float64) float64 {
		return graphLeft + (graphWidth-graphLeft-graphRight)*(t-t0)/max(t1-t0, 1e-9)
	}
	y := func(v float64) float64 {
		return graphTop + (graphHeight-graphTop-graphBottom)*(1-(v/2-lo/2)/max(hi/2-lo/2, math.SmallestNonzeroFloat64))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="graph" viewBox="0 0 %g %g" role="img">`, graphWidth, graphHeight)
	for _, v := range ticks {
		fmt.Fprintf(&b, `<path class="grid" d="M%g %.1fH%g"/><text class="tick" x="%g" y="%.1f" text-anchor="end">%s</text>`,
			graphLeft, y(v), graphWidth-graphRight, graphLeft-8, y(v)+4, short(v))
	}
	layout := "15:04"
	switch {
	case to.Sub(from) > 48*time.Hour:
		layout = "01-02"
	case to.Sub(from) <= 10*time.Minute:
		layout = "15:04:05"
	}
	for i := range 6 {
		t := from.Add(to.Sub(from) * time.Duration(i) / 5)
		anchor := "middle"
		switch i {
		case 0:
			anchor = "start"
		case 5:
			anchor = "end"
		}
		px := x(float64(t.UnixMilli()) / 1000)
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %gV%g"/><text class="tick" x="%.1f" y="%g" text-anchor="%s">%s</text>`,
			px, graphTop, graphHeight-graphBottom, px, graphHeight-8, anchor, t.UTC().Format(layout))
	}
	for i, s := range drawn {
		fmt.Fprintf(&b, `<path class="series s%d" d="%s"/>`, i, linePath(s.Values, x, y, step))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// linePath breaks the line where samples are missing, and draws a lonely
// sample as a dot.
func linePath(values []point, x, y func(float64) float64, step time.Duration) string {
	var b strings.Builder
	before := math.Inf(-1)
	for _, v := range values {
		if !finite(v.V) {
			before = math.Inf(-1)
			continue
		}
		if v.T-before > 1.5*step.Seconds() {
			fmt.Fprintf(&b, "M%.1f %.1fh.1", x(v.T), y(v.V))
		} else {
			fmt.Fprintf(&b, "L%.1f %.1f", x(v.T), y(v.V))
		}
		before = v.T
	}
	return b.String()
}

// axis gives four to seven round values that cover lo to hi.
func axis(lo, hi float64) []float64 {
	if lo == hi {
		d := math.Abs(lo) / 2
		if d == 0 {
			d = 1
		}
		lo, hi = lo-d, hi+d
	}
	raw := hi/5 - lo/5
	size := math.Pow(10, math.Floor(math.Log10(raw)))
	if size == 0 || !finite(size) {
		return []float64{lo, hi}
	}
	step := 10 * size
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*size >= raw {
			step = m * size
			break
		}
	}
	var out []float64
	for i := math.Floor(lo / step); i <= math.Ceil(hi/step) && len(out) < 12; i++ {
		v := i * step
		if !finite(v) {
			return []float64{lo, hi}
		}
		out = append(out, v)
	}
	if len(out) < 2 {
		return []float64{lo, hi}
	}
	return out
}

// short prints a value of the axis with a metric prefix.
func short(v float64) string {
	a := math.Abs(v)
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if a >= u.size && a < 1e15 {
			return trim(v/u.size) + u.name
		}
	}
	return trim(v)
}

func trim(v float64) string { return fmt.Sprintf("%.4g", v) }
