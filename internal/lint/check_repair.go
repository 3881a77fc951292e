package lint

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxRuns bounds how often the upstream parser is asked about one file.
const maxRuns = 4000

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
	findings []Finding
	removed  []string        // names of receivers, jobs and the like that were taken out
	expected map[string]bool // messages that our own changes bring about
}

// run returns the findings, none exactly when the parser accepts the file as it
// stands. Afterwards the tree, when there is one, is a document that the parser
// accepts or the nearest thing to it.
func (r *repairer) run() []Finding {
	r.expected = map[string]bool{}
	first := r.parse(r.doc.Bytes)
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
	for r.runs < maxRuns {
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
	if len(r.findings) == 0 {
		return r.unstructured(first)
	}
	return r.findings
}

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
	fieldNotFound  = regexp.MustCompile(`^field (.+) not found in type (\S+)$`)
	duplicateKey   = regexp.MustCompile(`^(?:key "?(.+?)"? already set in map|field (\S+) already set in type \S+|mapping key "?(.+?)"? already defined at line \d+)$`)
	// consequence matches what a parser says when something is not there, which
	// is also what it says after we took something out.
	consequence = regexp.MustCompile(`(?i)missing|empty|required|requires|must|undefined|no route|no global|no slack|not specified|needs? |at least one|one of`)
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
	fix()
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
	if !consequence.MatchString(p.msg) {
		return false
	}
	return slices.ContainsFunc(n.children, func(c *treeNode) bool { return c.removed || c.replace != nil })
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
	for _, key := range []string{"name", "job_name"} {
		if name := n.get(key).text(); name != "" {
			r.removed = append(r.removed, name)
		}
	}
	if (n.name() == "name" || n.name() == "job_name") && n.scalar() {
		r.removed = append(r.removed, n.text())
	}
}

// stand-ins for a bad value, tried in this order.
var standIns = []string{"1m", "1", "true", "http://localhost:9/x", "localhost:9", "stand_in", `".*"`, `"a=b"`}

// replacement returns a change that puts a value in a scalar's place of which
// the parser no longer says msg; nil when none of the stand-ins is taken.
func (r *repairer) replacement(n *treeNode, what problem) func() {
	best, bestRank := "", rankSame
	before := n.replace
	defer func() { n.replace = before }()
	for _, s := range standIns {
		if r.runs >= maxRuns {
			break
		}
		n.replace = before
		original := n.text()
		n.replace = &s
		if rank := r.rankReplaced(what, n, original, s); rank > bestRank {
			best, bestRank = s, rank
		}
		if bestRank == rankClean {
			break
		}
	}
	if bestRank < rankOther {
		return nil
	}
	return func() { n.replace = &best }
}

// What asking again says about a change, from useless to best.
const (
	rankSame        = iota // the same problem
	rankConsequence        // another problem that the change may have made
	rankOther              // another problem
	rankClean              // no problem
)

// rank asks the parser about the tree as it stands now, after a change that was
// to make a problem go away.
func (r *repairer) rank(what problem) int {
	problems := r.ask()
	if len(problems) == 0 {
		return rankClean
	}
	rank := rankOther
	for _, p := range problems {
		switch {
		case p.msg == what.msg && p.line == what.line:
			return rankSame
		case consequence.MatchString(p.msg):
			rank = rankConsequence
		}
	}
	return rank
}

// rankReplaced is rank after n's text got a stand-in, which the parser may like
// as little as the original.
func (r *repairer) rankReplaced(what problem, n *treeNode, original, standIn string) int {
	problems := r.ask()
	if len(problems) == 0 {
		return rankClean
	}
	standIn = strings.Trim(standIn, `"`)
	alike := what.msg
	if original != "" {
		alike = strings.ReplaceAll(what.msg, original, standIn)
	}
	rank := rankOther
	for _, p := range problems {
		at := r.nodeOf(p)
		switch {
		case p.msg == what.msg && p.line == what.line, p.msg == alike, at == n:
			return rankSame
		case consequence.MatchString(p.msg), strings.Contains(p.msg, strconv.Quote(standIn)), at != nil && at.parent == n.parent && p.line == what.line:
			rank = rankConsequence
		}
	}
	return rank
}

var (
	exclusive = regexp.MustCompile(`at most one of|simultaneously|cannot be configured unless|mutually exclusive`)
	keyWord   = regexp.MustCompile(`[a-z][a-z0-9]*(?:[_.][a-z0-9]+)+`)
)

// named finds the last of the keys that exclude each other by a message that
// names them. Taking it out may leave nothing where one is needed, which is then
// no mistake of the file's.
func (r *repairer) named(what problem) *treeNode {
	if !exclusive.MatchString(what.msg) {
		return nil
	}
	var keys []string
	for _, w := range keyWord.FindAllString(what.msg, -1) {
		keys = append(keys, w[strings.LastIndex(w, ".")+1:])
	}
	var candidates []*treeNode
	r.tree.root.walk(func(n *treeNode) {
		if n.key != nil && slices.Contains(keys, n.name()) {
			candidates = append(candidates, n)
		}
	})
	for _, c := range slices.Backward(candidates) {
		c.removed = true
		problems := r.ask()
		c.removed = false
		if !slices.ContainsFunc(problems, func(p problem) bool { return p.msg == what.msg }) {
			for _, p := range problems {
				if p.line == 0 && consequence.MatchString(p.msg) && !exclusive.MatchString(p.msg) {
					r.expected[p.msg] = true
				}
			}
			return c
		}
	}
	return nil
}

// bisect finds the smallest key or list item without which the parser no longer
// says the same, and the change that makes it so.
func (r *repairer) bisect(what problem) (*treeNode, func()) {
	var aside []*treeNode // taken out for a while, because they have the same problem
	defer func() {
		for _, n := range aside {
			n.removed = false
		}
	}()
	n, rank := r.tree.root, rankConsequence
	for !n.scalar() && len(n.live()) > 0 {
		next, nextRank := r.culpritAmong(n, what, rank)
		if next == nil {
			var others []*treeNode
			if next, others = r.isolate(n, what); next == nil {
				break
			}
			aside = append(aside, others...)
			nextRank = rankConsequence
		}
		n, rank = next, nextRank
	}
	if v, fix := r.valueAmong(n, what); v != nil {
		return v, fix
	}
	if n == r.tree.root {
		return nil, nil
	}
	return n, func() { r.remove(n) }
}

// isolate finds the first item of a list, n or one just below it, that has the
// problem all by itself, which tells two items with the same problem apart. The
// other items are taken out and returned.
func (r *repairer) isolate(n *treeNode, what problem) (*treeNode, []*treeNode) {
	lists := []*treeNode{n}
	if n.value.Kind != yaml.SequenceNode {
		lists = n.live()
	}
	for _, list := range lists {
		if list.value.Kind != yaml.SequenceNode || list.replace != nil {
			continue
		}
		items := list.live()
		if len(items) < 2 {
			continue
		}
		for _, item := range items {
			var others []*treeNode
			for _, o := range items {
				if o != item {
					o.removed = true
					others = append(others, o)
				}
			}
			if r.runs < maxRuns && r.rank(what) == rankSame {
				return item, others
			}
			for _, o := range others {
				o.removed = false
			}
		}
	}
	return nil, nil
}

// culpritAmong returns the child whose removal makes the problem go away at
// least as well as the removal of the whole does. The last of several is taken:
// of two things that exclude or repeat each other it is the later one.
func (r *repairer) culpritAmong(n *treeNode, what problem, need int) (*treeNode, int) {
	var best *treeNode
	bestRank := rankSame
	children := n.live()
	for _, c := range slices.Backward(children) {
		if r.runs >= maxRuns {
			break
		}
		c.removed = true
		rank := r.rank(what)
		c.removed = false
		if rank > bestRank {
			best, bestRank = c, rank
		}
		if rank == rankClean {
			break
		}
	}
	if bestRank >= min(need, rankOther) && bestRank > rankConsequence {
		return best, bestRank
	}
	if n.parent == nil || n.parent.parent == nil {
		// A mandatory section hides what is in it: look into each.
		for _, c := range children {
			if c.scalar() {
				continue
			}
			if inner, rank := r.culpritAmong(c, what, rankOther); inner != nil {
				return inner, rank
			}
		}
	}
	return nil, rankSame
}

// valueAmong looks for one scalar below n, nearest first, for which another
// value makes the problem go away.
func (r *repairer) valueAmong(n *treeNode, what problem) (*treeNode, func()) {
	msg := what.msg
	var scalars []*treeNode
	level := []*treeNode{n}
	for len(level) > 0 && len(scalars) < 64 {
		var next []*treeNode
		for _, l := range level {
			if l.scalar() && l.value.Tag != "!!null" {
				scalars = append(scalars, l)
			}
			next = append(next, slices.Collect(backward(l.live()))...)
		}
		level = next
	}
	// A value that the message quotes is what it is about.
	slices.SortStableFunc(scalars, func(a, b *treeNode) int {
		return quotedIn(msg, b.text()) - quotedIn(msg, a.text())
	})
	for _, s := range scalars {
		if quotedIn(msg, s.text()) > 0 && r.runs < maxRuns && r.echoes(what, s) {
			fix := r.replacement(s, what)
			if fix == nil {
				fix = func() { r.remove(s) }
			}
			return s, fix
		}
	}
	var (
		other    *treeNode
		otherFix func()
	)
	for _, s := range scalars {
		if r.runs >= maxRuns {
			break
		}
		fix := r.replacement(s, what)
		if fix == nil {
			continue
		}
		before := s.replace
		fix()
		rank := r.rank(what)
		value := s.replace
		s.replace = before
		redo := func() { s.replace = value }
		if rank == rankClean || quotedIn(msg, s.text()) > 0 {
			return s, redo
		}
		if other == nil {
			other, otherFix = s, redo
		}
	}
	return other, otherFix
}

// echoes reports whether the message repeats this very value: with another value
// it is the same message about that one.
func (r *repairer) echoes(what problem, n *treeNode) bool {
	const standIn = "stand_in"
	alike := strings.ReplaceAll(what.msg, n.text(), standIn)
	before, value := n.replace, standIn
	n.replace = &value
	defer func() { n.replace = before }()
	for _, p := range r.ask() {
		if p.msg == alike {
			return true
		}
	}
	return false
}

func backward(ns []*treeNode) func(func(*treeNode) bool) {
	return func(yield func(*treeNode) bool) {
		for _, n := range slices.Backward(ns) {
			if !yield(n) {
				return
			}
		}
	}
}

func quotedIn(msg, text string) int {
	if text == "" || !strings.Contains(msg, text) {
		return 0
	}
	if strings.Contains(msg, strconv.Quote(text)) || strings.Contains(msg, "'"+text+"'") {
		return 2
	}
	if len(text) > 2 {
		return 1
	}
	return 0
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
