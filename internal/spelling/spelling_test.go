package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"ops-team", "web", "Überwachung", "database-oncall", "值班", strings.Repeat("long", 60)}
	for name, want := range map[string]string{
		"ops_team": "ops-team", "wbe": "web", "uberwachung": "Überwachung", "database-on-call": "database-oncall", "值斑": "值班",
		"zzz": "", "": "", "日志": "", strings.Repeat("long", 70): "",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
	if got := DidYouMean("wbe", names); got != `did you mean "web"?` {
		t.Error(got)
	}
	if got := DidYouMean("zzz", names); got != "" {
		t.Error(got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "acb", 1}, {"abc", "abcd", 1},
		{"kitten", "sitting", 3}, {"ca", "abc", 3}, {"ü", "u", 1}, {strings.Repeat("a", 201), "a", 201},
	} {
		if got, back := Distance(c.a, c.b), Distance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("Distance(%q, %q) = %d, and back %d; want %d", c.a, c.b, got, back, c.want)
		}
	}
}
