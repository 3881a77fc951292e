package provision

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Provider is a folder with dashboards.
type Provider struct {
	Name, Folder string
	Path         string // absolute, or relative to the working directory
	FromFolders  bool   // the folder of a dashboard is that which its file is in
	AllowEdit    bool
	Keep         bool
	Every        time.Duration // 0 for the default

	File     string
	PathLine int
}

// folderOf is the folder of a dashboard.
func (p *Provider) folderOf(name string) string {
	if !p.FromFolders {
		return p.Folder
	}
	if dir := path.Dir(relative(p.Path, name)); dir != "." {
		return dir
	}
	return ""
}

// broken tells whether nothing of the file could be read.
func (p *Problem) broken() bool { return strings.HasPrefix(p.Message, notYAML) }

const notYAML = "not valid YAML"

// decoder reads a YAML file and collects what is wrong with it.
type decoder struct {
	file     string
	getenv   func(string) (string, bool)
	problems []Problem
}

func (d *decoder) problem(n *yaml.Node, hint, format string, args ...any) {
	d.add(n, false, hint, fmt.Sprintf(format, args...))
}

func (d *decoder) warn(n *yaml.Node, hint, format string, args ...any) {
	d.add(n, true, hint, fmt.Sprintf(format, args...))
}

// elsewhere is a problem that another machine may not have.
func (d *decoder) elsewhere(n *yaml.Node, hint, format string, args ...any) {
	d.problem(n, hint, format, args...)
	d.problems[len(d.problems)-1].Elsewhere = true
}

func (d *decoder) add(n *yaml.Node, warning bool, hint, message string) {
	p := Problem{File: d.file, Line: 1, Column: 1, Warning: warning, Message: message, Hint: hint}
	if n != nil && n.Line > 0 {
		p.Line, p.Column = n.Line, n.Column
	}
	d.problems = append(d.problems, p)
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// root is the content of the file, nil where it has none.
func (d *decoder) root(text string) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		message := strings.TrimPrefix(err.Error(), "yaml: ")
		at := &yaml.Node{Line: 1, Column: 1}
		if m := yamlLine.FindStringSubmatch(message); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				at.Line = max(n, 1)
			}
			message = strings.Replace(message, m[0], "", 1)
		}
		d.problem(at, "check the indentation and the quotes on this line and the one before", "%s: %s", notYAML, message)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil // everything may be commented out
	}
	return resolve(doc.Content[0])
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for range 10 {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// get is a member of a mapping, nil where there is none.
func get(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			if v := resolve(n.Content[i+1]); v != nil && v.Tag != "!!null" {
				return v
			}
			return nil
		}
	}
	return nil
}

// list is a member that is a list of mappings.
func (d *decoder) list(root *yaml.Node, name string) []*yaml.Node {
	n := get(root, name)
	if n == nil {
		return nil
	}
	return d.mappings(n, name)
}

func (d *decoder) mappings(n *yaml.Node, name string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		d.problem(n, "write a list, each item behind a hyphen", "%s: it is no list", name)
		return nil
	}
	var out []*yaml.Node
	for _, item := range n.Content {
		if item = resolve(item); item == nil || item.Kind != yaml.MappingNode {
			d.problem(n, "write keys and values, such as name: x", "%s: an item is no mapping", name)
			continue
		}
		out = append(out, item)
	}
	return out
}

// str is a member that is a text, with its variables expanded.
func (d *decoder) str(n *yaml.Node, name string) string {
	v := get(n, name)
	if v == nil {
		return ""
	}
	if v.Kind != yaml.ScalarNode {
		d.problem(v, "write a text", "%s: it is no text", name)
		return ""
	}
	return d.expand(v, name)
}

func (d *decoder) boolean(n *yaml.Node, name string) bool {
	text := d.str(n, name)
	if text == "" {
		return false
	}
	b, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		d.problem(get(n, name), "write true or false", "%s: it is neither true nor false", name)
	}
	return b
}

func (d *decoder) integer(n *yaml.Node, name string, limit int) int {
	text := d.str(n, name)
	if text == "" {
		return 0
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i > limit {
		d.problem(get(n, name), fmt.Sprintf("write a whole number from 0 to %d", limit), "%s: it is no such number", name)
		return 0
	}
	return i
}

var variable = regexp.MustCompile(`\$\$|\$__([a-z]+)\{([^}]*)\}|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// expand puts the values of variables and the contents of files in the place of
// $NAME, ${NAME}, $__env{NAME} and $__file{PATH}; $$ is a dollar sign.
func (d *decoder) expand(n *yaml.Node, name string) string {
	return variable.ReplaceAllStringFunc(n.Value, func(found string) string {
		if found == "$$" {
			return "$"
		}
		m := variable.FindStringSubmatch(found)
		env := m[3] + m[4]
		switch m[1] {
		case "":
		case "env":
			env = m[2]
		case "file":
			text, err := readFile(m[2], 64<<10)
			if err != nil {
				d.elsewhere(n, "make the file, or correct its path", "%s: the file %s of $__file cannot be read: %s", name, m[2], reason(err))
			}
			return strings.TrimSpace(text)
		default:
			d.problem(n, "write $__file{PATH} or $__env{NAME}", "%s: $__%s is not known here", name, m[1])
			return ""
		}
		value, ok := d.getenv(env)
		if !ok {
			d.elsewhere(n, "set it, or write $$ for a dollar sign", "%s: the variable %s is not set", name, env)
		}
		return value
	})
}

// Providers reads a file of dashboards/. Relative paths begin at dir.
func Providers(file, dir, text string, getenv func(string) (string, bool)) ([]Provider, []Problem) {
	if getenv == nil {
		getenv = os.LookupEnv
	}
	d := &decoder{file: file, getenv: getenv}
	root := d.root(text)
	var items []*yaml.Node
	switch {
	case root == nil:
		return nil, d.problems
	case root.Kind == yaml.SequenceNode: // as Grafana 4 had it
		items = d.mappings(root, "providers")
	default:
		if get(root, "providers") == nil {
			d.problem(root, "write apiVersion: 1 and a list under providers", "there are no providers")
		}
		items = d.list(root, "providers")
	}
	var out []Provider
	for _, item := range items {
		if p, ok := d.provider(item, dir); ok {
			out = append(out, p)
		}
	}
	return out, d.problems
}

func (d *decoder) provider(item *yaml.Node, dir string) (Provider, bool) {
	before := d.wrong()
	p := Provider{
		Name: d.str(item, "name"), Folder: strings.TrimSpace(d.str(item, "folder")), AllowEdit: d.boolean(item, "allowUiUpdates"),
		Keep: d.boolean(item, "disableDeletion"), Every: time.Duration(d.integer(item, "updateIntervalSeconds", 24*60*60)) * time.Second, File: d.file,
	}
	if utf8.RuneCountInString(p.Folder) > 200 {
		d.problem(get(item, "folder"), "write a title of at most 200 characters", "folder: it is too long")
	}
	if t := d.str(item, "type"); t != "" && t != "file" {
		d.problem(get(item, "type"), "write file", "type: %q is not known", t)
	}
	options := get(item, "options")
	p.FromFolders = d.boolean(options, "foldersFromFilesStructure")
	key := "path"
	if get(options, key) == nil && get(options, "folder") != nil {
		key = "folder" // as Grafana 4 had it
	}
	p.Path = d.str(options, key)
	if n := get(options, key); n != nil {
		p.PathLine = n.Line
	}
	if p.Path == "" {
		d.problem(item, "write the folder with the dashboards, such as path: /etc/dashboards", "options.path: it is missing")
	} else if !filepath.IsAbs(p.Path) {
		p.Path = filepath.Join(dir, p.Path)
	}
	if p.FromFolders && p.Folder != "" {
		d.warn(get(item, "folder"), "leave folder out", "folder: it has no effect with foldersFromFilesStructure")
	}
	return p, d.wrong() == before
}

// wrong counts problems that are no warnings.
func (d *decoder) wrong() (n int) {
	for _, p := range d.problems {
		if !p.Warning {
			n++
		}
	}
	return n
}
