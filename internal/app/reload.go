package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/prometheus/config"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/app/roster"
	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/metrics"
	"touchline.dev/touchline/internal/oncall"
	"touchline.dev/touchline/internal/rules"
	"touchline.dev/touchline/internal/statuspage"
)

// reloadMetrics carry upstream's names: dashboards and rules know them.
type reloadMetrics struct{ ok, at prometheus.Gauge }

func newReloadMetrics(reg prometheus.Registerer) reloadMetrics {
	g := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := reloadMetrics{
		ok: g("prometheus_config_last_reload_successful", "Whether the last configuration reload attempt was successful."),
		at: g("prometheus_config_last_reload_success_timestamp_seconds", "Timestamp of the last successful configuration reload."),
	}
	reg.MustRegister(m.ok, m.at)
	return m
}

func (m reloadMetrics) done(err error) {
	if err != nil {
		m.ok.Set(0)
		return
	}
	m.ok.Set(1)
	m.at.SetToCurrentTime()
}

// Reload reads every file again and puts all of it into force, or nothing: a
// fault anywhere leaves the running configuration as it was.
func (a *App) Reload() error {
	err := a.load()
	if err != nil {
		a.log.Error("Reload refused; the configuration in force stays", "err", err, "every_error", a.checkCommand())
		return err
	}
	for _, what := range a.server.NeedsRestart() {
		a.log.Warn("Configuration reloaded, but not all of it is in force", "reason", what, "file", a.c.Web.ConfigFile)
	}
	a.log.Info("Configuration reloaded")
	return nil
}

// ReloadBySignal reloads because the operating system asked for it. One that is
// refused is logged and shown by the status; the server goes on.
func (a *App) ReloadBySignal(ctx context.Context) {
	if a.Reload() == nil {
		a.recordAs(ctx, identity.Actor{Name: "SIGHUP", Method: identity.MethodSignal}, "server.reload", "server", nil, nil)
	}
}

// checkFiles parses the user's files before the data directory is touched: the
// replay of a large log takes minutes, and a typo should not cost them.
func (a *App) checkFiles() error {
	_, perr := metrics.LoadConfig(a.c.PrometheusFile, a.log)
	am, aerr := a.alertmanagerFile()
	var rerr error
	if aerr == nil {
		aerr = withChannels(am, a.c)
		_, rerr = roster.New(&a.c.Dynamic, receiversOf(am), nil)
	}
	return a.withHint(errors.Join(perr, aerr, rerr))
}

// withHint names the command that says more about the user's files than the
// first error that a start ran into.
func (a *App) withHint(err error) error {
	command := a.checkCommand()
	if err == nil || command == "" || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w\nevery error, with its place and what to write instead: %s", err, command)
}

// checkCommand is what checks the user's files, or "" where there are none.
func (a *App) checkCommand() string {
	var files []string
	for _, f := range []string{a.c.File, a.c.PrometheusFile, a.c.AlertmanagerFile, a.c.Web.ConfigFile} {
		if f != "" {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return ""
	}
	return "touchline check " + strings.Join(files, " ")
}

func (a *App) load() (err error) {
	a.reloadMu.Lock()
	defer a.reloadMu.Unlock()
	defer func() {
		a.reload.done(err)
		if err != nil {
			a.parts.config.Failed(err.Error())
		} else {
			a.parts.config.OK()
		}
	}()

	// Everything that can fail comes first, and all faults are told together.
	own, oerr := a.c, error(nil)
	if a.dynamic.Load() != nil {
		if own, oerr = a.o.Reread(); oerr != nil {
			oerr = fmt.Errorf("read touchline.yaml again: %w", oerr)
		}
	}
	var page statuspage.Settings
	if oerr == nil && own.StatusPage != nil {
		page, oerr = statusSettings(own.StatusPage)
	}
	prom, perr := metrics.LoadConfig(a.c.PrometheusFile, a.log)
	var mc *metrics.Change
	var rc *rules.Change
	if perr == nil {
		perr = a.readThrough(prom)
	}
	if perr == nil {
		mc, perr = a.engine.Prepare(prom, a.inProcess())
	}
	if perr == nil {
		rc, perr = a.rules.Prepare(rules.Settings{
			Interval: time.Duration(prom.GlobalConfig.EvaluationInterval), QueryOffset: time.Duration(prom.GlobalConfig.RuleQueryOffset),
			Patterns: absolute(a.c.PrometheusFile, prom), ExternalLabels: prom.GlobalConfig.ExternalLabels, Stack: a.c.Stack.Enabled && a.remote.metrics == nil,
		})
	}
	am, aerr := a.alertmanagerFile()
	var ac *alerting.Change
	if aerr == nil && oerr == nil {
		aerr = withChannels(am, own)
	}
	var who *roster.Roster
	if aerr == nil && oerr == nil {
		var more map[string][]oncall.Override
		if more, oerr = a.overrides(context.Background(), &own.Dynamic); oerr == nil {
			who, oerr = roster.New(&own.Dynamic, receiversOf(am), more)
		}
	}
	if aerr == nil && oerr == nil {
		ac, aerr = a.alerting.Prepare(am, who.Receivers...)
	}
	if aerr != nil {
		a.alerting.Refused()
	}
	if err := errors.Join(oerr, perr, aerr); err != nil {
		return err
	}

	// Alerting, which cannot fail, comes after what might, and before the rules
	// whose alerts it routes.
	if err := mc.Apply(); err != nil {
		return err
	}
	if err := a.notifier.Apply(a.alertsThrough(prom)); err != nil {
		return err
	}
	ac.Apply()
	if err := rc.Apply(); err != nil {
		return err
	}
	a.loadDashboards(context.Background())
	a.dynamic.Store(&own.Dynamic)
	a.roster.Store(who)
	a.applyStatusPage(own.StatusPage, page)
	a.warnOfRestart(own)
	a.changes.note(a.rules.RuleGroups(), time.Now())
	a.warnOfUnknownGroups()
	if a.notifier.External() && a.c.AlertmanagerFile != "" {
		a.log.Warn("The routes of this file have no effect: other Alertmanagers are named, and those get the alerts", "file", a.c.AlertmanagerFile, "named_by", a.alertsElsewhere())
	}
	a.warnOfNoWatchdog()
	a.warnOfLinks(own)
	for _, p := range who.Gaps(&own.Dynamic, time.Now()) {
		a.log.Warn("An incident of such a time calls nobody of the schedule", "problem", p.Error())
	}
	return nil
}

// warnOfLinks tells where messages to people have links that only this machine can follow.
func (a *App) warnOfLinks(own *config.Config) {
	if a.c.Web.ExternalURL != "" || len(own.Dynamic.People) == 0 && len(own.Dynamic.Channels) == 0 {
		return
	}
	ip := net.ParseIP(a.external.Hostname())
	if a.external.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		a.log.Warn("Links in messages lead to an address of this machine, which no phone can open; set web.external_url (--web.external-url) to the address by which people reach this server", "address", a.external.String())
	}
}

// warnOfRestart tells of settings that have changed and are not in force yet.
func (a *App) warnOfRestart(own *config.Config) {
	old := a.c.Flags()
	for flag, value := range own.Flags() {
		if old[flag] != value {
			a.log.Warn("A setting has changed that takes a restart to come into force", "setting", flag, "in_force", old[flag], "configured", value)
		}
	}
	if backendsChanged(a.c.Backends, own.Backends) {
		a.log.Warn("A section has changed that takes a restart to come into force", "section", "backends")
	}
	// What is secret looks the same before and after.
	for flag, changed := range map[string]bool{
		"heartbeat.url":       a.c.Heartbeat.URL != own.Heartbeat.URL,
		"heartbeat.watch-url": !slices.Equal(a.c.Heartbeat.WatchURLs, own.Heartbeat.WatchURLs),
	} {
		if changed {
			a.log.Warn("A secret setting has changed that takes a restart to come into force", "setting", flag)
		}
	}
}

// warnOfUnknownGroups tells of settings for rule groups that are not there.
func (a *App) warnOfUnknownGroups() {
	known := map[config.RuleGroup]bool{}
	for _, g := range a.rules.RuleGroups() {
		known[a.ruleGroup(g.File(), g.Name())] = true
	}
	for _, set := range []map[config.RuleGroup]string{a.c.Rules.Groups, a.c.Rules.NoDataGroups} {
		for g, value := range set {
			if !known[g] {
				a.log.Warn("A setting is for a rule group that is not there; files are named relative to prometheus.yml", "file", g.File, "group", g.Group, "value", value)
			}
		}
	}
}

// absolute makes the patterns of rule_files absolute, as upstream's loader does.
func absolute(file string, c *promconfig.Config) []string {
	out := make([]string, 0, len(c.RuleFiles))
	for _, p := range c.RuleFiles {
		if file != "" && !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(file), p)
		}
		out = append(out, p)
	}
	return out
}

// alertmanagerFile is the user's alertmanager.yml, or the one that ships.
func (a *App) alertmanagerFile() (*alerting.File, error) {
	switch {
	case a.c.AlertmanagerFile != "":
		return alerting.LoadFile(a.c.AlertmanagerFile)
	case a.c.Stack.Alertmanager:
		raw, err := fs.ReadFile(a.o.Shipped, "alertmanager.yml")
		if err != nil {
			return nil, fmt.Errorf("read shipped alertmanager.yml: %w", err)
		}
		return alerting.Parse(raw)
	default:
		return alerting.Parse([]byte("route: {receiver: none}\nreceivers: [{name: none}]\n"))
	}
}

// inProcess are the targets that live in this process.
func (a *App) inProcess() []metrics.InProcess {
	if a.sources == nil {
		return nil
	}
	var out []metrics.InProcess
	for _, s := range a.sources.Sources() {
		out = append(out, metrics.InProcess{Job: s.Job, Instance: a.host, Address: s.Address, Path: s.MetricsPath, Interval: a.c.Sources.Interval})
	}
	return out
}

// receiversOf lists the receivers of a configuration.
func receiversOf(f *alerting.File) []string {
	out := []string{}
	for _, r := range f.Config.Receivers {
		out = append(out, r.Name)
	}
	return out
}
