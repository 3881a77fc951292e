// Package config is the product's own configuration: touchline.yaml, flags
// and TOUCHLINE_* variables. All three, the --help text and the reference in
// docs/reference/config.md come from one table (Settings). What an upstream
// tool has a format for (scraping, rules, routing of alerts) is not here: it
// stays in prometheus.yml and alertmanager.yml.
package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/goccy/go-yaml/token"
)

// Config is the resolved configuration. Sizes are bytes. Paths are relative
// to the working directory or absolute; a relative path that stands in
// touchline.yaml has been joined with that file's folder.
type Config struct {
	File             string // touchline.yaml that was read, "" when there is none
	PrometheusFile   string // prometheus.yml, "" when there is none
	AlertmanagerFile string // alertmanager.yml, "" when there is none

	Web          Web
	OTLP         OTLP
	Upstream     Upstream
	Storage      Storage
	Query        Query
	Scrape       Scrape
	Rules        Rules
	Remote       Remote
	HA           HA
	Alertmanager Alertmanager
	Cluster      Cluster
	Auth         Auth
	Heartbeat    Heartbeat
	State        State
	Incidents    Incidents
	Dashboards   Dashboards
	Sources      Sources
	Stack        Stack
	Log          Log

	Dynamic

	// Warnings are remarks that do not stop the start, such as a TOUCHLINE_*
	// variable that nothing reads.
	Warnings []string

	sources map[string]Source
	raw     map[string]string
}

// Dynamic is what only the file can hold, and a reload reads again.
type Dynamic struct {
	People      map[string]Person
	Schedules   map[string]Schedule
	Escalations []Escalation
	Maintenance []Maintenance
	OIDCGroups  map[string]OIDCRole
	StatusPage  *StatusPage          // nil for none
	Channels    map[string][]Channel // by receiver of alertmanager.yml
	Backends    Backends             // read at the start only

	file string
	seen map[string]token.Position // of each field in the file
}

// Web is the main listener and what all listeners have in common.
type Web struct {
	ListenAddresses []string
	ConfigFile      string   // upstream's web.config.file, "" when there is none
	TokensFile      string   // bearer tokens, "" when there is none
	ExternalURL     string   // "" derives it from the host name and the port
	RoutePrefix     string   // "" derives it from the path of ExternalURL
	TrustedProxies  []string // IP addresses and networks, as they were written: see Proxies
	EnableLifecycle bool
	EnableAdminAPI  bool
	MaxConnections  int
	ReadTimeout     time.Duration
	CORSOrigin      string // regular expression, anchored by whoever compiles it
}

// Proxies are the networks of TrustedProxies.
func (w *Web) Proxies() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range w.TrustedProxies {
		if p, err := parseNetwork(text); err == nil { // Resolve has refused all others
			out = append(out, p)
		}
	}
	return out
}

// OTLP are the addresses of the OpenTelemetry receivers; "" closes one.
type OTLP struct {
	GRPCAddress string
	HTTPAddress string
}

// Upstream are the additional listeners at the addresses that clients of the
// upstream tools have wired in; "" means closed.
type Upstream struct {
	Ports               bool // opens those that have no address of their own at their usual port
	PrometheusAddress   string
	AlertmanagerAddress string
}

// Storage is where the metrics are kept, and for how long.
type Storage struct {
	Path             string
	RetentionTime    time.Duration // 0 keeps for ever
	RetentionSize    int64         // 0 for no limit
	OutOfOrderWindow time.Duration
	MaxExemplars     int64
	MinFree          int64 // bytes; 0 refuses nothing ahead of a failure
	MinBlockDuration time.Duration
}

// Query bounds PromQL.
type Query struct {
	MaxSamples     int
	MaxMemory      int64 // 0 derives it from the process's memory limit
	Timeout        time.Duration
	MaxConcurrency int
	Lookback       time.Duration
	MaxSearch      int // results of one search request
}

// Scrape bounds what targets may send.
type Scrape struct {
	MaxBody int64 // bytes after decompression, 0 for no limit
}

// Rules is how alerting rules are evaluated, and how they behave over restarts and resends.
type Rules struct {
	Arrival            string
	Groups             map[RuleGroup]string // what differs from Arrival
	NoData             string
	NoDataGroups       map[RuleGroup]string // what differs from NoData
	OutageTolerance    time.Duration
	ForGracePeriod     time.Duration
	ResendDelay        time.Duration
	MaxConcurrentEvals int64
}

// RuleGroup names a rule group: the path of its file relative to
// prometheus.yml, and its name.
type RuleGroup struct{ File, Group string }

// ArrivalOf is the value of rules.arrival for a group.
func (r *Rules) ArrivalOf(g RuleGroup) string {
	if v, ok := r.Groups[g]; ok {
		return v
	}
	return r.Arrival
}

// NoDataOf is the value of rules.no_data for a group.
func (r *Rules) NoDataOf(g RuleGroup) string {
	if v, ok := r.NoDataGroups[g]; ok {
		return v
	}
	return r.NoData
}

// Remote bounds remote write, OTLP metrics and remote read.
type Remote struct {
	WriteMaxBody        int64 // as sent
	WriteMaxDecoded     int64 // after decompression
	ReadMaxSamples      int
	ReadConcurrency     int
	ReadMaxBytesInFrame int
}

// HA is the deduplication of replicated senders.
type HA struct {
	Enabled         bool
	ClusterLabel    string
	ReplicaLabel    string
	FailoverTimeout time.Duration
	MaxClusters     int
}

// Alertmanager are the embedded Alertmanager's own limits.
type Alertmanager struct {
	EarlyFlush          string // matchers of alerts that are told at once
	Retention           time.Duration
	MaxSilences         int // 0 for no limit
	MaxSilenceSize      int // bytes, 0 for no limit
	MaxAlertsPerName    int // 0 for no limit
	MaintenanceInterval time.Duration
	GCInterval          time.Duration
	MaxConcurrency      int // GET requests served at the same time, 0 for upstream's default
}

// Cluster is the gossip between Alertmanager replicas; it is off without a
// listen address.
type Cluster struct {
	ListenAddress    string
	AdvertiseAddress string
	Peers            []string
	PeerTimeout      time.Duration
	SettleTimeout    time.Duration
	Label            string
	TLSConfig        string
}

// Auth is who may do what, and how they sign in.
type Auth struct {
	Anonymous      string
	SessionIdle    time.Duration
	SessionLife    time.Duration
	PrintSetupLink bool
	AuditRetention time.Duration // 0 keeps for ever
	OIDC           OIDC
}

// OIDC is the provider that people sign in at; there is none without an issuer.
type OIDC struct {
	Issuer           string
	ClientID         string
	ClientSecretFile string // "" for a public client
	Name             string
	Scopes           []string
	NameClaim        string
	GroupsClaim      string
	DefaultRole      string // "none" for those who may not sign in
}

// Heartbeat is what lets others notice that this process is gone.
type Heartbeat struct {
	URL            string // secret; "" sends nothing, unless URLFile is set
	URLFile        string
	Method         string // POST or GET
	Interval       time.Duration
	WatchURLs      []string // other instances; may hold passwords
	WatchTokenFile string   // "" for none
}

// State is where what people decide is kept.
type State struct {
	URLFile string // with the URL of PostgreSQL, "" for none
	URL     string // of the variable StateURLEnv, "" for none; secret
}

// Incidents is what becomes of alerts that fire.
type Incidents struct {
	Matchers string // of alerts that open one
	Flapping time.Duration
	Notice   time.Duration // before a silence ends

	TellSilencedEnds bool
	Retention        time.Duration
}

// Dashboards are where dashboards come from beside the API.
type Dashboards struct {
	Provisioning string // folder as Grafana's, "" for none
}

// Sources are the in-process sources: host, containers and the process itself.
type Sources struct {
	Enabled  bool
	Interval time.Duration
	Disable  []string
	// Where the host's file systems are, which in a container is not where ours are.
	ProcFS, SysFS, RootFS string
}

// Stack is what ships in the binary: rules, runbooks and an alertmanager.yml.
type Stack struct {
	Enabled      bool // the shipped rules and dashboards
	Alertmanager bool // the shipped alertmanager.yml, where none is given
}

// Log is what is logged and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // logfmt, json
}

// Origin says which of the four places gave a value.
type Origin int

// The places a value can come from, from the weakest to the strongest.
const (
	FromDefault Origin = iota
	FromFile
	FromEnv
	FromFlag
)

// Source tells where a value came from.
type Source struct {
	Origin Origin
	Where  string // "default", "touchline.yaml:3:5", "TOUCHLINE_LOG_LEVEL" or "--log.level"
}

func (s Source) String() string { return s.Where }

// Source tells where the value of a setting came from. The setting is named
// by its path in touchline.yaml or by its flag.
func (c *Config) Source(setting string) Source {
	for i := range Settings {
		s := &Settings[i]
		if s.Path == setting || s.Flag == setting {
			if src, ok := c.sources[s.Flag]; ok {
				return src
			}
		}
	}
	return Source{Origin: FromDefault, Where: "default"}
}

// Flags returns every setting by its flag's name, as it is written. There is
// nothing secret in it: a value that may hold a secret is <secret>.
func (c *Config) Flags() map[string]string {
	out := make(map[string]string, len(Settings))
	for i := range Settings {
		out[Settings[i].Flag] = c.raw[Settings[i].Flag]
	}
	return out
}

// String lists what differs from the defaults, and where it came from.
func (c *Config) String() string {
	var b strings.Builder
	for i := range Settings {
		s := &Settings[i]
		if src := c.Source(s.Flag); src.Origin != FromDefault {
			fmt.Fprintf(&b, "%s=%s (%s)\n", s.Flag, c.raw[s.Flag], src.Where)
		}
	}
	return b.String()
}
