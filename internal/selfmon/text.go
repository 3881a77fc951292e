package selfmon

import (
	"fmt"
	"io"
	"math"
	"slices"
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
	r.writeOutside(p)
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
	for _, b := range r.Backends {
		p.wrapped("  "+pad(b.Engine, 8)+"  ", 2+8+2, b.text(p))
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

// text says where an engine is that is not in this process, and how it was.
func (b Backend) text(p *printer) string {
	switch b.State {
	case BackendUp:
		version := ""
		if b.Version != "" {
			version = " " + b.Version
		}
		return fmt.Sprintf("at %s: %s%s, answers in %s", b.URL, p.paint(ansiGreen, "up"), version, seconds(b.LatencySeconds))
	case BackendDown:
		return fmt.Sprintf("at %s: %s", b.URL, p.paint(ansiRed, "does not answer"))
	}
	return "at " + b.URL
}

// elsewhere tells whether an engine is not in this process.
func (r Report) elsewhere(engine string) bool {
	return slices.ContainsFunc(r.Backends, func(b Backend) bool { return b.Engine == engine })
}

func (r Report) writeWatched(p *printer) {
	p.heading("Watching")
	if len(r.Watched) == 0 {
		if r.elsewhere("metrics") {
			p.line("  what the metrics backend scrapes, which it has not told yet")
		} else {
			p.line("  nothing")
		}
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
		case t.Discovering:
			state = "looking for targets"
		case t.Targets == 0 && t.Source == SourcePrometheus:
			state, color = "no targets found", ansiYellow
		}
		every := ""
		if t.IntervalSeconds > 0 {
			every = fmt.Sprintf("every %-5s ", interval(t.IntervalSeconds))
		}
		p.line("  %s  %s  %s%s", pad(t.Job, jobs), pad(watchedWhat(t), whats), every, p.paint(color, state))
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
	switch {
	case t.Discovering:
		parts = append(parts[:0], "targets of prometheus.yml")
	case t.Source == SourceBackend:
		parts = append(parts[:0], plural(t.Targets, "target", "targets")+" of the metrics backend")
	case t.Source == SourcePrometheus:
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
	for _, more := range []struct {
		n    int
		what string
	}{{r.Rules.Kept, "kept without data"}, {r.Rules.Sent, "sent by API and firing"}} {
		if more.n > 0 {
			state += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	if r.Rules.Firing+r.Rules.Kept+r.Rules.Sent > 0 {
		state = p.paint(ansiRed, state)
	}
	if r.Rules.Heartbeats > 0 {
		state += ", " + plural(r.Rules.Heartbeats, "heartbeat", "heartbeats")
	}
	if r.elsewhere("metrics") {
		rules = "rules are evaluated by the metrics backend"
		state = fmt.Sprintf("%d sent by API and firing", r.Rules.Sent)
	}
	p.line("  %s: %s", rules, state)
	switch {
	case r.Alerts.None:
		r.writeNobody(p)
	case r.Alerts.Mode == AlertsExternal:
		if r.elsewhere("alerts") {
			p.line("  told by another Alertmanager; the embedded one is off:")
		} else {
			p.line("  sent to the Alertmanagers of prometheus.yml; the embedded one is off:")
		}
		for _, u := range r.Alerts.Alertmanagers {
			p.line("    %s", u)
			for _, f := range r.Alerts.Failing {
				if f.Integration == u {
					p.line("      %s", p.notDelivered(f.At, f.Error))
				}
			}
		}
		if len(r.Alerts.Alertmanagers) == 0 {
			p.line("    none has been discovered yet")
		}
		r.writeIgnored(p)
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
			if rc.Unused && len(rc.Integrations) > 0 {
				via += p.paint(ansiYellow, "  (nothing is told to it: no route and no person names it)")
			}
			if rc.Default {
				via += p.paint(ansiDim, "  (unless a route says otherwise)")
			}
			p.line("  told to %s  %s", pad(rc.Name, names), via)
			if never := neverProven(rc.Proven); never != "" {
				p.line("          %s  %s", pad("", names), p.paint(ansiDim, "no message has got through yet by "+never+"; try: touchline notify test --receiver="+shellWord(rc.Name)))
			}
			for _, f := range rc.Failing {
				p.line("          %s  %s", pad("", names), p.notDelivered(f.At, f.Integration+": "+f.Error))
			}
		}
	}
}

// neverProven lists the integrations that have not taken a message yet.
func neverProven(ps []Proof) string {
	var out []string
	for _, p := range ps {
		if p.At.IsZero() {
			out = append(out, p.Integration)
		}
	}
	return strings.Join(out, ", ")
}

// shellWord quotes a name that a shell would take apart.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (p *printer) notDelivered(at time.Time, why string) string {
	return fmt.Sprintf("%s at %s: %s", p.paint(ansiAlarm, " NOT DELIVERED "), at.Format("2006-01-02 15:04:05"), why)
}

// writeIgnored says that a file that somebody has given decides nothing.
func (r Report) writeIgnored(p *printer) {
	if r.Alerts.Ignored {
		p.wrapped("  ", 2, p.paint(ansiYellow, r.Alerts.ConfigFile+" has no effect")+": other Alertmanagers are named (alerting.alertmanagers of prometheus.yml, or backends.alerts). Take them out to have it routed here.")
	}
}

// writeNobody is loud on purpose: a monitoring that tells nobody looks exactly
// like one that has nothing to tell.
func (r Report) writeNobody(p *printer) {
	p.line("")
	if r.Alerts.Mode == AlertsExternal {
		p.line("  %s", p.paint(ansiAlarm, " NOBODY WILL BE TOLD: no Alertmanager has been discovered. "))
		p.line("")
		p.line("  Look at alerting.alertmanagers of prometheus.yml: alerts go there, and the embedded one is off.")
		r.writeIgnored(p)
		return
	}
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
// somebody what a person has to know, and nothing else.
var ReceiverExample = []string{
	`route:`,
	`  receiver: team`,
	`  group_by: [alertname, instance]`,
	`  routes:`,
	`    - receiver: nobody    # Watchdog always fires, and info needs no person`,
	`      matchers: ['severity=~"none|info"']`,
	`receivers:`,
	`  - name: team`,
	`    webhook_configs:`,
	`      - url: https://chat.example.com/hooks/YOUR-HOOK`,
	`  - name: nobody`,
	`inhibit_rules:    # the worse of two shipped alerts says it all`,
	`  - {source_matchers: ['alertname="HostCpuSaturated"'], target_matchers: ['alertname="HostHighCpu"'], equal: [instance]}`,
	`  - {source_matchers: ['alertname="HostOutOfMemory"'], target_matchers: ['alertname=~"HostMemoryLow|MemoryWillRunOut"'], equal: [instance]}`,
	`  - {source_matchers: ['alertname="HostDiskFull"'], target_matchers: ['alertname=~"HostDiskFilling|DiskWillFillInADay"'], equal: [instance, device]}`,
	`  - {source_matchers: ['alertname="TargetDown"'], target_matchers: ['severity=~"warning|info"'], equal: [job, instance]}`,
}

// writeOutside is left out by who has none of it.
func (r Report) writeOutside(p *printer) {
	o := r.Outside
	if o.HeartbeatSeconds == 0 && len(o.Instances) == 0 && len(o.StatusPage) == 0 {
		return
	}
	p.heading("Seen from outside")
	if o.HeartbeatSeconds > 0 {
		p.line("  heartbeat    every %s, while alerting works", interval(o.HeartbeatSeconds))
	}
	for _, i := range o.Instances {
		switch {
		case i.Up:
			p.line("  watches      %s  %s", i.Host, p.paint(ansiGreen, "alive"))
		case i.Reason == "":
			p.line("  watches      %s  %s", i.Host, p.paint(ansiDim, "not looked at yet"))
		default:
			p.wrapped("  watches      "+i.Host+"  ", 15+width(i.Host)+2, p.paint(ansiRed, "not alive")+": "+i.Reason)
		}
	}
	for _, s := range o.StatusPage {
		p.line("  status page  %s", s)
	}
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
		p.wrapped(p.paint(ansiBold, "Stop")+"   ", 7, r.Stop)
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
