package page

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// markdown leaves raw HTML out and drops links that are not web addresses,
// which is goldmark's default; a runbook may come from a user's directory.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify))

var runbookName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// maxRunbook is the largest runbook that is rendered, in bytes.
const maxRunbook = 1 << 20

// firstHeading is the title of a runbook.
var firstHeading = regexp.MustCompile(`(?m)^#\s+(.+?)\s*#*\s*$`)

type runbookIndexBody struct {
	Sentence string
	Books    []runbookEntry
}

type runbookEntry struct {
	Name, Title string
	Rule        *rule // nil when no loaded rule has this name
}

func (p *Page) runbookIndex(w http.ResponseWriter, r *http.Request) error {
	v := p.newView(r, "rules", "Runbooks")
	b := &runbookIndexBody{}
	groups, err := p.rules.get(r.Context())
	if err != nil {
		p.logger.Debug("cannot read rules for the runbooks", "err", err)
	}
	names, err := p.runbookNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		e := runbookEntry{Name: name, Title: name, Rule: findRule(groups, name)}
		if raw, err := p.readRunbook(name, v.Lang); err == nil {
			e.Title = runbookTitle(raw, name)
		}
		b.Books = append(b.Books, e)
	}
	b.Sentence = translate(v.Lang, "%d runbooks say what to do about an alert.", len(names))
	v.Body = b
	return p.render(w, "runbooks", http.StatusOK, v)
}

func (p *Page) runbookNames() ([]string, error) {
	if p.runbooks == nil {
		return nil, nil
	}
	entries, err := fs.ReadDir(p.runbooks, ".")
	if err != nil {
		return nil, fmt.Errorf("list runbooks: %w", err)
	}
	var out []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".md")
		if ok && !e.IsDir() && runbookName.MatchString(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// readRunbook gives the text in the reader's language, else in English.
func (p *Page) readRunbook(name, lang string) ([]byte, error) {
	if p.runbooks == nil {
		return nil, fs.ErrNotExist
	}
	candidates := []string{name + ".md"}
	if lang == langChinese {
		candidates = []string{name + ".zh.md", name + ".md"}
	}
	for _, c := range candidates {
		info, err := fs.Stat(p.runbooks, c)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read runbook: %w", err)
		}
		if info.Size() > maxRunbook {
			return nil, fmt.Errorf("read runbook: %s is larger than %d bytes", c, maxRunbook)
		}
		return fs.ReadFile(p.runbooks, c)
	}
	return nil, fs.ErrNotExist
}

func runbookTitle(raw []byte, name string) string {
	if m := firstHeading.FindSubmatch(raw); m != nil {
		return string(m[1])
	}
	return name
}

func findRule(groups []ruleGroup, name string) *rule {
	for gi := range groups {
		for ri := range groups[gi].Rules {
			if r := &groups[gi].Rules[ri]; r.Name == name && r.Type == "alerting" {
				return r
			}
		}
	}
	return nil
}

type runbookBody struct {
	Name string
	Text template.HTML
	Rule *rule
	Open []alertRow
}

func (p *Page) runbook(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	// A link from one runbook to another names the file, so that it also works
	// where the files are read as they are.
	if bare, ok := strings.CutSuffix(name, ".md"); ok {
		bare = strings.TrimSuffix(bare, ".zh")
		if runbookName.MatchString(bare) {
			http.Redirect(w, r, p.prefix+"/ui/runbooks/"+bare, http.StatusFound)
			return nil
		}
	}
	missing := &statusError{code: http.StatusNotFound, message: "There is no runbook of that name."}
	if !runbookName.MatchString(name) {
		return missing
	}
	v := p.newView(r, "rules", "Runbook")
	raw, err := p.readRunbook(name, v.Lang)
	if errors.Is(err, fs.ErrNotExist) {
		return missing
	}
	if err != nil {
		return err
	}
	b := &runbookBody{Name: name}
	if b.Text, err = renderMarkdown(raw); err != nil {
		return err
	}
	v.Title = runbookTitle(raw, name)
	if groups, err := p.rules.get(r.Context()); err == nil {
		b.Rule = findRule(groups, name)
		if b.Rule != nil {
			told := p.toldByLabels(r.Context())
			for _, a := range b.Rule.Alerts[:min(len(b.Rule.Alerts), maxOpen)] {
				b.Open = append(b.Open, newAlertRow(b.Rule, a, told))
			}
			v.Mark = alertMark(b.Open, "")
		}
	}
	v.Body = b
	return p.render(w, "runbook", http.StatusOK, v)
}

func renderMarkdown(raw []byte) (template.HTML, error) {
	var buf bytes.Buffer
	if err := markdown.Convert(raw, &buf); err != nil {
		return "", fmt.Errorf("render runbook: %w", err)
	}
	return template.HTML(buf.String()), nil
}
