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
	maxDetection time.Duration
	upstream     bool
}

func (b *checkBeyond) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&b.server.URL, "url", "",
		"compare rules with the series of this server, which may be any that speaks Prometheus's HTTP API")
	b.server.registerToken(cmd)
	flags.DurationVar(&b.lookback, "lookback", 24*time.Hour, "with --url: how far back a series may have ended and still count as exported")
	flags.DurationVar(&b.maxDetection, "max-detection", 0,
		"an alert of severity critical that may take longer than this from fault to notification is an error, such as 60s")
	flags.BoolVar(&b.upstream, "upstream", false, "compute detection times as Prometheus and Alertmanager work, which wait for the interval and for group_wait")
}

// findings returns the warnings about well-formed files, with --url those about live series, and with --max-detection the slow critical alerts.
func (b *checkBeyond) findings(ctx context.Context, docs []*lint.Document, detections []lint.Detection, note func(string)) ([]lint.Finding, error) {
	out := lint.CheckMistakes(docs)
	if b.server.URL != "" {
		client, err := b.server.client()
		if err != nil {
			return nil, err
		}
		live := *client.http
		live.Transport = bearer{client.token, client.base.Host}
		out, err = lint.Live(ctx, docs, lint.LiveOptions{URL: client.base.String(), Client: &live, Lookback: b.lookback, Note: note})
		if err != nil {
			return nil, fmt.Errorf("compare with %s: %w", client.base.Redacted(), err)
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
