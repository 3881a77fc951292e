package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/dashboard"
	"touchline.dev/touchline/internal/dashboard/datasource"
)

// reading is one load.
type reading struct {
	w          *Watcher
	providers  []Provider
	sources    []datasource.Source
	dashboards []dashboard.File
	problems   []Problem
	seen       map[string]bool   // files
	uids       map[string]string // uid → file
}

func (r *reading) problem(p Problem) { r.problems = append(r.problems, p) }

// folder reads the user's folder.
func (r *reading) folder() {
	dir := r.w.o.Dir
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		r.problem(Problem{File: dir, Message: "the provisioning folder cannot be read: " + reason(err), Hint: "make it, with dashboards/ and datasources/ in it, or correct dashboards.provisioning (--dashboards.provisioning)"})
		return
	}
	known := map[string]bool{}
	for _, kind := range []string{"datasources", "dashboards"} {
		for _, name := range yamlFiles(path.Join(dir, kind)) {
			known[name] = true
			r.yaml(kind, name)
		}
	}
	for name := range r.w.yaml {
		if !known[name] {
			delete(r.w.yaml, name)
		}
	}
	r.uniqueSources()
	r.w.signDashboards(r.w.last)
	for i := range r.providers {
		r.provider(&r.providers[i])
	}
}

func reason(err error) string {
	var p *fs.PathError
	switch {
	case err == nil:
		return "it is no folder"
	case errors.As(err, &p):
		return p.Err.Error()
	}
	return err.Error()
}

// yaml reads a file of providers or of data sources. One that is wrong stays what
// it was when it last was right.
func (r *reading) yaml(kind, name string) {
	text, err := readFile(name, maxYAML)
	if err != nil {
		r.problem(Problem{File: name, Message: "it cannot be read: " + reason(err)})
	} else {
		var now parsed
		var problems []Problem
		if kind == "dashboards" {
			now.providers, problems = Providers(name, r.w.o.Dir, text, r.w.o.Getenv)
		} else {
			now.sources, problems = Sources(name, text, r.w.o.Getenv)
		}
		r.problems = append(r.problems, problems...)
		if !slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning && p.broken() }) {
			r.w.yaml[name] = now
		}
	}
	r.providers = append(r.providers, r.w.yaml[name].providers...)
	r.sources = append(r.sources, r.w.yaml[name].sources...)
}

// uniqueSources leaves out sources that another one takes the uid, the name or the
// place of the default from.
func (r *reading) uniqueSources() {
	uids, names, first := map[string]string{datasource.Own: "this server's own metrics"}, map[string]string{}, ""
	var out []datasource.Source
	for _, s := range r.sources {
		at := fmt.Sprintf("%q (%s:%d)", s.Name, s.File, s.Line)
		if other := uids[s.UID]; other != "" {
			r.problem(Problem{File: s.File, Line: s.Line, Message: fmt.Sprintf("the uid %q is that of %s", s.UID, other), Hint: "give each data source its own"})
			continue
		}
		if other := names[s.Name]; other != "" {
			r.problem(Problem{File: s.File, Line: s.Line, Message: fmt.Sprintf("the name %q is that of %s", s.Name, other), Hint: "give each data source its own"})
			continue
		}
		uids[s.UID], names[s.Name] = at, at
		if s.Default && first != "" {
			r.problem(Problem{File: s.File, Line: s.Line, Warning: true, Message: fmt.Sprintf("isDefault: %s is the default already, and stays it", first), Hint: "leave it at one"})
			s.Default = false
		} else if s.Default {
			first = at
		}
		out = append(out, s)
	}
	r.sources = out
}

// provider reads the dashboards of one provider.
func (r *reading) provider(p *Provider) {
	if info, err := os.Stat(p.Path); err != nil || !info.IsDir() {
		r.problem(Problem{
			File: p.File, Line: p.PathLine, Elsewhere: !within(r.w.o.Dir, p.Path), Message: fmt.Sprintf("options.path: %s cannot be read: %s", p.Path, reason(err)),
			Hint: "make the folder, or correct the path; a relative one begins at the provisioning folder",
		})
		return
	}
	walk(p.Path, func(name string, info fs.FileInfo) bool {
		if strings.ToLower(filepath.Ext(name)) != ".json" || r.seen[name] {
			return true
		}
		if len(r.seen) >= maxFiles {
			r.problem(Problem{File: p.File, Line: p.PathLine, Message: fmt.Sprintf("options.path: there are more than %d files, and the rest is left out", maxFiles)})
			return false
		}
		r.seen[name] = true
		r.file(p, name, info)
		return true
	})
}

func (r *reading) file(p *Provider, name string, info fs.FileInfo) {
	now := stamp{info.Size(), info.ModTime()}
	c, ok := r.w.files[name]
	if !ok || c.stamp != now {
		c = cached{stamp: now, good: c.good}
		text, err := readFile(name, dashboard.MaxSize+1)
		if err == nil {
			var f dashboard.File
			if f, err = dashboard.NewFile(name, text, info.ModTime()); err == nil {
				c.good = &f
			}
		}
		c.err = err
		r.w.files[name] = c
	}
	if c.err != nil {
		problem := FileProblem(name, c.err)
		if c.good != nil {
			problem.Hint = orElse(problem.Hint, "correct the file") + "; until then the dashboard stays as it last was"
		}
		r.problem(problem)
	}
	if c.good == nil {
		return
	}
	f := *c.good
	f.Folder, f.AllowEdit, f.Keep, f.Root = p.folderOf(name), p.AllowEdit, p.Keep, p.Path
	for _, text := range f.Warnings {
		r.problem(Problem{File: name, Warning: true, Message: text})
	}
	r.add(f, p.Name+"/"+relative(p.Path, name))
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// add takes a dashboard, under a uid that is made of its place where it has none.
func (r *reading) add(f dashboard.File, place string) {
	if !dashboard.ValidUID(f.UID) {
		if p, wrong := UIDProblem(f.Source, f.UID); wrong {
			r.problem(p)
		}
		sum := sha256.Sum256([]byte(place))
		f.UID = hex.EncodeToString(sum[:])[:14]
	}
	if other := r.uids[f.UID]; other != "" {
		r.problem(Problem{File: f.Source, Message: fmt.Sprintf("the uid %q is that of %s, and this one is left out", f.UID, other), Hint: "give each dashboard its own"})
		return
	}
	r.uids[f.UID] = f.Source
	r.dashboards = append(r.dashboards, f)
}

// shipped reads the dashboards that ship. One of the user with the same uid is
// there instead.
func (r *reading) shipped() {
	if r.w.o.Shipped == nil {
		return
	}
	names, err := fs.Glob(r.w.o.Shipped, "dashboards/*.json")
	if err != nil {
		r.problem(Problem{File: "stack/dashboards", Message: err.Error()})
	}
	for _, name := range names {
		source := "stack/" + name
		raw, err := fs.ReadFile(r.w.o.Shipped, name)
		var f dashboard.File
		if err == nil {
			f, err = dashboard.NewFile(source, string(raw), time.Time{})
		}
		if err != nil {
			r.problem(FileProblem(source, err))
			continue
		}
		f.Folder, f.Shipped = ShippedFolder, true
		if r.uids[f.UID] == "" {
			r.add(f, source)
		}
	}
}

// FileProblem says where a dashboard is wrong.
func FileProblem(name string, err error) Problem {
	var e *dashboard.Error
	if errors.As(err, &e) {
		message, hint, _ := strings.Cut(e.Reason, "; ")
		return Problem{File: name, Line: e.Line, Column: e.Column, Message: message, Hint: hint}
	}
	return Problem{File: name, Message: "it cannot be read: " + reason(err)}
}

func readFile(name string, limit int64) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(raw)) > limit {
		return "", fmt.Errorf("it is larger than %d bytes", limit)
	}
	return string(raw), nil
}

// walk calls f for every file below a folder, in the order of names, until it
// returns false. Links are followed, each folder is walked once, and what begins
// with a dot is left out, as the folders behind the links of a mounted ConfigMap.
func walk(root string, f func(name string, info fs.FileInfo) bool) {
	visited := map[string]bool{}
	var dir func(name string, depth int) bool
	dir = func(name string, depth int) bool {
		real, err := filepath.EvalSymlinks(name)
		if err != nil || visited[real] || depth > maxNesting {
			return true
		}
		visited[real] = true
		entries, err := os.ReadDir(name)
		if err != nil {
			return true
		}
		for _, e := range entries {
			full := filepath.Join(name, e.Name())
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			info, err := os.Stat(full)
			switch {
			case err != nil:
			case info.IsDir():
				if !dir(full, depth+1) {
					return false
				}
			case info.Mode().IsRegular() && !f(full, info):
				return false
			}
		}
		return true
	}
	dir(root, 0)
}

// within tells whether a path is below a folder, by its name.
func within(dir, name string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}

func relative(root, name string) string {
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return name
	}
	return filepath.ToSlash(rel)
}
