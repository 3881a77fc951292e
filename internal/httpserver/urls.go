package httpserver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// ExternalURL returns the URL under which people reach the server, without a
// slash at its end: raw where it is given, else the host's name with the port
// of the listen address (a real one, not 0).
func ExternalURL(raw, listenAddress string, tls bool) (*url.URL, error) {
	if raw == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("find host name for the external URL: %w", err)
		}
		h, port, err := net.SplitHostPort(listenAddress)
		if err != nil {
			return nil, fmt.Errorf("derive external URL from the listen address: %w", err)
		}
		if ip := net.ParseIP(h); ip != nil && ip.IsLoopback() {
			// Nobody reaches a loopback listener under the host's name.
			host = h
		}
		scheme := "http"
		if tls {
			scheme = "https"
		}
		raw = scheme + "://" + net.JoinHostPort(host, port)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("parse external URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("external URL needs a scheme and a host, such as https://monitoring.example.com/")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// RoutePrefix returns the path below which everything is served: raw where it
// is given, else the path of the external URL. It begins with a slash and
// does not end with one, except for the root.
func RoutePrefix(raw string, external *url.URL) string {
	if raw == "" && external != nil {
		raw = external.Path
	}
	return "/" + strings.Trim(raw, "/")
}

// CompileOrigin compiles the expression of --web.cors.origin, anchored at
// both ends; "" allows no origin and returns nil.
func CompileOrigin(expr string) (*regexp.Regexp, error) {
	if expr == "" {
		return nil, nil
	}
	re, err := regexp.Compile("^(?s:" + expr + ")$")
	if err != nil {
		return nil, fmt.Errorf("compile allowed origins: %w", err)
	}
	return re, nil
}
