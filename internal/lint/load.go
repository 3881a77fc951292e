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
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
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
)

var kindNames = []string{"unknown", "prometheus", "rules", "rule-tests", "alertmanager", "template", "touchline", "web-config", "scrape-config", "targets"}

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
	// About says what an Unknown document looks like, for people.
	About string
	// Syntax is what keeps the file from being parsed at all.
	Syntax []Finding
}

// NewDocument parses a file's content and detects its kind.
func NewDocument(path string, content []byte) *Document {
	d := &Document{Path: path, Bytes: content}
	if isTemplateName(path) {
		d.Kind = Template
		return d
	}
	d.parse()
	d.Kind, d.About = detect(path, d.Root)
	return d
}

func newDocumentOfKind(path string, content []byte, kind Kind) *Document {
	d := &Document{Path: path, Bytes: content, Kind: kind}
	if kind != Template {
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
		d.Syntax = []Finding{syntaxFinding(d.Path, d.Bytes, err)}
	case root.Kind == yaml.DocumentNode && len(root.Content) == 1:
		d.Root = root.Content[0]
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxFinding turns an error of the YAML scanner into a finding. The scanner
// counts lines from 0 in some of its errors, and leaves the line out on the
// first; it never names one behind the file's end.
func syntaxFinding(path string, src []byte, err error) Finding {
	f := Finding{File: path, Line: 1, Column: 1, Code: "yaml-syntax", Message: err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		f.Message = "not valid YAML: " + m[2]
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			f.Line = max(1, min(n, bytes.Count(src, []byte("\n"))+1))
		}
	}
	f.Column = firstColumn(src, f.Line)
	f.Hint = syntaxHint(f.Message)
	return f
}

func syntaxHint(msg string) string {
	switch {
	case strings.Contains(msg, "found character that cannot start any token"):
		return "indent with spaces, not tabs, and quote values that start with @, ` or %"
	case strings.Contains(msg, "mapping values are not allowed"):
		return "check the indentation, and quote a value that contains \": \""
	case strings.Contains(msg, "did not find expected key"), strings.Contains(msg, "did not find expected '-' indicator"):
		return "align this line with the keys or list items beside it"
	case strings.Contains(msg, "could not find expected ':'"):
		return "write a key followed by \": \" and its value"
	case strings.Contains(msg, "found unknown escape character"):
		return "put the value in single quotes, or double the backslash"
	case strings.Contains(msg, "did not find expected"):
		return "check that brackets, braces and quotes are closed"
	}
	return "check the indentation and the quotes on this line and the one before"
}

// firstColumn returns the column of the first character of a line that is not a blank.
func firstColumn(src []byte, line int) int {
	pos := lineStart(src, line)
	if pos < 0 {
		return 1
	}
	col := 1
	for pos < len(src) && (src[pos] == ' ' || src[pos] == '\t') {
		pos++
		col++
	}
	return col
}

func isTemplateName(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".tmpl", ".gotmpl":
		return true
	}
	return false
}

// Load reads a file, or every configuration file of a folder and its subfolders
// (*.yml, *.yaml and *.tmpl; hidden folders are left out). It fails only when
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
	{Touchline, []string{"prometheus", "alertmanager", "stack", "backends", "web"}},
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
	webName          = regexp.MustCompile(`(?i)^web[._-]?config.*\.ya?ml$`)
)

// detect tells what a file is: by its content, and by its name where the
// content leaves it open.
func detect(path string, root *yaml.Node) (Kind, string) {
	name := filepath.Base(path)
	if touchlineName.MatchString(name) {
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
	var keys []string
	for i := 0; i+1 < len(root.Content); i += 2 {
		keys = append(keys, root.Content[i].Value)
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
	case webName.MatchString(name):
		return WebConfig, ""
	case ruleName.MatchString(name):
		return Rules, ""
	case prometheusName.MatchString(name):
		return Prometheus, ""
	case alertmanagerName.MatchString(name):
		return Alertmanager, ""
	}
	return Unknown, "no file that Prometheus, Alertmanager or Touchline reads"
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
