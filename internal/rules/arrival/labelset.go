package arrival

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// LabelSet is a set of label names: those in Names or, with Without, all
// others. Names is sorted and has no duplicates. The zero value is empty.
type LabelSet struct {
	Without bool
	Names   []string
}

func by(names ...string) LabelSet      { return LabelSet{Names: sorted(names)} }
func without(names ...string) LabelSet { return LabelSet{Without: true, Names: sorted(names)} }

// allLabels holds every label that identifies a series but its name.
func allLabels() LabelSet { return without(labels.MetricName) }

func sorted(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	return slices.Compact(out)
}

// Has says whether the set holds a name.
func (s LabelSet) Has(name string) bool {
	_, found := slices.BinarySearch(s.Names, name)
	return found != s.Without
}

// Empty says whether the set holds nothing.
func (s LabelSet) Empty() bool { return !s.Without && len(s.Names) == 0 }

func (s LabelSet) intersect(o LabelSet) LabelSet {
	switch {
	case s.Without && o.Without:
		return without(append(slices.Clone(s.Names), o.Names...)...)
	case s.Without:
		return o.intersect(s)
	}
	var out []string
	for _, n := range s.Names {
		if o.Has(n) {
			out = append(out, n)
		}
	}
	return by(out...)
}

func (s LabelSet) minus(names ...string) LabelSet { return s.intersect(without(names...)) }

// String writes the set as PromQL would group by it.
func (s LabelSet) String() string {
	list := "(" + strings.Join(s.Names, ", ") + ")"
	if s.Without {
		return "without " + list
	}
	return "by " + list
}

func (s LabelSet) equal(o LabelSet) bool {
	return s.Without == o.Without && slices.Equal(s.Names, o.Names)
}

// key appends to b what identifies the values that ls has under the set's
// names. Series with equal keys have equal values.
func (s LabelSet) key(ls labels.Labels, b []byte) []byte {
	if s.Without {
		return ls.BytesWithoutLabels(b, s.withName()...)
	}
	for _, n := range s.Names {
		b = append(append(b, ls.Get(n)...), 0xff)
	}
	return b
}

// withName is Names with the metric name, as labels.BytesWithoutLabels wants it.
func (s LabelSet) withName() []string {
	if _, ok := slices.BinarySearch(s.Names, labels.MetricName); ok {
		return s.Names
	}
	return sorted(append([]string{labels.MetricName}, s.Names...))
}

// pick returns the part of ls that is in the set, without the metric name.
func (s LabelSet) pick(ls labels.Labels) labels.Labels {
	b := labels.NewScratchBuilder(8)
	ls.Range(func(l labels.Label) {
		if l.Name != labels.MetricName && s.Has(l.Name) {
			b.Add(l.Name, l.Value)
		}
	})
	return b.Labels()
}
