// Package spelling finds the name that a misspelt one was meant to be.
package spelling

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Nearest returns the candidate that a misspelt name most likely meant, or "".
func Nearest(name string, candidates []string) string {
	best, least := "", utf8.RuneCountInString(name)/3+2
	for _, c := range candidates {
		if d := Distance(strings.ToLower(name), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// DidYouMean asks for the nearest candidate, and is "" where none is near.
func DidYouMean(name string, candidates []string) string {
	if n := Nearest(name, candidates); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

// maxCompared keeps the comparison of a hostile name cheap, in letters.
const maxCompared = 200

// Distance is the number of letters to insert, delete, replace or swap with the
// next one (optimal string alignment). Of names longer than 200 letters all
// letters differ.
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > maxCompared || len(y) > maxCompared {
		return max(len(x), len(y))
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
