package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"touchline.dev/touchline/internal/selfmon"
)

// topFrame is what one drawing shows.
type topFrame struct {
	URL     string
	At      time.Time
	Hosts   []topHost
	Jobs    []topJob
	Down    []topDown
	Alerts  []topAlert
	Silence int    // active silences
	AMErr   string // why the Alertmanager side is missing
}

type topHost struct {
	Name                        string
	CPU, Mem, Disk, Load, Cores float64 // NaN where there is none
	RX, TX                      float64 // bytes per second
}

type topJob struct {
	Name      string
	Up, Total int
	Every     string
}

type topDown struct{ Job, Instance, Error string }

type topAlert struct {
	Name, State, Severity, Labels, Summary string
	Since                                  time.Time
	Silenced                               bool
	Kept                                   string // why it is told as firing although its rule has no data
	Sent                                   bool   // by the Alertmanager API, and not from a rule

	labels map[string]string
}

// topQuery asks for all host figures at once, each marked by a label.
var topQuery = func() string {
	rate := func(s string) string { return "(rate(" + s + "[5s]) or rate(" + s + "[2m]))" }
	figures := [][2]string{
		{"cpu", `100 * (1 - avg by (instance) ` + rate(`node_cpu_seconds_total{mode="idle"}`) + `)`},
		{"mem", `100 * (1 - max by (instance) (node_memory_MemAvailable_bytes) / max by (instance) (node_memory_MemTotal_bytes))`},
		{"disk", `100 * max by (instance) (1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|squashfs|iso9660|fuse.*"} / (node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|squashfs|iso9660|fuse.*"} > 0))`},
		{"load", `max by (instance) (node_load1)`},
		{"cores", `count by (instance) (node_cpu_seconds_total{mode="idle"})`},
		{"rx", `sum by (instance) ` + rate(`node_network_receive_bytes_total{device!~"lo|veth.*|docker.*|br-.*"}`)},
		{"tx", `sum by (instance) ` + rate(`node_network_transmit_bytes_total{device!~"lo|veth.*|docker.*|br-.*"}`)},
	}
	parts := make([]string, 0, len(figures))
	for _, f := range figures {
		parts = append(parts, `label_replace(`+f[1]+`, "figure", "`+f[0]+`", "", "")`)
	}
	return strings.Join(parts, " or ")
}()

// readFrame asks the server for everything that one frame shows.
func readFrame(ctx context.Context, c *apiClient) (*topFrame, error) {
	// The server's clock is taken from its answer where there is one.
	f := &topFrame{URL: c.base.String(), At: time.Now().UTC()}
	var vector struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := c.postForm(ctx, "/api/v1/query", url.Values{"query": {topQuery}}, &vector); err != nil {
		return nil, err
	}
	hosts := map[string]*topHost{}
	for _, s := range vector.Data.Result {
		text, _ := s.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("read answer of /api/v1/query: value %q is not a number", text)
		}
		if at, ok := s.Value[0].(float64); ok {
			f.At = time.UnixMilli(int64(at * 1000)).UTC()
		}
		name := s.Metric["instance"]
		h := hosts[name]
		if h == nil {
			n := math.NaN()
			h = &topHost{Name: name, CPU: n, Mem: n, Disk: n, Load: n, Cores: n, RX: n, TX: n}
			hosts[name] = h
		}
		for figure, to := range map[string]*float64{"cpu": &h.CPU, "mem": &h.Mem, "disk": &h.Disk, "load": &h.Load, "cores": &h.Cores, "rx": &h.RX, "tx": &h.TX} {
			if s.Metric["figure"] == figure {
				*to = v
			}
		}
	}
	for _, h := range hosts {
		f.Hosts = append(f.Hosts, *h)
	}
	slices.SortFunc(f.Hosts, func(a, b topHost) int { return strings.Compare(a.Name, b.Name) })
	if err := f.readTargets(ctx, c); err != nil {
		return nil, err
	}
	return f, f.readAlerts(ctx, c)
}

func (f *topFrame) readTargets(ctx context.Context, c *apiClient) error {
	var targets struct {
		Data struct {
			ActiveTargets []struct {
				Labels                                        map[string]string
				ScrapePool, Health, LastError, ScrapeInterval string
			}
		}
	}
	if err := c.getJSON(ctx, "/api/v1/targets?state=active", &targets); err != nil {
		return err
	}
	jobs := map[string]*topJob{}
	for _, t := range targets.Data.ActiveTargets {
		// The pools of in-process sources stand below touchline/.
		name := strings.TrimPrefix(t.ScrapePool, "touchline/")
		j := jobs[name]
		if j == nil {
			j = &topJob{Name: name, Every: t.ScrapeInterval}
			jobs[name] = j
		}
		j.Total++
		switch t.Health {
		case "up":
			j.Up++
		case "down":
			f.Down = append(f.Down, topDown{name, t.Labels["instance"], t.LastError})
		}
	}
	for _, j := range jobs {
		f.Jobs = append(f.Jobs, *j)
	}
	slices.SortFunc(f.Jobs, func(a, b topJob) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (f *topFrame) readAlerts(ctx context.Context, c *apiClient) error {
	var alerts struct {
		Data struct {
			Alerts []struct {
				Labels, Annotations map[string]string
				State               string
				ActiveAt            time.Time
			}
		}
	}
	if err := c.getJSON(ctx, "/api/v1/alerts", &alerts); err != nil {
		return err
	}
	// The Alertmanager may be another server that is away; what fires is still
	// shown then, with a line that says so.
	told, own, err := readTold(ctx, c)
	var silences []struct{ Status struct{ State string } }
	if err == nil {
		err = c.getJSON(ctx, "/api/v2/silences", &silences)
	}
	if err != nil {
		f.AMErr = err.Error()
	}
	silenced := map[string]bool{}
	for _, a := range told {
		silenced[canonical(a.Labels)] = len(a.Status.SilencedBy) > 0
	}
	for _, s := range silences {
		if s.Status.State == "active" {
			f.Silence++
		}
	}
	for _, a := range alerts.Data.Alerts {
		if selfmon.Heartbeat(a.Labels) {
			continue
		}
		f.Alerts = append(f.Alerts, topAlert{Name: a.Labels["alertname"], State: a.State, Severity: a.Labels["severity"], Since: a.ActiveAt,
			Summary: a.Annotations["summary"], Silenced: silenced[canonical(a.Labels)], labels: a.Labels})
	}
	f.addTold(told, own)
	for i := range f.Alerts {
		a := &f.Alerts[i]
		delete(a.labels, "alertname")
		delete(a.labels, "severity")
		a.Labels = canonical(a.labels)
	}
	rank := map[string]int{"critical": 0, "warning": 1}
	order := func(a topAlert) int {
		r, ok := rank[a.Severity]
		if !ok {
			r = 2
		}
		if a.State != "firing" {
			r += 10
		}
		return r
	}
	slices.SortStableFunc(f.Alerts, func(a, b topAlert) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), b.Since.Compare(a.Since), strings.Compare(a.Labels, b.Labels))
	})
	return nil
}

// toldAlert is an alert as the Alertmanager API lists it.
type toldAlert struct {
	Labels, Annotations map[string]string
	StartsAt            time.Time
	GeneratorURL        string
	Status              struct{ SilencedBy []string }
}

// readTold gives the alerts that the Alertmanager has, and how the links begin
// that those of the rules carry.
func readTold(ctx context.Context, c *apiClient) ([]toldAlert, string, error) {
	var to struct {
		Data struct{ ActiveAlertmanagers []struct{ URL string } }
	}
	if err := c.getJSON(ctx, "/api/v1/alertmanagers", &to); err != nil {
		return nil, "", err
	}
	// A server that tells by itself names itself, by the address that its links have.
	own := ""
	if ams := to.Data.ActiveAlertmanagers; len(ams) == 1 {
		own = strings.TrimSuffix(ams[0].URL, "/api/v2/alerts") + "/graph?"
	}
	var told []toldAlert
	err := c.getJSON(ctx, "/api/v2/alerts", &told)
	return told, own, err
}

// addTold adds what is told as firing and what no rule has: alerts that are kept
// without data, and those that somebody has sent.
func (f *topFrame) addTold(told []toldAlert, own string) {
	rules := f.Alerts
	for _, a := range told {
		ours, kept := own != "" && strings.HasPrefix(a.GeneratorURL, own), a.Annotations["no_data"]
		if selfmon.Heartbeat(a.Labels) || ours && kept == "" ||
			slices.ContainsFunc(rules, func(r topAlert) bool { return r.State == "firing" && within(r.labels, a.Labels) }) {
			continue
		}
		if !ours {
			kept = ""
		}
		f.Alerts = append(f.Alerts, topAlert{Name: a.Labels["alertname"], State: "firing", Severity: a.Labels["severity"], Since: a.StartsAt,
			Summary: a.Annotations["summary"], Silenced: len(a.Status.SilencedBy) > 0, Kept: kept, Sent: !ours, labels: a.Labels})
	}
}

// within says whether one set of labels is part of another: external labels are added on the way out.
func within(part, whole map[string]string) bool {
	for k, v := range part {
		if whole[k] != v {
			return false
		}
	}
	return true
}

func canonical(labels map[string]string) string {
	keys := make([]string, 0, len(labels))
	for k := range labels {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		v, _ := json.Marshal(labels[k])
		parts = append(parts, k+"="+string(v))
	}
	return strings.Join(parts, " ")
}

// frameStyle says how a frame is drawn.
type frameStyle struct {
	Color  bool
	Width  int   // columns; 0 means 100
	Height int   // lines; 0 means as many as there are
	Raw    bool  // the terminal is in raw mode: lines end with CR LF, and are cleared to their end
	Stale  error // why the frame is not of now
}

// draw gives the frame as text, cut to the size of the terminal.
func (f *topFrame) draw(s frameStyle) string {
	if s.Width <= 0 {
		s.Width = 100
	}
	d := &drawing{style: s}
	firing := 0
	for _, a := range f.Alerts {
		if a.State == "firing" {
			firing++
		}
	}
	up, total := 0, 0
	for _, j := range f.Jobs {
		up, total = up+j.Up, total+j.Total
	}
	head := fmt.Sprintf("touchline  %d firing, %d pending   %d of %d targets up   %d silences   %s", firing, len(f.Alerts)-firing, up, total, f.Silence, f.URL)
	color := "1;32"
	if firing > 0 || up < total {
		color = "1;31"
	}
	d.add(color, head)
	if s.Stale != nil {
		d.add("1;33", "old figures of "+f.At.Format(time.TimeOnly)+"Z: "+s.Stale.Error())
	}
	d.add("", "")
	d.add("2", fmt.Sprintf("%-24s %6s %6s %6s %13s %11s %11s", "HOST", "CPU", "MEM", "DISK", "LOAD", "IN", "OUT"))
	for _, h := range f.Hosts {
		load := "-"
		if !math.IsNaN(h.Load) {
			load = fmt.Sprintf("%.2f", h.Load)
			if !math.IsNaN(h.Cores) {
				load += fmt.Sprintf(" / %.0f", h.Cores)
			}
		}
		d.add("", fmt.Sprintf("%-24s %6s %6s %6s %13s %11s %11s", h.Name, share(h.CPU), share(h.Mem), share(h.Disk), load, speed(h.RX), speed(h.TX)))
	}
	if len(f.Hosts) == 0 {
		d.add("2", "no host figures: nothing exports node_cpu_seconds_total")
	}
	d.add("", "")
	d.add("2", "ALERTS")
	if f.AMErr != "" {
		d.add("33", "silences are not known: "+f.AMErr)
	}
	if len(f.Alerts) == 0 {
		d.add("", "nothing fires")
	}
	for _, a := range f.Alerts {
		color := "33"
		switch {
		case a.State != "firing" || a.Silenced:
			color = "2"
		case a.Severity == "critical":
			color = "31"
		}
		state := a.State
		switch {
		case a.Silenced:
			state = "silenced"
		case a.Kept != "":
			state = "kept"
		}
		about := a.Summary
		switch {
		case a.Kept != "":
			about += "  (" + a.Kept + ")"
		case a.Sent:
			about += "  (sent by API)"
		}
		d.add(color, fmt.Sprintf("%-8s %-8s %6s  %s  %s  %s", state, a.Severity, elapsed(f.At.Sub(a.Since)), a.Name, a.Labels, about))
	}
	d.add("", "")
	d.add("2", fmt.Sprintf("%-24s %9s  %s", "TARGETS", "UP", "EVERY"))
	for _, j := range f.Jobs {
		color := ""
		if j.Up < j.Total {
			color = "31"
		}
		d.add(color, fmt.Sprintf("%-24s %9s  %s", j.Name, fmt.Sprintf("%d/%d", j.Up, j.Total), j.Every))
	}
	for _, t := range f.Down {
		d.add("31", fmt.Sprintf("down  %s %s  %s", t.Job, t.Instance, t.Error))
	}
	return d.text()
}

type drawing struct {
	style frameStyle
	lines []string
}

// add cuts one line to the width. Label values and errors come from outside:
// what is not printable could drive the terminal, so it is replaced.
func (d *drawing) add(color, line string) {
	line = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, line)
	line = strings.TrimRight(line, " ")
	columns := 0
	for i, r := range line {
		w := 1
		if r >= 0x1100 && (r <= 0x115f || (r >= 0x2e80 && r <= 0xa4cf) || (r >= 0xac00 && r <= 0xd7a3) || (r >= 0xf900 && r <= 0xfaff) || (r >= 0xfe30 && r <= 0xfe6f) || (r >= 0xff00 && r <= 0xff60) || r >= 0x1f300) {
			w = 2
		}
		if columns+w > d.style.Width {
			line = line[:i]
			break
		}
		columns += w
	}
	if d.style.Color && color != "" && line != "" {
		line = "\x1b[" + color + "m" + line + "\x1b[0m"
	}
	d.lines = append(d.lines, line)
}

func (d *drawing) text() string {
	lines := d.lines
	if h := d.style.Height; h > 1 && len(lines) > h-1 {
		lines = lines[:h-1]
	}
	end := "\n"
	if d.style.Raw {
		end = "\x1b[K\r\n"
	}
	return strings.Join(lines, end) + end
}

func share(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", max(v, 0))
}

func speed(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	units := []string{"B/s", "kB/s", "MB/s", "GB/s"}
	i := 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

func elapsed(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
