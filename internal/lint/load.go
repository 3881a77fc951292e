package lint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"touchline.dev/touchline/internal/dashboard"
)

// Kind is what a file is for.
type Kind int

// The kinds of files. Unknown covers everything that neither Prometheus,
// Alertmanager nor Touchline reads; Document.About says what it looks like.
const (
	Unknown Kind = iota
	Prometheus
	Rules
	RuleTests
	Alertmanager
	Template
	Touchline
	WebConfig
	ScrapeConfig
	Targets
	ClusterTLS
	Tokens
	Dashboard
	DashboardProviders
	Datasources
)

var kindNames = []string{"unknown", "prometheus", "rules", "rule-tests", "alertmanager", "template", "touchline", "web-config", "scrape-config", "targets", "cluster-tls", "tokens", "dashboard", "dashboard-providers", "datasources"}

// String returns the kind's name in kebab case.
func (k Kind) String() string { return kindNames[k] }

// maxFileSize bounds what is read of one file; no configuration comes near it.
const maxFileSize = 32 << 20

// Document is one file, read and parsed as far as it can be.
type Document struct {
	Path  string
	Kind  Kind
	Bytes []byte
	// Root is the content of the first YAML document: a mapping, a list or a
	// scalar. It is nil for templates, empty files and files that are not YAML.
	// The nodes come from the YAML library that upstream's rule parser uses, so
	// that there is one opinion on what is YAML.
	Root *yaml.Node
	// About says what an Unknown document looks like, for people; it is empty
	// where nobody here would read such a file.
	About string
	// Syntax is what keeps the file from being YAML. Root is then what is left
	// without the lines that it is about, when that can be told.
	Syntax []Finding
}

// NewDocument parses a file's content and detects its kind.
func NewDocument(path string, content []byte) *Document {
	d := &Document{Path: path, Bytes: content}
	if isTemplateName(path) {
		d.Kind = Template
		return d
	}
	if isDashboard(path, content) {
		var e *dashboard.Error
		if _, err := dashboard.Parse(string(content)); errors.As(err, &e) && e.NoDashboard {
			return d
		}
		d.Kind = Dashboard
		return d
	}
	d.parse()
	d.Kind, d.About = detect(path, d.Root)
	return d
}

func newDocumentOfKind(path string, content []byte, kind Kind) *Document {
	d := &Document{Path: path, Bytes: content, Kind: kind}
	if kind != Template && kind != Tokens && kind != Dashboard {
		d.parse()
	}
	return d
}

func (d *Document) parse() {
	var root yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(d.Bytes)).Decode(&root)
	switch {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.Root, d.Syntax = recoverSyntax(d.Path, d.Bytes, err)
	case root.Kind == yaml.DocumentNode && len(root.Content) == 1:
		d.Root = root.Content[0]
	}
}

func isTemplateName(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".tmpl", ".gotmpl":
		return true
	}
	return false
}

// Load reads a file, or every configuration file of a folder and its subfolders
// (*.yml, *.yaml and *.tmpl, and *.json that holds targets or a dashboard;
// hidden folders are left out). It fails only when
// something cannot be read; what is wrong inside a file is for Check to say.
func Load(path string) ([]*Document, error) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	if !info.IsDir() {
		d, err := loadFile(path)
		if err != nil {
			return nil, err
		}
		return []*Document{d}, nil
	}
	var docs []*Document
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if p != path && strings.HasPrefix(e.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		switch strings.ToLower(filepath.Ext(p)) {
		case ".yml", ".yaml", ".tmpl", ".gotmpl":
		case ".json":
			if known, err := knownJSON(p); err != nil || !known {
				return err
			}
		default:
			return nil
		}
		d, err := loadFile(p)
		if err != nil {
			return err
		}
		docs = append(docs, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	return docs, nil
}

var (
	jsonTargets   = regexp.MustCompile(`^\s*\[\s*\{[^\[{]*"(targets|labels)"\s*:`)
	jsonDashboard = regexp.MustCompile(`"(panels|schemaVersion)"\s*:|"apiVersion"\s*:\s*"dashboard\.grafana\.app/`)
)

// dashboardStart is how much of a JSON file is looked at to tell what it is.
const dashboardStart = 256 << 10

// knownJSON tells target files and dashboards from the JSON of everything else,
// such as packages, of which a folder may be full.
func knownJSON(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	start, err := io.ReadAll(io.LimitReader(f, dashboardStart))
	if err != nil {
		return false, err
	}
	return jsonTargets.Match(start) || isDashboard(path, start), nil
}

// isDashboard recognises a dashboard without parsing it: they are large.
func isDashboard(path string, content []byte) bool {
	return strings.EqualFold(filepath.Ext(path), ".json") && jsonDashboard.Match(content[:min(len(content), dashboardStart)])
}

func loadFile(path string) (*Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	if len(content) > maxFileSize {
		return nil, fmt.Errorf("load %s: file is larger than %d MiB", path, maxFileSize>>20)
	}
	return NewDocument(path, content), nil
}

// The top-level keys by which a file is recognised. A key that two kinds share
// decides nothing.
var kindKeys = []struct {
	kind Kind
	keys []string
}{
	{Prometheus, []string{"scrape_configs", "scrape_config_files", "rule_files", "alerting", "remote_write", "remote_read", "storage", "otlp", "runtime", "tracing"}},
	{Alertmanager, []string{"route", "receivers", "inhibit_rules", "templates", "mute_time_intervals", "time_intervals"}},
	{WebConfig, []string{"tls_server_config", "http_server_config", "basic_auth_users"}},
	{RuleTests, []string{"tests", "fuzzy_compare", "group_eval_order"}},
	{Touchline, []string{"prometheus", "alertmanager", "stack", "backends", "web", "people", "schedules", "escalations", "maintenance", "channels", "status_page", "incidents"}},
}

// foreignKeys are the top-level keys of files of other programs that share keys
// with ours.
var foreignKeys = []struct{ key, about string }{
	{"apiVersion", ""},
	{"services", "a Compose file"},
	{"exporters", "an OpenTelemetry Collector configuration"},
	{"extensions", "an OpenTelemetry Collector configuration"},
	{"processors", "an OpenTelemetry Collector configuration"},
	{"clients", "a Promtail configuration"},
	{"positions", "a Promtail configuration"},
	{"schema_config", "a Loki configuration"},
	{"ingester", "a Loki configuration"},
	{"auth_enabled", "a Loki configuration"},
	{"modules", "an exporter's modules"},
	{"slos", "a service level specification"},
}

var (
	touchlineName    = regexp.MustCompile(`(?i)^touchline.*\.ya?ml$`)
	prometheusName   = regexp.MustCompile(`(?i)^prometheus.*\.ya?ml$`)
	alertmanagerName = regexp.MustCompile(`(?i)^alertmanager.*\.ya?ml$`)
	ruleName         = regexp.MustCompile(`(?i)(rules?|alerts?)([._-][^/]*)?\.ya?ml$`)
	composeName      = regexp.MustCompile(`(?i)^(docker-)?compose.*\.ya?ml$`)
	webName          = regexp.MustCompile(`(?i)^web[._-]?config.*\.ya?ml$`)
)

// hasAnyKey tells whether a mapping has one of the keys at its top level.
func hasAnyKey(root *yaml.Node, keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		_, value := child(root, k)
		return value != nil
	})
}

// detect tells what a file is: by its content, and by its name where the
// content leaves it open.
func detect(path string, root *yaml.Node) (Kind, string) {
	name := filepath.Base(path)
	if touchlineName.MatchString(name) && (root == nil || !hasAnyKey(root, "groups", "tests")) {
		return Touchline, ""
	}
	if root == nil {
		return kindByName(name)
	}
	if root.Kind == yaml.SequenceNode {
		for _, item := range root.Content {
			if _, targets := child(item, "targets"); targets != nil {
				return Targets, ""
			}
		}
	}
	if root.Kind != yaml.MappingNode {
		return kindByName(name)
	}
	if composeName.MatchString(name) {
		return Unknown, "a Compose file" // those of the first version have services at the top
	}
	var keys []string
	for i := 0; i+1 < len(root.Content); i += 2 {
		keys = append(keys, root.Content[i].Value)
	}
	if slices.Contains(keys, "apiVersion") && !slices.Contains(keys, "kind") {
		switch { // of Grafana's provisioning
		case slices.Contains(keys, "providers"):
			return DashboardProviders, ""
		case slices.Contains(keys, "datasources"), slices.Contains(keys, "deleteDatasources"):
			return Datasources, ""
		}
	}
	for _, f := range foreignKeys {
		if slices.Contains(keys, f.key) {
			if f.key == "apiVersion" {
				return Unknown, aboutObject(root)
			}
			return Unknown, f.about
		}
	}
	if slices.Contains(keys, "groups") && !slices.Contains(keys, "scrape_configs") && !slices.Contains(keys, "receivers") {
		return Rules, ""
	}
	if slices.Contains(keys, "tests") {
		return RuleTests, ""
	}
	if touchlineName.MatchString(name) {
		return Touchline, ""
	}
	best, bestCount := Unknown, 0
	for _, k := range kindKeys {
		count := 0
		for _, key := range k.keys {
			if slices.Contains(keys, key) {
				count++
			}
		}
		if count > bestCount {
			best, bestCount = k.kind, count
		}
	}
	if best == Unknown && slices.Contains(keys, "global") {
		best = kindOfGlobal(root)
	}
	if best == Unknown {
		return kindByName(name)
	}
	return best, ""
}

// kindOfGlobal tells the two programs' "global" apart.
func kindOfGlobal(root *yaml.Node) Kind {
	_, global := child(root, "global")
	if global.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(global.Content); i += 2 {
			k := global.Content[i].Value
			if k == "resolve_timeout" || k == "http_config" || strings.Contains(k, "api_") || strings.HasPrefix(k, "smtp_") {
				return Alertmanager
			}
		}
	}
	return Prometheus
}

func kindByName(name string) (Kind, string) {
	switch {
	case touchlineName.MatchString(name):
		return Touchline, ""
	case webName.MatchString(name):
		return WebConfig, ""
	case ruleName.MatchString(name):
		return Rules, ""
	case prometheusName.MatchString(name):
		return Prometheus, ""
	case alertmanagerName.MatchString(name):
		return Alertmanager, ""
	}
	return Unknown, ""
}

// aboutObject describes a file with an apiVersion: a Kubernetes object or a
// provisioning file of Grafana.
func aboutObject(root *yaml.Node) string {
	_, kind := child(root, "kind")
	if kind != nil && kind.Value != "" {
		return "a Kubernetes object of kind " + kind.Value
	}
	return "a provisioning file"
}
