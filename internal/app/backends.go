package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"touchline.dev/touchline/internal/backend"
	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/selfmon"
)

// remotes are the servers that stand in for engines of this process. One that is
// nil is the engine inside.
type remotes struct {
	metrics, alerts         *backend.Remote
	metricsHTTP, alertsHTTP commoncfg.HTTPClientConfig
	jobs                    atomic.Pointer[[]selfmon.Watched] // of metrics
	jobsFailed              atomic.Bool                       // they could not be read, which has been told
}

// backendRequests is how many requests may be on their way to a backend at the
// same time: a few dashboards' worth. More wait.
const backendRequests = 64

// openBackends makes the clients of the section backends. Nothing is asked yet:
// a server that is down is no reason not to start.
func (a *App) openBackends() error {
	c := &a.c.Backends
	if c.Metrics == nil && c.Alerts == nil {
		return nil
	}
	a.parts.backends = a.health.Register("backends")
	m, err := backend.NewMetrics(a.reg)
	if err != nil {
		return fmt.Errorf("register metrics of backends: %w", err)
	}
	if a.remote.metrics, a.remote.metricsHTTP, err = a.openBackend("metrics", c.Metrics, backend.LookPrometheus, m); err != nil {
		return err
	}
	a.remote.alerts, a.remote.alertsHTTP, err = a.openBackend("alerts", c.Alerts, backend.LookAlertmanager, m)
	return err
}

func (a *App) openBackend(name string, c *config.Backend, look backend.Look, m *backend.Metrics) (*backend.Remote, commoncfg.HTTPClientConfig, error) {
	none := commoncfg.HTTPClientConfig{}
	if c == nil {
		return nil, none, nil
	}
	field := "backends." + name
	hc, err := httpClient(c)
	if err != nil {
		return nil, none, fmt.Errorf("%s: %w", field, err)
	}
	transport, err := commoncfg.NewRoundTripperFromConfig(hc, "backend_"+name)
	if err != nil {
		return nil, none, fmt.Errorf("%s: %w", field, err)
	}
	u, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil {
		return nil, none, fmt.Errorf("%s.url: it is not an address", field)
	}
	looked := a.backendsLooked
	if name == "metrics" {
		looked = func(ctx context.Context) { a.backendsLooked(ctx); a.readJobs(ctx) }
	}
	x := backend.NewRemote(backend.RemoteOptions{
		Name: name, Metrics: m, Look: look, Logger: a.log.With("component", "backends"), Looked: looked,
		Client: backend.New(backend.Options{Name: "backend " + name, URL: u, Transport: transport, Timeout: c.Timeout, Requests: backendRequests, Credentials: field}),
	})
	a.onStop("backend "+name, func(context.Context) error { x.Close(); return nil })
	return x, hc, nil
}

// httpClient is a backend's section as upstream's HTTP client takes it. Secrets in
// files are read for each request; that they can be read is found out here.
func httpClient(c *config.Backend) (commoncfg.HTTPClientConfig, error) {
	hc := commoncfg.DefaultHTTPClientConfig
	// Upstream's client shows http_headers, which may be secrets, to whoever it is led to.
	hc.FollowRedirects = false
	hc.TLSConfig = commoncfg.TLSConfig{
		CAFile: string(c.TLS.CAFile), CertFile: string(c.TLS.CertFile), KeyFile: string(c.TLS.KeyFile),
		ServerName: c.TLS.ServerName, InsecureSkipVerify: c.TLS.InsecureSkipVerify,
	}
	var err error
	if u := c.BasicAuth; u != nil {
		hc.BasicAuth = &commoncfg.BasicAuth{Username: u.Username, PasswordFile: string(u.PasswordFile)}
		hc.BasicAuth.Password, err = secretOf("basic_auth.password", u.PasswordFile, u.PasswordEnv)
	}
	if t := c.Authorization; t != nil {
		hc.Authorization = &commoncfg.Authorization{Type: t.Type, CredentialsFile: string(t.CredentialsFile)}
		hc.Authorization.Credentials, err = secretOf("authorization.credentials", t.CredentialsFile, t.CredentialsEnv)
	}
	if err != nil {
		return hc, err
	}
	if c.ProxyURL != "" {
		u, err := url.Parse(c.ProxyURL)
		if err != nil {
			return hc, errors.New("proxy_url: it is not an address")
		}
		hc.ProxyURL = commoncfg.URL{URL: u}
	}
	hc.ProxyFromEnvironment = c.ProxyFromEnvironment
	if len(c.Headers) > 0 {
		hc.HTTPHeaders = &commoncfg.Headers{Headers: map[string]commoncfg.Header{}}
		for name, h := range c.Headers {
			header := commoncfg.Header{Values: h.Values}
			for _, f := range h.Files {
				if _, err := secretOf("http_headers."+name+".files", f, ""); err != nil {
					return hc, err
				}
				header.Files = append(header.Files, string(f))
			}
			hc.HTTPHeaders.Headers[name] = header
		}
	}
	return hc, nil
}

// secretOf is the value of a variable, or nothing and whether the file can be read.
func secretOf(field string, file config.File, env string) (commoncfg.Secret, error) {
	if env == "" {
		if _, err := os.ReadFile(string(file)); err != nil {
			return "", fmt.Errorf("%s: %w", field, err)
		}
		return "", nil
	}
	value := strings.TrimSpace(os.Getenv(env))
	if value == "" {
		return "", fmt.Errorf("%s_env: the variable %s is not set", field, env)
	}
	return commoncfg.Secret(value), nil
}

// all lists the backends that there are.
func (r *remotes) all() []*backend.Remote {
	return slices.DeleteFunc([]*backend.Remote{r.metrics, r.alerts}, func(x *backend.Remote) bool { return x == nil })
}

// backendsLooked is told that somebody has looked at a backend.
func (a *App) backendsLooked(context.Context) {
	var wrong []string
	for _, x := range a.remote.all() {
		if s := x.State(); !s.Looked.IsZero() && !s.Up {
			wrong = append(wrong, s.Reason)
		}
	}
	if len(wrong) > 0 {
		a.parts.backends.Failed(strings.Join(wrong, "; "))
	} else {
		a.parts.backends.OK()
	}
}

// readJobs asks the metrics backend which jobs it scrapes.
func (a *App) readJobs(parent context.Context) {
	x := a.remote.metrics
	if x == nil || !x.State().Up {
		a.remote.jobs.Store(nil)
		return
	}
	// The next look at the backend waits for it.
	ctx, cancel := context.WithTimeout(parent, jobsTimeout)
	defer cancel()
	all, err := x.Vector(ctx, `count by (job) (up)`)
	if err == nil {
		var down []backend.Sample
		if down, err = x.Vector(ctx, `count by (job) (up == 0)`); err == nil {
			jobs := remoteJobs(all, down)
			a.remote.jobs.Store(&jobs)
			a.remote.jobsFailed.Store(false)
			return
		}
	}
	a.remote.jobs.Store(nil)
	if ctx.Err() != nil {
		err = fmt.Errorf("it has not answered within %s", jobsTimeout)
	}
	if parent.Err() == nil && a.remote.jobsFailed.CompareAndSwap(false, true) {
		a.log.Warn("It is not known which jobs the metrics backend scrapes", "err", err)
	}
}

// jobsTimeout is how long the metrics backend may take to say which jobs it scrapes.
const jobsTimeout = 5 * time.Second

func remoteJobs(all, down []backend.Sample) []selfmon.Watched {
	dead := map[string]int{}
	for _, s := range down {
		dead[s.Labels["job"]] = int(s.Value)
	}
	out := make([]selfmon.Watched, 0, len(all))
	for _, s := range all {
		job := s.Labels["job"]
		up := dead[job] == 0
		out = append(out, selfmon.Watched{Job: job, What: "scraped by the metrics backend", Source: selfmon.SourceBackend, Targets: int(s.Value), Down: dead[job], Up: &up})
	}
	slices.SortFunc(out, func(x, y selfmon.Watched) int { return strings.Compare(x.Job, y.Job) })
	return out
}

// reportBackends says which engines are elsewhere, and whether they answer.
func (a *App) reportBackends() []selfmon.Backend {
	var out []selfmon.Backend
	for _, x := range a.remote.all() {
		s := x.State()
		b := selfmon.Backend{Engine: x.Name(), URL: x.URL(), State: selfmon.BackendUnknown, Version: s.Version, LookedAt: s.Looked, LatencySeconds: s.Took.Seconds(), Reason: s.Reason}
		switch {
		case s.Looked.IsZero():
		case s.Up:
			b.State = selfmon.BackendUp
		default:
			b.State = selfmon.BackendDown
		}
		out = append(out, b)
	}
	return out
}

// prometheusAPI answers /api/v1/ and /federate: the engine inside, or the server
// that stands in for it.
func (a *App) prometheusAPI() (api, federate http.Handler) {
	if x := a.remote.metrics; x != nil {
		return x.Prometheus(), x.Prometheus()
	}
	return httpserver.ShapeErrors(httpserver.Prometheus, http.StripPrefix("/api/v1", a.engine.Handler())), a.engine.Federate()
}

// readThrough lets what is computed in this process, such as a backtest or what
// else changed when an incident began, read the samples of the metrics backend by
// remote read.
func (a *App) readThrough(c *promconfig.Config) error {
	x := a.remote.metrics
	if x == nil {
		return nil
	}
	u, err := url.Parse(x.URL() + "/api/v1/read")
	if err != nil {
		return fmt.Errorf("backends.metrics.url: %w", err)
	}
	r := promconfig.DefaultRemoteReadConfig
	r.Name, r.URL, r.HTTPClientConfig, r.ReadRecent, r.FilterExternalLabels = "backends.metrics", &commoncfg.URL{URL: u}, a.remote.metricsHTTP, true, false
	r.RemoteTimeout = model.Duration(a.c.Backends.Metrics.Timeout)
	c.RemoteReadConfigs = []*promconfig.RemoteReadConfig{&r}
	return nil
}

// alertsThrough is a configuration in which the alerts of our rules go to the
// alerts backend, unless prometheus.yml names Alertmanagers itself. The file that
// the API shows stays the user's.
func (a *App) alertsThrough(c *promconfig.Config) *promconfig.Config {
	x := a.remote.alerts
	if x == nil || len(c.AlertingConfig.AlertmanagerConfigs) > 0 {
		return c
	}
	u, err := url.Parse(x.URL())
	if err != nil { // the backend was made of it
		return c
	}
	am := promconfig.DefaultAlertmanagerConfig
	am.Scheme, am.PathPrefix, am.HTTPClientConfig = u.Scheme, u.Path, a.remote.alertsHTTP
	am.ServiceDiscoveryConfigs = discovery.Configs{discovery.StaticConfig{
		&targetgroup.Group{Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(u.Host)}}, Source: "backends.alerts"},
	}}
	out := *c
	out.AlertingConfig.AlertmanagerConfigs = promconfig.AlertmanagerConfigs{&am}
	return &out
}

// alertsElsewhere names the place that says which other Alertmanagers there are.
func (a *App) alertsElsewhere() string {
	if a.remote.alerts != nil {
		return "backends.alerts.url"
	}
	return "prometheus.yml (alerting.alertmanagers)"
}

// backendsChanged tells whether a reload has met another section than the start.
func backendsChanged(before, after config.Backends) bool { return !reflect.DeepEqual(before, after) }
