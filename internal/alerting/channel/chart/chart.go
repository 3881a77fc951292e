// Package chart draws the small line chart that goes with a mail: the values of
// an expression around the time of an alert, and the threshold that it crossed.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Point is a value at a time.
type Point struct {
	At    time.Time
	Value float64 // a gap where it is not finite
}

// Series is one line.
type Series struct {
	Name   string
	Points []Point // in the order of time
}

// Options say what is drawn. All fields without a remark are required.
type Options struct {
	Series    []Series
	From, To  time.Time
	Threshold *float64  // nil for none
	Mark      time.Time // when the alert began, zero for none
	Zone      *time.Location
}

// The measures of the picture in pixels, and what is left of it for the lines.
const (
	width, height = 640, 260
	left, right   = 64, 12
	top, bottom   = 12, 24
	lineHeight    = 14
	maxLegend     = 4
	maxSeries     = 20
	maxName       = 84 // characters
)

var (
	paper  = color.RGBA{255, 255, 255, 255}
	ink    = color.RGBA{60, 60, 60, 255}
	grid   = color.RGBA{226, 226, 226, 255}
	danger = color.RGBA{196, 30, 30, 255}
	lines  = []color.RGBA{{31, 97, 168, 255}, {214, 120, 20, 255}, {44, 140, 70, 255}, {130, 70, 160, 255}, {110, 110, 110, 255}}
)

// errNothing is returned where there is no value to draw.
var errNothing = errors.New("draw chart: there is no value to draw")

// PNG draws a picture.
func PNG(o Options) ([]byte, error) {
	if !o.From.Before(o.To) {
		return nil, errors.New("draw chart: its end is not after its beginning")
	}
	if len(o.Series) > maxSeries {
		o.Series = o.Series[:maxSeries]
	}
	low, high, ok := bounds(o)
	if !ok {
		return nil, errNothing
	}
	legend := min(len(o.Series), maxLegend)
	c := &canvas{img: image.NewRGBA(image.Rect(0, 0, width, height+legend*lineHeight)), o: o}
	draw.Draw(c.img, c.img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	step := niceStep((high - low) / 4)
	c.low, c.high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	c.axes(step)
	for n, s := range o.Series {
		c.line(s.Points, lines[n%len(lines)])
	}
	if t := o.Threshold; t != nil && finite(*t) {
		c.dashes(c.y(*t))
	}
	for n, s := range o.Series[:legend] {
		y := height + (n+1)*lineHeight - 4
		c.box(left, y-6, left+10, y-3, lines[n%len(lines)])
		c.text(left+16, y, name(s.Name), ink)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, c.img); err != nil {
		return nil, fmt.Errorf("encode chart: %w", err)
	}
	return b.Bytes(), nil
}

// maxMagnitude keeps the arithmetic of the axes away from infinity.
const maxMagnitude = 1e300

func finite(v float64) bool { return math.Abs(v) <= maxMagnitude }

// bounds are the least and the greatest value that must be visible.
func bounds(o Options) (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range o.Series {
		for _, p := range s.Points {
			if finite(p.Value) && !p.At.Before(o.From) && !p.At.After(o.To) {
				low, high, ok = min(low, p.Value), max(high, p.Value), true
			}
		}
	}
	if !ok {
		return 0, 0, false
	}
	if t := o.Threshold; t != nil && finite(*t) {
		low, high = min(low, *t), max(high, *t)
	}
	if high-low < 1e-9*max(math.Abs(low), math.Abs(high), 1e-9) {
		pad := max(math.Abs(high)/10, 0.5)
		low, high = low-pad, high+pad
	}
	if low > 0 && low < high/2 {
		low = 0 // A chart that nearly begins at zero begins at zero.
	}
	return low, high, true
}

// niceStep is 1, 2 or 5 times a power of ten, at least v.
func niceStep(v float64) float64 {
	e := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5, 10} {
		if f*e >= v {
			return f * e
		}
	}
	return 10 * e
}

type canvas struct {
	img       *image.RGBA
	o         Options
	low, high float64
}

func (c *canvas) x(t time.Time) float64 {
	return left + float64(t.Sub(c.o.From))/float64(c.o.To.Sub(c.o.From))*(width-left-right)
}

func (c *canvas) y(v float64) float64 {
	return top + (c.high-v)/(c.high-c.low)*(height-top-bottom)
}

func (c *canvas) axes(step float64) {
	for n := 0; n <= 12; n++ { // There are at most six; the bound is for rounding.
		v := c.low + float64(n)*step
		if v > c.high+step/2 {
			break
		}
		y := int(math.Round(c.y(v)))
		c.box(left, y, width-right, y+1, grid)
		label := axisLabel(v, step)
		c.text(left-6-7*len(label), y+4, label, ink)
	}
	format := "15:04"
	if c.o.To.Sub(c.o.From) > 24*time.Hour {
		format = "01-02 15:04"
	}
	const marks = 5
	for n := range marks + 1 {
		t := c.o.From.Add(c.o.To.Sub(c.o.From) * time.Duration(n) / marks)
		x := int(math.Round(c.x(t)))
		c.box(x, top, x+1, height-bottom, grid)
		label := t.In(c.o.Zone).Format(format)
		c.text(min(max(x-7*len(label)/2, 0), width-7*len(label)), height-bottom+16, label, ink)
	}
	c.box(left, height-bottom, width-right, height-bottom+1, ink)
	c.box(left, top, left+1, height-bottom, ink)
	if m := c.o.Mark; m.After(c.o.From) && m.Before(c.o.To) {
		x := int(math.Round(c.x(m)))
		c.box(x, top, x+1, height-bottom, danger)
	}
}

// axisLabel writes a value with as many digits as the step needs, at most eight characters.
func axisLabel(v, step float64) string {
	if math.Abs(v) < step/1e6 {
		return "0"
	}
	abs := math.Abs(v)
	if abs >= 1e-4 && abs < 1e4 {
		digits := max(0, int(math.Ceil(-math.Log10(step))))
		if s := strconv.FormatFloat(v, 'f', min(digits, 6), 64); len(s) <= 8 {
			return s
		}
	}
	for _, u := range []struct {
		of     float64
		letter string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if abs >= u.of && abs < 1e15 {
			return strconv.FormatFloat(v/u.of, 'g', 4, 64) + u.letter
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// line draws what is finite, and a dot for a value between two gaps.
func (c *canvas) line(ps []Point, col color.RGBA) {
	r := vector.NewRasterizer(width, height)
	var px, py float64
	drawn, have := false, false
	dot := func() {
		if have && !drawn {
			quad(r, px-2, py, px+2, py, 4)
		}
	}
	for _, p := range ps {
		if !finite(p.Value) || p.At.Before(c.o.From) || p.At.After(c.o.To) {
			dot()
			have, drawn = false, false
			continue
		}
		x, y := c.x(p.At), c.y(p.Value)
		if have {
			quad(r, px, py, x, y, 2)
			drawn = true
		}
		px, py, have = x, y, true
	}
	dot()
	r.Draw(c.img, image.Rect(0, 0, width, height), image.NewUniform(col), image.Point{})
}

// quad adds a stroke of a width between two points.
func quad(r *vector.Rasterizer, x0, y0, x1, y1, thick float64) {
	dx, dy := x1-x0, y1-y0
	l := math.Hypot(dx, dy)
	if l == 0 {
		return
	}
	nx, ny := -dy/l*thick/2, dx/l*thick/2
	r.MoveTo(float32(x0+nx), float32(y0+ny))
	r.LineTo(float32(x1+nx), float32(y1+ny))
	r.LineTo(float32(x1-nx), float32(y1-ny))
	r.LineTo(float32(x0-nx), float32(y0-ny))
	r.ClosePath()
}

func (c *canvas) dashes(at float64) {
	y := int(math.Round(at))
	for x := left; x < width-right; x += 8 {
		c.box(x, y, min(x+5, width-right), y+2, danger)
	}
}

func (c *canvas) box(x0, y0, x1, y1 int, col color.RGBA) {
	draw.Draw(c.img, image.Rect(x0, y0, x1, y1), image.NewUniform(col), image.Point{}, draw.Src)
}

func (c *canvas) text(x, y int, s string, col color.RGBA) {
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(col), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(s)
}

// name shortens a name to the line, and to the letters that the font has.
func name(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	if len(s) > maxName {
		s = s[:maxName-3] + "..."
	}
	return s
}
