package channel

import (
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/alert"
)

func FuzzFit(f *testing.F) {
	f.Add("short", 100)
	f.Add(strings.Repeat("告警 \"x\"\n", 300), 2048)
	f.Add(strings.Repeat("\\\"", 50), 60)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if !utf8.ValidString(text) || limit < 0 {
			return
		}
		m := &Rendered{words: languages[English]}
		for _, size := range []func(string) int{Bytes, func(s string) int { return Size(map[string]string{"text": s}) }} {
			out := m.Fit(text, limit, size)
			if out != "" && size(out) > limit {
				t.Errorf("%d bytes of %d", size(out), limit)
			}
			if !utf8.ValidString(out) {
				t.Errorf("a character is cut: %q", out)
			}
			if size(text) <= limit && out != text {
				t.Error("a message that fits is changed")
			}
		}
	})
}

func TestFitSaysWhatIsLeftOut(t *testing.T) { synctest.Test(t, fitSaysWhatIsLeftOut) }

func fitSaysWhatIsLeftOut(t *testing.T) {
	for lang, note := range map[string]string{English: " characters left out", Chinese: " 个字符未显示"} {
		m, err := renderer(t, func(o *RendererOptions) { o.Language = lang }).Render(group(), []*alert.Alert{firing("db1")})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Repeat("第一行\n", 500)
		out := m.Fit(text, 1000, Bytes)
		if len(out) > 1000 || len(out) < 900 || !strings.HasSuffix(out, note) || strings.Contains(out, "第一\n") {
			t.Errorf("%s: %d bytes, ends in %q", lang, len(out), out[max(0, len(out)-60):])
		}
	}
}

func TestShort(t *testing.T) {
	for _, c := range []struct{ in, want string }{{"abc", "abc"}, {"告警告警", "告警…"}, {"", ""}} {
		if got := Short(c.in, 3); got != c.want {
			t.Errorf("Short(%q) is %q, want %q", c.in, got, c.want)
		}
	}
}
