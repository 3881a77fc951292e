package lint

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What is asked of the upstream parser about one file is bounded: the number of
// questions, and the bytes that it reads in all.
const (
	maxRuns  = 4000
	maxBytes = 96 << 20
)

// problem is one thing that an upstream parser says about a file.
type problem struct {
	line int // 0 where the parser gives none
	msg  string
	err  error
	node *treeNode // where the place is known from elsewhere
	// final marks an answer of a parser that reports everything at once: nothing
	// needs to be changed to hear the rest.
	final bool
}

// repairer finds all errors of a document with a parser that stops at the first:
// it asks, finds the place that the answer is about, changes it so that it is no
// longer wrong, and asks again.
type repairer struct {
	doc  *Document
	kind Kind
	// parse asks the upstream parser; no problems means that it accepts.
	parse func(content []byte) []problem
	// locate may know the place of a problem from what it says.
	locate func(r *repairer, p problem) *treeNode
	// expand may turn a problem into several findings.
	expand func(p problem, n *treeNode) []Finding

	tree     *tree
	runs     int
	limit    int // of runs
	findings []Finding
	removed  []string        // names of receivers, jobs and the like that were taken out
	expected map[string]bool // messages that our own changes bring about
	keys     map[string]bool // keys that were taken out
}

// run returns the findings, none exactly when the parser accepts the file as it
// stands. Afterwards the tree, when there is one, is a document that the parser
// accepts or the nearest thing to it.
func (r *repairer) run() []Finding {
	r.expected, r.keys = map[string]bool{}, map[string]bool{}
	first := r.parse(r.doc.Bytes)
	r.limit = min(maxRuns, max(200, maxBytes/(len(r.doc.Bytes)+1)))
	if r.doc.Root != nil {
		t, err := newTree(r.doc.Root)
		if err == nil {
			r.tree = t
		}
	}
	if len(first) == 0 {
		return nil
	}
	if r.tree == nil || len(r.ask()) == 0 {
		return r.unstructured(first)
	}
	for !r.spent() {
		problems := r.ask()
		if len(problems) == 0 {
			break
		}
		// The lines are those of the text that was just written.
		for i := range problems {
			problems[i].node = r.nodeOf(problems[i])
		}
		progress := false
		for _, p := range problems {
			progress = r.handle(p) && !p.final || progress
		}
		if !progress {
			break
		}
	}
	if len(r.doc.Syntax) > 0 {
		// What is missing may stand on a line that could not be read.
		r.findings = slices.DeleteFunc(r.findings, func(f Finding) bool { return f.Code == "missing-field" || isConsequence(f.Message) })
		r.findings = append(r.findings, r.doc.Syntax...)
	}
	if len(r.findings) == 0 {
		return r.unstructured(first)
	}
	if r.spent() {
		r.findings = append(r.findings, Finding{File: r.doc.Path, Line: 1, Column: 1, Severity: Warning, Code: "more-errors",
			Message: "this file has more errors than are told here", Hint: "correct these and check it again"})
	}
	return r.findings
}

func (r *repairer) spent() bool { return r.runs >= r.limit }

func (r *repairer) ask() []problem {
	r.runs++
	return r.parse(r.tree.render())
}

// unstructured reports problems of a file without structure: broken YAML, or
// one that is empty where something must be.
func (r *repairer) unstructured(problems []problem) []Finding {
	if len(r.doc.Syntax) > 0 {
		return r.doc.Syntax
	}
	var out []Finding
	for _, p := range problems {
		if strings.HasPrefix(p.msg, "yaml: ") {
			out = append(out, syntaxFinding(r.doc.Path, r.doc.Bytes, errors.New(p.msg)))
			continue
		}
		f := describe(r, p, nil)
		f.Line = max(p.line, 1)
		f.Column = firstColumn(r.doc.Bytes, f.Line)
		out = append(out, f)
	}
	return out
}

// nodeOf finds the entry that a line of the rendered text stands for.
func (r *repairer) nodeOf(p problem) *treeNode {
	switch {
	case p.node != nil:
		return p.node
	case p.line <= 0 || p.line >= len(r.tree.entryAt):
		return nil
	}
	if container := r.tree.containerAt[p.line]; container != nil && aboutContainer.MatchString(p.msg) {
		return container
	}
	return r.tree.entryAt[p.line]
}

var (
	aboutContainer = regexp.MustCompile(`^cannot unmarshal !!(map|seq)`)
	fieldNotFound  = regexp.MustCompile(`^field (.+) not found in type (.+)$`)
	duplicateKey   = regexp.MustCompile(`^(?:key "?(.+?)"? already set in map|field (\S+) already set in type \S+|mapping key "?(.+?)"? already defined at line \d+)$`)
	// consequence matches what a parser says when something is not there, which
	// is also what it says after we took something out.
	consequence = regexp.MustCompile(`(?i)missing|is not present|is empty|be empty|empty or null|required|requires|must specify|must be (set|configured|specified|provided)|must contain|undefined|no routes? |no global|no slack|no \S+ webhook|not specified|needs? |at least one|one of '`)
	exclusive   = regexp.MustCompile(`at most one of|simultaneously|cannot be configured unless|mutually exclusive|only one of`)
	malformed   = regexp.MustCompile(`parsing regexp|parse error|missing (closing|protocol|port|unit|argument)`)
	emptyList   = regexp.MustCompile(`(?i)at least one|must contain|(cannot|can't|must not) be empty|no \S+ provided`)
)

// handle reports a problem and changes the tree so that it goes away. It
// reports whether the tree was changed.
func (r *repairer) handle(p problem) bool {
	n := p.node
	if n != nil && n.gone() {
		return true // an earlier problem of the same answer took it out
	}
	var fix func()
	if n == nil && r.locate != nil {
		n = r.locate(r, p)
	}
	if n == nil {
		if n = r.named(p); n != nil {
			fix = func() { r.remove(n) }
		}
	}
	if n == nil {
		n, fix = r.bisect(p)
	}
	if n == nil {
		n = r.tree.root
	}
	ours := n.replace != nil || n.rename != "" && !fieldNotFound.MatchString(p.msg)
	if ours {
		fix = func() { r.remove(n) }
	}
	if !ours && !r.followsFromRepair(p, n) {
		var more []Finding
		if r.expand != nil {
			more = r.expand(p, n)
		}
		if len(more) == 0 {
			more = []Finding{describe(r, p, n)}
		}
		r.findings = append(r.findings, more...)
	}
	if n == r.tree.root || p.final {
		return false
	}
	if fix == nil {
		fix = r.fixFor(p, n)
	}
	text := n.text()
	fix()
	if n.removed && text != "" && strings.Contains(p.msg, text) {
		// The same may be said of the place that is empty now.
		r.expected[strings.ReplaceAll(p.msg, text, "")] = true
	}
	for up := n.parent; up != nil; up = up.parent {
		up.touched = true
	}
	return true
}

func (n *treeNode) gone() bool {
	for ; n != nil; n = n.parent {
		if n.removed {
			return true
		}
	}
	return false
}

// followsFromRepair tells an error that we made ourselves by taking something
// out from one that was in the file.
func (r *repairer) followsFromRepair(p problem, n *treeNode) bool {
	if r.expected[p.msg] {
		return true
	}
	for _, name := range r.removed {
		if name != "" && strings.Contains(p.msg, strconv.Quote(name)) {
			return true
		}
	}
	if !isConsequence(p.msg) {
		return false
	}
	if slices.ContainsFunc(keyWord.FindAllString(p.msg, -1), func(w string) bool { return r.keys[w] }) {
		return true
	}
	return changedBelow(n)
}

// changedBelow reports whether something was taken out of a mapping, or of an
// item of a list.
func changedBelow(n *treeNode) bool {
	return slices.ContainsFunc(n.children, func(c *treeNode) bool {
		return c.removed || c.replace != nil || n.value.Kind == yaml.SequenceNode && changedBelow(c)
	})
}

func isConsequence(msg string) bool {
	return consequence.MatchString(msg) && !exclusive.MatchString(msg) && !malformed.MatchString(msg)
}

// fixFor returns a change that makes a problem with a known place go away.
func (r *repairer) fixFor(p problem, n *treeNode) func() {
	remove := func() { r.remove(n) }
	if fieldNotFound.MatchString(p.msg) {
		// A mistyped key is renamed, so that what it holds is looked at as well.
		if meant := suggestKey(r.kind, n); meant != "" && n.parent.get(meant) == nil {
			return func() { n.rename = meant }
		}
		return remove
	}
	if duplicateKey.MatchString(p.msg) || !n.scalar() || n.key == nil {
		return remove
	}
	if fix := r.replacement(n, p); fix != nil {
		return fix
	}
	return remove
}

func (r *repairer) remove(n *treeNode) {
	n.removed = true
	if n.key != nil {
		r.keys[n.name()] = true
	}
	for _, key := range []string{"name", "job_name"} {
		if name := n.get(key).text(); name != "" {
			r.removed = append(r.removed, name)
		}
	}
	if (n.name() == "name" || n.name() == "job_name") && n.scalar() {
		r.removed = append(r.removed, n.text())
	}
}

var lineOf = regexp.MustCompile(`^\s*line (\d+): (.*)$`)

// yamlProblems takes the error of a YAML decoder apart: it joins several type
// errors, each with its line, into one.
func yamlProblems(err error) []problem {
	if err == nil {
		return nil
	}
	msg := err.Error()
	const head = "yaml: unmarshal errors:\n"
	_, list, found := strings.Cut(msg, head)
	if !found {
		return []problem{{msg: msg, err: err}}
	}
	var out []problem
	for l := range strings.SplitSeq(list, "\n") {
		m := lineOf.FindStringSubmatch(l)
		if m == nil {
			if len(out) > 0 {
				out[len(out)-1].msg += " " + strings.TrimSpace(l)
				continue
			}
			out = append(out, problem{msg: strings.TrimSpace(l), err: err})
			continue
		}
		n, convErr := strconv.Atoi(m[1])
		if convErr != nil {
			n = 0
		}
		out = append(out, problem{line: n, msg: m[2], err: err})
	}
	return out
}
