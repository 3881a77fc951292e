package oncall

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var feedOptions = CalendarOptions{Domain: "monitoring.example.org", Language: "en"}

func feed(t testing.TB, s *Schedule, from, to string, o CalendarOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteCalendar(&b, s, instant(t, from), instant(t, to), instant(t, "2026-03-01T12:00:00+01:00"), o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// property is one unfolded content line.
type property struct{ name, value string }

// unfold reads content lines as RFC 5545, section 3.1, has them, and is as
// strict as the strictest reader.
func unfold(raw string) ([]property, error) {
	if !utf8.ValidString(raw) {
		return nil, errors.New("is not UTF-8")
	}
	var whole []string
	rest := raw
	for rest != "" {
		line, after, ok := strings.Cut(rest, "\r\n")
		if !ok || strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("%q does not end with CRLF", line)
		}
		rest = after
		if len(line) > 75 {
			return nil, fmt.Errorf("%q has %d octets", line, len(line))
		}
		if !utf8.ValidString(line) {
			return nil, fmt.Errorf("%q has half a character", line)
		}
		if folded, ok := strings.CutPrefix(line, " "); ok && len(whole) > 0 {
			whole[len(whole)-1] += folded
		} else {
			whole = append(whole, line)
		}
	}
	var out []property
	for _, line := range whole {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("%q is no content line", line)
		}
		out = append(out, property{name, value})
	}
	return out, nil
}

// unescape reads a value of type TEXT.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ';' || c == ',':
			return "", fmt.Errorf("%q has %q without a backslash", s, c)
		case c != '\\':
			b.WriteByte(c)
		case i+1 == len(s):
			return "", fmt.Errorf("%q ends with a backslash", s)
		default:
			i++
			switch s[i] {
			case 'n', 'N':
				b.WriteByte('\n')
			case '\\', ';', ',':
				b.WriteByte(s[i])
			default:
				return "", fmt.Errorf("%q has an escape that does not exist", s)
			}
		}
	}
	return b.String(), nil
}

func TestCalendar(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob")
	o.Overrides = []Override{{From: instant(t, "2026-03-28T10:00:00+01:00"), To: instant(t, "2026-03-28T12:00:00+01:00"), User: "cleo"}}
	got := feed(t, schedule(t, o), "2026-03-28T11:00:00+01:00", "2026-03-30T08:00:00+02:00", feedOptions)
	uid := func(i int) string {
		parts := strings.Split(got, "UID:")
		if i >= len(parts) {
			t.Fatalf("no event %d in %s", i, got)
		}
		return parts[i][:len("0123456789abcdef0123456789abcdef")]
	}
	// Bob's turn is cut by the override only, not by the range.
	want := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Touchline//On-call schedule//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH",
		"X-WR-CALNAME:platform", "NAME:platform", "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H",
		"BEGIN:VEVENT", "UID:" + uid(1) + "@monitoring.example.org", "DTSTAMP:20260301T110000Z",
		"DTSTART:20260328T090000Z", "DTEND:20260328T110000Z", "SUMMARY:On call: cleo (platform)", "DESCRIPTION:Override", "TRANSP:TRANSPARENT", "END:VEVENT",
		"BEGIN:VEVENT", "UID:" + uid(2) + "@monitoring.example.org", "DTSTAMP:20260301T110000Z",
		"DTSTART:20260328T110000Z", "DTEND:20260330T060000Z", "SUMMARY:On call: bob (platform)", "DESCRIPTION:Layer: primary", "TRANSP:TRANSPARENT", "END:VEVENT",
		"END:VCALENDAR", "",
	}, "\r\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if uid(1) == uid(2) {
		t.Error("two events have one UID")
	}
}

func TestCalendarUIDsAreStable(t *testing.T) {
	s := schedule(t, weekly(t, "Europe/Berlin", "ann"))
	events := func(from, to string) map[string]string {
		out := map[string]string{}
		for _, e := range strings.Split(feed(t, s, from, to, feedOptions), "BEGIN:VEVENT")[1:] {
			e, _, _ = strings.Cut(e, "END:VEVENT")
			uid, rest, _ := strings.Cut(e, "@")
			out[uid] = rest
		}
		return out
	}
	first, second := events("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), events("2026-03-17T13:14:15Z", "2026-05-01T00:00:00Z")
	both := 0
	for uid, e := range first {
		if again, ok := second[uid]; ok {
			both++
			if e != again {
				t.Errorf("%s is %s and %s", uid, e, again)
			}
		}
	}
	// Ann alone has a shift each week; that of the 16th to the 23rd and the two after are in both.
	if len(first) != 5 || both != 3 {
		t.Errorf("%d events, %d in both", len(first), both)
	}
	// Other schedules have other events.
	o := weekly(t, "Europe/Berlin", "ann")
	o.Name = "other"
	for _, e := range strings.Split(feed(t, schedule(t, o), "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", feedOptions), "UID:")[1:] {
		if uid, _, _ := strings.Cut(e, "@"); first["\r\nUID:"+uid] != "" {
			t.Errorf("%s is the UID of two shifts", uid)
		}
	}
}

// TestCalendarOfALongTurn asks near the end of a turn of 25 hours, whose beginning
// an override cut more than a day ago.
func TestCalendarOfALongTurn(t *testing.T) {
	o := weekly(t, "Europe/Berlin", "ann", "bob")
	o.Layers[0].Rotation.Shift = Daily
	o.Overrides = []Override{{From: instant(t, "2026-10-24T08:00:00+02:00"), To: instant(t, "2026-10-24T08:30:00+02:00"), User: "cleo"}}
	got := feed(t, schedule(t, o), "2026-10-25T07:45:00+01:00", "2026-10-25T08:00:00+01:00", feedOptions)
	if strings.Count(got, "BEGIN:VEVENT") != 1 || !strings.Contains(got, "DTSTART:20261024T063000Z\r\nDTEND:20261025T070000Z\r\n") {
		t.Errorf("got %s", got)
	}
}

func TestCalendarInChineseOfOnePerson(t *testing.T) {
	o := feedOptions
	o.Language, o.User, o.Name = "zh", "bob", "我的班"
	got := feed(t, schedule(t, weekly(t, "Asia/Shanghai", "ann", "bob")), "2026-03-02T00:00:00+08:00", "2026-03-30T00:00:00+08:00", o)
	if n := strings.Count(got, "SUMMARY:值班：bob（platform）\r\nDESCRIPTION:轮班层：primary\r\n"); n != 2 || strings.Count(got, "BEGIN:VEVENT") != n || !strings.Contains(got, "X-WR-CALNAME:我的班\r\n") {
		t.Errorf("got %s", got)
	}
}

// TestCalendarWithoutShifts has the component without which a calendar is not valid.
func TestCalendarWithoutShifts(t *testing.T) {
	got := feed(t, schedule(t, weekly(t, "UTC", "ann")), "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", feedOptions)
	if strings.Contains(got, "VEVENT") || !strings.Contains(got, "BEGIN:VTIMEZONE\r\nTZID:UTC\r\nBEGIN:STANDARD\r\n") {
		t.Errorf("got %s", got)
	}
}

func TestCalendarRefuses(t *testing.T) {
	s := schedule(t, weekly(t, "UTC", "ann"))
	at := instant(t, "2026-03-01T00:00:00Z")
	for want, f := range map[string]func() error{
		`language: "fr" is not known; write en or zh`: func() error {
			return WriteCalendar(io.Discard, s, at, at, at, CalendarOptions{Domain: "a", Language: "fr"})
		},
		`domain: "a\r\nb" is no host name; write a host name such as monitoring.example.org`: func() error {
			return WriteCalendar(io.Discard, s, at, at, at, CalendarOptions{Domain: "a\r\nb", Language: "en"})
		},
		`domain: "" is no host name; write a host name such as monitoring.example.org`: func() error {
			return WriteCalendar(io.Discard, s, at, at, at, CalendarOptions{Language: "en"})
		},
		"write calendar: range from 2026-03-01T00:00:00Z to 2028-03-01T00:00:00Z: is longer than 400 days; ask for less at once": func() error {
			return WriteCalendar(io.Discard, s, at, at.AddDate(2, 0, 0), at, feedOptions)
		},
		"write calendar: the year 12026 cannot be written in one": func() error {
			return WriteCalendar(io.Discard, s, at, at, at.AddDate(10_000, 0, 0), feedOptions)
		},
		"write calendar: disk full": func() error {
			return WriteCalendar(failing{}, s, at, at.AddDate(0, 1, 0), at, feedOptions)
		},
	} {
		if err := f(); err == nil || err.Error() != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestEscapeText(t *testing.T) {
	for in, want := range map[string]string{
		`a\b;c,d:e"f`:       `a\\b\;c\,d:e"f`,
		"one\ntwo\r\nthree": `one\ntwo\nthree`,
		"mac\rold\r\r\n":    `mac\nold\n\n`,
		"bell\x07tab\t\x7f": "belltab\t",
		"half \xe5\x80":     "half \uFFFD",
		"值班，今天":             "值班，今天",
		"":                  "",
	} {
		if got := escapeText(in); got != want {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
}

// TestFold has lines of one, two, three and four octets a character around
// every length at which one is cut.
func TestFold(t *testing.T) {
	for _, r := range []string{"x", "é", "值", "🦓"} {
		for n := range 320 {
			line := "SUMMARY:" + strings.Repeat("y", n%7) + strings.Repeat(r, n/len(r))
			got := fold(t, line)
			back, err := unfold(got)
			if err != nil {
				t.Fatal(err)
			}
			if len(back) != 1 || back[0].name+":"+back[0].value != line {
				t.Fatalf("%q came back as %q", line, back)
			}
			// No more lines than needed: each but the last has no room for another character.
			parts := strings.Split(strings.TrimSuffix(got, "\r\n"), "\r\n")
			for _, p := range parts[:len(parts)-1] {
				if len(p)+len(r) <= 75 {
					t.Fatalf("%q is cut after %d octets", line, len(p))
				}
			}
		}
	}
}

func fold(t testing.TB, line string) string {
	t.Helper()
	var b strings.Builder
	c := &calendar{w: bufio.NewWriter(&b)}
	c.line(line)
	if err := c.w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// FuzzCalendar writes a feed with any texts in it and reads it back.
func FuzzCalendar(f *testing.F) {
	f.Add("platform", "ann", "primary", "My shifts")
	f.Add("a;b,c\\d", "jo:se\"", "l1", "line\nfeed\r\nand more, of it; until the line is longer than seventy-five octets")
	f.Add("平台值班平台值班平台值班平台值班平台值班", "王小明", "主层", "我的班\x00\xff")
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, name, user, layer, title string) {
		s, err := NewSchedule(ScheduleOptions{Name: name, Location: time.UTC, Layers: []Layer{{
			Name: layer, People: []string{user}, Rotation: Rotation{Shift: Daily, Start: Date{2026, time.March, 2}},
		}}})
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := WriteCalendar(&b, s, at, at.AddDate(0, 0, 2), at, CalendarOptions{Name: title, Domain: "example.org", Language: "en"}); err != nil {
			t.Fatal(err)
		}
		got, err := unfold(b.String())
		if err != nil {
			t.Fatalf("%v in %q", err, b.String())
		}
		if title == "" {
			title = name
		}
		var events int
		for _, p := range got {
			var want string
			switch p.name {
			case "SUMMARY":
				want = "On call: " + user + " (" + name + ")"
				events++
			case "DESCRIPTION":
				want = "Layer: " + layer
				if layer == "" {
					want = "Layer: layers[0]"
				}
			case "NAME":
				want = shown(title)
			default:
				continue
			}
			if text, err := unescape(p.value); err != nil || text != want {
				t.Fatalf("%s: got %q, %v; want %q", p.name, text, err, want)
			}
		}
		if events != 3 {
			t.Fatalf("%d events in %q", events, b.String())
		}
	})
}

// shown is what a calendar can say of a text.
func shown(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
