package app

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"

	"touchline.dev/touchline/internal/selfmon"
)

// Report says what this server does: start-up prints it, GET
// /touchline/v1/status and the page show it.
func (a *App) Report() selfmon.Report {
	r := selfmon.Report{
		Version: a.build.Version, Revision: a.build.Revision, GoVersion: a.build.GoVersion, Upstream: a.build.Upstream,
		State: a.health.State(), StartedAt: a.health.StartedAt(), ReadySeconds: a.health.ReadySeconds(),
		ConsoleURL: a.external.String() + "/ui/", Watched: a.watched(), Endpoints: a.endpoints(), Alerts: a.alertsTo(),
		Data:   selfmon.Data{Dir: a.c.Storage.Path, RetentionTime: model.Duration(a.c.Storage.RetentionTime).String(), RetentionSizeBytes: a.c.Storage.RetentionSize, UsedBytes: a.dataSize.get(a.c.Storage.Path), Database: a.state.Kind()},
		Access: a.access(),
		Rules:  a.ruleCounts(), Components: a.health.Components(), Backends: a.reportBackends(), Outside: a.outside(), TokenFile: a.tokenFile(),
		Stop: "Ctrl C, or SIGTERM. Samples, alerts of rules, silences and who was told are kept; alerts sent by API are for their sender to repeat",
	}
	for _, l := range a.server.Listeners() {
		s := selfmon.Listener{Name: l.Name, Address: l.Address, Flag: l.Flag, State: "listening", Error: l.Error}
		if l.Error != "" {
			s.State = "failed"
		}
		r.Listeners = append(r.Listeners, s)
	}
	if a.sources != nil {
		for _, m := range a.sources.Missing() {
			r.NotSeen = append(r.NotSeen, selfmon.NotSeen{What: m.What, Reason: m.Reason, Remedy: m.Remedy})
		}
	}
	return r
}

// access says who may do what without signing in. Where the database does not
// answer, users are taken to be there.
func (a *App) access() selfmon.Access {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	has, err := a.door.HasUsers(ctx)
	return selfmon.Access{Users: has || err != nil || a.server.HasFileUsers(), Anonymous: a.c.Auth.Anonymous}
}

// watched lists the in-process sources and every job of prometheus.yml, or what
// the metrics backend scrapes.
func (a *App) watched() []selfmon.Watched {
	if a.remote.metrics != nil {
		if jobs := a.remote.jobs.Load(); jobs != nil {
			return *jobs
		}
		return nil
	}
	var out []selfmon.Watched
	targets := a.engine.Scraper().TargetsActive()
	own := map[string]bool{}
	if a.sources != nil {
		for _, s := range a.sources.Sources() {
			w := selfmon.Watched{Job: s.Job, Instance: a.host, What: s.What, IntervalSeconds: a.c.Sources.Interval.Seconds(), Source: selfmon.SourceInProcess}
			pool := "touchline/" + s.Job
			own[pool] = true
			count(&w, targets[pool])
			out = append(out, w)
		}
	}
	pools := make([]string, 0, len(targets))
	for p := range targets {
		if !own[p] {
			pools = append(pools, p)
		}
	}
	cfg := a.engine.Config()
	intervals := map[string]time.Duration{}
	for _, s := range cfg.ScrapeConfigs {
		intervals[s.JobName] = time.Duration(s.ScrapeInterval)
		if _, known := targets[s.JobName]; !known && !own[s.JobName] {
			pools = append(pools, s.JobName)
		}
	}
	sort.Strings(pools)
	for _, p := range pools {
		w := selfmon.Watched{Job: p, What: "targets of prometheus.yml", IntervalSeconds: intervals[p].Seconds(), Source: selfmon.SourcePrometheus}
		found, known := targets[p]
		w.Discovering = !known
		count(&w, found)
		out = append(out, w)
	}
	return out
}

// count fills in how many targets a job has and how many of them are down.
func count(w *selfmon.Watched, targets []*scrape.Target) {
	w.Targets = len(targets)
	scraped := false
	for _, t := range targets {
		switch t.Health() {
		case scrape.HealthBad:
			w.Down++
			scraped = true
		case scrape.HealthGood:
			scraped = true
		}
	}
	if scraped {
		up := w.Down == 0
		w.Up = &up
	}
}

// endpoints says where data can be sent.
func (a *App) endpoints() []selfmon.Endpoint {
	base := a.external.String()
	alerts := selfmon.Endpoint{What: "alerts for Alertmanager", URL: base + "/api/v2/alerts"}
	if a.remote.metrics != nil {
		return []selfmon.Endpoint{alerts}
	}
	over := selfmon.Endpoint{What: "OTLP metrics over HTTP", URL: base + "/v1/metrics"}
	out := []selfmon.Endpoint{{What: "Prometheus remote write 1.0 and 2.0", URL: base + "/api/v1/write"}}
	for _, l := range a.server.Listeners() {
		switch {
		case l.Error != "":
		case l.Name == "otlp-http": // where senders look by themselves
			scheme := "http"
			if l.TLS {
				scheme = "https"
			}
			over.URL = scheme + "://" + l.Address + a.prefix() + "/v1/metrics"
		case l.Name == "otlp-grpc":
			out = append(out, selfmon.Endpoint{What: "OTLP metrics over gRPC", URL: l.Address})
		}
	}
	out = slices.Insert(out, 1, over)
	return append(out, alerts)
}

func (a *App) alertsTo() selfmon.AlertsTo {
	to := selfmon.AlertsTo{Mode: selfmon.AlertsEmbedded, ConfigFile: a.c.AlertmanagerFile}
	if a.notifier.External() {
		return a.alertsOut(to)
	}
	to.None = true
	for _, r := range a.alerting.Receivers() {
		out := selfmon.Receiver{Name: r.Name, Integrations: r.Integrations, Default: r.Default, Unused: r.Unused()}
		for n, at := range r.Proven {
			out.Proven = append(out.Proven, selfmon.Proof{Integration: r.Integrations[n], At: at})
		}
		for _, last := range r.Last {
			if last.Error != "" {
				out.Failing = append(out.Failing, selfmon.Failure{Integration: last.Integration, At: last.At, Error: last.Error})
			}
		}
		to.Receivers = append(to.Receivers, out)
		if r.Used && len(r.Integrations) > 0 {
			to.None = false
		}
	}
	return to
}

// discoveryTime is how long discovery may take to find the Alertmanagers that
// prometheus.yml names; it goes on after the server is ready.
const discoveryTime = time.Minute

// alertsOut says which Alertmanagers of prometheus.yml get the alerts: those
// that have been discovered or, before there are any, those that it names.
func (a *App) alertsOut(to selfmon.AlertsTo) selfmon.AlertsTo {
	to.Mode, to.Ignored = selfmon.AlertsExternal, to.ConfigFile != ""
	for _, u := range a.notifier.Alertmanagers() {
		to.Alertmanagers = append(to.Alertmanagers, u.Redacted())
	}
	for _, f := range a.notifier.Failing() {
		to.Failing = append(to.Failing, selfmon.Failure{Integration: f.URL, At: f.At, Error: f.Error})
	}
	if len(to.Alertmanagers) == 0 {
		named, since := a.notifier.Named()
		to.Alertmanagers, to.None = named, time.Since(since) > discoveryTime
	}
	return to
}

func (a *App) ruleCounts() selfmon.RuleCounts {
	out := selfmon.RuleCounts{Files: len(a.rules.Files()), Kept: a.rules.Kept(), Sent: a.sentByAPI()}
	for _, g := range a.rules.RuleGroups() {
		out.Groups++
		for _, r := range g.Rules() {
			ar, ok := r.(*rules.AlertingRule)
			if !ok {
				out.Recording++
				continue
			}
			out.Alerting++
			for _, al := range ar.ActiveAlerts() {
				switch {
				case al.State != rules.StateFiring:
					out.Pending++
				case selfmon.Heartbeat(al.Labels.Map()):
					out.Heartbeats++
				default:
					out.Firing++
				}
			}
		}
	}
	return out
}

// sentByAPI counts the firing alerts of the embedded Alertmanager that are not
// from our rules: those carry a link to our own expression.
func (a *App) sentByAPI() (n int) {
	if a.notifier.External() {
		return 0
	}
	own := a.external.String() + "/graph?"
	for _, f := range a.alerting.Firing() {
		if !strings.HasPrefix(f.GeneratorURL, own) && !selfmon.Heartbeat(f.Labels) {
			n++
		}
	}
	return n
}

// sizeKept is how long a measured folder size is good for: the page asks every second.
const sizeKept = 30 * time.Second

// measuredSize remembers the size of the data directory.
type measuredSize struct {
	mu    sync.Mutex
	at    time.Time
	bytes int64
}

func (m *measuredSize) get(dir string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.Sub(m.at) > sizeKept {
		m.at, m.bytes = now, folderSize(dir)
	}
	return m.bytes
}

// folderSize adds up the files below dir, in bytes. Files that vanish meanwhile do not count.
func folderSize(dir string) int64 {
	var n int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // A file that vanished while walking does not count.
		}
		if i, err := d.Info(); err == nil {
			n += i.Size()
		}
		return nil
	})
	return n
}
