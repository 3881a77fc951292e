//go:build fixtures

package drawn

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	fixtures = flag.String("fixtures", "", "folder with the real files")
	binary   = flag.String("touchline", "", "the server")
	every    = flag.Uint("every", 1, "look at one of so many dashboards, chosen by the hashes of their names")
	only     = flag.String("only", "", "look at the dashboards whose path has this in it")
	verbose  = flag.Bool("all", false, "tell of each dashboard")
)

// leastDashboards is how many a full set of fixtures has.
const leastDashboards = 100

// ratio counts what came out well, and keeps why the rest did not.
type ratio struct {
	name    string
	least   float64 // percent
	ok, all int
	short   *[]string
}

func (r *ratio) add(ok bool, why string, args ...any) {
	r.all++
	if ok {
		r.ok++
		return
	}
	*r.short = append(*r.short, r.name+": "+fmt.Sprintf(why, args...))
}

func (r *ratio) String() string {
	return fmt.Sprintf("%s: %.1f %% (%d of %d), at least %g %% are wanted", r.name, r.percent(), r.ok, r.all, r.least)
}

// percent is not a number, and above no limit, where nothing was counted.
func (r *ratio) percent() float64 { return 100 * float64(r.ok) / float64(r.all) }

type report struct {
	parsed, panels, right, queries, variables ratio
	values                                    int
	apart                                     map[string]int // drawn panels of which no value was compared, by the reason
	short                                     []string
}

// TestDrawn imports dashboards that nobody here wrote into a server that has series for them, and holds
// what Chromium shows against what is known.
func TestDrawn(t *testing.T) {
	if *fixtures == "" || *binary == "" {
		t.Fatal("-fixtures names the folder and -touchline the server; run make drawn FIXTURES=DIR")
	}
	root, err := filepath.Abs(filepath.Join(*fixtures, "01-grafana-dashboards"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && filepath.Ext(path) == ".json" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < leastDashboards {
		t.Fatalf("%d dashboards in %s; a full set has %d", len(files), root, leastDashboards)
	}
	files = slices.DeleteFunc(files, func(file string) bool {
		h := fnv.New32a()
		_, _ = h.Write([]byte(nameOf(root, file))) // never fails
		return h.Sum32()%uint32(*every) != 0 || !strings.Contains(file, *only)
	})
	b, err := openBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := &report{apart: map[string]int{}}
	r.parsed = ratio{name: "dashboards parsed", least: 99, short: &r.short}
	r.panels = ratio{name: "Prometheus panels drawn with data", least: 97, short: &r.short}
	r.right = ratio{name: "panels that show the right values, of those whose values were compared", least: 97, short: &r.short}
	r.queries = ratio{name: "queries answered without error", least: 99, short: &r.short}
	r.variables = ratio{name: "variables resolved", least: 98, short: &r.short}
	next, err := subjects(t.Context(), t.TempDir(), files)
	if err != nil {
		t.Fatal(err)
	}
	for one := range next {
		name := nameOf(root, one.file)
		began, before := time.Now(), len(r.short)
		if err := r.look(t, b, name, one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if *verbose {
			t.Logf("%s: %s", name, time.Since(began).Round(10*time.Millisecond))
			for _, s := range r.short[before:] {
				t.Log("  ", s)
			}
		}
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
	for _, x := range []*ratio{&r.parsed, &r.panels, &r.right, &r.queries, &r.variables} {
		if !(x.percent() >= x.least) {
			t.Error(x)
		} else {
			t.Log(x)
		}
	}
	t.Logf("what falls short:\n%s", strings.Join(r.short, "\n"))
	t.Logf("%d values of %d panels were compared; of %d panels none was, by reason: %v", r.values, r.right.all, r.panels.ok-r.right.all, r.apart)
	if r.values == 0 {
		t.Error("no value was compared")
	}
}

func nameOf(root, file string) string {
	return filepath.ToSlash(strings.TrimPrefix(file, root+string(filepath.Separator)))
}

// subject is a dashboard with a server of its own that has its series: what is written for one must not answer another.
type subject struct {
	file    string
	raw     []byte
	board   *Board
	span    Span
	notes   []string
	server  *server
	unread  error // why the file cannot be read
	trouble error // why there is nothing to look at
}

// subjects makes ready one dashboard while another is looked at.
func subjects(ctx context.Context, dir string, files []string) (<-chan *subject, error) {
	out := make(chan *subject)
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(); err != nil {
			return nil, err
		}
	}
	go func() {
		defer close(out)
		for i, file := range files {
			s := &subject{file: file}
			// The server before the last has ended once the last one is looked at.
			s.prepare(ctx, addresses[i%len(addresses)], filepath.Join(dir, strconv.Itoa(i)))
			select {
			case out <- s:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (s *subject) prepare(ctx context.Context, address, dir string) {
	if s.raw, s.trouble = os.ReadFile(s.file); s.trouble != nil {
		return
	}
	if s.board, s.unread = ReadBoard(s.raw); s.unread != nil {
		return
	}
	to := time.Now().UTC().Truncate(10 * time.Minute)
	s.span = Span{From: to.Add(-30 * time.Minute), To: to}
	needs := NewNeeds()
	planned, problems := s.board.Plan(needs, s.span)
	s.notes = append(problems, s.board.need(needs, planned, s.span)...)
	if s.server, s.trouble = start(ctx, *binary, address, dir); s.trouble != nil {
		return
	}
	series := needs.Series()
	if s.trouble = s.server.write(series, s.span); s.trouble == nil {
		s.trouble = s.server.kept(series, s.span)
	}
}

// look opens a dashboard and holds what it shows against what is known.
func (r *report) look(t *testing.T, b *browser, name string, of *subject) error {
	if of.server != nil {
		defer of.server.stop()
	}
	if of.trouble != nil {
		return of.trouble
	}
	if of.board == nil {
		r.parsed.add(false, "%s: %v", name, of.unread)
		return nil
	}
	if *verbose {
		for _, note := range of.notes {
			t.Logf("%s: %s", name, note)
		}
	}
	board, s, span := of.board, of.server, of.span
	uid, refused := s.keep(of.raw)
	if uid == "" {
		r.parsed.add(false, "%s: %v", name, refused)
		return nil
	}
	values, options, err := board.Resolve(s, span)
	if err != nil {
		return err
	}
	params := url.Values{"from": {fmt.Sprint(span.From.UnixMilli())}, "to": {fmt.Sprint(span.To.UnixMilli())}, "timezone": {"utc"}, "refresh": {"0s"}}
	for _, v := range board.Variables {
		if v.Must {
			params["var-"+v.Name] = values[v.Name].List
		}
	}
	page, err := b.look(s.url + "/ui/d/" + url.PathEscape(uid) + "?" + params.Encode())
	if err != nil {
		return err
	}
	r.parsed.add(page.State == "ready" && len(page.Problems) == 0, "%s: %s %v", name, page.State, page.Problems)
	r.count(name, board, page, values, options)
	for i := range board.Panels {
		r.panel(s, name, board, &board.Panels[i], page, values, span)
	}
	return nil
}

// need adds what the panels and annotations want, and gives what could not be read.
func (b *Board) need(n *Needs, planned Values, span Span) []string {
	var out []string
	add := func(expr string, used []string) {
		if err := n.Add(expr, used); err != nil {
			out = append(out, err.Error())
		}
	}
	for i := range b.Panels {
		p := &b.Panels[i]
		for j := range p.Queries {
			q := &p.Queries[j]
			step, rate := p.steps(q, planned, span)
			add(planned.with(span, step, rate).Fill(q.Expr, Value.Query), append(legendLabels(q.Legend), p.Fields...))
		}
	}
	for _, note := range b.Notes {
		add(planned.with(span, scrape, 4*scrape).Fill(note, Value.Query), nil)
	}
	return out
}

// count counts what is said of the variables and the requests.
func (r *report) count(name string, board *Board, p *page, values Values, options map[string][]string) {
	for _, v := range board.Variables {
		if !v.Prometheus {
			continue
		}
		told := slices.IndexFunc(p.Troubles, func(s string) bool { return strings.HasPrefix(s, v.Name+" ") })
		drawn, visible := p.Variables[v.Name]
		want := values[v.Name].List
		if values[v.Name].Written || len(want) > 1 || v.HasAll && len(want) == len(options[v.Name]) {
			want = nil // "All", or several: that there is something is all that can be held against it
		}
		free := v.Type == "datasource" || v.Type == "textbox" || v.Type == "custom" || v.Type == "interval"
		switch {
		case told >= 0:
			r.variables.add(false, "%s $%s: %s", name, v.Name, p.Troubles[told])
		case v.Type == "query" && len(options[v.Name]) == 0:
			r.variables.add(false, "%s $%s: the series give it no value", name, v.Name)
		case !visible && !v.Hidden && v.Type != "constant" && v.Type != "system":
			r.variables.add(false, "%s $%s: it is not there to be chosen", name, v.Name)
		case visible && !v.Hidden && v.Type != "textbox" && len(drawn) == 0:
			r.variables.add(false, "%s $%s: nothing is chosen, %q is wanted", name, v.Name, want)
		case visible && !free && len(want) > 0 && !slices.Equal(drawn, want):
			r.variables.add(false, "%s $%s: %q is chosen, %q is wanted", name, v.Name, drawn, want)
		default:
			r.variables.add(true, "")
		}
	}
	for _, q := range p.Refused {
		r.queries.add(false, "%s: %d of %s: %s", name, q.Status, q.Query, q.Body)
	}
	r.queries.all += p.Requests - len(p.Refused)
	r.queries.ok += p.Requests - len(p.Refused)
}

// panel holds one panel, with its copies where it repeats, against what its queries give.
func (r *report) panel(s *server, file string, board *Board, p *Panel, on *page, values Values, span Span) {
	id := p.on(on, board)
	var shown []Shown
	state, drawn, trouble, cut, blank := "not there", "", "", false, false
	for _, x := range on.Panels {
		if x.ID != id {
			continue
		}
		// Copies are right when each of them is.
		if state != "error" && state != "empty" {
			state, drawn, trouble = x.State, x.Type, x.Trouble
		}
		for _, v := range x.Values {
			shown = append(shown, Shown(v))
		}
		cut = cut || x.Series > 20 || x.Type == "table"
		blank = blank || x.Type == "timeseries" && x.State == "data" && x.Ink <= 0
	}
	name := fmt.Sprintf("%s panel %d %q (%s)", file, id, p.Title, drawn)
	if state != "data" {
		if state == "not there" {
			r.panels.add(false, "%s: the page does not have it", name)
			return
		}
		why := trouble
		known, errs := p.known(s, values, span)
		switch {
		case len(errs) > 0:
			why += " the server refuses " + strings.Join(errs, "; ")
		case len(known) == 0 && p.Borrows == 0:
			why += " the series give its queries no value"
		default:
			why += fmt.Sprintf(" known are %s", samples(known, []string{"last"}))
		}
		r.panels.add(false, "%s: %s:%s", name, state, why)
		return
	}
	known, errs := p.known(s, values, span)
	if len(errs) > 0 {
		r.panels.add(false, "%s: the server refuses %s", name, strings.Join(errs, "; "))
		return
	}
	if blank && p.inks(known) {
		r.panels.add(false, "%s: nothing is drawn into its plot, known are %s", name, samples(known, []string{"last"}))
		return
	}
	r.panels.add(true, "")
	if why := p.incomparable(drawn); why != "" {
		r.apart[why]++
		return
	}
	held, differences := p.Compare(drawn, shown, known, cut)
	if len(shown) == 0 {
		differences = append(differences, fmt.Sprintf("shows no value, known are %s", samples(known, []string{"last"})))
	}
	if held == 0 && len(differences) == 0 {
		r.apart["only texts, or units that are not read here"]++
		return
	}
	r.values += held
	r.right.add(len(differences) == 0, "%s: %s", name, strings.Join(differences, "; "))
}

// on is the number that a panel has on the page, which numbers those that have none in the file in its order.
func (p *Panel) on(page *page, board *Board) int {
	if p.ID != 0 {
		return p.ID
	}
	var given []int
	for _, x := range page.Panels {
		if x.Title == p.Title && !board.Numbers[x.ID] && !slices.Contains(given, x.ID) {
			given = append(given, x.ID)
		}
	}
	slices.Sort(given)
	if p.Nth >= len(given) {
		return 0
	}
	return given[p.Nth]
}

// known asks the server itself for what a panel's queries give, for each value that it repeats by.
func (p *Panel) known(s *server, values Values, span Span) (known []Known, errs []string) {
	scopes := []Values{values}
	for _, by := range p.Repeats {
		var next []Values
		for _, scope := range scopes {
			for _, one := range scope[by].each() {
				inner := make(Values, len(scope))
				for k, v := range scope {
					inner[k] = v
				}
				inner[by] = Value{List: []string{one}, Several: true}
				next = append(next, inner)
			}
		}
		if len(next) > 0 {
			scopes = next
		}
	}
	for _, scope := range scopes {
		for i := range p.Queries {
			q := &p.Queries[i]
			step, rate := p.steps(q, scope, span)
			filled := scope.with(span, step, rate)
			expr := filled.Fill(q.Expr, Value.Query)
			for _, instant := range []bool{true, false} {
				if instant && !q.Instant || !instant && !q.Range {
					continue
				}
				from, to, by := span.To, span.To, time.Duration(0)
				if !instant {
					from, to, by = span.From.Truncate(step), span.To.Truncate(step), step
				}
				lines, err := s.query(expr, from, to, by)
				if err != nil {
					errs = append(errs, fmt.Sprintf("%s: %v", expr, err))
					continue
				}
				for _, l := range lines {
					k := Known{Name: Legend(filled.Fill(q.Legend, Value.Plain), l.labels), Points: l.values}
					for _, v := range l.labels {
						k.Labels = append(k.Labels, v)
					}
					known = append(known, k)
				}
			}
		}
	}
	return known, errs
}
