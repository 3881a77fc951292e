package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v2"

	"touchline.dev/touchline/internal/alerting/bridge"
	"touchline.dev/touchline/internal/app/channelspec"
	"touchline.dev/touchline/internal/config"
)

// bridgeFlags are the flags of "bridge".
type bridgeFlags struct {
	file      string
	listen    string
	tokenFile string
	webConfig string
}

func newBridgeCommand() *cobra.Command {
	var f bridgeFlags
	cmd := &cobra.Command{
		Use:   "bridge",
		Short: "Let an Alertmanager tell people by the channels of touchline.yaml",
		Long: `Takes the webhooks of an Alertmanager and sends them on by the channels of the receiver that the path names:

  receivers:
    - name: ops-team
      webhook_configs:
        - url: http://127.0.0.1:7071/ops-team

It answers 200 when all channels have taken the message, and 503 when that may succeed later, so that the Alertmanager repeats
it; a channel that has taken it is not told again then. Other answers say what is wrong with the request. Off loopback a token
is needed: a file with --token-file here, and http_config: {authorization: {credentials_file: FILE}} there. Its metrics are at
/metrics, for whom the token lets in.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.execute(cmd) },
	}
	cmd.Flags().StringVar(&f.file, "config.file", config.DefaultFile, "the touchline.yaml with the channels")
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:7071", "address to listen on")
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "file with the token that requests must bear")
	cmd.Flags().StringVar(&f.webConfig, "web.config.file", "", "file with TLS settings, in the format of Prometheus's web.config.file; users have no place in it where there is a token")
	return cmd
}

// Limits of the bridge's server.
const (
	bridgeReadTimeout  = 30 * time.Second
	bridgeIdleTimeout  = 2 * time.Minute
	bridgeWriteTimeout = time.Minute
	bridgeMaxHeader    = 64 << 10
)

func (f *bridgeFlags) execute(cmd *cobra.Command) error {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return fmt.Errorf("--listen=%s is no address; write host:port, such as 127.0.0.1:7071", f.listen)
	}
	token, err := readBridgeToken(f.tokenFile)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); token == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--listen=%s can be reached by others; give a file with a token as --token-file", f.listen)
	}
	data, err := os.ReadFile(f.file)
	if err != nil {
		return fmt.Errorf("read configuration (--config.file): %w", err)
	}
	if ps := config.CheckFile(f.file, data); len(ps) > 0 {
		return ps
	}
	scheme, err := bridgeScheme(f.webConfig, token != "")
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	b, err := bridge.New(bridge.Options{
		Channels: channelspec.Of(config.ChannelsOf(f.file, data)), Templates: shippedReceiverTemplates(),
		ExternalURL: &url.URL{Scheme: scheme, Host: f.listen}, Token: token, Logger: log,
		Registerer: reg, Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}),
	})
	if err != nil {
		return err
	}
	defer b.Close()
	l, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen (--listen): %w", err)
	}
	for _, r := range b.Receivers() {
		fmt.Fprintf(cmd.OutOrStdout(), "webhook of receiver %s: %s://%s/%s\n", r, scheme, l.Addr(), url.PathEscape(r))
	}
	return serveBridge(cmd.Context(), l, b, f.webConfig, log)
}

// bridgeScheme reads the file with TLS settings, if there is one.
func bridgeScheme(file string, token bool) (string, error) {
	if file == "" {
		return "http", nil
	}
	if err := web.Validate(file); err != nil {
		return "", fmt.Errorf("read --web.config.file=%s: %w", file, err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read --web.config.file: %w", err)
	}
	var c struct {
		TLS   map[string]any    `yaml:"tls_server_config"`
		Users map[string]string `yaml:"basic_auth_users"`
	}
	if err := yaml.Unmarshal(raw, &c); err != nil {
		return "", fmt.Errorf("read --web.config.file=%s: %w", file, err)
	}
	if len(c.Users) > 0 && token {
		return "", fmt.Errorf("--web.config.file=%s has users, and --token-file a token: a request can show one of them only; take the users out", file)
	}
	if len(c.TLS) == 0 {
		return "http", nil
	}
	return "https", nil
}

// serveBridge serves until ctx ends, and then lets requests end that are under way.
func serveBridge(ctx context.Context, l net.Listener, h http.Handler, webConfig string, log *slog.Logger) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: bridgeReadTimeout, ReadTimeout: bridgeReadTimeout, WriteTimeout: bridgeWriteTimeout,
		IdleTimeout: bridgeIdleTimeout, MaxHeaderBytes: bridgeMaxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l, s, &web.FlagConfig{WebConfigFile: &webConfig}, log) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := s.Shutdown(bounded)
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

func readBridgeToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxTokenFile+1))
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if len(token) < minBridgeToken || len(raw) > maxTokenFile || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("read token: %s does not hold a token of %d characters or more on one line", file, minBridgeToken)
	}
	return token, nil
}

// minBridgeToken keeps tokens from being guessed.
const minBridgeToken = 8
