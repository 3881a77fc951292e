package page

import (
	"fmt"
	"html/template"
	"math"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// quantity is a number with its unit, which is set in a lighter weight.
type quantity struct{ Number, Unit string }

// digits prints three significant digits, without an exponent where a person
// can do without one.
func digits(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return strconv.FormatFloat(v, 'f', -1, 64)
	case a == 0:
		return "0"
	case a >= 1e15 || a < 1e-4:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func percent(f figure) quantity {
	if !f.Known {
		return quantity{"–", ""}
	}
	v := max(f.Value, 0)
	if v >= 100 {
		return quantity{strconv.FormatFloat(v, 'f', 0, 64), "%"}
	}
	return quantity{strconv.FormatFloat(v, 'f', 1, 64), "%"}
}

func byteSize(f figure) quantity {
	if !f.Known {
		return quantity{"–", ""}
	}
	v, i := f.Value, 0
	for math.Abs(v) >= 1024 && i < 5 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return quantity{strconv.FormatFloat(v, 'f', 0, 64), "B"}
	}
	return quantity{digits(v), []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}[i]}
}

func byteRate(f figure) quantity {
	if !f.Known {
		return quantity{"–", ""}
	}
	v, i := f.Value, 0
	for math.Abs(v) >= 1000 && i < 4 {
		v, i = v/1000, i+1
	}
	if i == 0 {
		return quantity{strconv.FormatFloat(v, 'f', 0, 64), "B/s"}
	}
	return quantity{digits(v), []string{"B/s", "kB/s", "MB/s", "GB/s", "TB/s"}[i]}
}

// span prints a duration by its two largest units.
func span(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	switch {
	case d == 0:
		return "0 s"
	case d < 10*time.Millisecond:
		return digits(float64(d.Microseconds())/1000) + " ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return pair(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 24*time.Hour:
		return pair(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return pair(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
}

// chineseUnits turns the units of a span that stands in a sentence.
var chineseUnits = strings.NewReplacer(" ms", " 毫秒", " min", " 分", " s", " 秒", " h", " 小时", " d", " 天")

func pair(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

func spanSeconds(s float64) string { return span(time.Duration(s * float64(time.Second))) }

// labelText prints labels as a PromQL selector; the name comes first.
func labelText(labels map[string]string) string {
	keys := make([]string, 0, len(labels))
	for k := range labels {
		if k != "__name__" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	b.WriteString(labels["__name__"])
	if len(keys) == 0 {
		if b.Len() == 0 {
			return "{}"
		}
		return b.String()
	}
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%q", k, labels[k])
	}
	b.WriteByte('}')
	return b.String()
}

// without gives labels that are not named, as pairs in order.
func without(labels map[string]string, names ...string) []string {
	var out []string
	for k, v := range labels {
		if !slices.Contains(names, k) {
			out = append(out, k+"="+v)
		}
	}
	slices.Sort(out)
	return out
}

// safeLink lets only web addresses and paths of this server through, since
// annotations are written by whoever sends an alert.
func safeLink(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return ""
	}
	switch {
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
		return u.String()
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		return u.String()
	}
	return ""
}

// lazyTemplate is parsed when its page is first looked at. All of them together
// take 4 MiB, and most servers show one page, if any. What they are parsed from is in
// the program, so a test has seen every error.
type lazyTemplate func() (*template.Template, error)

// lazyTemplates gives every page once per language, with the texts of that
// language bound to the function t.
func (p *Page) lazyTemplates() (map[string]map[string]lazyTemplate, error) {
	pages, err := files.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]lazyTemplate{}
	for _, lang := range []string{langEnglish, langChinese} {
		funcs := template.FuncMap{
			"t":        func(text string, args ...any) string { return translate(lang, text, args...) },
			"link":     func(to string) string { return p.prefix + to },
			"graph":    func(expr string) string { return p.prefix + "/ui/graph?" + graphQuery(expr, false) },
			"table":    func(expr string) string { return p.prefix + "/ui/graph?" + graphQuery(expr, true) },
			"percent":  percent,
			"bytes":    byteSize,
			"rate":     byteRate,
			"digits":   digits,
			"spark":    spark,
			"bar":      bar,
			"labels":   labelText,
			"without":  without,
			"safe":     safeLink,
			"seconds":  spanSeconds,
			"duration": span,
			"size":     func(n int64) quantity { return byteSize(figure{Value: float64(n), Known: true}) },
			"ago": func(t time.Time) string {
				if t.IsZero() || t.Year() < 1971 {
					return translate(lang, "never")
				}
				if lang == langChinese {
					return chineseUnits.Replace(span(p.now().Sub(t))) + translate(lang, "ago")
				}
				return span(p.now().Sub(t)) + " " + translate(lang, "ago")
			},
			"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") },
			"icon":  icon,
			"base":  path.Base,
		}
		out[lang] = map[string]lazyTemplate{}
		for _, f := range pages {
			name := strings.TrimSuffix(f.Name(), ".html")
			if name == "layout" || name == "parts" {
				continue
			}
			out[lang][name] = sync.OnceValues(func() (*template.Template, error) {
				return template.New(name).Funcs(funcs).
					ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+f.Name())
			})
		}
	}
	return out, nil
}

func graphQuery(expr string, table bool) string {
	tab := "0"
	if table {
		tab = "1"
	}
	return url.Values{"g0.expr": {expr}, "g0.tab": {tab}}.Encode()
}
