package chart

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func hour(f func(minute int) float64) []Point {
	var out []Point
	for n := range 61 {
		out = append(out, Point{noon.Add(time.Duration(n) * time.Minute), f(n)})
	}
	return out
}

func decode(t *testing.T, raw []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func at(img image.Image, x, y int) color.RGBA {
	return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
}

// TestPictureShowsTheValues looks for the line and the threshold where they must be.
func TestPictureShowsTheValues(t *testing.T) {
	threshold := 75.0
	raw, err := PNG(Options{
		Series: []Series{{Name: `{instance="db1"}`, Points: hour(func(n int) float64 {
			if n < 30 {
				return 50
			}
			return 100
		})}},
		From: noon, To: noon.Add(time.Hour), Threshold: &threshold, Mark: noon.Add(30 * time.Minute), Zone: time.UTC,
	})
	if err != nil {
		t.Fatal(err)
	}
	if file := os.Getenv("CHART_FILE"); file != "" {
		if err := os.WriteFile(file, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	img := decode(t, raw)
	if img.Bounds() != image.Rect(0, 0, width, height+lineHeight) {
		t.Errorf("size %v", img.Bounds())
	}
	// The axis begins at 40 or 50 and ends at 100: find the line's rows at a quarter and at three quarters of the time.
	row := func(x int, want color.RGBA) int {
		for y := top - 1; y <= height-bottom; y++ {
			if c := at(img, x, y); math.Abs(float64(c.R)-float64(want.R)) < 40 && math.Abs(float64(c.B)-float64(want.B)) < 40 && math.Abs(float64(c.G)-float64(want.G)) < 40 {
				return y
			}
		}
		return -1
	}
	early, late := row(left+141, lines[0]), row(left+423, lines[0])
	if early < 0 || late < 0 || late >= early {
		t.Errorf("the line is at %d and %d, want it to rise", early, late)
	}
	// The threshold is dashed, so one of the next few columns has it.
	limit := -1
	for x := left + 141; x < left+149 && limit < 0; x++ {
		limit = row(x, danger)
	}
	if limit <= late || limit >= early {
		t.Errorf("the threshold is at %d, want it between %d and %d", limit, late, early)
	}
}

func TestGapsAndSinglePoints(t *testing.T) {
	one, err := PNG(Options{Series: []Series{{Points: hour(func(n int) float64 {
		if n == 30 {
			return 1
		}
		return math.NaN()
	})}}, From: noon, To: noon.Add(time.Hour), Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	dots, img := 0, decode(t, one)
	for x := left + 1; x < width-right; x++ {
		for y := top; y < height-bottom; y++ {
			if at(img, x, y) == lines[0] {
				dots++
			}
		}
	}
	if dots < 4 || dots > 30 {
		t.Errorf("a single value has %d pixels", dots)
	}
}

func TestNothingToDraw(t *testing.T) {
	for name, o := range map[string]Options{
		"no series":      {From: noon, To: noon.Add(time.Hour)},
		"only gaps":      {Series: []Series{{Points: hour(func(int) float64 { return math.Inf(1) })}}, From: noon, To: noon.Add(time.Hour)},
		"another time":   {Series: []Series{{Points: hour(func(int) float64 { return 1 })}}, From: noon.Add(48 * time.Hour), To: noon.Add(49 * time.Hour)},
		"no time at all": {Series: []Series{{Points: hour(func(int) float64 { return 1 })}}, From: noon, To: noon},
	} {
		o.Zone = time.UTC
		if raw, err := PNG(o); err == nil {
			t.Errorf("%s: %d bytes", name, len(raw))
		}
	}
}

func TestAxisLabel(t *testing.T) {
	for _, c := range []struct {
		v, step float64
		want    string
	}{
		{0.9, 0.1, "0.9"}, {0.25, 0.05, "0.25"}, {100, 20, "100"}, {-3, 1, "-3"}, {1e-18, 0.1, "0"}, {12000, 1000, "12k"}, {2.5e9, 5e8, "2.5G"},
		{1e20, 1e19, "1e+20"}, {3e-7, 1e-7, "3e-07"}, {1234567, 1000, "1.235M"},
	} {
		if got := axisLabel(c.v, c.step); got != c.want {
			t.Errorf("axisLabel(%v, %v) is %q, want %q", c.v, c.step, got, c.want)
		}
	}
}

func FuzzPNG(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, int64(3600), "a")
	f.Add(0.0, math.MaxFloat64, -math.MaxFloat64, int64(1), "日本")
	f.Add(5e-324, 0.0, 1e300, int64(1e9), "")
	f.Fuzz(func(t *testing.T, a, b, limit float64, seconds int64, name string) {
		if seconds <= 0 || seconds > 1e10 {
			return
		}
		to := noon.Add(time.Duration(seconds%1e9) * time.Second)
		raw, err := PNG(Options{Series: []Series{{Name: name, Points: []Point{{noon, a}, {noon.Add(to.Sub(noon) / 2), b}, {to, a}}}}, From: noon, To: to, Threshold: &limit, Zone: time.UTC})
		if err == nil {
			decode(t, raw)
		}
	})
}
