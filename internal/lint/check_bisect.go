package lint

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// standInWord stands for a text of no special form.
const standInWord = "stand_in"

// stand-ins for a bad value, tried in this order.
var standIns = []string{"1m", "1", "true", "http://localhost:9/x", "localhost:9", standInWord, `".*"`, `"a=b"`}

// replacement returns a change that puts a value in a scalar's place of which
// the parser no longer says msg; nil when none of the stand-ins is taken.
func (r *repairer) replacement(n *treeNode, what problem) func() {
	best, bestRank := "", rankSame
	before := n.replace
	defer func() { n.replace = before }()
	for _, s := range standIns {
		if r.spent() {
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

// rankRemoved asks the parser about the tree without n.
func (r *repairer) rankRemoved(what problem, n *treeNode) int {
	n.removed = true
	defer func() { n.removed = false }()
	problems := r.ask()
	if len(problems) == 0 {
		return rankClean
	}
	rank := rankOther
	for _, p := range problems {
		if p.msg == what.msg && p.line == what.line {
			return rankSame
		}
		if createdBy(n, p.msg) {
			rank = rankConsequence
		}
	}
	return rank
}

// createdBy tells whether a problem may be there only because n was taken out: a
// key may have been mandatory, a list item the last one or one that is referred to.
func createdBy(n *treeNode, msg string) bool {
	if !isConsequence(msg) {
		return false
	}
	if n.key != nil {
		return true
	}
	for _, key := range []string{"name", "job_name"} {
		if name := n.get(key).text(); name != "" && strings.Contains(msg, strconv.Quote(name)) {
			return true
		}
	}
	return emptyList.MatchString(msg)
}

// rankReplaced asks the parser about the tree with a stand-in for n's text, which
// it may like as little as the original.
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
		case mentions(p.msg, standIn), isConsequence(p.msg) && original != "" && strings.Contains(p.msg, strconv.Quote(original)):
			rank = rankConsequence
		}
	}
	return rank
}

// mentions reports whether a message has a word in it.
func mentions(msg, word string) bool {
	for i := 0; ; {
		j := strings.Index(msg[i:], word)
		if j < 0 {
			return false
		}
		j += i
		i = j + len(word)
		if !wordByte(msg, j-1) && !wordByte(msg, i) {
			return true
		}
	}
}

func wordByte(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i] == '_' || s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z')
}

var keyWord = regexp.MustCompile(`[a-z][a-z0-9]*(?:[_.][a-z0-9]+)+`)

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
	if len(candidates) > manyItems {
		return nil // bisect looks into one item at a time
	}
	for _, c := range slices.Backward(candidates) {
		c.removed = true
		problems := r.ask()
		c.removed = false
		if !slices.ContainsFunc(problems, func(p problem) bool { return p.msg == what.msg }) {
			for _, p := range problems {
				if p.line == 0 && isConsequence(p.msg) {
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
		var (
			next     *treeNode
			nextRank int
		)
		if !r.isList(n) || len(n.live()) < manyItems || n == r.tree.root {
			next, nextRank = r.culpritAmong(n, what, rank)
		} else if item, others := r.isolate(n, what); item != nil {
			aside = append(aside, others...)
			next, nextRank = item, rankConsequence
			if named := r.named(what); named != nil {
				return named, func() { r.remove(named) }
			}
		} else {
			next, nextRank = r.culpritAmong(n, what, rank)
		}
		if next == nil {
			var others []*treeNode
			if next, others = r.isolate(n, what); next == nil {
				break
			}
			aside = append(aside, others...)
			nextRank = rankConsequence
			if named := r.named(what); named != nil {
				return named, func() { r.remove(named) }
			}
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
	if !r.isList(n) {
		lists = n.live()
	}
	for _, list := range lists {
		if !r.isList(list) || list.replace != nil {
			continue
		}
		items := list.live()
		if len(items) < 2 {
			continue
		}
		if item := r.alone(items, what); item != nil {
			others := slices.DeleteFunc(items, func(o *treeNode) bool { return o == item })
			for _, o := range others {
				o.removed = true
			}
			return item, others
		}
	}
	return nil, nil
}

// alone finds an item that has the problem without the others, by halving.
func (r *repairer) alone(items []*treeNode, what problem) *treeNode {
	defer func() {
		for _, o := range items {
			o.removed = false
		}
	}()
	keep := func(part []*treeNode) bool {
		for _, o := range items {
			o.removed = true
		}
		for _, o := range part {
			o.removed = false
		}
		return !r.spent() && r.says(what)
	}
	part := items
	for len(part) > 1 {
		half := len(part) / 2
		switch {
		case keep(part[:half]):
			part = part[:half]
		case keep(part[half:]):
			part = part[half:]
		default:
			return nil
		}
	}
	return part[0]
}

// manyItems is the length from which a list is halved first.
const manyItems = 8

// isList reports whether a node's entries are independent of each other: a list,
// or a mapping whose keys are names.
func (r *repairer) isList(n *treeNode) bool {
	if n.value.Kind == yaml.SequenceNode {
		return true
	}
	t := indirect(schemaOf(r.kind, n))
	return t != nil && t.Kind() == reflect.Map
}

// says asks whether the parser still says the same.
func (r *repairer) says(what problem) bool {
	return slices.ContainsFunc(r.ask(), func(p problem) bool { return p.msg == what.msg && p.line == what.line })
}

// culpritAmong returns the child whose removal makes the problem go away at
// least as well as the removal of the whole does. The last of several is taken:
// of two things that exclude or repeat each other it is the later one.
func (r *repairer) culpritAmong(n *treeNode, what problem, need int) (*treeNode, int) {
	var best *treeNode
	bestRank := rankSame
	var hiding []*treeNode // whose removal makes another problem
	for _, c := range slices.Backward(n.live()) {
		if r.spent() {
			break
		}
		rank := r.rankRemoved(what, c)
		if rank == rankConsequence {
			hiding = append(hiding, c)
			if c.scalar() && r.replacement(c, what) != nil {
				rank = rankOther
			}
		}
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
	for _, c := range hiding {
		if c.scalar() {
			continue
		}
		if inner, rank := r.culpritAmong(c, what, rankOther); inner != nil {
			return inner, rank
		}
		if inner, others := r.isolate(c, what); inner != nil {
			for _, o := range others {
				o.removed = false
			}
			return c, rankConsequence
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
		if quotedIn(msg, s.text()) > 0 && !r.spent() && r.echoes(what, s) {
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
		if r.spent() {
			break
		}
		fix := r.replacement(s, what)
		if fix == nil {
			continue
		}
		before := s.replace
		fix()
		clean := len(r.ask()) == 0
		value := s.replace
		s.replace = before
		redo := func() { s.replace = value }
		if clean || quotedIn(msg, s.text()) > 0 {
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
	alike := strings.ReplaceAll(what.msg, n.text(), standInWord)
	before, value := n.replace, standInWord
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
