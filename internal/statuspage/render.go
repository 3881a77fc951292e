package statuspage

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options say where the files go and how they introduce themselves.
type Options struct {
	Dir      string // made when missing
	Title    Text
	Language string // of index.html and the feed: English or Chinese
	URL      string // under which the public reaches the folder, for the feed; may be ""
}

// Render writes all files for a snapshot. Each is replaced as a whole: whoever
// reads one meanwhile, or after a crash, has the old or the new one.
func Render(o Options, s Snapshot) error {
	files, err := render(o, s)
	if err != nil {
		return err
	}
	return write(systemDisk{}, o.Dir, files)
}

// The files.
const (
	indexFile   = "index.html"
	historyFile = "history.html"
	feedFile    = "rss.xml"
	jsonFile    = "status.json"
	styleFile   = "style.css"
)

// inLanguage is the name of a page in a language that is not the folder's own.
func inLanguage(name, language string) string {
	return strings.TrimSuffix(name, ".html") + "." + language + ".html"
}

// content is a file to be written.
type content struct {
	name string
	data []byte
}

//go:embed templates/*.html templates/style.css
var sources embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"t":    func(string, ...any) string { return "" }, // each page has its own
	"word": func(any) string { return "" },
	"took": func(time.Duration) string { return "" },
}).ParseFS(sources, "templates/*.html"))

// render makes the content of all files, in the order in which they are written.
func render(o Options, s Snapshot) ([]content, error) {
	if o.Language != Chinese {
		o.Language = English
	}
	style, err := sources.ReadFile("templates/style.css")
	if err != nil {
		return nil, fmt.Errorf("read style: %w", err)
	}
	out := []content{{styleFile, style}}
	for _, name := range []string{historyFile, indexFile} {
		for _, language := range []string{English, Chinese} {
			file := name
			if language != o.Language {
				file = inLanguage(name, language)
			}
			page, err := renderPage(o, s, name, language)
			if err != nil {
				return nil, fmt.Errorf("render %s: %w", file, err)
			}
			out = append(out, content{file, page})
		}
	}
	feed, err := renderFeed(o, s)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", feedFile, err)
	}
	state, err := renderJSON(s)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", jsonFile, err)
	}
	return append(out, content{feedFile, feed}, content{jsonFile, state}), nil
}

// page is what a template sees.
type page struct {
	Language    string
	Title       string
	Index       string // name of the page in this language
	History     string
	Other       string // the same page in the other language
	OtherName   string // that language's own name
	OtherTag    string
	Mark        State
	Sentence    string
	GeneratedAt time.Time
	Open        []incident
	Past        []incident
	Maintenance []window
	Components  []component
	Bad         []badDay
}

type component struct {
	ID          string
	Name        string
	Description string
	State       State
	Figure      string // how much of the time it was available
	Label       string // the chart in words
	Bars        []bar
}

// bar is one day of a chart.
type bar struct {
	X, Y, H     int
	Class, Tip  string
	NotMeasured bool
}

type incident struct {
	ID         string
	Title      string
	Impact     State
	StartedAt  time.Time
	ResolvedAt time.Time
	Took       time.Duration
	Updates    []update // newest first
}

type update struct {
	At    time.Time
	State State
	Text  string
}

type window struct {
	ID         string
	Title      string
	Components string
	From, To   time.Time
	Now        bool
}

type badDay struct {
	Date      time.Time
	Component string
	Worst     State
	Down      time.Duration
}

func renderPage(o Options, s Snapshot, name, language string) ([]byte, error) {
	p := page{
		Language: language, Title: o.Title.In(language), GeneratedAt: s.GeneratedAt.UTC(),
		Index: indexFile, History: historyFile, OtherTag: English, OtherName: "English",
	}
	if p.Title == "" {
		p.Title = translate(language, "Status")
	}
	if language == English {
		p.OtherTag, p.OtherName = Chinese, "中文"
	}
	if language != o.Language {
		p.Index, p.History = inLanguage(indexFile, language), inLanguage(historyFile, language)
		p.Other = name
	} else {
		p.Other = inLanguage(name, p.OtherTag)
	}
	p.Mark, p.Sentence = sentence(language, s.Components)
	names := map[string]string{}
	for _, c := range s.Components {
		names[c.ID] = c.Name.In(language)
		p.Components = append(p.Components, componentOf(language, c))
		p.Bad = append(p.Bad, badDays(language, c)...)
	}
	slices.SortStableFunc(p.Bad, func(a, b badDay) int { return b.Date.Compare(a.Date) })
	for _, i := range s.Incidents {
		if i.Open() {
			p.Open = append(p.Open, incidentOf(language, i, s.GeneratedAt))
		} else {
			p.Past = append(p.Past, incidentOf(language, i, s.GeneratedAt))
		}
	}
	for _, w := range s.Maintenance {
		if w.To.After(s.GeneratedAt) {
			p.Maintenance = append(p.Maintenance, windowOf(language, w, names, s.GeneratedAt))
		}
	}
	own, err := pages.Clone()
	if err != nil {
		return nil, err
	}
	own.Funcs(template.FuncMap{
		"t":    func(text string, args ...any) string { return translate(language, text, args...) },
		"word": func(s any) string { return stateWord(language, State(fmt.Sprint(s))) },
		"took": func(d time.Duration) string { return lasted(language, d) },
	})
	var b bytes.Buffer
	if err := own.ExecuteTemplate(&b, name, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sentence says in one line how things are, and which state stands for all.
func sentence(language string, cs []Component) (State, string) {
	by := map[State][]string{}
	worst := NotMeasured
	for _, c := range cs {
		by[c.State] = append(by[c.State], c.Name.In(language))
		worst = worse(worst, c.State)
	}
	list := func(s State) string { return strings.Join(by[s], translate(language, ", ")) }
	n := len(cs)
	// some picks the text for one component or for several.
	some := func(s State, one, several string) (State, string) {
		text := several
		if len(by[s]) == 1 {
			text = one
		}
		return s, translate(language, text, len(by[s]), n, list(s))
	}
	switch {
	case n == 0:
		return NotMeasured, translate(language, "No component is configured.")
	case worst == Outage:
		return some(Outage, "%d of %d components is down: %s.", "%d of %d components are down: %s.")
	case worst == Degraded:
		return some(Degraded, "%d of %d components does not work as it should: %s.", "%d of %d components do not work as they should: %s.")
	case worst == Maintenance:
		return Maintenance, translate(language, "Maintenance of %d of %d components: %s.", len(by[Maintenance]), n, list(Maintenance))
	case len(by[NotMeasured]) > 0:
		return NotMeasured, translate(language, "%d of %d components are not measured yet.", len(by[NotMeasured]), n)
	case n == 1:
		return Operational, translate(language, "The component is operational.")
	}
	return Operational, translate(language, "All %d components are operational.", n)
}

// The chart of a component: a column for each day. What is worse stands
// taller, so that it is not told by colour alone.
const chartHeight = 24

func barHeight(s State) int {
	switch s {
	case Outage:
		return chartHeight
	case Degraded:
		return 19
	}
	return 14
}

func componentOf(language string, c Component) component {
	out := component{ID: c.ID, Name: c.Name.In(language), Description: c.Description.In(language), State: c.State}
	var measured, down time.Duration
	bad := 0
	for i, d := range c.Days {
		measured += d.Measured
		down += d.Down
		if d.Worst.trouble() {
			bad++
		}
		tip := d.Date.UTC().Format(time.DateOnly) + ": " + stateWord(language, d.Worst)
		if d.Down > 0 {
			tip += ", " + translate(language, "Down") + " " + lasted(language, d.Down)
		}
		h := barHeight(d.Worst)
		out.Bars = append(out.Bars, bar{X: i, Y: chartHeight - h, H: h, Class: className(d.Worst), Tip: tip, NotMeasured: d.Worst == NotMeasured})
	}
	out.Figure = translate(language, "not measured yet")
	if measured > 0 {
		out.Figure = translate(language, "%s available", percent(measured, down))
	}
	out.Label = translate(language, "%s, last 90 days: %s, now %s, %d days with trouble", out.Name, out.Figure, stateWord(language, c.State), bad)
	return out
}

// className is a state as a class of the style.
func className(s State) string {
	if s == NotMeasured {
		return "none"
	}
	return string(s)
}

// percent is how much of the measured time was not down. It is rounded down:
// a hundred percent means that nothing was.
func percent(measured, down time.Duration) string {
	share := max(0, 1-down.Seconds()/measured.Seconds()) * 100
	digits := 2
	if share > 99 {
		digits = 3
	}
	unit := math.Pow(10, float64(digits))
	text := strconv.FormatFloat(math.Floor(share*unit)/unit, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " %"
}

// badDays lists the days of a component with trouble.
func badDays(language string, c Component) []badDay {
	var out []badDay
	for _, d := range c.Days {
		if d.Worst.trouble() {
			out = append(out, badDay{Date: d.Date.UTC(), Component: c.Name.In(language), Worst: d.Worst, Down: d.Down})
		}
	}
	return out
}

func incidentOf(language string, i PublicIncident, now time.Time) incident {
	out := incident{ID: i.ID, Title: i.Title.In(language), Impact: i.Impact, StartedAt: i.StartedAt.UTC(), ResolvedAt: i.ResolvedAt.UTC()}
	end := i.ResolvedAt
	if i.Open() {
		end = now
	}
	out.Took = max(0, end.Sub(i.StartedAt))
	for n := range i.Updates {
		u := i.Updates[len(i.Updates)-1-n]
		out.Updates = append(out.Updates, update{At: u.At.UTC(), State: u.State, Text: u.Text.In(language)})
	}
	return out
}

func windowOf(language string, w Window, names map[string]string, now time.Time) window {
	out := window{ID: w.ID, Title: w.Title.In(language), From: w.From.UTC(), To: w.To.UTC(), Now: w.at(now)}
	var of []string
	for _, id := range w.Components {
		if n := names[id]; n != "" {
			of = append(of, n)
		}
	}
	out.Components = strings.Join(of, translate(language, ", "))
	return out
}
