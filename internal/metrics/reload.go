package metrics

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/units"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/labels"
)

// InProcess is a target that lives in this process and is reached through
// Options.Dial. Its series carry Job and Instance like any other target's.
type InProcess struct {
	Job      string
	Instance string
	Address  string
	Path     string
	Interval time.Duration
}

// Change is a configuration that has passed every check that can fail
// before anything is touched.
type Change struct {
	e    *Engine
	user *config.Config
	full *config.Config
	jobs *config.Config // full, with the limit of the size of answers where a job sets none
	sd   map[string]discovery.Configs
}

// LoadConfig parses prometheus.yml strictly, as upstream does. An empty path
// gives upstream's defaults.
func LoadConfig(path string, log *slog.Logger) (*config.Config, error) {
	if path == "" {
		return config.Load("{}", log)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read prometheus configuration (--prometheus.config): %w", err)
	}
	c, err := config.Load(string(raw), log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.SetDirectory(filepath.Dir(path))
	return c, nil
}

// Prepare checks a configuration and adds the in-process targets. Nothing
// changes until Apply is called on the result.
func (e *Engine) Prepare(user *config.Config, sources []InProcess) (*Change, error) {
	if user.StorageConfig.ExemplarsConfig == nil {
		user.StorageConfig.ExemplarsConfig = &config.ExemplarsConfig{MaxExemplars: e.o.MaxExemplars}
	}
	if user.StorageConfig.TSDBConfig == nil {
		user.StorageConfig.TSDBConfig = &config.TSDBConfig{}
	}
	t := user.StorageConfig.TSDBConfig
	if t.Retention == nil || *t.Retention == (config.TSDBRetentionConfig{}) {
		r := e.tsdbRetention()
		t.Retention = &r
	}
	if t.OutOfOrderTimeWindow == 0 {
		t.OutOfOrderTimeWindow = e.o.OutOfOrderWindow.Milliseconds()
	}
	full := *user
	own, err := inProcessJobs(user, sources, e)
	if err != nil {
		return nil, err
	}
	full.ScrapeConfigs = append(own, user.ScrapeConfigs...)
	jobs, err := full.GetScrapeConfigs()
	if err != nil {
		return nil, err
	}
	sd := make(map[string]discovery.Configs, len(jobs))
	bounded := full
	bounded.ScrapeConfigs, bounded.ScrapeConfigFiles = nil, nil
	for _, j := range jobs {
		sd[j.JobName] = j.ServiceDiscoveryConfigs
		if j.BodySizeLimit == 0 && e.o.MaxScrapeBody > 0 {
			b := *j
			b.BodySizeLimit, j = units.Base2Bytes(e.o.MaxScrapeBody), &b
		}
		bounded.ScrapeConfigs = append(bounded.ScrapeConfigs, j)
	}
	if err := checkClients(user, jobs); err != nil {
		return nil, err
	}
	return &Change{e: e, user: user, full: &full, jobs: &bounded, sd: sd}, nil
}

// checkClients makes the HTTP client of every job and endpoint, as Apply will,
// so that a certificate or a password file that cannot be read is met before
// anything is touched.
func checkClients(c *config.Config, jobs []*config.ScrapeConfig) error {
	var all error
	check := func(what string, cc commoncfg.HTTPClientConfig) {
		client, err := commoncfg.NewClientFromConfig(cc, "check")
		if err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", what, err))
			return
		}
		client.CloseIdleConnections()
	}
	for _, j := range jobs {
		check(fmt.Sprintf("scrape job %q", j.JobName), j.HTTPClientConfig)
	}
	for _, w := range c.RemoteWriteConfigs {
		check(fmt.Sprintf("remote_write to %s", w.URL.Redacted()), w.HTTPClientConfig)
	}
	for _, r := range c.RemoteReadConfigs {
		check(fmt.Sprintf("remote_read from %s", r.URL.Redacted()), r.HTTPClientConfig)
	}
	for _, a := range c.AlertingConfig.AlertmanagerConfigs {
		check("alerting.alertmanagers", a.HTTPClientConfig)
	}
	return all
}

// inProcessJobs builds the scrape configurations of the in-process targets
// through upstream's own loader, so that they get its defaults. The pool's
// name has a prefix of its own: a user's prometheus.yml may well have a job
// called node too. cAdvisor gives each sample the time of its reading; without
// track_timestamps_staleness a container that has ended would be seen for five
// more minutes.
func inProcessJobs(user *config.Config, sources []InProcess, e *Engine) ([]*config.ScrapeConfig, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "global: {metric_name_validation_scheme: %s}\nscrape_configs:\n", user.GlobalConfig.MetricNameValidationScheme)
	for _, s := range sources {
		fmt.Fprintf(&b, "- job_name: %q\n  scrape_interval: %s\n  scrape_timeout: %s\n  metrics_path: %q\n  enable_compression: false\n  track_timestamps_staleness: true\n  static_configs:\n  - targets: [%q]\n    labels: {job: %q, instance: %q}\n",
			"touchline/"+s.Job, s.Interval, s.Interval, s.Path, s.Address, s.Job, s.Instance)
	}
	c, err := config.Load(b.String(), e.log)
	if err != nil {
		return nil, fmt.Errorf("build in-process scrape jobs: %w", err)
	}
	return c.ScrapeConfigs, nil
}

// User is the configuration that the change brings, without in-process targets.
func (c *Change) User() *config.Config { return c.user }

// Apply makes the configuration the one in force, in upstream's order:
// storage, remote endpoints, scraping, discovery.
func (c *Change) Apply() error {
	e := c.e
	if err := e.db.ApplyConfig(c.full); err != nil {
		return fmt.Errorf("apply storage settings: %w", err)
	}
	if err := e.remote.ApplyConfig(c.full); err != nil {
		return fmt.Errorf("apply remote write and read settings: %w", err)
	}
	if err := e.scraper.ApplyConfig(c.jobs); err != nil {
		return fmt.Errorf("apply scrape settings: %w", err)
	}
	if err := e.sd.ApplyConfig(c.sd); err != nil {
		return fmt.Errorf("apply discovery settings: %w", err)
	}
	e.interval.Store(time.Duration(c.user.GlobalConfig.EvaluationInterval).Milliseconds())
	if gogc := c.user.Runtime.GoGC; gogc > 0 && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gogc)
	}
	e.cfg.Store(c.user)
	return nil
}

// ExternalLabels are the labels that the configuration in force adds to what leaves the process.
func (e *Engine) ExternalLabels() labels.Labels { return e.cfg.Load().GlobalConfig.ExternalLabels }

// GoGC is the percentage of garbage at which the configuration in force lets the
// collector run, and whether prometheus.yml or the environment chose it.
func (e *Engine) GoGC() (percent int, chosen bool) {
	percent = e.cfg.Load().Runtime.GoGC
	return percent, percent != config.DefaultGoGCPercentage || os.Getenv("GOGC") != ""
}
