// Package datasource reaches other Prometheus servers for the console, with
// credentials that stay here: only the reading endpoints of their API, bounded in
// time and size, and nowhere else.
package datasource

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/model"
)

// Prometheus is the type of the sources that can be reached.
const Prometheus = "prometheus"

// Own is the uid of this server's own metrics.
const Own = "touchline"

// Secret is a text that is never shown.
type Secret string

// String hides the secret.
func (Secret) String() string { return "<secret>" }

// GoString hides it from %#v.
func (Secret) GoString() string { return "<secret>" }

// MarshalText hides it from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("<secret>"), nil }

// Source is a data source of a provisioning file.
type Source struct {
	UID, Name, Type string
	URL             string // without user and password
	Default         bool
	File            string // that it stands in
	Line            int

	User     string // of basic authentication, "" for none
	Password Secret
	Headers  map[string]Secret // such as Authorization
	Timeout  time.Duration     // 0 for the default
	Interval time.Duration     // between its scrapes, 0 where it is not known

	CA         string // PEM, "" for the system's
	ClientCert string // PEM, "" for none
	ClientKey  Secret
	ServerName string
	SkipVerify bool
}

// Bounds of what a source may take.
const (
	defaultTimeout = 30 * time.Second
	MaxTimeout     = 5 * time.Minute
	maxHeaders     = 20
)

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}$`)

// hopByHop are headers that are not a source's to set.
var hopByHop = []string{"Connection", "Content-Length", "Content-Type", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// Check says what keeps a source from being reached.
func (s *Source) Check() error {
	if s.Type != Prometheus {
		return nil // it is listed, and not reached
	}
	_, err := s.base()
	if err == nil {
		_, err = s.tls()
	}
	if err != nil {
		return err
	}
	if len(s.Headers) > maxHeaders {
		return fmt.Errorf("jsonData: it sets %d headers, and at most %d can be set", len(s.Headers), maxHeaders)
	}
	for name, value := range s.Headers {
		switch {
		case !headerName.MatchString(name), slices.Contains(hopByHop, http.CanonicalHeaderKey(name)):
			return fmt.Errorf("jsonData: %q is no header that a data source can set; write one such as Authorization or X-Scope-OrgID", name)
		case strings.ContainsFunc(string(value), unicode.IsControl):
			return fmt.Errorf("secureJsonData: the value of the header %s has a character that no header has, such as a line break", name)
		}
	}
	return nil
}

func (s *Source) base() (*url.URL, error) {
	u, err := url.Parse(s.URL)
	switch {
	case s.URL == "":
		return nil, errors.New("url: it is missing; write the server's address, such as http://prometheus:9090")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("url: it is not an address; write it with scheme and host, such as http://prometheus:9090")
	case u.User != nil:
		return nil, errors.New("url: it holds a user; write basicAuth, basicAuthUser and secureJsonData.basicAuthPassword instead, which are not shown")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("url: it has a query or a fragment; write scheme, host and path only")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func (s *Source) tls() (*tls.Config, error) {
	c := &tls.Config{ServerName: s.ServerName, InsecureSkipVerify: s.SkipVerify, MinVersion: tls.VersionTLS12} //nolint:gosec // where the file asks for it, which the check warns of
	if s.CA != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
			return nil, errors.New("secureJsonData.tlsCACert: it holds no certificate; write one in PEM, from -----BEGIN CERTIFICATE-----")
		}
	}
	if (s.ClientCert == "") != (s.ClientKey == "") {
		return nil, errors.New("secureJsonData: a client certificate takes both tlsClientCert and tlsClientKey")
	}
	if s.ClientCert != "" {
		pair, err := tls.X509KeyPair([]byte(s.ClientCert), []byte(s.ClientKey))
		if err != nil {
			return nil, errors.New("secureJsonData: tlsClientCert and tlsClientKey are no pair of a certificate and its key in PEM")
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Shown is a source as it is listed.
type Shown struct {
	UID         string `json:"uid"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Default     bool   `json:"default"`
	URL         string `json:"url_shown" doc:"Without anything secret; empty for this server's own, and for readers of a share link."`
	Provisioned bool   `json:"provisioned"`
	Interval    string `json:"interval,omitempty" doc:"How often it scrapes, such as 30s, from which steps and $__rate_interval follow; left out where it is not known."`
}

// shown hides what a URL may hold of secrets, also of a source that is not reached.
func (s *Source) shown() Shown {
	address := ""
	if u, err := url.Parse(s.URL); err == nil && u.Host != "" {
		address = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	}
	return Shown{UID: s.UID, Name: s.Name, Type: s.Type, Default: s.Default, URL: address, Provisioned: true, Interval: IntervalText(s.Interval)}
}

// IntervalText writes an interval as the console reads it, and none as nothing.
func IntervalText(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return model.Duration(d).String()
}
