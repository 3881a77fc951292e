package httpserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/time/rate"
)

// watched reads a file again when its modification time or size changes.
// A file that cannot be read or parsed any more leaves the last good content
// in force, and is reported once.
type watched[T any] struct {
	path     string
	log      *slog.Logger
	failures prometheus.Counter
	parse    func(path string) (T, error)
	changed  func(T) // optional, told of each new content that is in force

	mu      sync.Mutex
	value   T
	modTime time.Time
	size    int64
	inode   os.FileInfo
	failed  string
}

// load reads the file for the first time.
func (w *watched[T]) load() error {
	fi, err := os.Stat(w.path)
	if err != nil {
		return err
	}
	v, err := w.parse(w.path)
	if err != nil {
		return err
	}
	w.value, w.modTime, w.size, w.inode = v, fi.ModTime(), fi.Size(), fi
	return nil
}

// get returns the content as it is now.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	fi, err := os.Stat(w.path)
	if err == nil && fi.ModTime().Equal(w.modTime) && fi.Size() == w.size && os.SameFile(fi, w.inode) {
		return w.value
	}
	var v T
	if err == nil {
		v, err = w.parse(w.path)
	}
	if err != nil {
		if w.failed != err.Error() {
			w.failed = err.Error()
			w.failures.Inc()
			w.log.Error("file cannot be read again, its last good content stays in force", "file", w.path, "err", err)
		}
		return w.value
	}
	w.failed = ""
	w.value, w.modTime, w.size, w.inode = v, fi.ModTime(), fi.Size(), fi
	if w.changed != nil {
		w.changed(v)
	}
	return v
}

// webConfig is upstream's web.config.file: TLS, users, headers, rate limit.
type webConfig struct {
	file    *watched[*web.Config] // nil without a file
	start   *web.Config           // the content at the start, nil without a file
	withTLS bool
	limiter *rate.Limiter

	bcryptSlot chan struct{}
	unknown    func() []byte // hash that no password matches

	mu    sync.Mutex
	cache map[[32]byte]bool
}

func newWebConfig(path string, log *slog.Logger, failures prometheus.Counter) (*webConfig, error) {
	c := &webConfig{
		bcryptSlot: make(chan struct{}, 1), cache: map[[32]byte]bool{},
		unknown: sync.OnceValue(func() []byte {
			h, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), bcrypt.DefaultCost)
			if err != nil {
				// Comparing with an empty hash fails as well, only sooner.
				return nil
			}
			return h
		}),
	}
	if path == "" {
		return c, nil
	}
	c.file = &watched[*web.Config]{path: path, log: log, failures: failures, parse: readWebConfig}
	if err := c.file.load(); err != nil {
		return nil, fmt.Errorf("read web configuration: %w", err)
	}
	cfg := c.file.value
	c.start = cfg
	c.file.changed = func(now *web.Config) {
		for _, what := range c.needsRestart(now) {
			log.Warn("A change of the web configuration waits for a restart", "what", what, "file", path)
		}
	}
	c.withTLS = cfg.TLSConfig.IsEnabled()
	if l := cfg.RateLimiterConfig; l.Interval > 0 {
		c.limiter = rate.NewLimiter(rate.Every(l.Interval), l.Burst)
	}
	return c, nil
}

// readWebConfig gives upstream's verdict on the file, and its content. Errors
// name the file and never repeat what stands in it.
func readWebConfig(path string) (*web.Config, error) {
	if err := web.Validate(path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &web.Config{
		TLSConfig:  web.TLSConfig{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13},
		HTTPConfig: web.HTTPConfig{HTTP2: true},
	}
	if err := yaml.UnmarshalStrict(raw, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.TLSConfig.SetDirectory(filepath.Dir(path))
	return c, nil
}

func (c *webConfig) current() *web.Config {
	if c.file == nil {
		return &web.Config{HTTPConfig: web.HTTPConfig{HTTP2: true}}
	}
	return c.file.get()
}

// needsRestart says what of the content is not in force before a restart. As
// with upstream, a listener keeps its protocol and its rate limit; users,
// headers, certificates and the rest of TLS follow the file.
func (c *webConfig) needsRestart(now *web.Config) []string {
	var out []string
	switch on := now.TLSConfig.IsEnabled(); {
	case on && !c.withTLS:
		out = append(out, "TLS was switched on in the web configuration: restart to serve it; until then every listener speaks plain HTTP, and passwords and tokens travel in clear")
	case !on && c.withTLS:
		out = append(out, "TLS was switched off in the web configuration: restart to serve plain HTTP; until then new connections are refused")
	}
	if c.start != nil && now.RateLimiterConfig != c.start.RateLimiterConfig {
		out = append(out, "rate_limit was changed in the web configuration: restart to apply it")
	}
	return out
}

func (c *webConfig) tls() bool      { return c.withTLS }
func (c *webConfig) hasUsers() bool { return len(c.current().Users) > 0 }
func (c *webConfig) http2() bool    { return c.current().HTTPConfig.HTTP2 }

// tlsConfig reads the configuration and the certificates again for each new
// connection. A public listener asks nobody for a certificate.
func (c *webConfig) tlsConfig(public bool) *tls.Config {
	forClient := func(*tls.ClientHelloInfo) (*tls.Config, error) {
		cur := c.current()
		if !cur.TLSConfig.IsEnabled() {
			return nil, errors.New("TLS was removed from the web configuration; restart to serve without it")
		}
		cfg, err := web.ConfigToTLSConfig(&cur.TLSConfig)
		if err != nil {
			return nil, fmt.Errorf("load certificate: %w", err)
		}
		if public {
			cfg.ClientAuth, cfg.ClientCAs, cfg.VerifyPeerCertificate = tls.NoClientCert, nil, nil
		}
		cfg.NextProtos = []string{"http/1.1"}
		if cur.HTTPConfig.HTTP2 {
			cfg.NextProtos = []string{"h2", "http/1.1"}
		}
		return cfg, nil
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: forClient,
		// GetConfigForClient always answers first; net/http wants to see a
		// certificate before it starts.
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			cfg, err := forClient(h)
			if err != nil {
				return nil, err
			}
			return cfg.GetCertificate(h)
		},
	}
}

// maxCached bounds the verdicts that are kept, so that guessing passwords
// cannot fill the memory.
const maxCached = 1024

// checkPassword compares a user's password with the hash in the file. bcrypt
// is slow by design: one comparison runs at a time, and verdicts are kept
// under a digest of user, hash and password. attempt is asked before a password is
// tried for the first time; one whose verdict is kept is no guess, so that it does
// not slow clients with the right one.
func (c *webConfig) checkPassword(ctx context.Context, user, password string, attempt func() (settle func(right bool), err error)) (bool, error) {
	stored, known := c.current().Users[user]
	hash := []byte(stored)
	if !known {
		// An unknown user takes as long as a known one.
		hash = c.unknown()
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(user), hash, []byte(password)} {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	var key [32]byte
	h.Sum(key[:0])

	c.mu.Lock()
	ok, hit := c.cache[key]
	c.mu.Unlock()
	if hit {
		return ok, nil
	}
	settle, err := attempt()
	if err != nil {
		return false, err
	}
	select {
	case c.bcryptSlot <- struct{}{}:
	case <-ctx.Done():
		settle(false)
		return false, ctx.Err()
	}
	ok = bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil && known
	<-c.bcryptSlot
	if ok {
		settle(true)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	for old := range c.cache {
		if len(c.cache) < maxCached {
			break
		}
		delete(c.cache, old)
	}
	c.cache[key] = ok
	return ok, nil
}
