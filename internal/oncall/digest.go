package oncall

import (
	"embed"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"text/template"
	"time"
	"unicode"
)

// Digest is what one person on call hands to the next.
type Digest struct {
	Schedule string
	Location *time.Location // of all times in the text
	At       time.Time      // of the hand-over
	Since    time.Time      // where the time begins that Noisy and Changed are about
	From     string         // who hands over; "" for nobody
	To       string         // who takes over; "" for nobody
	URL      string         // optional: where to look further, http or https

	Open     []OpenIncident
	Snoozed  []SnoozedIncident
	Noisy    []NoisyRule
	Changed  []ChangedRule
	Unproven []UnprovenReceiver

	// MaxItems is how many lines each list has at most; what is left out is
	// counted. 0 means 20.
	MaxItems int
}

// OpenIncident is an incident that is not over.
type OpenIncident struct {
	Title    string
	Severity string // as in the alerts; "" for none
	Since    time.Time
	Owner    string // who has acknowledged it; "" for nobody
	URL      string // optional: http or https
}

// SnoozedIncident is an incident that nobody is told of until a time.
type SnoozedIncident struct {
	Title string
	Until time.Time
	By    string
	URL   string // optional: http or https
}

// NoisyRule is a rule that told people often.
type NoisyRule struct {
	Name     string
	Notified int // notifications since Digest.Since
}

// ChangedRule is a rule that is not what it was.
type ChangedRule struct {
	Name string
	What string // "added", "changed" or "removed"
	At   time.Time
	By   string // "" for not known
}

// UnprovenReceiver is a receiver of which it is not known that messages arrive.
type UnprovenReceiver struct {
	Name       string
	LastProven time.Time // zero for never
}

//go:embed digest/*.tmpl
var digestTexts embed.FS

// digestLanguages say how times and durations are written. The texts are in the
// template of the language.
var digestLanguages = map[string]struct{ time, days, hours, minutes string }{
	"en": {time: "2 Jan 2006 15:04 UTC-07:00", days: "%d d %d h", hours: "%d h %d min", minutes: "%d min"},
	"zh": {time: "2006-01-02 15:04 UTC-07:00", days: "%d 天 %d 小时", hours: "%d 小时 %d 分钟", minutes: "%d 分钟"},
}

// maxDigestText is how many characters of one text are shown.
const maxDigestText = 200

// RenderDigest writes the digest as Markdown (CommonMark) in a language, en or
// zh. Texts are shown as they are: what would be markup in them is escaped, line
// breaks become spaces, and what is longer than 200 characters is cut. The error
// joins a *FieldError for each thing that is missing or not possible, or is that of w.
func RenderDigest(w io.Writer, lang string, d Digest) error {
	var p problems
	d.check(&p)
	language, ok := digestLanguages[lang]
	if !ok {
		p.add("language", fmt.Sprintf("%q is not known", lang), "en or zh")
	}
	if err := p.err(); err != nil {
		return err
	}
	most := d.MaxItems
	if most == 0 {
		most = 20
	}
	name := lang + ".md.tmpl"
	t, err := template.New(name).Funcs(template.FuncMap{
		"text": markdownText,
		"link": markdownLink,
		"time": func(t time.Time) string { return t.In(d.Location).Format(language.time) },
		"age": func(since time.Time) string {
			minutes := max(int(d.At.Sub(since)/time.Minute), 0)
			switch {
			case minutes >= 24*60:
				return fmt.Sprintf(language.days, minutes/(24*60), minutes/60%24)
			case minutes >= 60:
				return fmt.Sprintf(language.hours, minutes/60, minutes%60)
			default:
				return fmt.Sprintf(language.minutes, minutes)
			}
		},
	}).ParseFS(digestTexts, "digest/"+name)
	if err != nil {
		return fmt.Errorf("read template of digest: %w", err)
	}
	view := digestView{
		d, firstOf(d.Open, most), firstOf(d.Snoozed, most), firstOf(d.Noisy, most), firstOf(d.Changed, most), firstOf(d.Unproven, most),
	}
	if err := t.Execute(w, view); err != nil {
		return fmt.Errorf("write digest: %w", err)
	}
	return nil
}

// digestView is what the templates see: the digest with its lists cut.
type digestView struct {
	Digest
	Open     cutList[OpenIncident]
	Snoozed  cutList[SnoozedIncident]
	Noisy    cutList[NoisyRule]
	Changed  cutList[ChangedRule]
	Unproven cutList[UnprovenReceiver]
}

// cutList is the beginning of a list, how many there are, and how many of them
// are left out.
type cutList[T any] struct {
	Items       []T
	Total, Left int
}

func firstOf[T any](list []T, most int) cutList[T] {
	n := min(len(list), most)
	return cutList[T]{list[:n], len(list), len(list) - n}
}

func (d *Digest) check(p *problems) {
	p.location("location", d.Location)
	required := func(field, s string) {
		if strings.TrimSpace(s) == "" {
			p.add(field, "is empty", "a text")
		}
	}
	required("schedule", d.Schedule)
	p.instant("at", d.At)
	p.instant("since", d.Since)
	checkLink(p, "url", d.URL)
	if d.MaxItems < 0 {
		p.add("max_items", fmt.Sprintf("%d is not possible", d.MaxItems), "1 or more, or 0 for 20")
	}
	for i, o := range d.Open {
		field := fmt.Sprintf("open[%d].", i)
		required(field+"title", o.Title)
		p.instant(field+"since", o.Since)
		checkLink(p, field+"url", o.URL)
	}
	for i, s := range d.Snoozed {
		field := fmt.Sprintf("snoozed[%d].", i)
		required(field+"title", s.Title)
		p.instant(field+"until", s.Until)
		required(field+"by", s.By)
		checkLink(p, field+"url", s.URL)
	}
	for i, n := range d.Noisy {
		field := fmt.Sprintf("noisy[%d].", i)
		required(field+"name", n.Name)
		if n.Notified < 0 {
			p.add(field+"notified", fmt.Sprintf("%d is not possible", n.Notified), "0 or more")
		}
	}
	for i, c := range d.Changed {
		field := fmt.Sprintf("changed[%d].", i)
		required(field+"name", c.Name)
		p.instant(field+"at", c.At)
		if c.What != "added" && c.What != "changed" && c.What != "removed" {
			p.add(field+"what", fmt.Sprintf("%q is not known", c.What), "added, changed or removed")
		}
	}
	for i, u := range d.Unproven {
		required(fmt.Sprintf("unproven[%d].name", i), u.Name)
	}
}

// checkLink refuses what a reader should not click on, and passwords, which a
// message would tell everybody.
func checkLink(p *problems, field, s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		// The text may hold a secret, so it is not repeated.
		p.add(field, "is no link", "an address that begins with https:// or http://")
	case u.User != nil:
		p.add(field, "holds a user name or a password", "the address without it")
	}
}

// listNumber is what makes a line an item of a numbered list.
var listNumber = regexp.MustCompile(`^([0-9]{1,9})([.)])`)

// markdownText escapes what CommonMark would take for markup, so that the text
// may stand anywhere in a line, also first.
func markdownText(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return -1 // It would show the rest of the line in another order.
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		default:
			return r
		}
	}, strings.ToValidUTF8(s, "\uFFFD")))
	if runes := []rune(s); len(runes) > maxDigestText {
		s = string(runes[:maxDigestText]) + "…"
	}
	var b strings.Builder
	for i, r := range s {
		if strings.ContainsRune("\\`*_[]<>&~|", r) || i == 0 && strings.ContainsRune("#+-=", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return listNumber.ReplaceAllString(b.String(), `$1\$2`)
}

// markdownLink writes an address that checkLink has passed, so that none of its
// characters ends the link.
func markdownLink(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("()<>\\\"`", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}
