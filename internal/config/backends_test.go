package config

import (
	"strings"
	"testing"
	"time"
)

func TestBackends(t *testing.T) {
	c, ps := fromFile("dir/touchline.yaml", []byte(`
backends:
  metrics:
    url: https://mimir.example.org/prometheus/
    basic_auth: {username: anna, password_file: secret}
    tls_config: {ca_file: ca.pem, server_name: mimir}
    http_headers:
      X-Scope-OrgID: {values: [football]}
      X-Key: {files: [key]}
  alerts: {url: "http://localhost:9093", timeout: 10s, authorization: {credentials_env: TOKEN}, proxy_from_environment: true}
`))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	m, a := c.Backends.Metrics, c.Backends.Alerts
	if m.URL != "https://mimir.example.org/prometheus/" || m.Timeout != 2*time.Minute || *m.BasicAuth != (BackendUser{Username: "anna", PasswordFile: "dir/secret"}) ||
		m.TLS != (BackendTLS{CAFile: "dir/ca.pem", ServerName: "mimir"}) || m.Headers["X-Scope-OrgID"].Values[0] != "football" || m.Headers["X-Key"].Files[0] != "dir/key" || m.Authorization != nil {
		t.Errorf("metrics: %+v", m)
	}
	if a.URL != "http://localhost:9093" || a.Timeout != 10*time.Second || *a.Authorization != (BackendAuthorization{Type: "Bearer", CredentialsEnv: "TOKEN"}) || !a.ProxyFromEnvironment {
		t.Errorf("alerts: %+v", a)
	}
	if c, ps := fromFile("f.yaml", []byte("log: {level: warn}\n")); len(ps) > 0 || c.Backends != (Backends{}) {
		t.Errorf("without: %+v, %v", c.Backends, ps)
	}
}

func TestProblemsOfBackends(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"backends:\n  metric: {url: 'http://a'}\n", `f.yaml:2:12: backends.metric: unknown key; did you mean "metrics"?`},
		{"backends.metrics.url: http://a\n", `f.yaml:1:1: backends.metrics.url: unknown key; each dot is a level: write backends: and, indented below it, metrics.url:`},
		{"backends:\n  metrics: {}\n", `f.yaml:2:12: backends.metrics.url: is missing; write a text`},
		{"backends:\n  metrics: {url: 'prometheus:9090'}\n", `f.yaml:2:18: backends.metrics.url: the scheme is "prometheus", not http or https`},
		{"backends:\n  metrics: {url: 'http://anna:geheim@a'}\n", `f.yaml:2:18: backends.metrics.url: a URL with a password would be shown in links; leave user and password out`},
		{"backends:\n  metrics: {url: 'http://a/api/v1/'}\n", `f.yaml:2:18: backends.metrics.url: it ends in a path of the API; leave out /api/v1 and /api/v2: they are added`},
		{"backends:\n  alerts: {url: 'http://a', timeout: 2d}\n", `f.yaml:2:38: backends.alerts.timeout: 48h0m0s is out of range; write a duration from 1s to 1h`},
		{"backends:\n  alerts: {url: 'http://a', basic_auth: {username: x, password: geheim}}\n", `f.yaml:2:65: backends.alerts.basic_auth.password: unknown key; `},
		{"backends:\n  alerts: {url: 'http://a', basic_auth: {username: x}}\n", `f.yaml:2:42: backends.alerts.basic_auth: it is not said where the secret is; write password_file, or password_env with the name of a variable`},
		{"backends:\n  alerts: {url: 'http://a', basic_auth: {username: x, password_file: y, password_env: z}}\n", `f.yaml:2:87: backends.alerts.basic_auth.password_env: password_file is given, too; keep one of the two`},
		{"backends:\n  alerts: {url: 'http://a', authorization: {credentials_env: 'a b'}}\n", `f.yaml:2:62: backends.alerts.authorization.credentials_env: this is no name of a variable; write the name of a variable`},
		{"backends:\n  alerts: {url: 'http://a', authorization: {type: Basic, credentials_env: x}}\n", `f.yaml:2:51: backends.alerts.authorization.type: user and password have a key of their own; write basic_auth instead`},
		{"backends:\n  alerts: {url: 'http://a', authorization: {credentials_env: x}, basic_auth: {username: x, password_env: y}}\n", `f.yaml:2:45: backends.alerts.authorization: basic_auth is given as well, and both are the header Authorization; keep one of the two`},
		{"backends:\n  alerts: {url: 'http://a', tls_config: {cert_file: x}}\n", `f.yaml:2:42: backends.alerts.tls_config: a client certificate takes two files; write both cert_file and key_file`},
		{"backends:\n  alerts: {url: 'http://a', proxy_url: 'http://p', proxy_from_environment: true}\n", `f.yaml:2:76: backends.alerts.proxy_from_environment: proxy_url is given as well; keep one of the two`},
		{"backends:\n  alerts: {url: 'http://a', http_headers: {authorization: {values: [geheim]}}}\n", `f.yaml:2:60: backends.alerts.http_headers.authorization: it is set by this server; leave it out; credentials belong in basic_auth or authorization`},
		{"backends:\n  alerts: {url: 'http://a', http_headers: {'a b': {values: [x]}}}\n", `f.yaml:2:52: backends.alerts.http_headers.a b: it is no name of a header; write one such as X-Scope-OrgID`},
		{"backends:\n  alerts: {url: 'http://a', http_headers: {X-A: {}}}\n", `backends.alerts.http_headers.X-A: it has no value; write values, files, or both`},
	} {
		got := CheckFile("f.yaml", []byte(c.in)).Error()
		if !strings.Contains(got, c.want) || strings.Contains(got, "geheim@") {
			t.Errorf("%s: got\n%s\nwant\n%s", c.in, got, c.want)
		}
	}
	files := NamedFiles("f.yaml", []byte("backends:\n  alerts: {url: 'http://a', basic_auth: {username: x, password_file: y}}\n"))
	if len(files) != 1 || files[0].Path != "y" || files[0].Field != "backends.alerts.basic_auth.password_file" || files[0].Line != 2 {
		t.Errorf("named files: %+v", files)
	}
}

// TestBackendsTogether refuses what would silently do nothing.
func TestBackendsTogether(t *testing.T) {
	const in = "prometheus: {config: p.yml}\nheartbeat: {url: 'http://x/geheim'}\nha: {enabled: true}\nbackends:\n  metrics: {url: 'http://a'}\n"
	got := CheckFileAlone("f.yaml", []byte(in)).Error()
	for _, want := range []string{
		"f.yaml:1:22: prometheus.config: nothing of the file would be scraped or evaluated", "f.yaml:2:18: heartbeat.url: it would never be sent", "f.yaml:3:15: ha.enabled: no samples are taken here",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "geheim") {
		t.Errorf("a secret is shown: %s", got)
	}
	if ps := CheckFileAlone("f.yaml", []byte("prometheus: {config: p.yml}\nbackends:\n  alerts: {url: 'http://a'}\n")); len(ps) > 0 {
		t.Errorf("own metrics over another Alertmanager: %v", ps)
	}
}
