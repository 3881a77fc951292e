package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"

	"touchline.dev/touchline/internal/spelling"
)

// Folder is the path of a folder; a relative one begins at the folder of touchline.yaml.
type Folder string

// StatusPage is what the public is told. Only what stands here becomes public.
type StatusPage struct {
	Folder            Folder              `yaml:"folder" help:"Where the files are written, a folder of their own for a web server to serve. A restart puts a change into force."`
	ListenAddress     string              `yaml:"listen_address" help:"Address at which everybody may read the files, and nothing else. A restart puts a change into force."`
	URL               string              `yaml:"url" help:"Under which the public reaches the page, for links in the feed."`
	Title             string              `yaml:"title" default:"Status" help:"Title of the pages."`
	TitleZh           string              `yaml:"title_zh" help:"The same in Chinese."`
	Language          string              `yaml:"language" enum:"en,zh" default:"en" help:"Language of index.html and of the feed; the other one is beside it."`
	PublishAnnotation string              `yaml:"publish_annotation" help:"Annotation of alerts whose text becomes public as an update of the incident, such as public_summary. Without one no text of an alert does."`
	Components        []StatusComponent   `yaml:"components" required:"true" help:"What the public uses, in the order in which it is shown."`
	Maintenance       []StatusMaintenance `yaml:"maintenance" help:"Planned maintenance that is announced."`
}

// StatusComponent is something that the public uses.
type StatusComponent struct {
	ID            string        `yaml:"id" required:"true" help:"Small letters, digits and hyphens. The history hangs on it."`
	Name          string        `yaml:"name" required:"true" help:"What it is called."`
	NameZh        string        `yaml:"name_zh" help:"The same in Chinese."`
	Description   string        `yaml:"description" help:"What it does, in a few words."`
	DescriptionZh string        `yaml:"description_zh" help:"The same in Chinese."`
	Alerts        []StatusAlert `yaml:"alerts" required:"true" help:"Which alerts are about it. The worst state that one of them calls for is shown."`
}

// StatusAlert says which alerts are about a component, and what they mean.
type StatusAlert struct {
	Match  []string          `yaml:"match" required:"true" help:"Matchers of Alertmanager's syntax; all must hold."`
	States map[string]string `yaml:"states" help:"State of the component, degraded or outage, by the severity of the alert; critical: outage and warning: degraded where it is left out. An alert of another severity says nothing."`
}

// StatusMaintenance is planned maintenance. Components are in maintenance
// meanwhile, whatever their alerts say.
type StatusMaintenance struct {
	Title      string    `yaml:"title" required:"true" help:"What is done."`
	TitleZh    string    `yaml:"title_zh" help:"The same in Chinese."`
	Components []string  `yaml:"components" required:"true" help:"IDs of the components that it is about."`
	From       time.Time `yaml:"from" help:"When it begins."`
	To         time.Time `yaml:"to" help:"When it ends."`
	Window     string    `yaml:"window" help:"Instead of from and to: the name of a window of the section maintenance, whose present and next time are announced."`
}

// StatusStates are what alerts mean where nothing else is said.
func StatusStates() map[string]string {
	return map[string]string{"critical": "outage", "warning": "degraded"}
}

var statusID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

func (s *StatusPage) check(at *checker) {
	if s.Folder == "" && s.ListenAddress == "" {
		at.problem("", "write folder, listen_address, or both", "the page would be nowhere")
	}
	if s.ListenAddress != "" {
		at.wrong("listen_address", checkAddress(s.ListenAddress))
	}
	if s.URL != "" {
		at.wrong("url", checkURL(s.URL))
	}
	if s.PublishAnnotation != "" && !labelName.MatchString(s.PublishAnnotation) {
		at.problem("publish_annotation", "write the name of an annotation, such as public_summary", "%q is not a name", s.PublishAnnotation)
	}
	if len(s.Components) == 0 {
		at.problem("components", "write a component with id, name and alerts", "there is none")
	}
	seen := map[string]bool{}
	for i, c := range s.Components {
		if seen[c.ID] {
			at.at(item("components", i)).problem("id", "give each its own", "%q is given twice", c.ID)
		}
		seen[c.ID] = true
	}
	for i, m := range s.Maintenance {
		for _, id := range m.Components {
			if !seen[id] {
				hint := spelling.DidYouMean(id, slices.Sorted(maps.Keys(seen)))
				if hint == "" {
					hint = "write the id of one of the components"
				}
				at.at(item("maintenance", i)).problem("components", hint, "there is no component %q", id)
			}
		}
	}
}

func (c *StatusComponent) check(at *checker) {
	if !statusID.MatchString(c.ID) {
		at.problem("id", "write small letters, digits and hyphens, such as public-api", "%q is not an id", c.ID)
	}
	if len(c.Alerts) == 0 {
		at.problem("alerts", "write match, such as match: ['service=\"api\"']", "no alert is about it")
	}
}

func (a *StatusAlert) check(at *checker) {
	if len(a.Match) == 0 {
		at.problem("match", "write a matcher, such as service=\"api\"", "every alert would match")
	}
	for i, m := range a.Match {
		if _, err := labels.ParseMatcher(m); err != nil {
			at.problem(item("match", i), "write one matcher, such as service=\"api\"", "not a matcher: %v", err)
		}
	}
	for severity, state := range a.States {
		if state != "degraded" && state != "outage" {
			at.problem("states."+severity, "write degraded or outage", "%q is not known", state)
		}
	}
}

func (m *StatusMaintenance) check(at *checker) {
	switch {
	case m.Window != "" && (!m.From.IsZero() || !m.To.IsZero()):
		at.problem("window", "keep either window or from and to", "from and to are given, too")
	case m.Window != "":
	case m.From.IsZero() || m.To.IsZero():
		at.problem("", "write from and to, or window with the name of a maintenance window", "it is not said when")
	case !m.From.Before(m.To):
		at.problem("to", "write a time after from", "it ends before it begins")
	}
	if strings.TrimSpace(m.Title) == "" {
		at.problem("title", "say what is done", "it is empty")
	}
}
