package lint

import (
	"path/filepath"
	"slices"
)

// WithReferenced returns the documents and after them the rule, scrape
// configuration and template files that they name and that can be read, each
// once. What cannot be read is for Check to say.
func WithReferenced(docs []*Document) []*Document {
	out := slices.Clone(docs)
	known := map[string]bool{}
	for _, d := range docs {
		known[filepath.Clean(d.Path)] = true
	}
	add := func(d *Document, key string, kind Kind) {
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
				if known[filepath.Clean(m)] {
					continue
				}
				ref, err := loadFile(m)
				if err != nil {
					continue
				}
				known[filepath.Clean(m)] = true
				out = append(out, newDocumentOfKind(m, ref.Bytes, kind))
			}
		}
	}
	for _, d := range docs {
		switch d.Kind {
		case Prometheus:
			add(d, "rule_files", Rules)
			add(d, "scrape_config_files", ScrapeConfig)
		case Alertmanager:
			add(d, "templates", Template)
		}
	}
	return out
}
