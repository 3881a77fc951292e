package lint

import (
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
)

// Check says everything that is wrong with a set of documents, and with the
// files that they refer to. The findings are sorted, each one once. A document
// of a kind that nobody here reads has none.
func Check(docs []*Document) []Finding {
	var out []Finding
	for _, d := range docs {
		out = append(out, check(d)...)
	}
	return finish(out)
}

func check(d *Document) []Finding {
	switch d.Kind {
	case Prometheus:
		return checkPrometheus(d)
	case Rules:
		return checkRules(d)
	case Alertmanager:
		return checkAlertmanager(d)
	case WebConfig:
		return checkWebConfig(d)
	case ScrapeConfig:
		return checkScrapeConfig(d)
	case Targets:
		return checkTargets(d)
	case Template:
		return checkTemplate(d)
	case ClusterTLS:
		return checkClusterTLS(d)
	case Tokens:
		return checkTokens(d)
	case Touchline:
		return checkTouchline(d)
	case Dashboard:
		return checkDashboard(d)
	case DashboardProviders, Datasources:
		return checkProvisioning(d)
	}
	return d.Syntax
}

// finish gives findings their stable order and removes repetitions: a rule file
// may be reached by its own path and through a configuration.
func finish(fs []Finding) []Finding {
	Sort(fs)
	return dedupe(fs)
}

// quiet is the logger of upstream's parsers: what they log, such as an empty
// environment variable, is not about the file's form.
var quiet = slog.New(slog.DiscardHandler)

// matcherMode lets Alertmanager's parsers take the same matchers as today's
// Alertmanager does without feature flags. The mode is a global of upstream.
var matcherMode = sync.OnceFunc(func() {
	compat.InitFromFlags(slog.New(slog.DiscardHandler), featurecontrol.NoopFlags{})
})

// referenced makes a finding about a file that another one refers to.
func referenced(d *Document, n *treeNode, err error) Finding {
	r := &repairer{doc: d, kind: d.Kind}
	f := describe(r, problem{msg: err.Error(), err: err}, n)
	if n == nil {
		f.Line, f.Column = 1, 1
	}
	return f
}

// missingFileHint is what to do about a path or pattern that leads nowhere.
func missingFileHint(n *treeNode) string {
	hint := "create the file, or correct the path"
	if !filepath.IsAbs(n.text()) {
		hint += relativePath
	}
	return hint
}

var (
	templatePlace = regexp.MustCompile(`^(?:template: )?.*?:(\d+)(?::(\d+))?: (.*)$`)
	templateName  = regexp.MustCompile(`^template: [^:]*:\d+(?::\d+)?: `)
)

// templateMessage drops the name that upstream gives a template and the line
// inside it.
func templateMessage(msg string) string {
	if i := strings.Index(msg, "template: "); i >= 0 {
		head, tail := msg[:i], msg[i:]
		return head + templateName.ReplaceAllString(tail, "")
	}
	return msg
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
