// Package importrules checks what the compiler does not: who may import whom,
// how large a file may be, and which calls have no place in a library. Each rule
// carries the reason that a violation prints.
package importrules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

const module = "touchline.dev/touchline/"

// Limits on the lines of one file; blank lines and comments count too, because
// they are read too.
const (
	maxLines     = 600
	maxTestLines = 800
)

// Violation is one broken rule at one place.
type Violation struct {
	File   string
	Line   int // 0 when the violation is that of the whole file or folder
	Rule   string
	Reason string
}

func (v Violation) String() string {
	at := v.File
	if v.Line > 0 {
		at += ":" + strconv.Itoa(v.Line)
	}
	return at + ": " + v.Rule + ": " + v.Reason
}

// file is one parsed Go file with what every rule needs of it.
type file struct {
	name  string // slash-separated, from the root
	dir   string
	test  bool
	lines int
	text  string
	ast   *ast.File
	fset  *token.FileSet
}

// Check parses every Go file below root and gives the violations, sorted by place.
func Check(root fs.FS) ([]Violation, error) {
	files, err := parseAll(root)
	if err != nil {
		return nil, err
	}
	var found []Violation
	for _, f := range files {
		found = append(found, checkImports(f)...)
		found = append(found, checkSize(f)...)
		found = append(found, checkCalls(f)...)
		found = append(found, checkWords(f)...)
	}
	found = append(found, checkPackages(files)...)
	sort.Slice(found, func(i, j int) bool {
		a, b := found[i], found[j]
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Line < b.Line
	})
	return found, nil
}

func parseAll(root fs.FS) ([]*file, error) {
	var files []*file
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || base == "bin" || base == "dist" || base == "data") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", name, err)
		}
		files = append(files, &file{
			name: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			lines: strings.Count(string(text), "\n"), text: string(text), ast: parsed, fset: fset,
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	return files, nil
}

func (f *file) line(pos token.Pos) int { return f.fset.Position(pos).Line }

func checkImports(f *file) []Violation {
	var found []Violation
	for _, spec := range f.ast.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // The parser has accepted the literal, so this cannot happen.
		}
		for _, b := range bans {
			if b.imported(imported) && b.in(f) {
				found = append(found, Violation{f.name, f.line(spec.Pos()), "must not import " + imported, b.reason})
			}
		}
	}
	return found
}

func checkSize(f *file) []Violation {
	limit := maxLines
	if f.test {
		limit = maxTestLines
	}
	if f.lines <= limit || strings.Contains(f.text, "\n// Code generated ") {
		return nil
	}
	return []Violation{{f.name, 0, fmt.Sprintf("has %d lines, more than %d", f.lines, limit), "a file that does not fit in a head hides its mistakes; split it by idea"}}
}

// checkCalls finds calls by the name that the source uses. A renamed import would
// escape it; nobody renames time, os or log without a reviewer asking why.
func checkCalls(f *file) []Violation {
	var found []Violation
	ast.Inspect(f.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := callee(call.Fun)
		for _, c := range calls {
			if c.name(name) && c.in(f) {
				found = append(found, Violation{f.name, f.line(call.Pos()), "must not call " + name, c.reason})
			}
		}
		return true
	})
	return found
}

func callee(fun ast.Expr) string {
	switch e := fun.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return x.Name + "." + e.Sel.Name
		}
	}
	return ""
}

var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

func checkWords(f *file) []Violation {
	if f.dir == "test/importrules" {
		return nil // This package names the words that it looks for.
	}
	var found []Violation
	for i, line := range strings.Split(f.text, "\n") {
		if unfinished.MatchString(line) {
			found = append(found, Violation{f.name, i + 1, "has an unfinished mark", "finish it, or write an issue; a mark in the source is forgotten"})
		}
		for _, p := range machinePaths {
			if strings.Contains(line, p) {
				found = append(found, Violation{f.name, i + 1, "names " + p, "a path of one machine means nothing on another; use a flag or a temporary folder"})
			}
		}
	}
	return found
}

// checkPackages looks at folders: their names and their package documentation.
func checkPackages(files []*file) []Violation {
	documented := make(map[string][]string)
	packages := make(map[string]bool)
	for _, f := range files {
		if f.test {
			continue
		}
		packages[f.dir] = true
		if f.ast.Doc != nil && strings.TrimSpace(f.ast.Doc.Text()) != "" {
			documented[f.dir] = append(documented[f.dir], path.Base(f.name))
		}
	}
	var found []Violation
	for dir := range packages {
		base := path.Base(dir)
		if emptyNames[base] {
			found = append(found, Violation{dir, 0, "is called " + base, "a package is one idea and is called after it; this name attracts everything"})
		}
		docs := documented[dir]
		if len(docs) != 1 {
			found = append(found, Violation{dir, 0, fmt.Sprintf("has %d package comments %v", len(docs), docs), "exactly one says what the package is for; two contradict each other sooner or later"})
			continue
		}
		if docs[0] != base+".go" && docs[0] != "doc.go" && docs[0] != "main.go" {
			found = append(found, Violation{dir, 0, "has its package comment in " + docs[0], "readers look for it in " + base + ".go, doc.go or main.go"})
		}
	}
	return found
}
