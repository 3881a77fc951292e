package lint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// Exported are the metrics that files list.
type Exported struct {
	Names []string          // sorted, each once
	Types map[string]string // of the families whose type a file tells
}

// ReadExported reads files that each are what an exporter answers, in Prometheus's
// or OpenMetrics' text format, or a list of names, one a line.
func ReadExported(paths ...string) (*Exported, error) {
	out := &Exported{Types: map[string]string{}}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read exported metrics: %w", err)
		}
		content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("read exported metrics: %w", err)
		}
		if len(content) > maxFileSize {
			return nil, fmt.Errorf("read exported metrics: %s is larger than %d MiB", path, maxFileSize>>20)
		}
		if err := out.add(content); err != nil {
			return nil, fmt.Errorf("read exported metrics: %s: %w; write one name a line, or what an exporter answers", path, err)
		}
	}
	if len(out.Names) == 0 {
		return nil, fmt.Errorf("read exported metrics: there is none in %s", strings.Join(paths, ", "))
	}
	slices.Sort(out.Names)
	out.Names = slices.Compact(out.Names)
	return out, nil
}

// aName is a line of a list of names.
var aName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

func (e *Exported) add(content []byte) error {
	if names, ok := listOfNames(string(content)); ok {
		e.Names = append(e.Names, names...)
		return nil
	}
	kind := "text/plain"
	if strings.HasSuffix(strings.TrimSpace(string(content)), "# EOF") {
		kind = "application/openmetrics-text"
	} else if !strings.HasSuffix(string(content), "\n") {
		content = append(content, '\n') // which editors leave out, and the format wants
	}
	p, err := textparse.New(content, kind, labels.NewSymbolTable(), textparse.ParserOptions{FallbackContentType: "text/plain"})
	if err != nil {
		return err
	}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch entry {
		case textparse.EntryType:
			family, t := p.Type()
			if t != model.MetricTypeUnknown {
				e.Types[string(family)] = string(t)
			}
		case textparse.EntrySeries:
			var series labels.Labels
			p.Labels(&series)
			if name := series.Get(labels.MetricName); len(e.Names) == 0 || e.Names[len(e.Names)-1] != name {
				e.Names = append(e.Names, name)
			}
		}
	}
}

// listOfNames reads a text that has a name on each line, and comments.
func listOfNames(text string) ([]string, bool) {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case aName.MatchString(line):
			out = append(out, line)
		default:
			return nil, false
		}
	}
	return out, true
}

// inProcess are how the names begin that the sources in this process export: the
// host, its containers, and the server itself with the engines in it.
var inProcess = []string{"node_", "container_", "machine_", "cadvisor_", "touchline_", "prometheus_", "alertmanager_", "promhttp_", "net_conntrack_", "go_", "process_"}

// elsewhere tells whether a metric counts as exported although the server that is
// asked does not have it, or where none is asked. What the sources in the process
// export differs by host, so that no list of it is complete; where the files list
// some of it they are believed to list it all.
func (l *liveLint) elsewhere(name string) bool {
	if l.source != nil {
		return l.exported != nil && l.exported.has(name)
	}
	if name == "up" || strings.HasPrefix(name, "scrape_") {
		return true // scraping makes them
	}
	return slices.ContainsFunc(inProcess, func(prefix string) bool {
		return strings.HasPrefix(name, prefix) && !l.exported.lists(prefix)
	})
}

func (e *Exported) has(name string) bool {
	_, found := slices.BinarySearch(e.Names, name)
	return found
}

// lists tells whether there is a name that begins so.
func (e *Exported) lists(prefix string) bool {
	i, _ := slices.BinarySearch(e.Names, prefix)
	return i < len(e.Names) && strings.HasPrefix(e.Names[i], prefix)
}

// lacks says of an exporter that what the queries are compared with has none of it.
func (l *liveLint) lacks() string {
	if l.source == nil {
		return "the files of --metrics do not have"
	}
	return "the server does not scrape"
}
