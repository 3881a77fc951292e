package oncall

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

// handOver is a digest with something of everything.
func handOver(t testing.TB) Digest {
	t.Helper()
	return Digest{
		Schedule: "platform", Location: zone(t, "Europe/Berlin"), From: "ann", To: "bob", URL: "https://monitoring.example.org/ui/oncall",
		At: instant(t, "2026-03-30T08:00:00+02:00"), Since: instant(t, "2026-03-23T08:00:00+01:00"),
		Open: []OpenIncident{
			{Title: "Disk of db-1 is full", Severity: "critical", Since: instant(t, "2026-03-30T04:45:00+02:00"), Owner: "ann", URL: "https://monitoring.example.org/ui/incidents/7"},
			{Title: "Certificates *expire*", Since: instant(t, "2026-03-27T06:00:00+01:00")},
			{Title: "Queue grows", Severity: "warning", Since: instant(t, "2026-03-30T07:12:30+02:00")},
		},
		Snoozed:  []SnoozedIncident{{Title: "Old kernel", Until: instant(t, "2026-04-01T09:00:00+02:00"), By: "ann"}},
		Noisy:    []NoisyRule{{Name: "HighLatency", Notified: 41}, {Name: "PodRestarts", Notified: 1}},
		Changed:  []ChangedRule{{Name: "DiskFull", What: "added", At: instant(t, "2026-03-25T10:00:00+01:00"), By: "cleo"}, {Name: "node_load", What: "removed", At: instant(t, "2026-03-26T10:00:00+01:00")}, {Name: "Queue", What: "changed", At: instant(t, "2026-03-29T10:00:00+02:00")}},
		Unproven: []UnprovenReceiver{{Name: "pager"}, {Name: "mail", LastProven: instant(t, "2026-01-02T03:04:05Z")}},
	}
}

func render(t testing.TB, lang string, d Digest) string {
	t.Helper()
	var b bytes.Buffer
	if err := RenderDigest(&b, lang, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDigest(t *testing.T) {
	quiet := Digest{Schedule: "platform", Location: zone(t, "Asia/Shanghai"), At: instant(t, "2026-03-30T08:00:00+08:00"), Since: instant(t, "2026-03-23T08:00:00+08:00")}
	cut := handOver(t)
	cut.MaxItems = 1
	for name, d := range map[string]Digest{"full": handOver(t), "quiet": quiet, "cut": cut} {
		for _, lang := range []string{"en", "zh"} {
			got, file := render(t, lang, d), filepath.Join("testdata", "digest", name+"."+lang+".md")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
			}
		}
	}
}

func TestDigestHasTwentyItems(t *testing.T) {
	d := handOver(t)
	d.Noisy = slices.Repeat(d.Noisy[:1], 25)
	if got := render(t, "en", d); strings.Count(got, "HighLatency") != 20 || !strings.Contains(got, "since 23 Mar 2026 08:00 UTC+01:00 (25)") || !strings.Contains(got, "- and 5 more\n") {
		t.Errorf("got %s", got)
	}
}

// inlines reads Markdown and gives the text of the first item of the first list,
// and the kinds of all nodes in it.
func inlines(t testing.TB, markdown string) (string, []string) {
	t.Helper()
	source := []byte(markdown)
	doc := goldmark.New().Parser().Parse(text.NewReader(source))
	var item ast.Node
	var b strings.Builder
	var kinds []string
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if n.Kind() == ast.KindListItem && item == nil {
			item = n
		}
		if !entering || item == nil {
			return ast.WalkContinue, nil
		}
		if !within(n, item) {
			return ast.WalkStop, nil
		}
		if l, ok := n.(*ast.Text); ok {
			b.Write(l.Segment.Value(source))
		} else {
			kinds = append(kinds, n.Kind().String())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), kinds
}

func within(n, parent ast.Node) bool {
	for ; n != nil; n = n.Parent() {
		if n == parent {
			return true
		}
	}
	return false
}

// TestDigestShowsTextsAsTheyAre has titles that try to be more than text.
func TestDigestShowsTextsAsTheyAre(t *testing.T) {
	for _, title := range []string{
		"# heading", "- item", "+ item", "1. one", "12) twelve", "--- ---", "===", "> quote", "```code```", "~~~", "`code`", "*a* _b_ **c**",
		"[x](https://evil.example)", "![x](https://evil.example/a.png)", "<script>alert(1)</script>", "<https://evil.example>", "[x]: https://evil.example",
		"&lt;b&gt; &copy;", `back\slash \*`, "a | b | c", "node_cpu_seconds_total", "值班 *很* 忙", "ends with \\",
	} {
		for _, link := range []string{"", "https://a.example/b"} {
			d := handOver(t)
			d.Open = []OpenIncident{{Title: title, Since: d.At, URL: link}}
			got, kinds := inlines(t, render(t, "en", d))
			want, wantKinds := title+": open for 0 min, acknowledged by nobody", []string{"ListItem", "TextBlock"}
			if link != "" {
				wantKinds = append(wantKinds, "Link")
			}
			// The parser keeps the backslashes in the source of a text.
			if plain := unescapeMarkdown(got); plain != want || !slices.Equal(kinds, wantKinds) {
				t.Errorf("%s: got %q of %v", title, plain, kinds)
			}
		}
	}
}

func unescapeMarkdown(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\\`*_[]<>&~|#+-=.)", s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func TestMarkdownText(t *testing.T) {
	for in, want := range map[string]string{
		"  two\r\nlines\u2028more ": "two  lines more",
		"a\u202eb\u2066c":           "abc",
		"half \xe5":                 "half \uFFFD",
		"1.5 GiB":                   `1\.5 GiB`,
		"v1.5":                      "v1.5",
		strings.Repeat("值", 201):    strings.Repeat("值", 200) + "…",
		strings.Repeat("*", 200):    strings.Repeat(`\*`, 200),
	} {
		if got := markdownText(in); got != want {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
}

func TestMarkdownLink(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.example/graph?g0.expr=rate(x[5m])>1": "https://a.example/graph?g0.expr=rate%28x[5m]%29%3E1",
		"http://[::1]:7070/a b":                         "http://[::1]:7070/a%20b",
		"https://a.example/值班":                          "https://a.example/%E5%80%BC%E7%8F%AD",
		"https://a.example/?q=a\"`b":                    "https://a.example/?q=a%22%60b",
	} {
		if got, err := markdownLink(in); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestDigestNamesMistakes(t *testing.T) {
	err := RenderDigest(io.Discard, "fr", Digest{
		MaxItems: -1, URL: "javascript:alert(1)",
		Open:     []OpenIncident{{URL: "https://user:secret@a.example/"}},
		Snoozed:  []SnoozedIncident{{Title: "a", By: " ", URL: "//a.example"}},
		Noisy:    []NoisyRule{{Notified: -1}},
		Changed:  []ChangedRule{{Name: "a", What: "moved"}},
		Unproven: []UnprovenReceiver{{}},
	})
	want := []string{
		"location: there is no time zone; write one of the IANA names, such as Europe/Berlin",
		"schedule: is empty; write a text",
		"at: is not set; write a time such as 2026-03-29T08:00:00Z",
		"since: is not set; write a time such as 2026-03-29T08:00:00Z",
		"url: is no link; write an address that begins with https:// or http://",
		"max_items: -1 is not possible; write 1 or more, or 0 for 20",
		"open[0].title: is empty; write a text",
		"open[0].since: is not set; write a time such as 2026-03-29T08:00:00Z",
		"open[0].url: holds a user name or a password; write the address without it",
		"snoozed[0].until: is not set; write a time such as 2026-03-29T08:00:00Z",
		"snoozed[0].by: is empty; write a text",
		"snoozed[0].url: is no link; write an address that begins with https:// or http://",
		"noisy[0].name: is empty; write a text",
		"noisy[0].notified: -1 is not possible; write 0 or more",
		"changed[0].at: is not set; write a time such as 2026-03-29T08:00:00Z",
		`changed[0].what: "moved" is not known; write added, changed or removed`,
		"unproven[0].name: is empty; write a text",
		`language: "fr" is not known; write en or zh`,
	}
	if got := mistakes(t, err); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := RenderDigest(failing{}, "en", handOver(t)); err == nil || !strings.Contains(err.Error(), "write digest: ") || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("got %v", err)
	}
	if err := RenderDigest(io.Discard, "../en", handOver(t)); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// FuzzMarkdownText puts any text into a digest: it must stay one text in one line.
func FuzzMarkdownText(f *testing.F) {
	for _, s := range []string{"# a", "1) b", "a\n\n- b", "<b>", "[a](b)", `\`, "&amp;", "-", "值\u202e"} {
		f.Add(s)
	}
	at := time.Date(2026, 3, 30, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, title string) {
		d := Digest{Schedule: "s", Location: time.UTC, At: at, Since: at, Open: []OpenIncident{{Title: title, Since: at}}}
		var b bytes.Buffer
		if err := RenderDigest(&b, "en", d); err != nil {
			return
		}
		if _, kinds := inlines(t, b.String()); !slices.Equal(kinds, []string{"ListItem", "TextBlock"}) {
			t.Fatalf("%q is %v in %q", title, kinds, b.String())
		}
	})
}
