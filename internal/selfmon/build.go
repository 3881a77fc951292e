package selfmon

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Version is set at link time:
// -ldflags "-X touchline.dev/touchline/internal/selfmon.Version=1.2.3".
var Version = "devel"

// BuildInfo names this build and the engines inside it.
type BuildInfo struct {
	Version   string            `json:"version"`
	Revision  string            `json:"revision"`
	GoVersion string            `json:"go_version"`
	Platform  string            `json:"platform"`
	Upstream  map[string]string `json:"upstream"`
}

// upstreamModules are the engines whose versions people ask for, in the order
// in which they are printed.
var upstreamModules = []struct{ name, path string }{
	{"prometheus", "github.com/prometheus/prometheus"},
	{"alertmanager", "github.com/prometheus/alertmanager"},
	{"node_exporter", "github.com/prometheus/node_exporter"},
	{"cadvisor", "github.com/google/cadvisor/lib"},
}

// Build reads what the linker and the module system know of this binary.
func Build() BuildInfo {
	b := BuildInfo{
		Version:   Version,
		GoVersion: runtime.Version(),
		Platform:  runtime.GOOS + "/" + runtime.GOARCH,
		Upstream:  map[string]string{},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if dirty && b.Revision != "" {
		b.Revision += "-modified"
	}
	for _, dep := range info.Deps {
		for _, m := range upstreamModules {
			if dep.Path == m.path {
				version := dep.Version
				if dep.Replace != nil {
					version = dep.Replace.Version
				}
				b.Upstream[m.name] = version
			}
		}
	}
	return b
}

// String gives the build as the lines that "touchline version" prints.
func (b BuildInfo) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "touchline %s", b.Version)
	if b.Revision != "" {
		fmt.Fprintf(&s, " (%s)", b.Revision)
	}
	fmt.Fprintf(&s, "\n  %-14s %s %s\n", "go", b.GoVersion, b.Platform)
	for _, m := range upstreamModules {
		if v := b.Upstream[m.name]; v != "" {
			fmt.Fprintf(&s, "  %-14s %s\n", m.name, v)
		}
	}
	return s.String()
}
