package page

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/selfmon"
)

// Limits of the lists on the overview; each links to its page.
const (
	maxOpen = 8
	maxTold = 8
)

// alertRow is one alert with what is known about it on both sides.
type alertRow struct {
	Rule      *rule // nil where no rule here has it
	Alert     ruleAlert
	Severity  string
	Summary   string
	Runbook   string
	Told      []string // receivers
	Silenced  bool
	Inhibited bool
	Kept      string // why it is told as firing although its rule has no data
	Sent      bool   // by the Alertmanager API, and not from a rule
	Link      string // where an alert that was sent comes from
}

// pool counts the targets of one job.
type pool struct {
	Name     string
	Up, Down int
	Waiting  int
	Every    string
	Targets  []target
	Cut      bool // Targets is not all of them
}

// overviewBody is what the overview and its live fragment show.
type overviewBody struct {
	Sentence   string
	Open       []alertRow
	OpenMore   int
	OpenErr    string
	Told       []toldRow
	Load       load
	LoadErr    string
	Pools      []pool
	PoolsErr   string
	Report     selfmon.Report
	Base       string
	Example    string
	APIs       []selfmon.Endpoint
	AlertCount int
	RuleCount  int
}

func (p *Page) overview(w http.ResponseWriter, r *http.Request) error {
	return p.render(w, "overview", http.StatusOK, p.overviewView(r))
}

// live is the part of the overview that moves, for the script to put in place.
func (p *Page) live(w http.ResponseWriter, r *http.Request) error {
	return p.render(w, "live", http.StatusOK, p.overviewView(r))
}

func (p *Page) overviewView(r *http.Request) *view {
	ctx := r.Context()
	v := p.newView(r, "overview", "Overview")
	v.Refresh = true
	b := &overviewBody{Report: p.report(), Told: collapse(p.notified()), Example: strings.Join(selfmon.ReceiverExample, "\n")}
	b.Told = b.Told[:min(len(b.Told), maxTold)]
	b.Base = p.base(r, b.Report)
	b.APIs = apis(b.Base)

	groups, rulesErr := p.rules.get(ctx)
	if rulesErr != nil {
		b.OpenErr = rulesErr.Error()
	}
	for _, g := range groups {
		b.RuleCount += len(g.Rules)
	}
	// The alerts of somebody else's Alertmanager are not this server's.
	var told map[string]amAlert
	if b.Report.Alerts.Mode != selfmon.AlertsExternal {
		told = p.toldByLabels(ctx)
	}
	open := p.openAlerts(ctx, groups, told, b.Report)
	b.AlertCount = len(open)
	b.Open = open[:min(len(open), maxOpen)]
	b.OpenMore = len(open) - len(b.Open)

	var err error
	if b.Load, err = p.load.get(ctx); err != nil {
		b.LoadErr = err.Error()
	}
	b.Load.MoreHosts = max(len(b.Load.Hosts)-maxHosts, 0)
	hosts := len(b.Load.Hosts)
	b.Load.Hosts = b.Load.Hosts[:min(hosts, maxHosts)]
	targets, err := p.targets.get(ctx)
	if err != nil {
		b.PoolsErr = err.Error()
	}
	b.Pools = pools(targets, 0)
	b.Sentence, v.Mark = p.headline(v.Lang, b, open, hosts, len(targets))
	v.Body = b
	return v
}

// base gives the address of this server, as the reader has reached it.
func (p *Page) base(r *http.Request, report selfmon.Report) string {
	if u := report.ConsoleURL; u != "" {
		return strings.TrimSuffix(strings.TrimRight(u, "/"), "/ui")
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host + p.prefix
}

func apis(base string) []selfmon.Endpoint {
	return []selfmon.Endpoint{
		{What: "Prometheus", URL: base + "/api/v1/query?query=up"},
		{What: "Alertmanager", URL: base + "/api/v2/alerts"},
		{What: "federation", URL: base + "/federate?match[]=up"},
		{What: "Touchline", URL: base + "/touchline/v1/status"},
		{What: "own metrics", URL: base + "/metrics"},
		{What: "readiness", URL: base + "/-/ready"},
	}
}

// headline is the answer in one sentence, and the colour of the mark.
func (p *Page) headline(lang string, b *overviewBody, open []alertRow, hosts, targets int) (string, string) {
	t := func(text string, args ...any) string { return translate(lang, text, args...) }
	count := func(n int, one, many string) string {
		if n == 1 {
			return t(one)
		}
		return t(many, n)
	}
	alerts := func(n int) string {
		if n == 0 {
			return t("no alert")
		}
		return count(n, "1 alert", "%d alerts")
	}
	switch b.Report.State {
	case selfmon.StateStarting:
		return t("Starting: not ready yet."), "warning"
	case selfmon.StateStopping:
		return t("Stopping."), "warning"
	}
	if b.OpenErr != "" {
		return t("The state of the alerts cannot be read: %s", b.OpenErr), "critical"
	}
	firing, critical := 0, 0
	var names []string
	for _, a := range open {
		if a.Alert.State != "firing" {
			continue
		}
		firing++
		if a.Severity == "critical" {
			critical++
		}
		if n := a.Alert.Labels["alertname"]; !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	list := strings.Join(names[:min(len(names), 3)], ", ")
	if len(names) > 3 {
		list += t(" and %d more", len(names)-3)
	}
	down := 0
	for _, q := range b.Pools {
		down += q.Down
	}
	var broken []string
	for _, c := range b.Report.Components {
		if c.State == selfmon.ComponentFailed || c.State == selfmon.ComponentDegraded {
			broken = append(broken, c.Name)
		}
	}
	switch {
	case critical > 0 && critical == firing:
		return t("%s critical and firing: %s.", alerts(firing), list), "critical"
	case critical > 0:
		return t("%s firing, %d of them critical: %s.", alerts(firing), critical, list), "critical"
	case firing > 0:
		return t("%s firing, none critical: %s.", alerts(firing), list), "warning"
	case down > 0:
		return t("%d of %d targets are down; %s firing.", down, targets, alerts(0)), "warning"
	case len(broken) > 0:
		return t("Not everything works: %s; %s firing.", strings.Join(broken, ", "), alerts(0)), "warning"
	}
	var what []string
	if hosts > 0 {
		what = append(what, count(hosts, "1 host", "%d hosts"))
	}
	if b.Load.Named > 0 {
		what = append(what, count(b.Load.Named, "1 container", "%d containers"))
	}
	if targets > 0 {
		what = append(what, count(targets, "1 target", "%d targets"))
	}
	watched := t("nothing yet")
	switch len(what) {
	case 0:
	case 1:
		watched = what[0]
	default:
		glue, comma := " "+t("and")+" ", ", "
		if lang == langChinese {
			glue, comma = t("and"), "、"
		}
		watched = strings.Join(what[:len(what)-1], comma) + glue + what[len(what)-1]
	}
	rules := count(b.RuleCount, "1 rule", "%d rules")
	if b.Report.Alerts.None {
		return t("%s watch %s and nothing is firing, but nobody would be told.", rules, watched), "warning"
	}
	return t("All right: %s watch %s; nothing is firing.", rules, watched), "ok"
}

// toldRow is a notification with the attempts that ended alike.
type toldRow struct {
	Notification
	Attempts int
}

// collapse joins failed attempts that ended alike, because a dead receiver is
// tried again every few seconds. all is newest first, and so is the answer; a
// success between two failures keeps them apart.
func collapse(all []Notification) []toldRow {
	type key struct{ receiver, integration, group, status string }
	failing := map[key]int{}
	var out []toldRow
	for _, n := range all {
		k := key{n.Receiver, n.Integration, n.Group, n.Status}
		if i, ok := failing[k]; ok && n.Err == out[i].Err {
			out[i].Attempts++
			continue
		}
		delete(failing, k)
		if n.Err != "" {
			failing[k] = len(out)
		}
		out = append(out, toldRow{Notification: n, Attempts: 1})
	}
	return out
}

// severityRank orders alerts: what wakes people comes first.
func severityRank(s string) int {
	switch s {
	case "critical", "page":
		return 0
	case "warning", "error", "high":
		return 1
	case "info", "none":
		return 3
	}
	return 2
}

// openAlerts gives the alerts that fire or are pending, heartbeats aside, with
// the worst first: those of the rules, and those that only told has. told is what
// the Alertmanager has, or nil where that is asked only for what the rules' alerts need.
func (p *Page) openAlerts(ctx context.Context, groups []ruleGroup, told map[string]amAlert, report selfmon.Report) []alertRow {
	var out []alertRow
	more := told
	for gi := range groups {
		for ri := range groups[gi].Rules {
			r := &groups[gi].Rules[ri]
			for _, a := range r.Alerts {
				if selfmon.Heartbeat(a.Labels) {
					continue
				}
				if told == nil {
					told = p.toldByLabels(ctx)
				}
				out = append(out, newAlertRow(r, a, told))
			}
		}
	}
	out = append(out, p.beyondRules(groups, more, report)...)
	slices.SortStableFunc(out, func(a, b alertRow) int {
		if fa, fb := a.Alert.State == "firing", b.Alert.State == "firing"; fa != fb {
			if fa {
				return -1
			}
			return 1
		}
		if d := severityRank(a.Severity) - severityRank(b.Severity); d != 0 {
			return d
		}
		return since(b.Alert).Compare(since(a.Alert))
	})
	return out
}

// noDataAnnotation is what alerts have that are kept without data.
const noDataAnnotation = "no_data"

// beyondRules gives the alerts that are told as firing and that no rule has:
// those that are kept without data, and those that somebody has sent.
func (p *Page) beyondRules(groups []ruleGroup, told map[string]amAlert, report selfmon.Report) []alertRow {
	own := ""
	if u := report.ConsoleURL; u != "" {
		own = strings.TrimSuffix(u, "/ui/") + "/graph?"
	}
	var out []alertRow
	for _, key := range slices.Sorted(maps.Keys(told)) {
		a := told[key]
		kept := a.Annotations[noDataAnnotation]
		// Labels that a configuration adds or drops on the way out make a rule's
		// alert look foreign; the link to its expression gives it away.
		ours := own != "" && strings.HasPrefix(a.GeneratorURL, own)
		if selfmon.Heartbeat(a.Labels) || ours && kept == "" || ruleHas(groups, a.Labels) {
			continue
		}
		row := newAlertRow(nil, ruleAlert{Labels: a.Labels, Annotations: a.Annotations, State: "firing", ActiveAt: &a.StartsAt}, told)
		if ours {
			row.Kept, row.Rule = kept, ruleNamed(groups, a.Labels["alertname"])
		} else {
			row.Sent, row.Link = true, a.GeneratorURL
		}
		out = append(out, row)
	}
	return out
}

// ruleHas says whether a rule has a firing alert with these labels, or with a part of
// them: external labels are added on the way out.
func ruleHas(groups []ruleGroup, labels map[string]string) bool {
	for _, g := range groups {
		for _, r := range g.Rules {
			if r.Name == labels["alertname"] && slices.ContainsFunc(r.Alerts, func(a ruleAlert) bool { return a.State == "firing" && within(a.Labels, labels) }) {
				return true
			}
		}
	}
	return false
}

func within(part, whole map[string]string) bool {
	for k, v := range part {
		if whole[k] != v {
			return false
		}
	}
	return true
}

// ruleNamed is the first alerting rule of a name, or nil.
func ruleNamed(groups []ruleGroup, name string) *rule {
	for gi := range groups {
		for ri := range groups[gi].Rules {
			if r := &groups[gi].Rules[ri]; r.Name == name && r.Type == "alerting" {
				return r
			}
		}
	}
	return nil
}

func since(a ruleAlert) time.Time {
	if a.ActiveAt == nil {
		return time.Time{}
	}
	return *a.ActiveAt
}

// toldByLabels indexes the Alertmanager's alerts; without an answer the rules'
// side is still shown.
func (p *Page) toldByLabels(ctx context.Context) map[string]amAlert {
	out := map[string]amAlert{}
	alerts, err := p.told.get(ctx)
	if err != nil {
		p.logger.Debug("cannot read who is told", "err", err)
		return out
	}
	// A receiver without an integration tells nobody, so it is not named.
	mute := map[string]bool{}
	for _, rc := range p.report().Alerts.Receivers {
		mute[rc.Name] = len(rc.Integrations) == 0
	}
	for _, a := range alerts {
		a.Receivers = slices.DeleteFunc(slices.Clone(a.Receivers), func(r amReceiver) bool { return mute[r.Name] })
		out[labelText(a.Labels)] = a
	}
	return out
}

func newAlertRow(r *rule, a ruleAlert, told map[string]amAlert) alertRow {
	row := alertRow{Rule: r, Alert: a, Severity: a.Labels["severity"], Summary: a.Annotations["summary"], Runbook: a.Annotations["runbook_url"]}
	if row.Summary == "" {
		row.Summary = a.Annotations["description"]
	}
	if am, ok := told[labelText(a.Labels)]; ok {
		for _, rc := range am.Receivers {
			row.Told = append(row.Told, rc.Name)
		}
		row.Silenced = len(am.Status.SilencedBy) > 0
		row.Inhibited = len(am.Status.InhibitedBy) > 0
	}
	return row
}

// pools groups targets by job; keep is how many of each are kept.
func pools(targets []target, keep int) []pool {
	byName := map[string]*pool{}
	for _, t := range targets {
		// In-process sources are pools below touchline/, whose jobs have the
		// names that the ecosystem uses.
		name := strings.TrimPrefix(t.ScrapePool, "touchline/")
		q := byName[name]
		if q == nil {
			q = &pool{Name: name, Every: t.ScrapeInterval}
			byName[name] = q
		}
		switch t.Health {
		case "up":
			q.Up++
		case "down":
			q.Down++
		default:
			q.Waiting++
		}
		q.Targets = append(q.Targets, t)
	}
	out := make([]pool, 0, len(byName))
	for _, q := range byName {
		slices.SortStableFunc(q.Targets, func(a, b target) int {
			if da, db := a.Health == "down", b.Health == "down"; da != db {
				if da {
					return -1
				}
				return 1
			}
			return strings.Compare(a.ScrapeURL, b.ScrapeURL)
		})
		if len(q.Targets) > keep {
			q.Targets, q.Cut = q.Targets[:keep], true
		}
		out = append(out, *q)
	}
	slices.SortFunc(out, func(a, b pool) int { return strings.Compare(a.Name, b.Name) })
	return out
}
