// Package selfmon is what Touchline knows about itself: the report that is
// printed at start and by "touchline status", the health of each component,
// the build, and the memory limit of the process.
package selfmon

import "time"

// States of the whole process, in Report.State.
const (
	StateStarting = "starting" // not ready to answer yet
	StateReady    = "ready"    // everything works
	StateDegraded = "degraded" // answers, but a component does not do all of its job
	StateStopping = "stopping" // shutting down
)

// States of one component, in Component.State.
const (
	ComponentOK       = "ok"
	ComponentDegraded = "degraded"
	ComponentFailed   = "failed"
	ComponentOff      = "off"
)

// Where a watched job comes from, in Watched.Source.
const (
	SourceInProcess  = "in-process"
	SourcePrometheus = "prometheus.yml"
	SourceBackend    = "backend" // scraped by another server, how often is not known here
)

// Where alerts go, in AlertsTo.Mode.
const (
	AlertsEmbedded = "embedded" // the Alertmanager inside this process
	AlertsExternal = "external" // those of alerting.alertmanagers
)

// Report is the answer to "what is this server doing", the body of
// GET /touchline/v1/status. Times are UTC, durations seconds, sizes bytes.
type Report struct {
	Version   string            `json:"version"`
	Revision  string            `json:"revision"`
	GoVersion string            `json:"go_version"`
	Upstream  map[string]string `json:"upstream"` // versions of the engines inside, by name

	State        string    `json:"state"` // one of the State constants
	StartedAt    time.Time `json:"started_at"`
	ReadySeconds float64   `json:"ready_seconds"` // from start to ready; 0 while starting
	ConsoleURL   string    `json:"console_url"`

	Listeners  []Listener  `json:"listeners"`
	Watched    []Watched   `json:"watched"`
	NotSeen    []NotSeen   `json:"not_seen"`
	Endpoints  []Endpoint  `json:"endpoints"`
	Alerts     AlertsTo    `json:"alerts"`
	Data       Data        `json:"data"`
	Access     Access      `json:"access"`
	Rules      RuleCounts  `json:"rules"`
	Outside    Outside     `json:"outside"`
	Components []Component `json:"components"`
	Backends   []Backend   `json:"backends,omitempty"` // engines that are not in this process

	TokenFile string `json:"token_file"` // path of the administrator's token, never the token
	Stop      string `json:"stop"`       // how this process is stopped, in words
}

// Listener is one address that the server listens on, or would have.
type Listener struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	URL     string `json:"url,omitempty"`
	Flag    string `json:"flag"` // the flag that moves it
	State   string `json:"state"`
	Error   string `json:"error,omitempty"`
}

// Watched is one job that is scraped.
type Watched struct {
	Job             string  `json:"job"`
	Instance        string  `json:"instance,omitempty"` // empty when the job has several
	What            string  `json:"what"`               // in words, such as "this host"
	IntervalSeconds float64 `json:"interval_seconds"`
	Up              *bool   `json:"up"` // null before the first scrape
	Source          string  `json:"source"`
	Targets         int     `json:"targets"`
	Down            int     `json:"down"`
	Discovering     bool    `json:"discovering,omitempty"` // nobody has looked for its targets yet
}

// NotSeen is something that was looked for and not found.
type NotSeen struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}

// Endpoint is an address that data can be sent to.
type Endpoint struct {
	What string `json:"what"`
	URL  string `json:"url"`
}

// AlertsTo says who is told about alerts.
type AlertsTo struct {
	Mode          string     `json:"mode"`                    // one of the Alerts constants
	ConfigFile    string     `json:"config_file,omitempty"`   // the alertmanager.yml in force; empty for the one that ships
	Receivers     []Receiver `json:"receivers"`               // of the embedded Alertmanager
	None          bool       `json:"none"`                    // true when nobody will be told
	Alertmanagers []string   `json:"alertmanagers,omitempty"` // URLs, when external
	// Ignored says that ConfigFile has no effect, because prometheus.yml names Alertmanagers.
	Ignored bool `json:"config_file_ignored,omitempty"`
	// Failing are the external Alertmanagers that did not take what they were last sent.
	Failing []Failure `json:"failing,omitempty"`
}

// Telling says whether everything that was to be told has been taken, as far as anybody has tried.
func (a AlertsTo) Telling() bool {
	if len(a.Failing) > 0 {
		return false
	}
	for _, r := range a.Receivers {
		if len(r.Failing) > 0 {
			return false
		}
	}
	return true
}

// Receiver is one receiver of the Alertmanager configuration.
type Receiver struct {
	Name         string   `json:"name"`
	Integrations []string `json:"integrations"`     // such as "webhook", "email"
	Default      bool     `json:"default"`          // it is the receiver of the root route
	Unused       bool     `json:"unused,omitempty"` // no route and no person names it
	// Failing are the integrations that refused or could not be reached when they were last told something.
	Failing []Failure `json:"failing,omitempty"`
	// Proven says of each of Integrations when a message last got through; nil where that is not known.
	Proven []Proof `json:"last_proven,omitempty"`
}

// Proof is when an integration last took a message, also before a restart.
type Proof struct {
	Integration string    `json:"integration"`
	At          time.Time `json:"at,omitzero"` // zero for never
}

// Failure is an integration, or an Alertmanager, that did not take its last notification.
type Failure struct {
	Integration string    `json:"integration"` // or the Alertmanager's URL
	At          time.Time `json:"at"`
	Error       string    `json:"error"`
}

// Data says where data lives and for how long.
type Data struct {
	Dir                string `json:"dir"`
	RetentionTime      string `json:"retention_time"`       // as configured, such as "15d"
	RetentionSizeBytes int64  `json:"retention_size_bytes"` // 0 for no limit
	UsedBytes          int64  `json:"used_bytes"`
	Database           string `json:"database"` // of users, incidents and history: "sqlite" or "postgres"
}

// Access says who may do what without showing who they are.
type Access struct {
	Users     bool   `json:"users"`     // whether any are defined
	Anonymous string `json:"anonymous"` // auto, off or viewer; see the setting auth.anonymous
}

// RuleCounts counts what is evaluated and what it has found.
type RuleCounts struct {
	Files     int `json:"files"`
	Groups    int `json:"groups"`
	Alerting  int `json:"alerting"`
	Recording int `json:"recording"`
	Firing    int `json:"firing"`  // alerts, not rules; without heartbeats
	Pending   int `json:"pending"` // alerts, not rules
	// Kept are alerts that are told as firing although their target is without data.
	Kept int `json:"kept_without_data"`
	// Sent are firing alerts that came by the Alertmanager API, and not from a rule.
	Sent int `json:"sent_by_api"`
	// Heartbeats are alerts that fire always, to prove that alerts arrive.
	Heartbeats int `json:"heartbeats"`
}

// Heartbeat says of an alert's labels that it fires always, to prove that
// alerts arrive. It is counted nowhere as something that needs a person.
func Heartbeat(labels map[string]string) bool {
	return labels["severity"] == "none" || labels["alertname"] == "Watchdog"
}

// Outside is what looks at this process, or at others, from outside.
type Outside struct {
	HeartbeatSeconds float64    `json:"heartbeat_seconds"` // between two beats; 0 where none is sent
	Instances        []Instance `json:"instances,omitempty"`
	StatusPage       []string   `json:"status_page,omitempty"` // folder and address, where they are set
}

// Instance is another Touchline that this one watches.
type Instance struct {
	Host      string    `json:"host"`
	Up        bool      `json:"up"`
	Reason    string    `json:"reason,omitempty"` // why it is not up; empty before the first look
	LastAlive time.Time `json:"last_alive,omitzero"`
}

// States of a backend, in Backend.State.
const (
	BackendUnknown = "unknown" // nobody has looked yet
	BackendUp      = "up"
	BackendDown    = "down"
)

// Backend is a server that stands in for an engine of this process.
type Backend struct {
	Engine         string    `json:"engine"` // metrics or alerts
	URL            string    `json:"url"`    // without anything secret
	State          string    `json:"state"`  // one of the Backend constants
	Version        string    `json:"version,omitempty"`
	LookedAt       time.Time `json:"looked_at,omitzero"`
	LatencySeconds float64   `json:"latency_seconds"`  // of that look
	Reason         string    `json:"reason,omitempty"` // why it is down
}

// Component is the health of one part of the process.
type Component struct {
	Name    string    `json:"name"`
	State   string    `json:"state"` // one of the Component constants
	Since   time.Time `json:"since"`
	Message string    `json:"message,omitempty"`
}
