package config

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Backends are servers that stand in for engines of this process; nil for the
// engine inside.
type Backends struct {
	Metrics *Backend `yaml:"metrics" help:"A Prometheus, or a server with its API such as Mimir, Thanos or VictoriaMetrics. Its API is answered by it, and nothing is scraped, stored or evaluated here."`
	Alerts  *Backend `yaml:"alerts" help:"An Alertmanager. Its API is answered by it, incidents follow its alerts, and where rules are evaluated here and prometheus.yml names no other, it gets their alerts."`
}

// Backend is such a server. Its settings are those of an HTTP client in upstream's
// files, under the same names.
type Backend struct {
	URL                  string                   `yaml:"url" required:"true" help:"Its address, with the path below which its API is, such as https://mimir.example.org/prometheus."`
	Timeout              time.Duration            `yaml:"timeout" default:"2m" help:"Longest time for one request and its answer."`
	BasicAuth            *BackendUser             `yaml:"basic_auth" help:"User and password."`
	Authorization        *BackendAuthorization    `yaml:"authorization" help:"The header Authorization, such as a bearer token."`
	TLS                  BackendTLS               `yaml:"tls_config" help:"Certificates."`
	Headers              map[string]BackendHeader `yaml:"http_headers" help:"More headers, such as X-Scope-OrgID."`
	ProxyURL             string                   `yaml:"proxy_url" help:"Proxy through which it is reached."`
	ProxyFromEnvironment bool                     `yaml:"proxy_from_environment" help:"Take the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY."`
}

// BackendUser is who this server is at a backend.
type BackendUser struct {
	Username     string `yaml:"username" required:"true" help:"The user's name."`
	PasswordFile File   `yaml:"password_file" help:"File with the password, read for each request."`
	PasswordEnv  string `yaml:"password_env" help:"Variable with the password, instead of password_file."`
}

// BackendAuthorization is a token of this server at a backend.
type BackendAuthorization struct {
	Type            string `yaml:"type" default:"Bearer" help:"What stands before the token."`
	CredentialsFile File   `yaml:"credentials_file" help:"File with the token, read for each request."`
	CredentialsEnv  string `yaml:"credentials_env" help:"Variable with the token, instead of credentials_file."`
}

// BackendTLS are certificates. Files that change are read again.
type BackendTLS struct {
	CAFile             File   `yaml:"ca_file" help:"Certificates that sign the server's, instead of the system's."`
	CertFile           File   `yaml:"cert_file" help:"Certificate of this server, for one that asks for it."`
	KeyFile            File   `yaml:"key_file" help:"Its key."`
	ServerName         string `yaml:"server_name" help:"Name in the server's certificate, where it is not that of the url."`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify" default:"false" help:"Take any certificate. Whoever stands between can then read and change everything."`
}

// BackendHeader are the values of a header.
type BackendHeader struct {
	Values []string `yaml:"values" help:"As they are sent. They are no secrets."`
	Files  []File   `yaml:"files" help:"Files with a value each, for secrets."`
}

func (b *Backend) check(at *checker) {
	at.wrong("url", checkServer(b.URL))
	if b.ProxyURL != "" {
		at.wrong("proxy_url", checkURL(b.ProxyURL))
	}
	if b.Timeout < time.Second || b.Timeout > time.Hour {
		at.problem("timeout", "write a duration from 1s to 1h", "%s is out of range", b.Timeout)
	}
	if b.BasicAuth != nil && b.Authorization != nil {
		at.problem("authorization", "keep one of the two", "basic_auth is given as well, and both are the header Authorization")
	}
	if b.ProxyURL != "" && b.ProxyFromEnvironment {
		at.problem("proxy_from_environment", "keep one of the two", "proxy_url is given as well")
	}
	for name, h := range b.Headers {
		at := at.at("http_headers." + name)
		switch {
		case !headerName.MatchString(name):
			at.problem("", "write one such as X-Scope-OrgID", "it is no name of a header")
		case slices.Contains(ownHeaders, http.CanonicalHeaderKey(name)):
			at.problem("", "leave it out; credentials belong in basic_auth or authorization", "it is set by this server")
		case len(h.Values) == 0 && len(h.Files) == 0:
			at.problem("", "write values, files, or both", "it has no value")
		}
	}
}

func (u *BackendUser) check(at *checker) {
	oneOfTwo(at, "password", string(u.PasswordFile), u.PasswordEnv)
}

func (a *BackendAuthorization) check(at *checker) {
	oneOfTwo(at, "credentials", string(a.CredentialsFile), a.CredentialsEnv)
	if strings.EqualFold(a.Type, "basic") {
		at.problem("type", "write basic_auth instead", "user and password have a key of their own")
	}
}

func (t *BackendTLS) check(at *checker) {
	if (t.CertFile == "") != (t.KeyFile == "") {
		at.problem("", "write both cert_file and key_file", "a client certificate takes two files")
	}
}

// oneOfTwo wants a secret to be in a file or in a variable.
func oneOfTwo(at *checker, key, file, env string) {
	neitherTwice(at, key, file, env)
	if file == "" && env == "" {
		at.problem("", "write "+key+"_file, or "+key+"_env with the name of a variable", "it is not said where the secret is")
	}
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}$`)

// ownHeaders are those that each request has already.
var ownHeaders = []string{
	"Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Cookie", "Host",
	"Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
	"X-Prometheus-Remote-Read-Version",
}

// checkServer wants the address of a server, and not of its API.
func checkServer(text string) error {
	if err := checkURL(text); err != nil {
		return err
	}
	if text = strings.TrimRight(text, "/"); strings.HasSuffix(text, "/api/v1") || strings.HasSuffix(text, "/api/v2") {
		return bad("leave out /api/v1 and /api/v2: they are added", "it ends in a path of the API")
	}
	return nil
}
