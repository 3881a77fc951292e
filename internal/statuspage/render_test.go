package statuspage

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("update", false, "rewrite the golden files")

var testNow = time.Date(2026, 11, 25, 10, 2, 30, 0, time.UTC)

// testSnapshot has every state, an open incident, one that is over, and
// maintenance now and to come.
func testSnapshot() Snapshot {
	days := func(known int, bad map[int]Day) []Day {
		out := make([]Day, Days)
		for i := range out {
			out[i] = Day{Date: day(testNow).AddDate(0, 0, i-Days+1)}
			if i >= Days-known {
				out[i].Worst, out[i].Measured = Operational, 24*time.Hour
			}
			if b, ok := bad[Days-1-i]; ok {
				out[i].Worst, out[i].Down = b.Worst, b.Down
			}
		}
		out[Days-1].Measured = 10*time.Hour + 2*time.Minute
		return out
	}
	return Snapshot{
		GeneratedAt: testNow,
		Components: []Component{
			{ID: "web", Name: Text{"Website", "网站"}, State: Operational, Days: days(90, map[int]Day{40: {Worst: Degraded}})},
			{ID: "api", Name: Text{"API", ""}, Description: Text{"Predictions and match data", "预测与比赛数据"}, State: Outage, Days: days(90, map[int]Day{
				0: {Worst: Outage, Down: 14*time.Minute + 22*time.Second}, 12: {Worst: Outage, Down: 2*time.Hour + 5*time.Minute}, 13: {Worst: Degraded}, 71: {Worst: Maintenance}})},
			{ID: "feed", Name: Text{"Live feed", "实时数据"}, State: Degraded, Days: days(20, map[int]Day{0: {Worst: Degraded}})},
			{ID: "admin", Name: Text{"Administration", "管理后台"}, State: Maintenance, Days: days(90, map[int]Day{0: {Worst: Maintenance}})},
			{ID: "mail", Name: Text{"Mail", "邮件"}, State: NotMeasured, Days: make([]Day, 0)},
		},
		Incidents: []PublicIncident{
			{ID: "api-20261125T094808Z", Title: Text{"API is down", "API 中断"}, Impact: Outage, StartedAt: testNow.Add(-14*time.Minute - 22*time.Second), Updates: []Update{
				{At: testNow.Add(-14*time.Minute - 22*time.Second), State: Degraded},
				{At: testNow.Add(-9 * time.Minute), State: Outage, Text: Text{En: `Requests fail. We are <b>working</b> on it & will be back.`}},
			}},
			{ID: "api-20261113T070000Z", Title: Text{"API is down", "API 中断"}, Impact: Outage, StartedAt: testNow.AddDate(0, 0, -12).Add(-3 * time.Hour), ResolvedAt: testNow.AddDate(0, 0, -12).Add(-55 * time.Minute), Updates: []Update{
				{At: testNow.AddDate(0, 0, -12).Add(-3 * time.Hour), State: Outage},
				{At: testNow.AddDate(0, 0, -12).Add(-55 * time.Minute), State: Operational},
			}},
		},
		Maintenance: []Window{
			{ID: "maintenance-1", Title: Text{"New administration pages", "管理后台升级"}, Components: []string{"admin"}, From: testNow.Add(-time.Hour), To: testNow.Add(time.Hour)},
			{ID: "maintenance-2", Title: Text{"Database move", "数据库迁移"}, Components: []string{"api", "web"}, From: testNow.AddDate(0, 0, 3), To: testNow.AddDate(0, 0, 3).Add(30 * time.Minute)},
			{ID: "maintenance-0", Title: Text{"Over", "已结束"}, Components: []string{"api"}, From: testNow.AddDate(0, 0, -3), To: testNow.AddDate(0, 0, -3).Add(30 * time.Minute)},
		},
	}
}

func calmSnapshot() Snapshot {
	s := testSnapshot()
	s.Components = s.Components[:1]
	s.Components[0].Days[Days-1-40].Worst = Operational
	s.Incidents, s.Maintenance = nil, nil
	return s
}

func TestGolden(t *testing.T) {
	for name, c := range map[string]struct {
		o Options
		s Snapshot
	}{
		"trouble": {Options{Title: Text{"Example status", "示例状态"}, Language: English, URL: "https://status.example.com/"}, testSnapshot()},
		"calm":    {Options{Language: Chinese}, calmSnapshot()},
		"empty":   {Options{Title: Text{En: "Nothing"}}, Snapshot{GeneratedAt: testNow}},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Dir = filepath.Join(t.TempDir(), "made", "here")
			if err := Render(c.o, c.s); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			entries, err := os.ReadDir(c.o.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) != 7 {
				t.Errorf("%d files, want 7: %v", len(entries), entries)
			}
			for _, e := range entries {
				got, err := os.ReadFile(filepath.Join(c.o.Dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				if fi, err := e.Info(); err != nil || fi.Mode().Perm() != 0o644 {
					t.Errorf("%s: mode %v, %v; a web server could not read it", e.Name(), fi.Mode(), err)
				}
				if e.Name() == styleFile {
					continue
				}
				want := filepath.Join(golden, e.Name())
				if *rewrite {
					if err := os.MkdirAll(golden, 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(want, got, 0o644); err != nil {
						t.Fatal(err)
					}
					continue
				}
				text, err := os.ReadFile(want)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, text) {
					t.Errorf("%s differs from %s (rewrite with -update)", e.Name(), want)
				}
			}
		})
	}
}

// TestPagesAreSelfContained wants no script, no other host, the policy that
// forbids both, and the time at which a page was made.
func TestPagesAreSelfContained(t *testing.T) {
	files, err := render(Options{Title: Text{En: "<script>alert(1)</script>"}, URL: "https://status.example.com"}, testSnapshot())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text := string(f.data)
		if !strings.HasSuffix(f.name, ".html") {
			continue
		}
		for _, no := range []string{"<script", "javascript:", "http://", "https://", "//", " style=", "<img", "onload", "@import", "<b>working"} {
			// Times and the feed's type have no place where "//" could hide.
			if strings.Contains(text, no) {
				t.Errorf("%s contains %q", f.name, no)
			}
		}
		for _, yes := range []string{
			`content="default-src &#39;none&#39;`, `<meta http-equiv="refresh" content="60">`, `<time datetime="2026-11-25T10:02:30Z">`, `<html lang="`, `role="img" aria-label="API`, "status.json",
		} {
			if f.name != indexFile && strings.HasPrefix(yes, "role") {
				continue
			}
			if !strings.Contains(text, yes) && !strings.Contains(text, strings.ReplaceAll(yes, "&#39;", "'")) {
				t.Errorf("%s has no %q", f.name, yes)
			}
		}
	}
}

func TestEveryTextIsTranslated(t *testing.T) {
	raw := ""
	for _, name := range []string{"parts.html", "index.html", "history.html"} {
		b, err := sources.ReadFile("templates/" + name)
		if err != nil {
			t.Fatal(err)
		}
		raw += string(b)
	}
	n := 0
	for _, part := range strings.Split(raw, `{{t "`)[1:] {
		text, _, _ := strings.Cut(part, `"`)
		n++
		if chinese[text] == "" {
			t.Errorf("no Chinese for %q", text)
		}
	}
	if n < 15 {
		t.Errorf("only %d texts were found", n)
	}
	for _, s := range []State{NotMeasured, Operational, Maintenance, Degraded, Outage} {
		if stateWord(Chinese, s) == stateWord(English, s) {
			t.Errorf("no Chinese for state %q", s)
		}
	}
}

func TestFeedAndJSONAreValid(t *testing.T) {
	s := testSnapshot()
	s.Incidents[0].Updates[1].Text.En = "broken \x00\x0b ]]> & <tag>"
	for range 200 {
		s.Incidents[0].Updates = append(s.Incidents[0].Updates, Update{At: testNow, State: Outage})
	}
	files, err := render(Options{URL: "https://status.example.com/"}, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		switch f.name {
		case feedFile:
			var got feed
			if err := xml.Unmarshal(f.data, &got); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, i := range got.Channel.Items {
				if seen[i.ID.Text] || !strings.HasPrefix(i.Link, "https://status.example.com/history.html#api-") {
					t.Errorf("item %+v", i)
				}
				seen[i.ID.Text] = true
			}
			if len(seen) != feedItems || got.Version != "2.0" {
				t.Errorf("%d items", len(seen))
			}
		case jsonFile:
			var got jsonSnapshot
			if err := json.Unmarshal(f.data, &got); err != nil {
				t.Fatal(err)
			}
			if got.State != Outage || len(got.Components) != 5 || got.Components[1].Days[Days-1].Down != 862 {
				t.Errorf("got %+v", got.State)
			}
		}
	}
}

func TestPercent(t *testing.T) {
	const year = 90 * 24 * time.Hour
	for _, c := range []struct {
		down time.Duration
		want string
	}{{0, "100 %"}, {time.Second, "99.999 %"}, {10 * time.Minute, "99.992 %"}, {24 * time.Hour, "98.88 %"}, {45 * 24 * time.Hour, "50 %"}, {year, "0 %"}, {2 * year, "0 %"}} {
		if got := percent(year, c.down); got != c.want {
			t.Errorf("%s down: %s, want %s", c.down, got, c.want)
		}
	}
}

func TestLasted(t *testing.T) {
	for _, c := range []struct {
		d      time.Duration
		en, zh string
	}{
		{0, "0 s", "0 秒"}, {59 * time.Second, "59 s", "59 秒"}, {14*time.Minute + 22*time.Second, "14 min 22 s", "14 分钟 22 秒"},
		{time.Hour, "1 h", "1 小时"}, {2*time.Hour + 5*time.Minute + time.Second, "2 h 5 min", "2 小时 5 分钟"}, {49 * time.Hour, "2 d 1 h", "2 天 1 小时"}, {24*time.Hour + time.Minute, "1 d", "1 天"},
	} {
		if got := lasted(English, c.d); got != c.en {
			t.Errorf("%s: %q, want %q", c.d, got, c.en)
		}
		if got := lasted(Chinese, c.d); got != c.zh {
			t.Errorf("%s: %q, want %q", c.d, got, c.zh)
		}
	}
}

func ExampleText_In() {
	t := Text{En: "Website", Zh: "网站"}
	fmt.Println(t.In(English), t.In(Chinese), Text{En: "API"}.In(Chinese))
	// Output: Website 网站 API
}
