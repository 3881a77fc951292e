package oncall

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// CalendarOptions say how a calendar feed looks.
type CalendarOptions struct {
	Name     string // of the calendar as its reader shows it; "": the schedule's name
	Domain   string // host name of this installation: keeps its events apart from those of others
	Language string // en or zh
	User     string // optional: only this user's shifts
}

// calendarTexts are the texts of a feed in one language.
type calendarTexts struct {
	summary  string // user, schedule
	layer    string // layer
	override string
}

var calendarLanguages = map[string]calendarTexts{
	"en": {summary: "On call: %s (%s)", layer: "Layer: %s", override: "Override"},
	"zh": {summary: "值班：%s（%s）", layer: "轮班层：%s", override: "临时替班"},
}

// maxLine is the length of a line in octets without its end, RFC 5545, section 3.1.
const maxLine = 75

// WriteCalendar writes the shifts that overlap the range from from until before
// to as an iCalendar object (RFC 5545): one event a shift, not cut to the range,
// with a UID that stays the same as long as person, layer and beginning do. Times
// are UTC, so that no reader needs to know a time zone. now is the time of writing.
// Errors are those of Schedule.Shifts, those of w, and options that are not possible.
func WriteCalendar(w io.Writer, s *Schedule, from, to, now time.Time, o CalendarOptions) error {
	texts, ok := calendarLanguages[o.Language]
	if !ok {
		return &FieldError{Field: "language", Problem: fmt.Sprintf("%q is not known", o.Language), Write: "en or zh"}
	}
	if o.Domain == "" || strings.ContainsFunc(o.Domain, notInDomain) {
		return &FieldError{Field: "domain", Problem: fmt.Sprintf("%q is no host name", o.Domain), Write: "a host name such as monitoring.example.org"}
	}
	for _, t := range []time.Time{from, to, now} {
		// With a year to spare on both sides for shifts that reach out of the range.
		if y := t.UTC().Year(); y < 10 || y > 9990 {
			return fmt.Errorf("write calendar: the year %d cannot be written in one", y)
		}
	}
	shifts, err := s.whole(from, to)
	if err != nil {
		return fmt.Errorf("write calendar: %w", err)
	}
	name := o.Name
	if name == "" {
		name = s.name
	}

	c := &calendar{w: bufio.NewWriter(w)}
	c.line("BEGIN:VCALENDAR")
	c.line("VERSION:2.0")
	c.line("PRODID:-//Touchline//On-call schedule//" + strings.ToUpper(o.Language))
	c.line("CALSCALE:GREGORIAN")
	c.line("METHOD:PUBLISH")
	c.line("X-WR-CALNAME:" + escapeText(name))
	// RFC 7986 and what readers knew before it: the name, and how often to ask again.
	c.line("NAME:" + escapeText(name))
	c.line("REFRESH-INTERVAL;VALUE=DURATION:PT1H")
	c.line("X-PUBLISHED-TTL:PT1H")
	events := 0
	for _, p := range shifts {
		if o.User != "" && p.User != o.User {
			continue
		}
		events++
		description := texts.override
		if !p.Override {
			description = fmt.Sprintf(texts.layer, p.Layer)
		}
		c.line("BEGIN:VEVENT")
		c.line("UID:" + s.uid(p) + "@" + o.Domain)
		c.line("DTSTAMP:" + calendarTime(now))
		c.line("DTSTART:" + calendarTime(p.From))
		c.line("DTEND:" + calendarTime(p.To))
		c.line("SUMMARY:" + escapeText(fmt.Sprintf(texts.summary, p.User, s.name)))
		c.line("DESCRIPTION:" + escapeText(description))
		c.line("TRANSP:TRANSPARENT") // Who is on call can still be invited to a meeting.
		c.line("END:VEVENT")
	}
	if events == 0 {
		// A calendar must have a component (section 3.6), and readers that check it
		// refuse a feed without one. A zone that nothing uses is shown by none.
		for _, l := range []string{"BEGIN:VTIMEZONE", "TZID:UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:STANDARD", "END:VTIMEZONE"} {
			c.line(l)
		}
	}
	c.line("END:VCALENDAR")
	if err := c.w.Flush(); err != nil {
		return fmt.Errorf("write calendar: %w", err)
	}
	return nil
}

func notInDomain(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
}

// uid names a shift by what makes it that shift; its end may change, as that of
// an event does.
func (s *Schedule) uid(p Shift) string {
	h := sha256.New()
	for _, part := range []string{s.name, p.Layer, strconv.FormatBool(p.Override), p.User, strconv.FormatInt(p.From.Unix(), 10)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func calendarTime(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// calendar writes content lines. The writer keeps its first error for Flush.
type calendar struct{ w *bufio.Writer }

// line writes one content line, folded so that no line is longer than maxLine
// octets and no character is cut.
func (c *calendar) line(s string) {
	room := maxLine
	for len(s) > room {
		cut := room
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		_, _ = c.w.WriteString(s[:cut])
		_, _ = c.w.WriteString("\r\n ")
		s, room = s[cut:], maxLine-1 // The space counts.
	}
	_, _ = c.w.WriteString(s)
	_, _ = c.w.WriteString("\r\n")
}

// escapeText writes a value of type TEXT, RFC 5545, section 3.3.11. Control
// characters other than the tab have no place in one and are left out.
func escapeText(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\\' || r == ';' || r == ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\t' || r >= ' ' && r != 0x7f:
			b.WriteRune(r)
		}
	}
	return b.String()
}
