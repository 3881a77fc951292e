package dashboard

import (
	"slices"
	"strings"

	"touchline.dev/touchline/internal/spelling"
)

// Request is what somebody sends to have a dashboard kept: a JSON object with the
// dashboard under "dashboard", whose text stays as it is.
type Request struct {
	Dashboard *Document
	Folder    *string // nil where it is left out
	Message   string
	Overwrite bool
	Inputs    map[string]string
}

// ParseRequest reads a request that may have these fields beside the dashboard.
// Places in errors are those of the whole text.
func ParseRequest(text string, fields ...string) (*Request, error) {
	if strings.TrimSpace(text) == "" {
		return nil, invalid("", "the body is empty; send {\"dashboard\": …}")
	}
	t, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	if t.root.kind != '{' {
		return nil, at(text, int(t.root.start), "send a JSON object, {\"dashboard\": …}")
	}
	fields = append([]string{"dashboard"}, fields...)
	r := &Request{}
	for i := range t.root.items {
		n := &t.root.items[i]
		name := t.name(n)
		wrong := ""
		switch {
		case !slices.Contains(fields, name):
			hint := spelling.DidYouMean(name, fields)
			return nil, at(text, int(n.keyStart), "%q is not a field of the request; %s", clip(name, 100), orElse(hint, "send "+strings.Join(fields, ", ")))
		case n.kind == 'n':
		case name == "dashboard":
			if int(n.end-n.start) > MaxSize {
				return nil, tooLarge(int(n.end - n.start))
			}
			d, err := Parse(t.raw(n))
			if err != nil {
				return nil, within(text, int(n.start), err)
			}
			r.Dashboard = d
		case name == "overwrite":
			if r.Overwrite = n.kind == 't'; n.kind != 't' && n.kind != 'f' {
				wrong = "true or false"
			}
		case name == "inputs":
			if r.Inputs = t.texts(n); r.Inputs == nil {
				wrong = "an object of texts, such as {\"DS_PROMETHEUS\": \"UID\"}"
			}
		case n.kind != '"':
			wrong = "a text"
		case name == "folder":
			folder := unquote(t.raw(n))
			r.Folder = &folder
		case name == "message":
			r.Message = unquote(t.raw(n))
		}
		if wrong != "" {
			return nil, at(text, int(n.start), "%s: write %s", name, wrong)
		}
	}
	if r.Dashboard == nil {
		return nil, invalid("dashboard", "it is missing; send {\"dashboard\": …} with Grafana's JSON in it")
	}
	r.Dashboard, err = r.Dashboard.Fill(r.Inputs)
	return r, err
}

// texts is an object of texts, nil where it is none.
func (t *tree) texts(n *node) map[string]string {
	if n.kind != '{' || len(n.items) > maxTags {
		return nil
	}
	out := map[string]string{}
	for i := range n.items {
		v := &n.items[i]
		if v.kind != '"' {
			return nil
		}
		out[t.name(v)] = unquote(t.raw(v))
	}
	return out
}
