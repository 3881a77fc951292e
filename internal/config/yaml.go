package config

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"touchline.dev/touchline/internal/spelling"
)

// maxFile bounds touchline.yaml; a real one has a few hundred bytes.
const maxFile = 1 << 20

// fileValue is what a file says about one setting.
type fileValue struct {
	setting *Setting
	values  []string
	where   Source
}

// fileReader walks the tree of a file. It collects all problems instead of
// stopping at the first.
type fileReader struct {
	name     string
	anchors  map[string]ast.Node
	problems Problems
	values   []fileValue
	seen     map[string]token.Position
	parts    map[string]ast.Node // the sections that are given
	depth    int
}

// CheckFile returns everything that is wrong with a touchline.yaml by itself.
// It looks at no other file.
func CheckFile(name string, data []byte) Problems {
	_, ps := fromFile(name, data)
	return ps
}

// CheckFileAlone returns what would stop a start with this file and without
// flags and variables, which may set right what the file leaves open. It has
// nothing where CheckFile has something.
func CheckFileAlone(name string, data []byte) Problems {
	c, ps := fromFile(name, data)
	if len(ps) > 0 {
		return nil
	}
	return c.checkTogether().sorted()
}

func fromFile(name string, data []byte) (*Config, Problems) {
	r := readFile(name, data)
	c := &Config{sources: map[string]Source{}, raw: map[string]string{}}
	r.sections(c)
	ps := append(r.problems, defaults(c)...)
	for _, v := range r.values {
		if err := v.setting.set(c, v.values); err != nil {
			ps = append(ps, r.valueProblem(v, err))
			continue
		}
		c.record(v.setting, v.values, v.where)
	}
	c.File = name
	c.Upstream.open()
	return c, ps.sorted()
}

// DynamicOf reads the sections of a touchline.yaml. What is wrong with the file
// is for CheckFile to say.
func DynamicOf(name string, data []byte) *Dynamic {
	c := &Config{}
	readFile(name, data).sections(c)
	return &c.Dynamic
}

// NamedFile is a file that a touchline.yaml names.
type NamedFile struct {
	Flag         string // of the setting, such as "prometheus.config"; "" in a section
	Field        string // its key in the file
	Path         string // beginning at the working directory, or absolute
	Line, Column int    // of the value, from 1
}

// NamedFiles lists the files that a touchline.yaml names, in its order. It
// does not look whether they exist.
func NamedFiles(name string, data []byte) []NamedFile {
	r, c := readFile(name, data), &Config{}
	out := r.named(KindFile)
	r.sections(c)
	at := &checker{r: r}
	for i := range Sections {
		s := &Sections[i]
		out = namedFiles(reflect.ValueOf(s.bind(c)).Elem(), at.at(s.Path), out)
	}
	return out
}

// NamedFolders is NamedFiles, but of folders.
func NamedFolders(name string, data []byte) []NamedFile { return readFile(name, data).named(KindDir) }

// named lists the values of the settings of a kind that names files or folders.
func (r *fileReader) named(kind Kind) []NamedFile {
	var out []NamedFile
	for _, v := range r.values {
		if v.setting.Kind != kind {
			continue
		}
		for _, path := range v.values {
			if path != "" {
				pos := r.seen[v.setting.Path]
				out = append(out, NamedFile{Flag: v.setting.Flag, Field: v.setting.Path, Path: path, Line: pos.Line, Column: pos.Column})
			}
		}
	}
	return out
}

func (r *fileReader) valueProblem(v fileValue, err error) Problem {
	p := problemOf(v.where.Where, v.setting.Path, err)
	pos := r.seen[v.setting.Path]
	p.File, p.Line, p.Column = r.name, pos.Line, pos.Column
	return p
}

func problemOf(where, field string, err error) Problem {
	p := Problem{Where: where, Field: field, Message: err.Error()}
	var b *badValue
	if errors.As(err, &b) {
		p.Message, p.Hint = b.message, b.hint
	}
	return p
}

func readFile(name string, data []byte) (r *fileReader) {
	r = &fileReader{name: name, anchors: map[string]ast.Node{}, seen: map[string]token.Position{}, parts: map[string]ast.Node{}}
	if len(data) > maxFile {
		r.problem(token.Position{Line: 1, Column: 1}, "", "write only what differs from the defaults", "the file has %d bytes, more than %d", len(data), maxFile)
		return r
	}
	defer func() {
		// The YAML parser is foreign code that reads what a stranger may have
		// written; a panic of it is a verdict about the file.
		if v := recover(); v != nil {
			r.problem(token.Position{Line: 1, Column: 1}, "", "write plain YAML", "not YAML: %v", v)
		}
	}()
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		pos := token.Position{Line: 1, Column: 1}
		message := err.Error()
		var ye yaml.Error
		if errors.As(err, &ye) {
			message = ye.GetMessage()
			if t := ye.GetToken(); t != nil && t.Position != nil {
				pos = *t.Position
			}
		}
		r.problem(pos, "", "", "not YAML: %s", strings.ReplaceAll(message, "\n", " "))
		return r
	}
	docs := 0
	for _, d := range file.Docs {
		if d == nil || d.Body == nil || d.Body.Type() == ast.CommentType || d.Body.Type() == ast.NullType {
			continue
		}
		if docs++; docs > 1 {
			r.problem(position(d.Body), "", "keep one document and delete the line ---", "a second YAML document")
			break
		}
		for n := range nodes(d.Body) {
			if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
				r.anchors[a.Name.GetToken().Value] = a.Value
			}
		}
		if r.foreign(d.Body) {
			break
		}
		r.mapping(d.Body, "")
	}
	return r
}

// nodes visits a tree.
func nodes(n ast.Node) func(yield func(ast.Node) bool) {
	return func(yield func(ast.Node) bool) { ast.Walk(visitor(yield), n) }
}

type visitor func(ast.Node) bool

func (v visitor) Visit(n ast.Node) ast.Visitor {
	if !v(n) {
		return nil
	}
	return v
}

func (r *fileReader) problem(pos token.Position, field, hint, format string, args ...any) {
	r.problems = append(r.problems, problemAt(r.name, pos, field, hint, format, args...))
}

func problemAt(file string, pos token.Position, field, hint, format string, args ...any) Problem {
	return Problem{
		Where: fmt.Sprintf("%s:%d:%d", file, pos.Line, pos.Column), File: file, Line: pos.Line, Column: pos.Column,
		Field: field, Message: fmt.Sprintf(format, args...), Hint: hint,
	}
}

func position(n ast.Node) token.Position {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return position(m.Values[0].Key)
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		return position(m.Key)
	}
	if n != nil {
		if t := n.GetToken(); t != nil && t.Position != nil {
			return *t.Position
		}
	}
	return token.Position{Line: 1, Column: 1}
}

// maxDepth bounds aliases that stand within themselves.
const maxDepth = 32

// resolve looks through anchors, aliases and tags.
func (r *fileReader) resolve(n ast.Node) ast.Node {
	for range maxDepth {
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.TagNode:
			n = t.Value
		case *ast.AliasNode:
			target, ok := r.anchors[t.Value.GetToken().Value]
			if !ok {
				r.problem(position(t), "", "define it with &, or write the value", "unknown anchor %s", t.String())
				return nil
			}
			n = target
		default:
			return n
		}
	}
	r.problem(position(n), "", "write the value instead", "an alias refers to itself")
	return nil
}

// mapping reads a mapping whose settings begin with prefix.
func (r *fileReader) mapping(n ast.Node, prefix string) {
	if r.depth++; r.depth > maxDepth {
		r.problem(position(n), prefix, "", "nested too deeply")
		return
	}
	defer func() { r.depth-- }()
	var entries []*ast.MappingValueNode
	switch t := r.resolve(n).(type) {
	case nil, *ast.NullNode:
		return
	case *ast.MappingNode:
		entries = t.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{t}
	default:
		if prefix == "" {
			r.problem(position(n), "", "write settings as key: value", "the file is not a mapping but %s", describe(t))
		} else {
			r.problem(position(n), prefix, "write on the lines below it one of: "+strings.Join(childrenOf(prefix), ", "), "expected a mapping, found %s", describe(t))
		}
		return
	}
	for _, e := range entries {
		r.entry(e, prefix)
	}
}

func (r *fileReader) entry(e *ast.MappingValueNode, prefix string) {
	pos := position(e.Key)
	if e.Key.Type() == ast.MergeKeyType {
		r.problem(pos, prefix, "write the settings out", "merge keys (<<) are not taken here")
		return
	}
	key := keyOf(e)
	if first, rest, dotted := strings.Cut(key, "."); dotted && slices.Contains(childrenOf(prefix), first) {
		r.problem(pos, key, fmt.Sprintf("each dot is a level: write %s: and, indented below it, %s:", first, rest), "unknown key")
		return
	}
	path := key
	if prefix != "" {
		path = prefix + "." + key
	}
	if first, twice := r.seen[path]; twice {
		r.problem(pos, path, "keep one of the two", "given twice, first in line %d", first.Line)
		return
	}
	r.seen[path] = pos
	for i := range Settings {
		if s := &Settings[i]; s.Path == path {
			r.seen[path] = position(e.Value)
			r.value(s, e.Value, pos)
			return
		}
	}
	if sectionOf(path) != nil {
		r.parts[path] = e.Value
		return
	}
	if len(childrenOf(path)) > 0 {
		r.mapping(e.Value, path)
		return
	}
	hint := spelling.DidYouMean(key, childrenOf(prefix))
	if hint == "" {
		if s := byFlag(path); s != nil && s.Path != "" {
			hint = fmt.Sprintf("in the file it is %s", s.Path)
		} else if where := foreignKey(key); where != "" && prefix == "" {
			hint = where
		} else if full := spelling.Nearest(path, allPaths()); full != "" {
			hint = fmt.Sprintf("did you mean %s?", full)
		} else {
			hint = "known here: " + strings.Join(childrenOf(prefix), ", ")
		}
	}
	r.problem(pos, path, hint, "unknown key")
}

func (r *fileReader) value(s *Setting, n ast.Node, key token.Position) {
	v := fileValue{setting: s, where: Source{Origin: FromFile, Where: fmt.Sprintf("%s:%d:%d", r.name, position(n).Line, position(n).Column)}}
	if s.Kind == KindGroups {
		r.groups(s.Path, v.where, n)
		return
	}
	list := s.Kind == KindList || s.Kind == KindAddresses || s.Kind == KindURLs || s.Kind == KindNetworks
	switch t := r.resolve(n).(type) {
	case nil:
		return
	case *ast.NullNode:
		r.problem(key, s.Path, "write a value, or delete the line", "no value")
		return
	case *ast.SequenceNode:
		if !list {
			r.problem(position(n), s.Path, "write "+s.shape(), "expected %s, found a list", s.shape())
			return
		}
		for _, item := range t.Values {
			text, ok := scalar(r.resolve(item))
			if !ok {
				r.problem(position(item), s.Path, "write a plain value", "expected a text, found %s", describe(item))
				return
			}
			v.values = append(v.values, text)
		}
	default:
		text, ok := scalar(t)
		if !ok {
			r.problem(position(n), s.Path, "write "+s.shape(), "expected %s, found %s", s.shape(), describe(t))
			return
		}
		v.values = []string{text}
	}
	if s.Kind == KindFile || s.Kind == KindDir {
		for i, p := range v.values {
			if p != "" && !filepath.IsAbs(p) {
				v.values[i] = filepath.Join(filepath.Dir(r.name), p)
			}
		}
	}
	r.values = append(r.values, v)
}

// groups reads a mapping of rule files to groups to what is set for each.
func (r *fileReader) groups(path string, where Source, n ast.Node) {
	keys, values := []string{}, map[string]*fileValue{}
	for i := range Settings {
		if s := &Settings[i]; s.Kind == KindGroups {
			keys = append(keys, s.Key)
			values[s.Key] = &fileValue{setting: s, where: where}
		}
	}
	for file, groups := range r.pairs(path, "map files to groups, such as rules/host.yml: {host: {arrival: disabled}}", n) {
		path := path + "." + file
		for group, settings := range r.pairs(path, "map groups to their settings, such as host: {arrival: disabled}", groups) {
			path := path + "." + group
			for key, value := range r.pairs(path, "write one of: "+strings.Join(keys, ", "), settings) {
				text, ok := scalar(r.resolve(value))
				v := values[key]
				switch {
				case v == nil:
					r.problem(position(value), path+"."+key, "known here: "+strings.Join(keys, ", "), "unknown key")
				case !ok || !slices.Contains(v.setting.Enum, text):
					r.problem(position(value), path+"."+key, "write one of: "+strings.Join(v.setting.Enum, ", "), "%q is not known", strings.TrimSpace(value.String()))
				default:
					v.values = append(v.values, file+":"+group+"="+text)
				}
			}
		}
	}
	for _, key := range keys {
		if v := values[key]; v.values != nil {
			r.values = append(r.values, *v)
		}
	}
}

// pairs lists the entries of a mapping in order.
func (r *fileReader) pairs(path, hint string, n ast.Node) iter.Seq2[string, ast.Node] {
	return func(yield func(string, ast.Node) bool) {
		var entries []*ast.MappingValueNode
		switch t := r.resolve(n).(type) {
		case nil, *ast.NullNode:
			return
		case *ast.MappingNode:
			entries = t.Values
		case *ast.MappingValueNode:
			entries = []*ast.MappingValueNode{t}
		default:
			r.problem(position(n), path, hint, "expected a mapping, found %s", describe(t))
			return
		}
		seen := map[string]token.Position{}
		for _, e := range entries {
			pos, key := position(e.Key), ""
			if t := e.Key.GetToken(); t != nil {
				key = t.Value
			}
			if first, twice := seen[key]; twice {
				r.problem(pos, path+"."+key, "keep one of the two", "given twice, first in line %d", first.Line)
				continue
			}
			seen[key] = pos
			if !yield(key, e.Value) {
				return
			}
		}
	}
}

// shape says how a kind of value is written.
func (s *Setting) shape() string {
	switch s.Kind {
	case KindBool:
		return "true or false"
	case KindInt:
		return "a number"
	case KindDuration:
		return "a duration such as 5m"
	case KindSize:
		return "a size such as 512MB"
	case KindList, KindAddresses, KindURLs, KindNetworks:
		return "a list"
	case KindAddress:
		return "host:port"
	}
	return "a text"
}

func scalar(n ast.Node) (string, bool) {
	switch t := n.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.LiteralNode:
		return strings.TrimSuffix(t.Value.Value, "\n"), true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return t.GetToken().Value, true
	}
	return "", false
}

func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode:
		return "a number"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	}
	return "something else"
}

// childrenOf lists the keys that may stand below a path.
func childrenOf(prefix string) []string {
	if prefix != "" {
		prefix += "."
	}
	seen := map[string]bool{}
	var out []string
	for i := range Settings {
		rest, ok := strings.CutPrefix(Settings[i].Path, prefix)
		if !ok || rest == "" || Settings[i].Path == "" {
			continue
		}
		key, _, _ := strings.Cut(rest, ".")
		if !seen[key] {
			seen[key] = true
			out = append(out, key)
		}
	}
	for i := range Sections {
		if prefix == "" {
			out = append(out, Sections[i].Path)
		}
	}
	sort.Strings(out)
	return out
}

func allPaths() []string {
	var out []string
	for i := range Settings {
		if Settings[i].Path != "" {
			out = append(out, Settings[i].Path)
		}
	}
	return out
}

// byFlag finds the setting that a flag's name, or something close to it, means.
func byFlag(name string) *Setting {
	norm := strings.NewReplacer("_", ".", "-", ".").Replace
	for i := range Settings {
		if norm(Settings[i].Flag) == norm(name) {
			return &Settings[i]
		}
	}
	return nil
}
