package ruletest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"github.com/prometheus/prometheus/model/labels"
)

// testFile is promtool's unit-test file. It is decoded with the same YAML library as promtool's, because scalars such as "1_0",
// "yes" or "0o7" mean different things to different libraries.
type testFile struct {
	RuleFiles          []string   `yaml:"rule_files"`
	EvaluationInterval duration   `yaml:"evaluation_interval"`
	GroupEvalOrder     []string   `yaml:"group_eval_order"`
	Tests              []testCase `yaml:"tests"`
	FuzzyCompare       bool       `yaml:"fuzzy_compare"`
}

// testCase is one item under tests: input series, and what rules and expressions make of them.
type testCase struct {
	Interval        duration       `yaml:"interval"`
	InputSeries     []inputSeries  `yaml:"input_series"`
	AlertRuleTests  []alertCase    `yaml:"alert_rule_test"`
	PromqlExprTests []exprCase     `yaml:"promql_expr_test"`
	ExternalLabels  labels.Labels  `yaml:"external_labels"`
	ExternalURL     string         `yaml:"external_url"`
	Name            string         `yaml:"name"`
	StartTimestamp  startTimestamp `yaml:"start_timestamp"`
}

type inputSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type alertCase struct {
	EvalTime  duration        `yaml:"eval_time"`
	Alertname string          `yaml:"alertname"`
	ExpAlerts []expectedAlert `yaml:"exp_alerts"`
}

type expectedAlert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

type exprCase struct {
	Expr       string           `yaml:"expr"`
	EvalTime   duration         `yaml:"eval_time"`
	ExpSamples []expectedSample `yaml:"exp_samples"`
}

type expectedSample struct {
	Labels    string  `yaml:"labels"`
	Value     float64 `yaml:"value"`
	Histogram string  `yaml:"histogram"`
}

// duration is a Prometheus duration whose decoding error does not end the decoding, so that a file's mistakes are told at once.
type duration time.Duration

// UnmarshalYAML reads the notation of Prometheus, such as 1m30s.
func (d *duration) UnmarshalYAML(unmarshal func(any) error) error {
	var s string
	if err := unmarshal(&s); err != nil {
		return err
	}
	parsed, err := model.ParseDuration(s)
	if err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("%q is not a duration; write one such as 30s, 1m or 1h30m", s)}}
	}
	*d = duration(parsed)
	return nil
}

func (d duration) String() string { return model.Duration(d).String() }

// startTimestamp is written as RFC 3339 or as Unix seconds with an optional fraction.
type startTimestamp struct{ time.Time }

// UnmarshalYAML reads either notation.
func (t *startTimestamp) UnmarshalYAML(unmarshal func(any) error) error {
	var s string
	if err := unmarshal(&s); err != nil {
		return err
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		whole, fraction := math.Modf(f)
		t.Time = time.Unix(int64(whole), int64(fraction*float64(time.Second))).UTC()
		return nil
	}
	parsed, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return &yaml.TypeError{Errors: []string{
			fmt.Sprintf("%q is neither RFC 3339 nor Unix seconds; write 2026-01-02T15:04:05Z or 1767366245", s)}}
	}
	t.Time = parsed
	return nil
}

// name is how a test is called in reports.
func (t *testCase) name(index int) string {
	if t.Name != "" {
		return t.Name
	}
	return fmt.Sprintf("unnamed#%d", index)
}

// start is the instant of the first evaluation.
func (t *testCase) start() time.Time {
	if t.StartTimestamp.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return t.StartTimestamp.Time
}

// length is the largest eval_time of the test, up to which rules are evaluated.
func (t *testCase) length() time.Duration {
	var longest duration
	for _, a := range t.AlertRuleTests {
		longest = max(longest, a.EvalTime)
	}
	for _, e := range t.PromqlExprTests {
		longest = max(longest, e.EvalTime)
	}
	return time.Duration(longest)
}

// load renders the input series as a promqltest load command.
func (t *testCase) load() string {
	var b strings.Builder
	fmt.Fprintf(&b, "load %s\n", t.Interval)
	for _, s := range t.InputSeries {
		fmt.Fprintf(&b, "  %s %s\n", s.Series, s.Values)
	}
	return b.String()
}

// parseFile decodes a unit-test file strictly. All mistakes that the decoder finds are returned at once.
func parseFile(name string, content []byte) (*testFile, positions, []Failure) {
	where := indexPositions(content)
	var file testFile
	if err := yaml.UnmarshalStrict(content, &file); err != nil {
		return nil, where, decodeFailures(name, content, err)
	}
	if file.EvaluationInterval == 0 {
		file.EvaluationInterval = duration(time.Minute)
	}
	var failures []Failure
	seen := map[string]bool{}
	for i, group := range file.GroupEvalOrder {
		if seen[group] {
			pos := where.at(fmt.Sprintf("group_eval_order[%d]", i))
			failures = append(failures, Failure{File: name, Line: pos.line, Column: pos.column,
				Message: fmt.Sprintf("group %q is named twice in group_eval_order; remove one", group)})
		}
		seen[group] = true
	}
	for i := range file.Tests {
		if file.Tests[i].Interval == 0 {
			file.Tests[i].Interval = file.EvaluationInterval
		}
	}
	return &file, where, failures
}

var (
	decodeLine   = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	unknownField = regexp.MustCompile(`^field (\S+) not found in type ruletest\.(\w+)$`)
	wrongType    = regexp.MustCompile(`^cannot unmarshal (\S+) (.*?) ?into (.+)$`)
)

// decodeFailures splits a decoder error into one failure a line, with our words for what the decoder says in Go's.
func decodeFailures(name string, content []byte, err error) []Failure {
	messages := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		messages = typed.Errors
	}
	lines := strings.Split(string(content), "\n")
	failures := make([]Failure, 0, len(messages))
	seen := map[string]int{}
	for _, message := range messages {
		f := Failure{File: name, Line: 1, Column: 1, Message: strings.TrimPrefix(message, "yaml: ")}
		if m := decodeLine.FindStringSubmatch(message); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil && n >= 1 && n <= len(lines) {
				f.Line = n
				f.Column = len(lines[n-1]) - len(strings.TrimLeft(lines[n-1], " -")) + 1
			}
			f.Message = m[2]
		}
		if m := quotedValue.FindStringSubmatch(message); m != nil {
			if pos, ok := findScalar(lines, m[1], seen[message]); ok {
				f.Line, f.Column = pos.line, pos.column
			}
			seen[message]++
		}
		if m := unknownField.FindStringSubmatch(f.Message); m != nil {
			if at := strings.Index(lines[f.Line-1], m[1]); at >= 0 {
				f.Column = at + 1
			}
			f.Message = fmt.Sprintf("unknown key %q; known here are %s", m[1], strings.Join(knownKeys(m[2]), ", "))
		} else if m := wrongType.FindStringSubmatch(f.Message); m != nil {
			f.Message = fmt.Sprintf("found a %s %s; write %s", strings.TrimPrefix(m[1], "!!"), m[2], plainType(m[3]))
		}
		failures = append(failures, f)
	}
	return failures
}

// timeKeys are the keys whose values our own types decode; the decoder gives their errors no position.
var timeKeys = regexp.MustCompile(`(?:^|[\s{,-])(?:evaluation_interval|interval|eval_time|start_timestamp)\s*:\s*["']?`)

var quotedValue = regexp.MustCompile(`^("(?:[^"\\]|\\.)*") is n`)

// findScalar finds the nth place where a time-valued key has the given value, which is quoted as Go does.
func findScalar(lines []string, quoted string, nth int) (position, bool) {
	value, err := strconv.Unquote(quoted)
	if err != nil {
		return position{}, false
	}
	for i, line := range lines {
		for _, m := range timeKeys.FindAllStringIndex(line, -1) {
			rest := line[m[1]:]
			if !strings.HasPrefix(rest, value) {
				continue
			}
			if tail := rest[len(value):]; tail == "" || strings.ContainsRune("\"'\r ,}", rune(tail[0])) {
				if nth == 0 {
					return position{i + 1, m[1] + 1}, true
				}
				nth--
			}
		}
	}
	return position{}, false
}

// fileTypes are the types that a decoder error can name.
var fileTypes = []reflect.Type{
	reflect.TypeFor[testFile](), reflect.TypeFor[testCase](), reflect.TypeFor[inputSeries](), reflect.TypeFor[alertCase](),
	reflect.TypeFor[expectedAlert](), reflect.TypeFor[exprCase](), reflect.TypeFor[expectedSample](),
}

func knownKeys(typeName string) []string {
	for _, t := range fileTypes {
		if t.Name() != typeName {
			continue
		}
		keys := make([]string, t.NumField())
		for i := range keys {
			keys[i] = t.Field(i).Tag.Get("yaml")
		}
		return keys
	}
	return nil
}

func plainType(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["), strings.HasPrefix(goType, "ruletest."):
		return "a mapping of keys to values"
	case goType == "bool":
		return "true or false"
	case goType == "float64":
		return "a number"
	}
	return "a " + goType
}
