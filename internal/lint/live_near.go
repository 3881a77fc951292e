package lint

import (
	"slices"
	"strings"

	"touchline.dev/touchline/internal/spelling"
)

// nearEnough is the similarity from which a name is worth suggesting. It is chosen so that http_requests_total finds
// app_http_requests_total, and up finds nothing.
const nearEnough = 0.53

// nearestName returns the candidate that is most like the name, and how alike they are (1 is equal); an empty string when none is near enough.
func nearestName(name string, candidates []string) (string, float64) {
	best, score := "", 0.0
	for _, c := range candidates {
		if s := similarity(name, c); s > score || s == score && c < best {
			best, score = c, s
		}
	}
	if score < nearEnough {
		return "", score
	}
	return best, score
}

// similarity mixes how many words two names share with how many edits lie between them. Words that say only what kind of number a metric is
// count less than those that say what it is about.
func similarity(a, b string) float64 {
	if a == b {
		return 1
	}
	longest := max(len(a), len(b))
	edits := 1 - float64(spelling.Distance(a[:min(len(a), maxEditLength)], b[:min(len(b), maxEditLength)]))/float64(longest)
	words := sharedWords(splitWords(a), splitWords(b))
	return max(edits*0.4+words*0.6, edits-0.1)
}

// maxEditLength bounds the work for names that somebody made very long.
const maxEditLength = 200

func splitWords(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == ':' || r == '.' || r == '-' })
}

// weakWords are units and kinds.
var weakWords = []string{"total", "count", "sum", "bucket", "seconds", "bytes", "ratio", "info", "rate"}

func weight(word string) float64 {
	if slices.Contains(weakWords, word) {
		return 0.3
	}
	return 1
}

// sharedWords is the share of words that both names have: of the shorter name's words mostly, because names gain prefixes, and of all words.
func sharedWords(a, b []string) float64 {
	// A first word that both have is the exporter's name, which says little.
	prefix := ""
	if len(a) > 2 && len(b) > 2 && a[0] == b[0] {
		prefix = a[0]
	}
	worth := func(word string) float64 {
		if word == prefix {
			return 0.3
		}
		return weight(word)
	}
	total := func(words []string) (sum float64) {
		for _, w := range words {
			sum += worth(w)
		}
		return sum
	}
	var shared float64
	rest := slices.Clone(b)
	for _, w := range a {
		if i := slices.IndexFunc(rest, func(o string) bool { return singular(o) == singular(w) }); i >= 0 {
			shared += worth(w)
			rest = slices.Delete(rest, i, i+1)
		}
	}
	all := total(a) + total(b) - shared
	if all == 0 || shared <= 0.3 {
		return 0
	}
	return 0.5*shared/all + 0.5*shared/max(total(a), 0.1)
}

// wordsWithin reports whether every word of a name that says what it is about is a word of the other.
func wordsWithin(name, other string) bool {
	words := splitWords(other)
	return !slices.ContainsFunc(splitWords(name), func(w string) bool {
		return weight(w) == 1 && !slices.ContainsFunc(words, func(o string) bool { return singular(o) == singular(w) })
	})
}

func singular(word string) string { return strings.TrimSuffix(word, "s") }
