package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"touchline.dev/touchline/internal/spelling"
)

// Section is a part of touchline.yaml with a structure of its own, which no
// flag or variable can hold. Its keys are the fields of a Go type, by these tags:
//
//	yaml      the key
//	help      what the reference says about it
//	enum      the values that a text may have, separated by commas
//	default   what it is when it is left out, as it would be written
//	required  "true" where it must be given
//
// A type that has a method check(at *checker) is asked when all of it is read.
type Section struct {
	Path    string // its key, at the top of the file
	Help    string
	Example string // YAML
	Since   string
	Fixed   bool // it takes a restart to come into force

	bind func(*Config) any // a pointer to what it is read into
}

// Sections is the table of sections. It is never changed at run time.
var Sections = []Section{
	{Path: "people", Since: "0.3", Help: "People who can be on call.",
		Example: "people:\n  anna:\n    receivers: [anna-mail, anna-phone]\n    quiet_hours: {time_zone: Europe/Berlin, from: \"22:00\", to: \"07:00\"}\n",
		bind:    func(c *Config) any { return &c.People }},
	{Path: "schedules", Since: "0.3", Help: "Who is on call when.",
		Example: "schedules:\n  primary:\n    time_zone: Europe/Berlin\n    layers:\n      - {people: [anna, li], rotation: weekly, start: 2026-11-23T09:00}\n",
		bind:    func(c *Config) any { return &c.Schedules }},
	{Path: "escalations", Since: "0.3", Help: "Whom to call for an incident, and after how long the next.",
		Example: "escalations:\n  - name: critical\n    match: ['severity=\"critical\"']\n    steps:\n      - {schedule: primary}\n      - {wait: 5m, schedule: primary, repeat: 2}\n      - {wait: 10m, receivers: [team-lead]}\n",
		bind:    func(c *Config) any { return &c.Escalations }},
	{Path: "maintenance", Since: "0.3", Help: "Times in which alerts are expected.",
		Example: "maintenance:\n  - name: nightly backup\n    match: ['job=\"postgres\"']\n    time_zone: Asia/Shanghai\n    start: 2026-12-01T02:00\n    duration: 30m\n    rrule: FREQ=DAILY\n",
		bind:    func(c *Config) any { return &c.Maintenance }},
	{Path: "auth_oidc_groups", Since: "0.3", Help: "What the members of a group at the OIDC provider may do; who is in several may do the most of them. It is looked at whenever somebody signs in.",
		Example: "auth_oidc_groups:\n  platform-team: admin\n  on-call: responder\n  everybody: viewer\n",
		bind:    func(c *Config) any { return &c.OIDCGroups }},
	{Path: "status_page", Since: "0.3", Help: "A page for the public, off where it is left out. Only what stands here becomes public.",
		Example: "status_page:\n  folder: /srv/status\n  title: Example status\n  components:\n    - id: api\n      name: API\n      alerts:\n        - match: ['service=\"api\"']\n          states: {critical: outage, warning: degraded}\n",
		bind:    func(c *Config) any { return &c.StatusPage }},
	{Path: "channels", Since: "0.3", Help: "Channels that Alertmanager has not, by the name of a receiver of alertmanager.yml. They are told beside the receiver's own integrations; one without any is written there as `- name: NAME`.",
		Example: "channels:\n  ops-team:\n    - type: dingtalk\n      url_file: /run/secrets/dingtalk-url\n      secret_file: /run/secrets/dingtalk-secret\n      language: zh\n      mention: {mobiles: [\"13800000000\"], severities: [critical]}\n    - type: email\n      smarthost: smtp.example.org:587\n      from: touchline@example.org\n      to: [on-call@example.org]\n      username: touchline\n      password_file: /run/secrets/smtp-password\n",
		bind:    func(c *Config) any { return &c.Channels }},
	{Path: "backends", Since: "0.4", Fixed: true, Help: "Servers that stand in for engines of this process, so that the console and every API work over a Prometheus and an Alertmanager that are there already.",
		Example: "backends:\n  metrics:\n    url: https://mimir.example.org/prometheus\n    basic_auth: {username: touchline, password_file: /run/secrets/mimir}\n    http_headers:\n      X-Scope-OrgID: {values: [football]}\n  alerts:\n    url: https://alertmanager.example.org\n    authorization: {credentials_env: ALERTMANAGER_TOKEN}\n    tls_config: {ca_file: /etc/ssl/own-ca.pem}\n",
		bind:    func(c *Config) any { return &c.Backends }},
}

// File is the path of a file; a relative one begins at the folder of touchline.yaml.
type File string

func sectionOf(path string) *Section {
	for i := range Sections {
		if Sections[i].Path == path {
			return &Sections[i]
		}
	}
	return nil
}

// checker tells what is wrong with values that have been read.
type checker struct {
	r    *fileReader
	path string
}

// at is the checker of a part, such as "steps" or "[2]".
func (c *checker) at(part string) *checker { return &checker{r: c.r, path: join(c.path, part)} }

// problem tells what is wrong with a part, "" for the whole. It is placed where
// the part stands, or, where it is missing, what would hold it.
func (c *checker) problem(part, hint, format string, args ...any) {
	field := join(c.path, part)
	c.r.problem(positionOf(c.r.seen, field), field, hint, format, args...)
}

// positionOf is where a field stands, or, where it is missing, what would hold it.
func positionOf(seen map[string]token.Position, field string) token.Position {
	for field != "" {
		if pos, ok := seen[field]; ok {
			return pos
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return token.Position{Line: 1, Column: 1}
}

// Problem is what is wrong with a field of a section, such as
// "escalations[0].match", at its place in the file.
func (d *Dynamic) Problem(field, hint, format string, args ...any) Problem {
	return problemAt(d.file, positionOf(d.seen, field), field, hint, format, args...)
}

// wrong tells the problem that err says a part has; nil is none.
func (c *checker) wrong(part string, err error) {
	if err != nil {
		p := problemOf("", "", err)
		c.problem(part, p.Hint, "%s", p.Message)
	}
}

// item is the part that an item of a list is.
func item(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

func join(path, part string) string {
	if path == "" || part == "" || part[0] == '[' {
		return path + part
	}
	return path + "." + part
}

// checked is a type that finds more wrong with itself than a tag can say.
type checked interface{ check(at *checker) }

// sections reads the sections of the file into a configuration.
func (r *fileReader) sections(c *Config) {
	c.Dynamic.file, c.Dynamic.seen = r.name, r.seen
	for i := range Sections {
		s := &Sections[i]
		v := reflect.ValueOf(s.bind(c)).Elem()
		setDefaults(v)
		if n, ok := r.parts[s.Path]; ok {
			before := len(r.problems)
			r.decode(s.Path, n, v)
			if len(r.problems) == before {
				check(v, &checker{r: r, path: s.Path})
			}
		}
	}
}

// check asks a value and all in it.
func check(v reflect.Value, at *checker) {
	if v.CanAddr() {
		if c, ok := v.Addr().Interface().(checked); ok {
			defer c.check(at)
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			check(v.Elem(), at)
		}
	case reflect.Struct:
		for f, field := range fieldsOf(v) {
			check(field, at.at(f.Tag.Get("yaml")))
		}
	case reflect.Slice:
		for i := range v.Len() {
			check(v.Index(i), at.at(fmt.Sprintf("[%d]", i)))
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(v.MapIndex(k))
			check(e, at.at(k.String()))
			v.SetMapIndex(k, e)
		}
	}
}

func sortedKeys(m reflect.Value) []reflect.Value {
	return slices.SortedFunc(slices.Values(m.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
}

// fieldsOf lists the fields that have a key.
func fieldsOf(v reflect.Value) func(yield func(reflect.StructField, reflect.Value) bool) {
	return func(yield func(reflect.StructField, reflect.Value) bool) {
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("yaml") != "" && !yield(f, v.Field(i)) {
				return
			}
		}
	}
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	fileType     = reflect.TypeFor[File]()
	folderType   = reflect.TypeFor[Folder]()
)

// decode reads a node into a value, and goes on after each problem.
func (r *fileReader) decode(path string, n ast.Node, v reflect.Value) {
	r.seen[path] = position(n)
	if r.depth++; r.depth > maxDepth {
		r.problem(position(n), path, "", "nested too deeply")
		return
	}
	defer func() { r.depth-- }()
	t := r.resolve(n)
	if t == nil {
		return
	}
	if _, null := t.(*ast.NullNode); null && v.Kind() != reflect.Struct && v.Kind() != reflect.Map {
		r.problem(position(n), path, "write a value, or delete the line", "no value")
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.decode(path, n, v.Elem())
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		r.decodeStruct(path, n, v)
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for key, value := range r.pairs(path, "write "+shapeOf(v.Type()), n) {
			e := reflect.New(v.Type().Elem()).Elem()
			r.decode(join(path, key), value, e)
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), e)
		}
	case v.Kind() == reflect.Slice:
		seq, ok := t.(*ast.SequenceNode)
		if !ok {
			r.problem(position(n), path, "write a list, each item on a line that begins with -", "expected a list, found %s", describe(t))
			return
		}
		for i, item := range seq.Values {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			r.decode(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
		}
	default:
		text, ok := scalar(t)
		if !ok {
			r.problem(position(n), path, "write "+shapeOf(v.Type()), "expected %s, found %s", shapeOf(v.Type()), describe(t))
			return
		}
		if (v.Type() == fileType || v.Type() == folderType) && text != "" && !filepath.IsAbs(text) {
			text = filepath.Join(filepath.Dir(r.name), text)
		}
		if err := setScalar(text, v); err != nil {
			p := problemOf("", "", err)
			r.problem(position(n), path, p.Hint, "%s", p.Message)
		}
	}
}

func (r *fileReader) decodeStruct(path string, n ast.Node, v reflect.Value) {
	fields := map[string]reflect.Value{}
	tags := map[string]reflect.StructTag{}
	var keys []string
	for f, field := range fieldsOf(v) {
		key := f.Tag.Get("yaml")
		fields[key], tags[key] = field, f.Tag
		keys = append(keys, key)
	}
	setDefaults(v)
	given := map[string]bool{}
	for key, value := range r.pairs(path, "write on the lines below it one of: "+strings.Join(keys, ", "), n) {
		field, ok := fields[key]
		if !ok {
			hint := spelling.DidYouMean(key, keys)
			given[spelling.Nearest(key, keys)] = true
			if hint == "" {
				hint = "known here: " + strings.Join(keys, ", ")
			}
			r.problem(position(value), join(path, key), hint, "unknown key")
			continue
		}
		given[key] = true
		r.decode(join(path, key), value, field)
		if enum := tags[key].Get("enum"); enum != "" {
			r.oneOf(join(path, key), strings.Split(enum, ","), field)
		}
	}
	for _, key := range keys {
		if tags[key].Get("required") == "true" && !given[key] {
			r.problem(position(n), join(path, key), "write "+shapeOf(fields[key].Type()), "is missing")
		}
	}
}

// setDefaults gives the fields of a struct, and of those in it, what they are
// when they are left out. That the defaults can be read is for a test to say.
func setDefaults(v reflect.Value) {
	if v.Kind() != reflect.Struct || v.Type() == timeType {
		return
	}
	for f, field := range fieldsOf(v) {
		if d, ok := f.Tag.Lookup("default"); ok {
			_ = setScalar(d, field)
		}
		setDefaults(field)
	}
}

// oneOf holds a text, or each of several, against the values that it may have.
func (r *fileReader) oneOf(path string, known []string, v reflect.Value) {
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			r.oneOf(fmt.Sprintf("%s[%d]", path, i), known, v.Index(i))
		}
		return
	}
	if text := v.String(); text != "" && !slices.Contains(known, text) {
		r.problem(r.seen[path], path, "write one of: "+strings.Join(known, ", "), "%q is not known", text)
	}
}

func setScalar(text string, v reflect.Value) error {
	switch v.Type() {
	case durationType:
		d, err := ParseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	case timeType:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return bad("write it as 2026-12-24T18:00:00+01:00", "%q is not a time", text)
		}
		v.Set(reflect.ValueOf(t))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil || text != "true" && text != "false" {
			return bad("write true or false", "%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return bad("write a whole number", "%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return bad("write a number", "%q is not a number", text)
		}
		v.SetFloat(f)
	default:
		return fmt.Errorf("a setting cannot be of type %s", v.Type())
	}
	return nil
}

// shapeOf says how a type is written.
func shapeOf(t reflect.Type) string {
	switch t {
	case durationType:
		return "a duration such as 5m"
	case timeType:
		return "a time such as 2026-12-24T18:00:00+01:00"
	case fileType:
		return "the path of a file"
	case folderType:
		return "the path of a folder"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Float64:
		return "a number"
	}
	return "a text"
}

// namedFiles lists the files in a section's value.
func namedFiles(v reflect.Value, at *checker, out []NamedFile) []NamedFile {
	switch {
	case v.Type() == fileType:
		if v.String() != "" {
			pos := at.r.seen[at.path]
			out = append(out, NamedFile{Field: at.path, Path: v.String(), Line: pos.Line, Column: pos.Column})
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		out = namedFiles(v.Elem(), at, out)
	case v.Kind() == reflect.Struct:
		for f, field := range fieldsOf(v) {
			out = namedFiles(field, at.at(f.Tag.Get("yaml")), out)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			out = namedFiles(v.Index(i), at.at(fmt.Sprintf("[%d]", i)), out)
		}
	case v.Kind() == reflect.Map:
		for _, k := range sortedKeys(v) {
			out = namedFiles(v.MapIndex(k), at.at(k.String()), out)
		}
	}
	return out
}

// writeSections writes the sections' part of the reference.
func writeSections(b *strings.Builder) {
	for i := range Sections {
		s := &Sections[i]
		force := "a reload reads it again"
		if s.Fixed {
			force = "it takes a restart to come into force"
		}
		fmt.Fprintf(b, "\n## Section `%s`\n\n%s It can stand in the file only, and %s.\n\n", s.Path, s.Help, force)
		if s.Example != "" {
			fmt.Fprintf(b, "```yaml\n%s```\n\n", s.Example)
		}
		b.WriteString("| key | type | default | what |\n|---|---|---|---|\n")
		writeKeys(b, s.Path, reflect.TypeOf(s.bind(&Config{})).Elem())
		fmt.Fprintf(b, "\nSince: %s\n", s.Since)
	}
}

func writeKeys(b *strings.Builder, path string, t reflect.Type) {
	switch {
	case t.Kind() == reflect.Pointer:
		writeKeys(b, path, t.Elem())
	case t.Kind() == reflect.Map:
		if e := t.Elem().Kind(); e == reflect.String || e == reflect.Bool || e == reflect.Int || e == reflect.Float64 {
			fmt.Fprintf(b, "| `%s.NAME` | %s | – | |\n", path, shapeOf(t.Elem()))
		}
		writeKeys(b, path+".NAME", t.Elem())
	case t.Kind() == reflect.Slice:
		writeKeys(b, path+"[]", t.Elem())
	case t.Kind() == reflect.Struct && t != timeType:
		for i := range t.NumField() {
			f := t.Field(i)
			key := f.Tag.Get("yaml")
			if key == "" {
				continue
			}
			kind, def := shapeOf(f.Type), "–"
			if e := f.Tag.Get("enum"); e != "" {
				kind = strings.ReplaceAll(e, ",", ", ")
			}
			if d, ok := f.Tag.Lookup("default"); ok {
				def = "`" + d + "`"
			} else if f.Tag.Get("required") == "true" {
				def = "must be given"
			}
			fmt.Fprintf(b, "| `%s.%s` | %s | %s | %s |\n", path, key, kind, def, f.Tag.Get("help"))
			writeKeys(b, path+"."+key, f.Type)
		}
	}
}
