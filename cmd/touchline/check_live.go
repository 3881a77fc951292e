package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/lint"
)

// checkBeyond holds the flags of what "check" says beyond the verdict of upstream's parsers.
type checkBeyond struct {
	server       clientFlags
	lookback     time.Duration
	exported     []string
	maxDetection time.Duration
	upstream     bool
}

func (b *checkBeyond) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&b.server.URL, "url", "",
		"compare rules and dashboards with the series of this server, which may be any that speaks Prometheus's HTTP API")
	b.server.registerToken(cmd)
	flags.DurationVar(&b.lookback, "lookback", 24*time.Hour, "with --url: how far back a series may have ended and still count as exported")
	flags.StringArrayVar(&b.exported, "metrics", nil,
		"file of metrics that count as exported: what an exporter answers, or one name a line; without --url rules and dashboards are compared with their names and those of the sources in this process; may be repeated")
	flags.DurationVar(&b.maxDetection, "max-detection", 0,
		"an alert of severity critical that may take longer than this from fault to notification is an error, such as 60s")
	flags.BoolVar(&b.upstream, "upstream", false, "compute detection times as Prometheus and Alertmanager work, which wait for the interval and for group_wait")
}

// findings returns the warnings about well-formed files, with --url or --metrics those about what nothing exports, and with --max-detection the slow critical alerts.
func (b *checkBeyond) findings(ctx context.Context, docs []*lint.Document, detections []lint.Detection, note func(string)) ([]lint.Finding, error) {
	opts := lint.LiveOptions{Lookback: b.lookback, Note: note}
	against := "files of --metrics"
	if len(b.exported) > 0 {
		var err error
		if opts.Exported, err = lint.ReadExported(b.exported...); err != nil {
			return nil, err
		}
	}
	if b.server.URL != "" {
		client, err := b.server.client()
		if err != nil {
			return nil, err
		}
		live := *client.http
		live.Transport = bearer{client.token, client.base.Host}
		opts.URL, opts.Client, against = client.base.String(), &live, client.base.Redacted()
	}
	out := lint.CheckMistakes(docs)
	if b.server.URL != "" || opts.Exported != nil {
		var err error
		if out, err = lint.Live(ctx, docs, opts); err != nil {
			return nil, fmt.Errorf("compare with %s: %w", against, err)
		}
	}
	if b.maxDetection > 0 {
		out = append(out, lint.CheckDetection(detections, b.maxDetection)...)
	}
	return out, nil
}

// bearer shows a token to one host, and to no other that it may redirect to.
type bearer struct{ token, host string }

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	if b.token != "" && req.URL.Host == b.host {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	return http.DefaultTransport.RoundTrip(req)
}
