package config

import "strings"

// Kind is the type of a setting's value.
type Kind int

// The kinds of values, and how each is written.
const (
	KindString    Kind = iota
	KindBool           // true or false
	KindInt            // 512
	KindDuration       // 15d, 1h30m, 500ms
	KindSize           // 512MB, 1GiB
	KindList           // repeated or separated by commas; a list in YAML
	KindAddress        // host:port
	KindAddresses      // a list of addresses
	KindFile           // path of a file
	KindDir            // path of a folder
	KindURL            // http or https
	KindURLs           // a list of URLs
	KindNetworks       // a list of IP addresses and networks
	KindRegexp         // RE2
	KindEnum           // one of Setting.Enum
	KindLabel          // a Prometheus label name
	KindGroups         // FILE:GROUP=VALUE, repeated; in YAML a mapping of files to a mapping of groups
)

// Setting is one row of the table that flags, environment, touchline.yaml,
// --help and the reference are made of.
type Setting struct {
	Area    string
	Path    string // in touchline.yaml, "" when it cannot stand there
	Flag    string
	Kind    Kind
	Default string
	Help    string
	Min     string // smallest value, written like Default
	Max     string // largest value, written like Default
	Enum    []string
	Key     string // of KindGroups: what the value is called in the mapping of a group
	Example string
	Since   string
	Hidden  bool // not in --help and the reference: for tests
	Secret  bool // of KindURL and KindURLs: may hold a password or a token, and is never shown

	bind func(*Config) any
}

// Env is the name of the setting's environment variable.
func (s *Setting) Env() string {
	return "TOUCHLINE_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(s.Flag))
}

// The areas, in the order in which --help and the reference list them.
const (
	areaFiles   = "Files"
	areaWeb     = "Web"
	areaOTLP    = "OpenTelemetry"
	areaPorts   = "Ports of the upstream tools"
	areaStorage = "Storage"
	areaScrape  = "Scraping"
	areaQuery   = "Queries"
	areaRules   = "Rules"
	areaRemote  = "Remote write and read"
	areaHA      = "Deduplication of replicated senders"
	areaAM      = "Alertmanager"
	areaCluster = "Alertmanager cluster"
	areaAuth    = "Users and signing in"
	areaOutside = "Seen from outside"
	areaPeople  = "People and incidents"
	areaDash    = "Dashboards"
	areaSources = "In-process sources"
	areaStack   = "Shipped rules"
	areaLog     = "Log"
)

// The values of rules.arrival.
const (
	ArrivalEnabled  = "enabled"
	ArrivalDisabled = "disabled"
	ArrivalEager    = "eager"
)

var arrivals = []string{ArrivalEnabled, ArrivalDisabled, ArrivalEager}

// The values of rules.no_data.
const (
	NoDataResolve = "resolve"
	NoDataKeep    = "keep"
)

var noDatas = []string{NoDataResolve, NoDataKeep}

// The values of auth.anonymous, as httpserver knows them.
var anonymous = []string{"auto", "off", "viewer"}

// The roles of users, as identity knows them.
var roles = []string{"viewer", "responder", "editor", "admin"}

// DefaultFile is read when it exists and no other file is named.
const DefaultFile = "touchline.yaml"

// Settings is the table. It is never changed at run time.
var Settings = []Setting{
	{Area: areaFiles, Flag: "config.file", Kind: KindFile, Default: DefaultFile, Since: "0.1",
		Help: "Touchline's own configuration. The default is read only if it exists; a file that is named must exist.",
		bind: func(c *Config) any { return &c.File }},
	{Area: areaFiles, Path: "prometheus.config", Flag: "prometheus.config", Kind: KindFile, Example: "prometheus.yml", Since: "0.1",
		Help: "Prometheus's configuration, as Prometheus itself takes it. Without one only the in-process sources are watched.",
		bind: func(c *Config) any { return &c.PrometheusFile }},
	{Area: areaFiles, Path: "alertmanager.config", Flag: "alertmanager.config", Kind: KindFile, Example: "alertmanager.yml", Since: "0.1",
		Help: "Alertmanager's configuration, as Alertmanager itself takes it. Without one the shipped routes are used, which have no receiver.",
		bind: func(c *Config) any { return &c.AlertmanagerFile }},

	{Area: areaWeb, Path: "web.listen_address", Flag: "web.listen-address", Kind: KindAddresses, Default: "127.0.0.1:7070", Example: "0.0.0.0:7070", Since: "0.1",
		Help: "Address of the page and of every API. May be repeated. Off loopback everyone needs a user, a token or a client certificate.",
		bind: func(c *Config) any { return &c.Web.ListenAddresses }},
	{Area: areaWeb, Path: "web.config_file", Flag: "web.config.file", Kind: KindFile, Example: "web.yml", Since: "0.1",
		Help: "TLS and users for all listeners, in the format of Prometheus's web.config.file. Certificates and users are read again when the file changes.",
		bind: func(c *Config) any { return &c.Web.ConfigFile }},
	{Area: areaWeb, Path: "web.tokens_file", Flag: "web.tokens-file", Kind: KindFile, Example: "tokens", Since: "0.1",
		Help: "Bearer tokens, one a line: NAME ACCESS TOKEN, where ACCESS is read, ingest, respond, change or admin. Read again when the file changes. The admin token in the data folder is always valid.",
		bind: func(c *Config) any { return &c.Web.TokensFile }},
	{Area: areaWeb, Path: "web.external_url", Flag: "web.external-url", Kind: KindURL, Example: "https://monitoring.example.com/touchline", Since: "0.1",
		Help: "URL under which people reach this server, for links in notifications. Derived from the host name and the port when empty.",
		bind: func(c *Config) any { return &c.Web.ExternalURL }},
	{Area: areaWeb, Path: "web.route_prefix", Flag: "web.route-prefix", Kind: KindString, Example: "/touchline", Since: "0.1",
		Help: "Path below which everything is served. Derived from the path of --web.external-url when empty.",
		bind: func(c *Config) any { return &c.Web.RoutePrefix }},
	{Area: areaWeb, Path: "web.trusted_proxies", Flag: "web.trusted-proxies", Kind: KindNetworks, Example: "127.0.0.1", Since: "0.3",
		Help: "Addresses and networks of reverse proxies whose X-Forwarded-For says who asks: for the pace of wrong passwords, the audit log and the list of sessions. A proxy must add to that header, or set it; of others it is ignored. OTLP over gRPC has no such header: there the proxy counts. May be repeated.",
		bind: func(c *Config) any { return &c.Web.TrustedProxies }},
	{Area: areaWeb, Path: "web.enable_lifecycle", Flag: "web.enable-lifecycle", Kind: KindBool, Default: "false", Since: "0.1",
		Help: "Allow POST /-/reload and POST /-/quit. SIGHUP always reloads.",
		bind: func(c *Config) any { return &c.Web.EnableLifecycle }},
	{Area: areaWeb, Path: "web.enable_admin_api", Flag: "web.enable-admin-api", Kind: KindBool, Default: "false", Since: "0.1",
		Help: "Allow deletion of series and snapshots under /api/v1/admin.",
		bind: func(c *Config) any { return &c.Web.EnableAdminAPI }},
	{Area: areaWeb, Path: "web.max_connections", Flag: "web.max-connections", Kind: KindInt, Default: "512", Min: "1", Max: "1000000", Since: "0.1",
		Help: "Connections open at the same time over all listeners; more wait.",
		bind: func(c *Config) any { return &c.Web.MaxConnections }},
	{Area: areaWeb, Path: "web.read_timeout", Flag: "web.read-timeout", Kind: KindDuration, Default: "5m", Min: "1s", Max: "1d", Since: "0.1",
		Help: "Longest time to read one request, and to keep an idle connection open.",
		bind: func(c *Config) any { return &c.Web.ReadTimeout }},
	{Area: areaWeb, Path: "web.cors_origin", Flag: "web.cors.origin", Kind: KindRegexp, Example: `https?://(grafana|wiki)\.example\.com`, Since: "0.1",
		Help: "Origins whose pages may read answers in a browser, as an anchored expression; empty allows none. It never allows such a page to change or send anything without a token.",
		bind: func(c *Config) any { return &c.Web.CORSOrigin }},

	{Area: areaOTLP, Path: "otlp.grpc_address", Flag: "otlp.grpc-address", Kind: KindAddress, Default: "127.0.0.1:4317", Example: "0.0.0.0:4317", Since: "0.1",
		Help: "Address of the OTLP receiver over gRPC; empty closes it.",
		bind: func(c *Config) any { return &c.OTLP.GRPCAddress }},
	{Area: areaOTLP, Path: "otlp.http_address", Flag: "otlp.http-address", Kind: KindAddress, Default: "127.0.0.1:4318", Example: "0.0.0.0:4318", Since: "0.1",
		Help: "Address of the OTLP receiver over HTTP; empty closes it. The main address takes the same requests.",
		bind: func(c *Config) any { return &c.OTLP.HTTPAddress }},

	{Area: areaPorts, Path: "upstream.ports", Flag: "upstream-ports", Kind: KindBool, Default: "false", Since: "0.1",
		Help: "Also listen on loopback at the usual ports of Prometheus (9090) and Alertmanager (9093), for clients that have them wired in.",
		bind: func(c *Config) any { return &c.Upstream.Ports }},
	{Area: areaPorts, Path: "upstream.prometheus_address", Flag: "upstream.prometheus-address", Kind: KindAddress, Example: "127.0.0.1:9090", Since: "0.1",
		Help: "Also serve Prometheus's API at this address.",
		bind: func(c *Config) any { return &c.Upstream.PrometheusAddress }},
	{Area: areaPorts, Path: "upstream.alertmanager_address", Flag: "upstream.alertmanager-address", Kind: KindAddress, Example: "127.0.0.1:9093", Since: "0.1",
		Help: "Also serve Alertmanager's API at this address.",
		bind: func(c *Config) any { return &c.Upstream.AlertmanagerAddress }},

	{Area: areaStorage, Path: "storage.path", Flag: "storage.path", Kind: KindDir, Default: "./data", Since: "0.1",
		Help: "Folder of all data. One process at a time owns it.",
		bind: func(c *Config) any { return &c.Storage.Path }},
	{Area: areaStorage, Path: "storage.retention.time", Flag: "storage.retention.time", Kind: KindDuration, Default: "15d", Min: "0s", Example: "90d", Since: "0.1",
		Help: "How long samples are kept; 0s keeps them for ever.",
		bind: func(c *Config) any { return &c.Storage.RetentionTime }},
	{Area: areaStorage, Path: "storage.retention.size", Flag: "storage.retention.size", Kind: KindSize, Default: "0B", Min: "0B", Example: "512GB", Since: "0.1",
		Help: "Size above which the oldest blocks are deleted; 0B sets no limit.",
		bind: func(c *Config) any { return &c.Storage.RetentionSize }},
	{Area: areaStorage, Path: "storage.out_of_order_time_window", Flag: "storage.out-of-order-time-window", Kind: KindDuration, Default: "30m", Min: "0s", Max: "30d", Since: "0.1",
		Help: "How far behind a series' newest sample an older one is still taken. What prometheus.yml says under storage.tsdb wins.",
		bind: func(c *Config) any { return &c.Storage.OutOfOrderWindow }},
	{Area: areaStorage, Path: "storage.exemplars.max", Flag: "storage.exemplars.max", Kind: KindInt, Default: "100000", Min: "0", Max: "100000000", Since: "0.1",
		Help: "Exemplars kept in memory; 0 keeps none. What prometheus.yml says under storage.exemplars wins.",
		bind: func(c *Config) any { return &c.Storage.MaxExemplars }},
	{Area: areaStorage, Path: "storage.min_free", Flag: "storage.min-free", Kind: KindSize, Default: "64MiB", Min: "0B", Example: "1GiB", Since: "0.1",
		Help: "Space to keep free on the disk, at most a twentieth of it. Below, remote write and OTLP are refused until there is more; below half of it, scraped samples too. A quarter of it is held in a file of the data directory, as room for what must still be written. 0B refuses nothing before a write fails.",
		bind: func(c *Config) any { return &c.Storage.MinFree }},
	{Area: areaStorage, Flag: "storage.min-block-duration", Kind: KindDuration, Default: "2h", Min: "1s", Max: "36500d", Since: "0.1", Hidden: true,
		Help: "Span of a head block. For tests.",
		bind: func(c *Config) any { return &c.Storage.MinBlockDuration }},

	{Area: areaScrape, Path: "scrape.max_body", Flag: "scrape.max-body", Kind: KindSize, Default: "128MiB", Min: "0B", Example: "512MiB", Since: "0.2",
		Help: "Largest answer of a target, after decompression, where prometheus.yml sets no body_size_limit for its job; 0B for no limit. A target that sends more is down, and the alert ScrapeLimitsExceeded says so.",
		bind: func(c *Config) any { return &c.Scrape.MaxBody }},

	{Area: areaQuery, Path: "query.max_samples", Flag: "query.max-samples", Kind: KindInt, Default: "50000000", Min: "1", Since: "0.1",
		Help: "Samples that one query may hold in memory.",
		bind: func(c *Config) any { return &c.Query.MaxSamples }},
	{Area: areaQuery, Path: "query.max_memory", Flag: "query.max-memory", Kind: KindSize, Default: "0B", Min: "0B", Example: "512MB", Since: "0.1",
		Help: "Memory that one query may take; 0B takes a part of the process's memory limit.",
		bind: func(c *Config) any { return &c.Query.MaxMemory }},
	{Area: areaQuery, Path: "query.timeout", Flag: "query.timeout", Kind: KindDuration, Default: "2m", Min: "1ms", Max: "1d", Since: "0.1",
		Help: "Longest run time of a query.",
		bind: func(c *Config) any { return &c.Query.Timeout }},
	{Area: areaQuery, Path: "query.max_concurrency", Flag: "query.max-concurrency", Kind: KindInt, Default: "20", Min: "1", Max: "10000", Since: "0.1",
		Help: "Queries that run at the same time; more wait.",
		bind: func(c *Config) any { return &c.Query.MaxConcurrency }},
	{Area: areaQuery, Path: "query.lookback_delta", Flag: "query.lookback-delta", Kind: KindDuration, Default: "5m", Min: "1s", Max: "1d", Since: "0.1",
		Help: "How long a series without a new sample still has a value.",
		bind: func(c *Config) any { return &c.Query.Lookback }},
	{Area: areaQuery, Path: "query.max_search", Flag: "query.max-search", Kind: KindInt, Default: "10000", Min: "1", Since: "0.1",
		Help: "Results of one request to the search of metric and label names.",
		bind: func(c *Config) any { return &c.Query.MaxSearch }},

	{Area: areaRules, Path: "rules.alert.for_outage_tolerance", Flag: "rules.alert.for-outage-tolerance", Kind: KindDuration, Default: "1h", Min: "0s", Since: "0.1",
		Help: "Longest outage after which the state of a pending alert is restored.",
		bind: func(c *Config) any { return &c.Rules.OutageTolerance }},
	{Area: areaRules, Path: "rules.alert.for_grace_period", Flag: "rules.alert.for-grace-period", Kind: KindDuration, Default: "10m", Min: "0s", Since: "0.1",
		Help: "Shortest time between a restart and the firing of a restored alert, where its for is longer than this.",
		bind: func(c *Config) any { return &c.Rules.ForGracePeriod }},
	{Area: areaRules, Path: "rules.alert.resend_delay", Flag: "rules.alert.resend-delay", Kind: KindDuration, Default: "1m", Min: "1s", Since: "0.1",
		Help: "Shortest time before a firing alert is sent to the Alertmanager again.",
		bind: func(c *Config) any { return &c.Rules.ResendDelay }},
	{Area: areaRules, Path: "rules.max_concurrent_evals", Flag: "rules.max-concurrent-evals", Kind: KindInt, Default: "0", Min: "0", Max: "1000", Since: "0.1",
		Help: "Independent rules of a group evaluated at the same time; 0 evaluates one after the other. Prometheus evaluates 4 unless told otherwise; here a sample that arrives would then wait for the whole group instead of one rule.",
		bind: func(c *Config) any { return &c.Rules.MaxConcurrentEvals }},
	{Area: areaRules, Path: "rules.arrival", Flag: "rules.arrival", Kind: KindEnum, Default: ArrivalEnabled, Enum: arrivals, Since: "0.2",
		Help: "Whether alerting rules are evaluated when samples arrive, besides their interval. Enabled, a rule over several series waits until all of them are known; eager, it waits for nothing and may be raised by half of a scrape.",
		bind: func(c *Config) any { return &c.Rules.Arrival }},
	{Area: areaRules, Path: "rules.groups", Flag: "rules.group", Kind: KindGroups, Enum: arrivals, Key: "arrival", Example: "rules/host.yml:host=disabled", Since: "0.2",
		Help: "The same for one group: the rule file's path relative to prometheus.yml, the group's name, and its value. Shipped files begin with stack/rules/.",
		bind: func(c *Config) any { return &c.Rules.Groups }},
	{Area: areaRules, Path: "rules.no_data", Flag: "rules.no-data", Kind: KindEnum, Default: NoDataResolve, Enum: noDatas, Since: "0.2",
		Help: "What receivers are told of a firing alert whose series end because its target cannot be scraped (up is 0). It resolves, as in Prometheus; or it is kept firing, with the annotation no_data, until the target can be scraped again or is no longer discovered. The alert must have the labels job and instance.",
		bind: func(c *Config) any { return &c.Rules.NoData }},
	{Area: areaRules, Path: "rules.groups.no_data", Flag: "rules.group-no-data", Kind: KindGroups, Enum: noDatas, Key: "no_data", Example: "rules/host.yml:host=keep", Since: "0.2",
		Help: "The same for one group, written as for arrival: the rule file's path, the group's name, and its value.",
		bind: func(c *Config) any { return &c.Rules.NoDataGroups }},

	{Area: areaRemote, Path: "remote_write.max_body", Flag: "remote-write.max-body", Kind: KindSize, Default: "32MB", Min: "1KB", Max: "1GB", Since: "0.1",
		Help: "Largest remote-write or OTLP request, as sent.",
		bind: func(c *Config) any { return &c.Remote.WriteMaxBody }},
	{Area: areaRemote, Path: "remote_write.max_decoded", Flag: "remote-write.max-decoded", Kind: KindSize, Default: "128MB", Min: "1KB", Max: "4GB", Since: "0.1",
		Help: "Largest remote-write or OTLP request after decompression.",
		bind: func(c *Config) any { return &c.Remote.WriteMaxDecoded }},
	{Area: areaRemote, Path: "remote_read.max_samples", Flag: "remote-read.max-samples", Kind: KindInt, Default: "50000000", Min: "1", Since: "0.1",
		Help: "Samples that one remote-read query may return.",
		bind: func(c *Config) any { return &c.Remote.ReadMaxSamples }},
	{Area: areaRemote, Path: "remote_read.max_concurrency", Flag: "remote-read.max-concurrency", Kind: KindInt, Default: "10", Min: "1", Max: "10000", Since: "0.1",
		Help: "Remote-read requests served at the same time; more wait.",
		bind: func(c *Config) any { return &c.Remote.ReadConcurrency }},
	{Area: areaRemote, Path: "remote_read.max_frame", Flag: "remote-read.max-frame", Kind: KindSize, Default: "1MB", Min: "1KB", Max: "64MB", Since: "0.1",
		Help: "Largest frame of a streamed remote-read answer.",
		bind: func(c *Config) any { return &c.Remote.ReadMaxBytesInFrame }},

	{Area: areaHA, Path: "ha.enabled", Flag: "ha.enabled", Kind: KindBool, Default: "false", Since: "0.1",
		Help: "Store the samples of one replica of each pair that sends by remote write or OTLP.",
		bind: func(c *Config) any { return &c.HA.Enabled }},
	{Area: areaHA, Path: "ha.cluster_label", Flag: "ha.cluster-label", Kind: KindLabel, Default: "cluster", Since: "0.1",
		Help: "Label that names the pair.",
		bind: func(c *Config) any { return &c.HA.ClusterLabel }},
	{Area: areaHA, Path: "ha.replica_label", Flag: "ha.replica-label", Kind: KindLabel, Default: "__replica__", Since: "0.1",
		Help: "Label that names the sender within the pair; removed before storage.",
		bind: func(c *Config) any { return &c.HA.ReplicaLabel }},
	{Area: areaHA, Path: "ha.failover_timeout", Flag: "ha.failover-timeout", Kind: KindDuration, Default: "30s", Min: "1s", Max: "1h", Since: "0.1",
		Help: "How long the chosen replica may be silent before another is chosen.",
		bind: func(c *Config) any { return &c.HA.FailoverTimeout }},
	{Area: areaHA, Path: "ha.max_clusters", Flag: "ha.max-clusters", Kind: KindInt, Default: "1000", Min: "1", Max: "1000000", Since: "0.1",
		Help: "Pairs that are tracked; samples of more are refused.",
		bind: func(c *Config) any { return &c.HA.MaxClusters }},

	{Area: areaAM, Path: "alerting.early_flush.matchers", Flag: "alerting.early-flush.matchers", Kind: KindString, Default: `severity="critical"`, Example: `severity=~"critical|page"`, Since: "0.2",
		Help: "Alerts that match are told 2 ms after they begin to fire, instead of after group_wait, and even if they are over by then; while more of a group keep coming, its messages are spaced out to group_interval. An alert that an inhibition rule could mute waits for group_wait. Empty lets all wait, as Alertmanager does.",
		bind: func(c *Config) any { return &c.Alertmanager.EarlyFlush }},
	{Area: areaAM, Path: "alertmanager.retention", Flag: "alertmanager.retention", Kind: KindDuration, Default: "120h", Min: "1m", Since: "0.1",
		Help: "How long expired silences and the notification log are kept.",
		bind: func(c *Config) any { return &c.Alertmanager.Retention }},
	{Area: areaAM, Path: "alertmanager.max_silences", Flag: "alertmanager.max-silences", Kind: KindInt, Default: "10000", Min: "0", Since: "0.1",
		Help: "Silences, expired ones included; 0 sets no limit.",
		bind: func(c *Config) any { return &c.Alertmanager.MaxSilences }},
	{Area: areaAM, Path: "alertmanager.max_silence_size", Flag: "alertmanager.max-silence-size-bytes", Kind: KindSize, Default: "64KB", Min: "0B", Max: "64MB", Since: "0.1",
		Help: "Largest silence; 0B sets no limit.",
		bind: func(c *Config) any { return &c.Alertmanager.MaxSilenceSize }},
	{Area: areaAM, Path: "alertmanager.max_alerts_per_name", Flag: "alertmanager.max-alerts-per-name", Kind: KindInt, Default: "0", Min: "0", Since: "0.1",
		Help: "Alerts of one name held at the same time; 0 sets no limit.",
		bind: func(c *Config) any { return &c.Alertmanager.MaxAlertsPerName }},
	{Area: areaAM, Path: "alertmanager.max_concurrency", Flag: "alertmanager.max-concurrency", Kind: KindInt, Default: "0", Min: "0", Max: "10000", Since: "0.1",
		Help: "GET requests to the Alertmanager's API served at the same time; 0 takes the larger of the number of processors and 8.",
		bind: func(c *Config) any { return &c.Alertmanager.MaxConcurrency }},
	{Area: areaAM, Flag: "alertmanager.maintenance-interval", Kind: KindDuration, Default: "15m", Min: "1s", Since: "0.1", Hidden: true,
		Help: "Time between two snapshots of silences and notification log. For tests.",
		bind: func(c *Config) any { return &c.Alertmanager.MaintenanceInterval }},
	{Area: areaAM, Flag: "alertmanager.gc-interval", Kind: KindDuration, Default: "30m", Min: "1s", Since: "0.1", Hidden: true,
		Help: "Time between two removals of resolved alerts. For tests.",
		bind: func(c *Config) any { return &c.Alertmanager.GCInterval }},

	{Area: areaCluster, Path: "cluster.listen_address", Flag: "cluster.listen-address", Kind: KindAddress, Example: "0.0.0.0:9094", Since: "0.1",
		Help: "Address of the gossip between replicas; empty runs alone.",
		bind: func(c *Config) any { return &c.Cluster.ListenAddress }},
	{Area: areaCluster, Path: "cluster.advertise_address", Flag: "cluster.advertise-address", Kind: KindAddress, Example: "10.0.0.5:9094", Since: "0.1",
		Help: "Address that the other replicas are told.",
		bind: func(c *Config) any { return &c.Cluster.AdvertiseAddress }},
	{Area: areaCluster, Path: "cluster.peer", Flag: "cluster.peer", Kind: KindAddresses, Example: "10.0.0.6:9094", Since: "0.1",
		Help: "Address of another replica. May be repeated.",
		bind: func(c *Config) any { return &c.Cluster.Peers }},
	{Area: areaCluster, Path: "cluster.peer_timeout", Flag: "cluster.peer-timeout", Kind: KindDuration, Default: "15s", Min: "1ms", Max: "1h", Since: "0.1",
		Help: "How long a replica waits for each one before it in the order to notify first.",
		bind: func(c *Config) any { return &c.Cluster.PeerTimeout }},
	{Area: areaCluster, Path: "cluster.settle_timeout", Flag: "cluster.settle-timeout", Kind: KindDuration, Default: "1m", Min: "0s", Max: "1h", Since: "0.1",
		Help: "Longest wait at start for the replicas to know each other before notifying.",
		bind: func(c *Config) any { return &c.Cluster.SettleTimeout }},
	{Area: areaCluster, Path: "cluster.label", Flag: "cluster.label", Kind: KindString, Example: "production", Since: "0.1",
		Help: "Only replicas with the same label talk to each other.",
		bind: func(c *Config) any { return &c.Cluster.Label }},
	{Area: areaCluster, Path: "cluster.tls_config", Flag: "cluster.tls-config", Kind: KindFile, Example: "cluster-tls.yml", Since: "0.1",
		Help: "Mutual TLS between the replicas, in the format of Alertmanager's cluster.tls-config.",
		bind: func(c *Config) any { return &c.Cluster.TLSConfig }},

	{Area: areaAuth, Path: "auth.anonymous", Flag: "auth.anonymous", Kind: KindEnum, Default: "auto", Enum: anonymous, Since: "0.3",
		Help: "What those who show neither a session, a token, a password nor a certificate may do. With auto they may read and send data on loopback as long as no user is defined. With off they may do nothing; with viewer, besides what auto allows, everybody may read from everywhere.",
		bind: func(c *Config) any { return &c.Auth.Anonymous }},
	{Area: areaAuth, Path: "auth.session.idle", Flag: "auth.session.idle", Kind: KindDuration, Default: "7d", Min: "1m", Max: "365d", Since: "0.3",
		Help: "How long a browser stays signed in that nobody uses.",
		bind: func(c *Config) any { return &c.Auth.SessionIdle }},
	{Area: areaAuth, Path: "auth.session.life", Flag: "auth.session.life", Kind: KindDuration, Default: "30d", Min: "1m", Max: "365d", Since: "0.3",
		Help: "How long a browser stays signed in at most.",
		bind: func(c *Config) any { return &c.Auth.SessionLife }},
	{Area: areaAuth, Path: "auth.print_setup_link", Flag: "auth.print-setup-link", Kind: KindBool, Default: "false", Since: "0.3",
		Help: "Print the one-time link that makes the first administrator also where the start-up lines do not go to a terminal. Whoever reads the log can then become the administrator.",
		bind: func(c *Config) any { return &c.Auth.PrintSetupLink }},
	{Area: areaAuth, Path: "auth.oidc.issuer", Flag: "auth.oidc.issuer", Kind: KindURL, Example: "https://id.example.com/realms/company", Since: "0.3",
		Help: "OpenID Connect provider that people sign in at, as it names itself in /.well-known/openid-configuration. It must be told our redirect URI: the external URL, and /ui/login/oidc/callback. Empty for none.",
		bind: func(c *Config) any { return &c.Auth.OIDC.Issuer }},
	{Area: areaAuth, Path: "auth.oidc.client_id", Flag: "auth.oidc.client-id", Kind: KindString, Example: "touchline", Since: "0.3",
		Help: "What the provider knows this server by.",
		bind: func(c *Config) any { return &c.Auth.OIDC.ClientID }},
	{Area: areaAuth, Path: "auth.oidc.client_secret_file", Flag: "auth.oidc.client-secret-file", Kind: KindFile, Example: "/run/secrets/oidc", Since: "0.3",
		Help: "File with the client's secret, read at each sign-in. Left out for a public client.",
		bind: func(c *Config) any { return &c.Auth.OIDC.ClientSecretFile }},
	{Area: areaAuth, Path: "auth.oidc.name", Flag: "auth.oidc.name", Kind: KindString, Default: "OpenID Connect", Example: "the company account", Since: "0.3",
		Help: "What the button on the sign-in page calls the provider.",
		bind: func(c *Config) any { return &c.Auth.OIDC.Name }},
	{Area: areaAuth, Path: "auth.oidc.scopes", Flag: "auth.oidc.scopes", Kind: KindList, Default: "profile,email", Example: "profile,email,groups", Since: "0.3",
		Help: "What the provider is asked for beside openid.",
		bind: func(c *Config) any { return &c.Auth.OIDC.Scopes }},
	{Area: areaAuth, Path: "auth.oidc.name_claim", Flag: "auth.oidc.name-claim", Kind: KindString, Default: "preferred_username", Example: "email", Since: "0.3",
		Help: "The claim that users' names are made of. A user stays the same if it changes.",
		bind: func(c *Config) any { return &c.Auth.OIDC.NameClaim }},
	{Area: areaAuth, Path: "auth.oidc.groups_claim", Flag: "auth.oidc.groups-claim", Kind: KindString, Default: "groups", Since: "0.3",
		Help: "The claim that lists a user's groups, for the section auth_oidc_groups.",
		bind: func(c *Config) any { return &c.Auth.OIDC.GroupsClaim }},
	{Area: areaAuth, Path: "auth.oidc.default_role", Flag: "auth.oidc.default-role", Kind: KindEnum, Default: "none", Enum: append([]string{"none"}, roles...), Example: "viewer", Since: "0.3",
		Help: "What those may do none of whose groups stands in the section auth_oidc_groups. With none they may not sign in, unless there is no such section and they were made with touchline users add.",
		bind: func(c *Config) any { return &c.Auth.OIDC.DefaultRole }},
	{Area: areaAuth, Path: "audit.retention", Flag: "audit.retention", Kind: KindDuration, Default: "400d", Min: "0s", Since: "0.3",
		Help: "How long the log of who changed what is kept; 0s keeps it for ever.",
		bind: func(c *Config) any { return &c.Auth.AuditRetention }},

	{Area: areaOutside, Path: "heartbeat.url", Flag: "heartbeat.url", Kind: KindURL, Secret: true, Example: "https://deadman.example.com/ping/touchline", Since: "0.3",
		Help: "Where a request is sent every --heartbeat.interval while the alert Watchdog fires through rules, storage and dispatcher, so that somebody outside misses it. Command lines can be read by others on the host: a URL that holds a secret belongs in --heartbeat.url-file.",
		bind: func(c *Config) any { return &c.Heartbeat.URL }},
	{Area: areaOutside, Path: "heartbeat.url_file", Flag: "heartbeat.url-file", Kind: KindFile, Example: "heartbeat-url", Since: "0.3",
		Help: "File with that URL, read again for every beat.",
		bind: func(c *Config) any { return &c.Heartbeat.URLFile }},
	{Area: areaOutside, Path: "heartbeat.method", Flag: "heartbeat.method", Kind: KindEnum, Default: "POST", Enum: []string{"POST", "GET"}, Since: "0.3",
		Help: "Method of that request; POST sends a small JSON body.",
		bind: func(c *Config) any { return &c.Heartbeat.Method }},
	{Area: areaOutside, Path: "heartbeat.interval", Flag: "heartbeat.interval", Kind: KindDuration, Default: "30s", Min: "1s", Max: "1h", Since: "0.3",
		Help: "Time between two beats, and between two looks at another instance.",
		bind: func(c *Config) any { return &c.Heartbeat.Interval }},
	{Area: areaOutside, Path: "heartbeat.watch_url", Flag: "heartbeat.watch-url", Kind: KindURLs, Secret: true, Example: "http://other:7070", Since: "0.3",
		Help: "Another Touchline that this one watches; the alert WatchedInstanceDown fires when it does not beat. May be repeated. User and password may stand in the URL; only its host is shown.",
		bind: func(c *Config) any { return &c.Heartbeat.WatchURLs }},
	{Area: areaOutside, Path: "heartbeat.watch_token_file", Flag: "heartbeat.watch-token-file", Kind: KindFile, Example: "other.token", Since: "0.3",
		Help: "File with a bearer token of read access, which is sent to the watched instances.",
		bind: func(c *Config) any { return &c.Heartbeat.WatchTokenFile }},
	{Area: areaPeople, Path: "state.url_file", Flag: "state.url-file", Kind: KindFile, Example: "/run/secrets/state-url", Since: "0.3",
		Help: "File with the URL of the PostgreSQL database that holds users, incidents and the history of notifications, such as postgres://touchline@db/touchline. The variable TOUCHLINE_STATE_URL may hold the URL instead. Without either they are in an SQLite file in the data folder.",
		bind: func(c *Config) any { return &c.State.URLFile }},
	{Area: areaPeople, Path: "incidents.matchers", Flag: "incidents.matchers", Kind: KindString, Default: `severity!~"none|info"`, Example: `severity=~"critical|page"`, Since: "0.3",
		Help: "Alerts that match open an incident. Empty lets all do so.",
		bind: func(c *Config) any { return &c.Incidents.Matchers }},
	{Area: areaPeople, Path: "incidents.flapping", Flag: "incidents.flapping", Kind: KindDuration, Default: "10m", Min: "0s", Max: "24h", Since: "0.3",
		Help: "How long after an incident has resolved its alerts belong to it if they fire again.",
		bind: func(c *Config) any { return &c.Incidents.Flapping }},
	{Area: areaPeople, Path: "incidents.silence_notice", Flag: "incidents.silence-notice", Kind: KindDuration, Default: "10m", Min: "0s", Max: "24h", Since: "0.3",
		Help: "How long before a silence or a maintenance window ends the alert SilenceEnding says so; 0s never does.",
		bind: func(c *Config) any { return &c.Incidents.Notice }},
	{Area: areaPeople, Path: "incidents.tell_silenced_ends", Flag: "incidents.tell-silenced-ends", Kind: KindBool, Default: "false", Since: "0.3",
		Help: "Send the alert SilencedAlertResolved when an alert resolves that a silence mutes, so that whoever waits for it need not look.",
		bind: func(c *Config) any { return &c.Incidents.TellSilencedEnds }},
	{Area: areaPeople, Path: "incidents.retention", Flag: "incidents.retention", Kind: KindDuration, Default: "400d", Min: "1d", Since: "0.3",
		Help: "How long incidents that are over and the history of notifications are kept.",
		bind: func(c *Config) any { return &c.Incidents.Retention }},

	{Area: areaDash, Path: "dashboards.provisioning", Flag: "dashboards.provisioning", Kind: KindDir, Example: "provisioning", Since: "0.4",
		Help: "Folder with dashboards and data sources in the form of Grafana's provisioning: dashboards/*.yml and datasources/*.yml. It is followed, and read again by a reload. What is wrong with a file is a warning; the others are used.",
		bind: func(c *Config) any { return &c.Dashboards.Provisioning }},

	{Area: areaSources, Path: "sources.enabled", Flag: "sources.enabled", Kind: KindBool, Default: "true", Since: "0.1",
		Help: "Watch this host, its containers and this process without an exporter.",
		bind: func(c *Config) any { return &c.Sources.Enabled }},
	{Area: areaSources, Path: "sources.interval", Flag: "sources.interval", Kind: KindDuration, Default: "1s", Min: "100ms", Max: "1h", Since: "0.1",
		Help: "Time between two scrapes of the in-process sources.",
		bind: func(c *Config) any { return &c.Sources.Interval }},
	{Area: areaSources, Path: "sources.disable", Flag: "sources.disable", Kind: KindList, Enum: []string{"node", "cadvisor", "touchline"}, Example: "cadvisor", Since: "0.1",
		Help: "In-process source to leave out. May be repeated.",
		bind: func(c *Config) any { return &c.Sources.Disable }},
	{Area: areaSources, Path: "sources.procfs", Flag: "sources.procfs", Kind: KindDir, Default: "/proc", Example: "/host/proc", Since: "0.1",
		Help: "Where the host's proc file system is, for the source node; in a container, where it is mounted.",
		bind: func(c *Config) any { return &c.Sources.ProcFS }},
	{Area: areaSources, Path: "sources.sysfs", Flag: "sources.sysfs", Kind: KindDir, Default: "/sys", Example: "/host/sys", Since: "0.1",
		Help: "Where the host's sys file system is, for the source node. The source cadvisor reads /sys only.",
		bind: func(c *Config) any { return &c.Sources.SysFS }},
	{Area: areaSources, Path: "sources.rootfs", Flag: "sources.rootfs", Kind: KindDir, Default: "/", Example: "/host/root", Since: "0.1",
		Help: "Where the host's root is, for sizes of file systems; in a container, where it is mounted with rslave.",
		bind: func(c *Config) any { return &c.Sources.RootFS }},

	{Area: areaStack, Path: "stack.enabled", Flag: "stack.enabled", Kind: KindBool, Default: "true", Since: "0.1",
		Help: "Load the shipped rules and dashboards beside your own.",
		bind: func(c *Config) any { return &c.Stack.Enabled }},
	{Area: areaStack, Path: "stack.alertmanager", Flag: "stack.alertmanager", Kind: KindBool, Default: "true", Since: "0.1",
		Help: "Use the shipped alertmanager.yml when none is given.",
		bind: func(c *Config) any { return &c.Stack.Alertmanager }},

	{Area: areaLog, Path: "log.level", Flag: "log.level", Kind: KindEnum, Default: "info", Enum: []string{"debug", "info", "warn", "error"}, Since: "0.1",
		Help: "Least level that is logged.",
		bind: func(c *Config) any { return &c.Log.Level }},
	{Area: areaLog, Path: "log.format", Flag: "log.format", Kind: KindEnum, Default: "logfmt", Enum: []string{"logfmt", "json"}, Since: "0.1",
		Help: "Form of the log lines.",
		bind: func(c *Config) any { return &c.Log.Format }},
}
