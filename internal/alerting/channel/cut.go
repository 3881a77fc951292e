package channel

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// lineSearch is how far back a cut looks for the end of a line, in bytes.
const lineSearch = 200

// Fit shortens a message until size says that it is at most limit, and says at
// its end how much is left out. size gets the text as it would be sent. A cut
// is between characters, and at the end of a line where one is near. When even
// the note alone is too much the message is empty.
func (m *Rendered) Fit(text string, limit int, size func(string) int) string {
	if size(text) <= limit {
		return text
	}
	cut := func(n int) string {
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		if line := strings.LastIndexByte(text[:n], '\n'); line > 0 && n-line < lineSearch {
			n = line
		}
		kept := strings.TrimRight(text[:n], " \n")
		note := fmt.Sprintf(m.words.leftOut, utf8.RuneCountInString(text[n:]))
		if kept == "" {
			return note
		}
		return kept + "\n" + note
	}
	// The largest number of bytes that fits; sizes grow with them, or nearly so,
	// and what is near the limit is tried out.
	low, high := 0, len(text)-1
	for low < high {
		mid := (low + high + 1) / 2
		if size(cut(mid)) <= limit {
			low = mid
		} else {
			high = mid - 1
		}
	}
	if out := cut(low); size(out) <= limit {
		return out
	}
	return ""
}

// Bytes is the size of a text that is sent as it is.
func Bytes(s string) int { return len(s) }

// Short cuts a text to a number of characters, with an ellipsis for the rest.
func Short(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:max(0, most-1)]) + "…"
}
