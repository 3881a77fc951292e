//go:build conformance

package conformance

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// question is one request that both servers get.
type question struct {
	name   string // "" takes method and path
	method string
	path   string // with the query
	header http.Header
	body   []byte
	// change marks what needs the admin's token here and nothing upstream.
	change bool
	// masks are parts of the answer of which only the type is compared: paths
	// into the JSON such as data.*.startTime, where * is any key or index.
	masks []mask
	// unordered are the paths of lists without an order.
	unordered []string
	// text says how a body that is not JSON is compared; nil compares the bytes.
	text func(t *testing.T, a answer) string
	// differs explains a deliberate difference. A question that has it must
	// not be answered alike; ours is the status that we answer with instead.
	differs string
	ours    int
	// keep names the identifier that the answer brings; {name} stands for it
	// in the paths and bodies of later questions.
	keep string
}

type mask struct {
	path, reason string
}

func get(path string) question { return question{method: http.MethodGet, path: path} }

func post(path string, form url.Values) question {
	return question{
		method: http.MethodPost, path: path, body: []byte(form.Encode()),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

func postJSON(path, body string) question {
	return question{method: http.MethodPost, path: path, body: []byte(body), header: http.Header{"Content-Type": {"application/json"}}}
}

func (q question) named(name string) question { q.name = name; return q }

func (q question) with(name, value string) question {
	h := q.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set(name, value)
	q.header = h
	return q
}

func (q question) masked(reason string, paths ...string) question {
	q.masks = slices.Clone(q.masks)
	for _, p := range paths {
		q.masks = append(q.masks, mask{p, reason})
	}
	return q
}

func (q question) sorted(paths ...string) question {
	q.unordered = append(slices.Clone(q.unordered), paths...)
	return q
}

func (q question) deliberate(ours int, reason string) question {
	q.ours, q.differs = ours, reason
	return q
}

func (q question) changes() question { q.change = true; return q }

func (q question) String() string {
	if q.name != "" {
		return q.name
	}
	return q.method + " " + q.path
}

// compared are the headers that are part of an answer's meaning.
var compared = []string{"Content-Type", "Content-Encoding", "Allow", "Location", "Access-Control-Allow-Origin", "X-Prometheus-Remote-Write-Samples-Written", "X-Prometheus-Remote-Write-Histograms-Written", "X-Prometheus-Remote-Write-Exemplars-Written"}

// rendering is an answer in the form in which it is compared.
func (q question) rendering(t *testing.T, a answer) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "status %d\n", a.status)
	for _, h := range compared {
		v := a.header.Values(h)
		if h == "Allow" && len(v) > 0 {
			// The order of the methods is that of a map upstream.
			v = strings.FieldsFunc(strings.Join(v, ","), func(r rune) bool { return r == ',' || r == ' ' })
			slices.Sort(v)
		}
		if len(v) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", h, strings.Join(v, ", "))
		}
	}
	if a.header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(a.body))
		if err != nil {
			t.Fatalf("answer says gzip, but: %v", err)
		}
		if a.body, err = io.ReadAll(z); err != nil {
			t.Fatalf("answer says gzip, but: %v", err)
		}
	}
	switch {
	case q.text != nil:
		b.WriteString(q.text(t, a))
	case strings.HasPrefix(a.header.Get("Content-Type"), "application/json") && len(a.body) > 0:
		d := json.NewDecoder(bytes.NewReader(a.body))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			fmt.Fprintf(&b, "not JSON (%v): %s", err, a.body)
			break
		}
		for _, m := range q.masks {
			v = hide(v, segments(m.path))
		}
		for _, p := range q.unordered {
			order(t, v, segments(p))
		}
		raw, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		b.Write(raw)
	default:
		b.Write(a.body)
	}
	return b.String()
}

// segments splits a path; "" is the whole answer.
func segments(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ".")
}

// hide replaces the values at a path by their types.
func hide(v any, path []string) any {
	if len(path) == 0 {
		return typeOf(v)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if path[0] == "*" || path[0] == k {
				v[k] = hide(v[k], path[1:])
			}
		}
	case []any:
		for i := range v {
			if path[0] == "*" || path[0] == strconv.Itoa(i) {
				v[i] = hide(v[i], path[1:])
			}
		}
	}
	return v
}

func typeOf(v any) any {
	switch v.(type) {
	case nil:
		return "<null>"
	case string:
		return "<string>"
	case bool:
		return "<bool>"
	case json.Number:
		return "<number>"
	case []any:
		return "<list>"
	default:
		return "<object>"
	}
}

func order(t *testing.T, v any, path []string) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		if len(path) == 0 {
			sortJSON(t, v)
			return
		}
		for _, e := range v {
			if path[0] == "*" {
				order(t, e, path[1:])
			}
		}
	case map[string]any:
		if len(path) == 0 {
			return
		}
		for k, e := range v {
			if path[0] == "*" || path[0] == k {
				order(t, e, path[1:])
			}
		}
	}
}

// tally counts what has been compared.
type tally struct {
	asked, equal, deliberate, different int

	ids map[string]map[string]string // server name → name → identifier
}

func (c *tally) log(t *testing.T, surface string) {
	t.Helper()
	figure(t, "%s: %d requests, %d answered alike, %d different on purpose, %d different", surface, c.asked, c.equal, c.deliberate, c.different)
}

// compare asks both servers a question and compares what they answer.
func (c *tally) compare(t *testing.T, ours, theirs *server, q question) {
	t.Helper()
	c.asked++
	h := q.header
	if q.change && ours.token != "" {
		h = h.Clone()
		if h == nil {
			h = http.Header{}
		}
		h.Set("Authorization", "Bearer "+ours.token)
	}
	mine := request(t, ours, q.method, c.named(ours, q.path), h, []byte(c.named(ours, string(q.body))))
	other := request(t, theirs, q.method, c.named(theirs, q.path), q.header, []byte(c.named(theirs, string(q.body))))
	if q.keep != "" {
		c.remember(t, ours, q.keep, mine)
		c.remember(t, theirs, q.keep, other)
	}
	mine.body, other.body = c.anonymous(ours, mine.body), c.anonymous(theirs, other.body)
	a, b := q.rendering(t, mine), q.rendering(t, other)
	switch {
	case a == b && q.differs == "":
		c.equal++
	case a == b:
		c.different++
		t.Errorf("%s: answered alike, though a difference is expected (%s): take it off the list", q, q.differs)
	case q.differs != "" && mine.status == q.ours:
		c.deliberate++
		t.Logf("on purpose: %s: %d instead of %d: %s", q, mine.status, other.status, q.differs)
	default:
		c.different++
		t.Errorf("%s\n%s", q, difference(a, b, ours.name, theirs.name))
	}
}

// difference shows the lines that two renderings do not share.
func difference(a, b, nameA, nameB string) string {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for len(la) > 0 && len(lb) > 0 && la[0] == lb[0] {
		la, lb = la[1:], lb[1:]
	}
	for len(la) > 0 && len(lb) > 0 && la[len(la)-1] == lb[len(lb)-1] {
		la, lb = la[:len(la)-1], lb[:len(lb)-1]
	}
	return nameA + ":\n" + excerpt(la) + nameB + ":\n" + excerpt(lb)
}

func excerpt(lines []string) string {
	const most = 25
	more := ""
	if len(lines) > most {
		more = fmt.Sprintf("  … %d more lines\n", len(lines)-most)
		lines = lines[:most]
	}
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "  %.400s\n", l)
	}
	return b.String() + more
}

// remember keeps the silenceID of an answer under a name, and when that silence
// begins under the name and "since".
func (c *tally) remember(t *testing.T, s *server, name string, a answer) {
	t.Helper()
	var v struct{ SilenceID string }
	if err := json.Unmarshal(a.body, &v); err != nil || v.SilenceID == "" {
		t.Fatalf("%s: no silenceID in %d %s", s.name, a.status, a.body)
	}
	if c.ids == nil {
		c.ids = map[string]map[string]string{}
	}
	if c.ids[s.name] == nil {
		c.ids[s.name] = map[string]string{}
	}
	c.ids[s.name][name] = v.SilenceID
	var silence struct{ StartsAt string }
	if err := json.Unmarshal(request(t, s, http.MethodGet, "/api/v2/silence/"+v.SilenceID, nil, nil).body, &silence); err != nil || silence.StartsAt == "" {
		t.Fatalf("%s: the silence %s, just made, has no start: %v", s.name, v.SilenceID, err)
	}
	c.ids[s.name][name+" since"] = silence.StartsAt
}

func (c *tally) named(s *server, text string) string {
	for name, id := range c.ids[s.name] {
		text = strings.ReplaceAll(text, "{"+name+"}", id)
	}
	return text
}

func (c *tally) anonymous(s *server, body []byte) []byte {
	for name, id := range c.ids[s.name] {
		body = bytes.ReplaceAll(body, []byte(id), []byte("{"+name+"}"))
	}
	return body
}
