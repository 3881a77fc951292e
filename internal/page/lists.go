package page

import (
	"net/http"
	"slices"
	"strings"

	"touchline.dev/touchline/internal/selfmon"
)

// Limits of the list pages.
const (
	maxTargetsOfPool = 200
	maxAlertRows     = 500
	maxSilences      = 200
)

type alertsBody struct {
	Sentence  string
	Err       string
	ToldErr   string
	Firing    []alertRow
	Pending   []alertRow
	Heartbeat []alertRow
	Others    []alertRow // sent by somebody else
	Inactive  []*rule
	Cut       int // limit that some list has reached, else 0
	Told      []toldRow
}

func (p *Page) alerts(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := p.newView(r, "alerts", "Alerts")
	v.Refresh = true
	b := &alertsBody{Told: collapse(p.notified())}
	groups, err := p.rules.get(ctx)
	if err != nil {
		b.Err = err.Error()
	}
	if _, err := p.told.get(ctx); err != nil {
		b.ToldErr = err.Error()
	}
	kept := map[*rule]bool{}
	for _, row := range p.openAlerts(ctx, groups, p.toldByLabels(ctx), p.report()) {
		switch {
		case row.Sent:
			b.Others = append(b.Others, row)
		case row.Alert.State == "firing":
			b.Firing = append(b.Firing, row)
			kept[row.Rule] = kept[row.Rule] || row.Kept != ""
		default:
			b.Pending = append(b.Pending, row)
		}
	}
	rules := 0
	for gi := range groups {
		for ri := range groups[gi].Rules {
			rl := &groups[gi].Rules[ri]
			if rl.Type != "alerting" {
				continue
			}
			rules++
			if len(rl.Alerts) == 0 && !kept[rl] {
				b.Inactive = append(b.Inactive, rl)
			}
			for _, a := range rl.Alerts {
				if selfmon.Heartbeat(a.Labels) {
					b.Heartbeat = append(b.Heartbeat, newAlertRow(rl, a, nil))
				}
			}
		}
	}
	slices.SortStableFunc(b.Inactive, func(x, y *rule) int { return strings.Compare(x.Name, y.Name) })
	firing := slices.Concat(b.Firing, b.Others)
	b.Sentence = translate(v.Lang, "%d firing, %d pending, %d rules.", len(firing), len(b.Pending), rules)
	v.Mark = alertMark(firing, b.Err)
	for _, list := range []*[]alertRow{&b.Firing, &b.Pending} {
		if len(*list) > maxAlertRows {
			*list, b.Cut = (*list)[:maxAlertRows], maxAlertRows
		}
	}
	if len(b.Others) > maxAlertRows {
		b.Others, b.Cut = b.Others[:maxAlertRows], maxAlertRows
	}
	v.Body = b
	return p.render(w, "alerts", http.StatusOK, v)
}

func alertMark(firing []alertRow, err string) string {
	switch {
	case err != "" || slices.ContainsFunc(firing, func(a alertRow) bool { return a.Severity == "critical" }):
		return "critical"
	case len(firing) > 0:
		return "warning"
	}
	return "ok"
}

type rulesBody struct {
	Sentence string
	Err      string
	Groups   []ruleGroup
}

func (p *Page) rulesPage(w http.ResponseWriter, r *http.Request) error {
	v := p.newView(r, "rules", "Rules")
	b := &rulesBody{}
	groups, err := p.rules.get(r.Context())
	if err != nil {
		b.Err = err.Error()
	}
	b.Groups = groups
	seen := map[string]bool{}
	alerting, recording, failing := 0, 0, 0
	for _, g := range groups {
		seen[g.File] = true
		for _, rl := range g.Rules {
			if rl.Type == "alerting" {
				alerting++
			} else {
				recording++
			}
			if rl.Health == "err" {
				failing++
			}
		}
	}
	b.Sentence = translate(v.Lang, "%d groups in %d files hold %d alerting and %d recording rules; %d of them fail.",
		len(groups), len(seen), alerting, recording, failing)
	v.Mark = mark(failing > 0 || b.Err != "")
	v.Body = b
	return p.render(w, "rules", http.StatusOK, v)
}

func mark(bad bool) string {
	if bad {
		return "warning"
	}
	return "ok"
}

type targetsBody struct {
	Sentence string
	Err      string
	Pools    []pool
	Keep     int
}

func (p *Page) targetsPage(w http.ResponseWriter, r *http.Request) error {
	v := p.newView(r, "targets", "Watched")
	v.Refresh = true
	b := &targetsBody{Keep: maxTargetsOfPool}
	targets, err := p.targets.get(r.Context())
	if err != nil {
		b.Err = err.Error()
	}
	b.Pools = pools(targets, maxTargetsOfPool)
	up := 0
	for _, q := range b.Pools {
		up += q.Up
	}
	b.Sentence = translate(v.Lang, "%d of %d targets are up.", up, len(targets))
	v.Mark = mark(up < len(targets) || b.Err != "")
	v.Body = b
	return p.render(w, "targets", http.StatusOK, v)
}

type silencesBody struct {
	Sentence string
	Err      string
	Active   []silence // and pending
	Expired  []silence
	Base     string
	Token    string
	Matchers string // what to silence, as a shell takes it
}

// quoteShell makes one word of a text for a shell.
func quoteShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func (p *Page) silences(w http.ResponseWriter, r *http.Request) error {
	v := p.newView(r, "alerts", "Silences")
	report := p.report()
	b := &silencesBody{Base: p.base(r, report), Token: report.TokenFile, Matchers: "alertname=NAME"}
	if filter := r.FormValue("filter"); filter != "" { // of a link in a message
		b.Matchers = quoteShell(filter)
	}
	if b.Token == "" {
		b.Token = "data/admin.token"
	}
	all, err := p.api.silences(r.Context())
	if err != nil {
		b.Err = err.Error()
	}
	slices.SortFunc(all, func(a, b silence) int { return b.EndsAt.Compare(a.EndsAt) })
	active := 0
	for _, s := range all {
		switch {
		case s.Status.State == "expired":
			if len(b.Expired) < 20 {
				b.Expired = append(b.Expired, s)
			}
		case len(b.Active) < maxSilences:
			b.Active = append(b.Active, s)
		}
		if s.Status.State == "active" {
			active++
		}
	}
	b.Sentence = translate(v.Lang, "%d silences are active.", active)
	v.Mark = mark(b.Err != "")
	v.Body = b
	return p.render(w, "silences", http.StatusOK, v)
}

// MatchersText prints what a silence matches, in the notation of amtool.
func (s silence) MatchersText() string {
	parts := make([]string, 0, len(s.Matchers))
	for _, m := range s.Matchers {
		op := "="
		equal := m.IsEqual == nil || *m.IsEqual
		switch {
		case m.IsRegex && equal:
			op = "=~"
		case m.IsRegex:
			op = "!~"
		case !equal:
			op = "!="
		}
		parts = append(parts, m.Name+op+`"`+m.Value+`"`)
	}
	return strings.Join(parts, " ")
}

type statusBody struct {
	Sentence string
	Report   selfmon.Report
	APIs     []selfmon.Endpoint
	Example  string
}

func (p *Page) status(w http.ResponseWriter, r *http.Request) error {
	v := p.newView(r, "status", "Status")
	report := p.report()
	b := &statusBody{Report: report, APIs: apis(p.base(r, report)), Example: strings.Join(selfmon.ReceiverExample, "\n")}
	b.Sentence = translate(v.Lang, "The server is %s; it was ready after %s and has run for %s.",
		translate(v.Lang, report.State), spanSeconds(report.ReadySeconds), span(p.now().Sub(report.StartedAt)))
	v.Mark = mark(report.State != selfmon.StateReady)
	v.Body = b
	return p.render(w, "status", http.StatusOK, v)
}
