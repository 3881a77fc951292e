package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"touchline.dev/touchline/internal/datadir"
)

// defaultDataDir is where a server keeps its data unless it is told otherwise.
const defaultDataDir = "data"

// localServer is what a data folder says of the server that was started on it.
type localServer struct {
	URL       string `json:"url"`
	External  string `json:"external_url"`
	Listeners []struct {
		Address string `json:"address"`
		Error   string `json:"error"`
	} `json:"listeners"`
}

// readLocalServer reads the endpoints.json of a data folder; nil where there is none.
func readLocalServer(dir string) (*localServer, error) {
	path := filepath.Join(dir, datadir.Endpoints)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read addresses of the server: %w", err)
	}
	s := &localServer{}
	if err := json.Unmarshal(raw, s); err != nil || s.URL == "" {
		return nil, fmt.Errorf("read addresses of the server: %s is damaged; give the address as --url", path)
	}
	return s, nil
}

// answersAt says whether an address is one of the server's. The token that was
// found in its folder is for no other.
func (s *localServer) answersAt(base *url.URL) bool {
	own := []string{}
	for _, text := range []string{s.URL, s.External} {
		if u, err := url.Parse(text); err == nil {
			own = append(own, hostPort(u))
		}
	}
	for _, l := range s.Listeners {
		if l.Error == "" {
			own = append(own, hostPort(&url.URL{Scheme: base.Scheme, Host: l.Address}))
		}
	}
	return slices.Contains(own, hostPort(base))
}

// hostPort is the host and port of an address. The names of this machine itself
// are one.
func hostPort(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if isLocal(host) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// located is a server, and what to show it.
type located struct {
	address   string
	in        string // the file that the address was found in, "" where it was given
	tokenFile string // "" for none
	login     *login // in place of a file, nil for none
}

// locate completes what the flags leave open: the address by the data folder, or
// else by the last login; the token by the login at that address, or else by the
// data folder where the address is of the server there. A data folder that was
// named comes before a login.
func (f *clientFlags) locate() (located, error) {
	local, err := readLocalServer(f.dir)
	if err != nil {
		return located{}, err
	}
	if local == nil && f.given("storage.path") {
		return located{}, fmt.Errorf("--storage.path=%s has no %s: no server has been started on it; give the address as --url", f.dir, datadir.Endpoints)
	}
	known := &logins{}
	tokenGiven := f.given("token-file") || f.TokenFile != ""
	if !f.given("storage.path") && !(tokenGiven && f.named()) {
		if known, err = readLogins(); err != nil {
			return located{}, err
		}
	}
	out := located{address: f.URL, tokenFile: f.TokenFile}
	switch {
	case f.named():
	case local != nil:
		out.address, out.in = local.URL, filepath.Join(f.dir, datadir.Endpoints)
	case known.Current != "":
		out.address, out.in = known.Current, known.path
	}
	if tokenGiven {
		return out, nil
	}
	base, err := parseAddress(out.address)
	if err != nil {
		return located{}, err
	}
	if out.login = known.at(base); out.login != nil {
		return out, nil
	}
	found := filepath.Join(f.dir, datadir.TokenFile)
	info, err := os.Stat(found)
	ours := local != nil && local.answersAt(base) || local == nil && isLocal(base.Hostname())
	if err == nil && info.Mode().IsRegular() && ours {
		out.tokenFile = found
	}
	return out, nil
}

// named says whether somebody has said which server is meant.
func (f *clientFlags) named() bool { return f.given("url") || os.Getenv("TOUCHLINE_URL") != "" }

// parseAddress reads the address of a server.
func parseAddress(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, noAddress(text)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawQuery, base.Fragment = "", ""
	return base, nil
}

func noAddress(text string) error {
	return fmt.Errorf("--url %q is not an address; write it like %s", text, defaultURL)
}

// given says whether the command line has a flag.
func (f *clientFlags) given(name string) bool {
	return f.flags != nil && f.flags.Changed(name)
}
