// Package measure orders the runs of a comparison and condenses their figures.
package measure

import (
	"cmp"
	"math"
	"slices"
)

// Palindromes gives the order in which n servers take their turns: forwards and
// then backwards, times over. A machine that grows slower or faster during the
// comparison then treats all of them alike.
func Palindromes(n, times int) []int {
	var out []int
	for range times {
		for i := range n {
			out = append(out, i)
		}
		for i := range n {
			out = append(out, n-1-i)
		}
	}
	return out
}

// Quantile gives the value below which the share q of the values lies, by the
// nearest rank, so that it is a value that was measured. There must be one.
func Quantile[T cmp.Ordered](values []T, q float64) T {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank-1, 0), len(sorted)-1)]
}

// Median is the middle value, or the lower one of the two in the middle.
func Median[T cmp.Ordered](values []T) T { return Quantile(values, 0.5) }

// Geomean is the geometric mean, the mean that ratios have.
func Geomean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}
