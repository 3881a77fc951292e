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
	Components []Component `json:"components"`

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
}

// Receiver is one receiver of the Alertmanager configuration.
type Receiver struct {
	Name         string   `json:"name"`
	Integrations []string `json:"integrations"` // such as "webhook", "email"
	Default      bool     `json:"default"`      // it is the receiver of the root route
	// Failing are the integrations that refused or could not be reached when they were last told something.
	Failing []Failure `json:"failing,omitempty"`
}

// Failure is an integration that did not take its last notification.
type Failure struct {
	Integration string    `json:"integration"`
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
	Firing    int `json:"firing"`  // alerts, not rules
	Pending   int `json:"pending"` // alerts, not rules
}

// Component is the health of one part of the process.
type Component struct {
	Name    string    `json:"name"`
	State   string    `json:"state"` // one of the Component constants
	Since   time.Time `json:"since"`
	Message string    `json:"message,omitempty"`
}
