package selfmon

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Style says how text is printed.
type Style struct {
	Color bool // use ANSI colours
	Width int  // columns of the terminal; 0 means 100
}

const (
	ansiReset  = "\x1b[0m"
	ansiBold   = "\x1b[1m"
	ansiDim    = "\x1b[2m"
	ansiRed    = "\x1b[31m"
	ansiGreen  = "\x1b[32m"
	ansiYellow = "\x1b[33m"
	ansiAlarm  = "\x1b[1;97;41m"
)

// printer remembers the first error, so that the layout reads as a layout.
type printer struct {
	w     io.Writer
	style Style
	err   error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) paint(code, s string) string {
	if !p.style.Color || s == "" {
		return s
	}
	return code + s + ansiReset
}

func (p *printer) heading(s string) {
	p.line("")
	p.line("%s", p.paint(ansiBold, s))
}

// WriteText prints the report for a person, in the order in which it is
// needed. It gives the first error of w.
func (r Report) WriteText(w io.Writer, style Style) error {
	if style.Width <= 0 {
		style.Width = 100
	}
	p := &printer{w: w, style: style}
	r.writeState(p)
	r.writeWatched(p)
	r.writeNotSeen(p)
	r.writeEndpoints(p)
	r.writeAlerts(p)
	r.writeRest(p)
	return p.err
}

func (r Report) writeState(p *printer) {
	name := strings.TrimSpace("Touchline " + r.Version)
	switch r.State {
	case StateReady:
		p.line("%s %s", p.paint(ansiBold, name), p.paint(ansiGreen, "is ready after "+seconds(r.ReadySeconds)+"."))
	case StateDegraded:
		p.line("%s %s", p.paint(ansiBold, name), p.paint(ansiYellow, "is ready after "+seconds(r.ReadySeconds)+", but not everything works."))
	default:
		p.line("%s %s", p.paint(ansiBold, name), p.paint(ansiYellow, "is "+r.State+"."))
	}
	if r.ConsoleURL != "" {
		p.line("Console: %s", p.paint(ansiBold, r.ConsoleURL))
	}
	for _, c := range r.Components {
		switch c.State {
		case ComponentDegraded:
			p.wrapped("  "+p.paint(ansiYellow, "degraded")+"  "+c.Name+"  ", 2+8+2+width(c.Name)+2, c.Message)
		case ComponentFailed:
			p.wrapped("  "+p.paint(ansiRed, "failed")+"    "+c.Name+"  ", 2+8+2+width(c.Name)+2, c.Message)
		}
	}
	for _, l := range r.Listeners {
		if l.Error != "" {
			text := l.Error
			if l.Flag != "" && !strings.Contains(text, l.Flag) {
				text += "; move it with " + l.Flag
			}
			p.wrapped("  "+p.paint(ansiYellow, "not open")+"  "+l.Name+" "+l.Address+"  ", 2+8+2+width(l.Name)+1+width(l.Address)+2, text)
		}
	}
}

func (r Report) writeWatched(p *printer) {
	p.heading("Watching")
	if len(r.Watched) == 0 {
		p.line("  nothing")
		return
	}
	jobs, whats := 0, 0
	for _, t := range r.Watched {
		jobs = max(jobs, width(t.Job))
		whats = max(whats, width(watchedWhat(t)))
	}
	for _, t := range r.Watched {
		state, color := "waiting for the first scrape", ansiDim
		switch {
		case t.Down > 0 && t.Targets > 1:
			state, color = fmt.Sprintf("%d of %d down", t.Down, t.Targets), ansiRed
		case t.Down > 0 || (t.Up != nil && !*t.Up):
			state, color = "down", ansiRed
		case t.Up != nil && *t.Up:
			state, color = "up", ansiGreen
		case t.Targets == 0 && t.Source == SourcePrometheus:
			state, color = "no targets found", ansiYellow
		}
		p.line("  %s  %s  every %-5s %s", pad(t.Job, jobs), pad(watchedWhat(t), whats), interval(t.IntervalSeconds), p.paint(color, state))
	}
}

// watchedWhat says in words what a job watches, and from which file it comes
// when that is not this process.
func watchedWhat(t Watched) string {
	var parts []string
	if t.What != "" {
		parts = append(parts, t.What)
	}
	if t.Instance != "" && t.Instance != t.What {
		parts = append(parts, t.Instance)
	}
	if t.Source == SourcePrometheus {
		parts = append(parts[:0], plural(t.Targets, "target", "targets")+" of prometheus.yml")
	}
	return strings.Join(parts, ", ")
}

func (r Report) writeNotSeen(p *printer) {
	if len(r.NotSeen) == 0 {
		return
	}
	p.heading("Looked for, not seen")
	whats := 0
	for _, n := range r.NotSeen {
		whats = max(whats, width(n.What))
	}
	// A long name takes a line of its own, or it would leave no room beside it.
	whats = min(whats, 20)
	indent := 2 + whats + 2
	for _, n := range r.NotSeen {
		prefix := "  " + pad(n.What, whats) + "  "
		if width(n.What) > whats {
			p.line("  %s", n.What)
			prefix = strings.Repeat(" ", indent)
		}
		p.wrapped(prefix, indent, n.Reason)
		if n.Remedy != "" {
			p.wrapped(strings.Repeat(" ", indent), indent, "→ "+n.Remedy)
		}
	}
}

func (r Report) writeEndpoints(p *printer) {
	if len(r.Endpoints) == 0 {
		return
	}
	p.heading("Send data to")
	whats := 0
	for _, e := range r.Endpoints {
		whats = max(whats, width(e.What))
	}
	for _, e := range r.Endpoints {
		p.line("  %s  %s", pad(e.What, whats), e.URL)
	}
}

func (r Report) writeAlerts(p *printer) {
	p.heading("Alerts")
	rules := fmt.Sprintf("%s and %s in %s", plural(r.Rules.Alerting, "alerting rule", "alerting rules"),
		plural(r.Rules.Recording, "recording rule", "recording rules"), plural(r.Rules.Files, "file", "files"))
	state := fmt.Sprintf("%d firing, %d pending", r.Rules.Firing, r.Rules.Pending)
	if r.Rules.Firing > 0 {
		state = p.paint(ansiRed, state)
	}
	p.line("  %s: %s", rules, state)
	switch {
	case r.Alerts.None:
		r.writeNobody(p)
	case r.Alerts.Mode == AlertsExternal:
		p.line("  sent to the Alertmanagers of prometheus.yml; the embedded one is off:")
		for _, u := range r.Alerts.Alertmanagers {
			p.line("    %s", u)
		}
	default:
		names := 0
		for _, rc := range r.Alerts.Receivers {
			names = max(names, width(rc.Name))
		}
		for _, rc := range r.Alerts.Receivers {
			via := strings.Join(rc.Integrations, ", ")
			if via == "" {
				via = p.paint(ansiYellow, "tells nobody: it has no integration")
			} else {
				via = "by " + via
			}
			if rc.Default {
				via += p.paint(ansiDim, "  (unless a route says otherwise)")
			}
			p.line("  told to %s  %s", pad(rc.Name, names), via)
			for _, f := range rc.Failing {
				p.line("          %s  %s at %s: %s", pad("", names), p.paint(ansiAlarm, " NOT DELIVERED "), f.At.Format("2006-01-02 15:04:05"), f.Integration+": "+f.Error)
			}
		}
	}
}

// writeNobody is loud on purpose: a monitoring that tells nobody looks exactly
// like one that has nothing to tell.
func (r Report) writeNobody(p *printer) {
	p.line("")
	p.line("  %s", p.paint(ansiAlarm, " NOBODY WILL BE TOLD: no receiver has an address to send to. "))
	p.line("")
	file := r.Alerts.ConfigFile
	if file == "" {
		file = "alertmanager.yml"
		p.line("  Write these lines to %s, with your own address,", file)
		p.line("  and start with --alertmanager.config=%s:", file)
	} else {
		p.line("  Give a receiver of %s an address, then reload (kill -HUP):", file)
	}
	p.line("")
	for _, l := range ReceiverExample {
		p.line("    %s", l)
	}
}

// ReceiverExample are the lines of the smallest alertmanager.yml that tells
// somebody.
var ReceiverExample = []string{
	"route:",
	"  receiver: team",
	"  group_by: [alertname, instance]",
	"receivers:",
	"  - name: team",
	"    webhook_configs:",
	"      - url: https://chat.example.com/hooks/YOUR-HOOK",
}

func (r Report) writeRest(p *printer) {
	p.line("")
	kept := r.Data.RetentionTime
	if r.Data.RetentionSizeBytes > 0 {
		if kept != "" {
			kept += " or "
		}
		kept += byteCount(r.Data.RetentionSizeBytes)
	}
	if kept == "" {
		kept = "for ever"
	}
	where := ""
	if r.Data.Database == "postgres" {
		where = "; users and incidents in PostgreSQL"
	}
	p.line("%s   %s, kept %s, %s used%s", p.paint(ansiBold, "Data"), r.Data.Dir, kept, byteCount(r.Data.UsedBytes), where)
	if r.TokenFile != "" {
		p.line("%s  %s (changes need it; --token-file reads it)", p.paint(ansiBold, "Token"), r.TokenFile)
	}
	switch {
	case r.Access.Users:
		p.line("%s  people sign in, agents send a token", p.paint(ansiBold, "Users"))
	case r.Access.Anonymous != "":
		p.line("%s  none (touchline users link prints a link that makes the first administrator)", p.paint(ansiBold, "Users"))
	}
	if r.Stop != "" {
		p.line("%s   %s", p.paint(ansiBold, "Stop"), r.Stop)
	}
}

// wrapped prints text after prefix, which is indent columns wide, and folds it
// at the width of the terminal.
func (p *printer) wrapped(prefix string, indent int, text string) {
	room := max(p.style.Width-indent, 24)
	var cur strings.Builder
	first := true
	flush := func() {
		if first {
			p.line("%s%s", prefix, cur.String())
		} else {
			p.line("%s%s", strings.Repeat(" ", indent), cur.String())
		}
		first = false
		cur.Reset()
	}
	for word := range strings.FieldsSeq(text) {
		if cur.Len() > 0 && width(cur.String())+1+width(word) > room {
			flush()
		}
		if cur.Len() > 0 {
			cur.WriteByte(' ')
		}
		cur.WriteString(word)
	}
	flush()
}

func width(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, w int) string { return s + strings.Repeat(" ", max(w-width(s), 0)) }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// seconds prints a duration of a start: milliseconds below one second.
func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%d ms", int(math.Round(s*1000)))
	}
	return fmt.Sprintf("%.1f s", s)
}

func interval(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}

func byteCount(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for v >= unit && i < 4 {
		v, i = v/unit, i+1
	}
	name := []string{"KiB", "MiB", "GiB", "TiB", "PiB"}[i]
	if v < 10 {
		return fmt.Sprintf("%.1f %s", v, name)
	}
	return fmt.Sprintf("%.0f %s", v, name)
}
