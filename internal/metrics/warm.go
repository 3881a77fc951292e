package metrics

import (
	_ "github.com/alecthomas/kingpin/v2"
	_ "github.com/cockroachdb/datadriven"
	_ "github.com/emersion/go-smtp"
	_ "github.com/goccy/go-yaml"
	_ "github.com/google/cadvisor/lib/container/containerd/install"
	_ "github.com/google/cadvisor/lib/manager"
	_ "github.com/prometheus/alertmanager/api"
	_ "github.com/prometheus/alertmanager/config/receiver"
	_ "github.com/prometheus/alertmanager/dispatch"
	_ "github.com/prometheus/alertmanager/provider/mem"
	_ "github.com/prometheus/exporter-toolkit/web"
	_ "github.com/prometheus/node_exporter/collector"
	_ "github.com/prometheus/prometheus/promql/promqltest"
	_ "github.com/prometheus/prometheus/rules"
	_ "github.com/prometheus/prometheus/web/api/v1"
	_ "github.com/spf13/cobra"
	_ "go.uber.org/goleak"
	_ "golang.org/x/term"
	_ "pgregory.net/rapid"
)
