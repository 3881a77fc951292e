package lint

import (
	"path/filepath"
	"slices"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/dashboard/provision"
)

// WithReferenced returns the documents and after them the files that they name
// and that can be read, each once, and those that these name in turn: what
// touchline.yaml names, with the files of its provisioning folder, and the rule, scrape configuration and template files
// of the configurations. A document whose kind its content leaves open gets the
// kind that the reference gives it. What cannot be read is for Check to say.
func WithReferenced(docs []*Document) []*Document {
	r := references{docs: slices.Clone(docs), known: map[string]int{}}
	for i, d := range docs {
		r.known[filepath.Clean(d.Path)] = i
	}
	for i := 0; i < len(r.docs); i++ {
		switch d := r.docs[i]; d.Kind {
		case Touchline:
			for _, named := range config.NamedFiles(d.Path, d.Bytes) {
				if named.Flag != "" {
					r.add(named.Path, settingKinds[named.Flag])
				}
			}
			for _, folder := range provisioningFolders(d) {
				found := provision.Look(folder.Path, nil)
				for _, f := range filesOf(&found) {
					r.add(f.path, f.kind)
				}
			}
		case Prometheus:
			r.globs(d, "rule_files", Rules)
			r.globs(d, "scrape_config_files", ScrapeConfig)
		case Alertmanager:
			r.globs(d, "templates", Template)
		}
	}
	return r.docs
}

type references struct {
	docs  []*Document
	known map[string]int // index in docs by clean path
}

func (r *references) globs(d *Document, key string, kind Kind) {
	_, list := valueOf(d.Root, key)
	for _, item := range items(list) {
		pattern := item.Value
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(d.Path), pattern)
		}
		matches, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, m := range matches {
			r.add(m, kind)
		}
	}
}

func (r *references) add(path string, kind Kind) {
	path = filepath.Clean(path)
	if i, ok := r.known[path]; ok {
		if d := r.docs[i]; d.Kind == Unknown {
			r.docs[i] = newDocumentOfKind(d.Path, d.Bytes, kind)
		}
		return
	}
	d, err := loadNamed(path, kind)
	if err != nil {
		return
	}
	r.known[path] = len(r.docs)
	r.docs = append(r.docs, d)
}
