package lint

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/dashboard"
	"touchline.dev/touchline/internal/dashboard/provision"
)

// checkDashboard says what is wrong with a dashboard, and what of it will not be
// as in Grafana.
func checkDashboard(d *Document) []Finding {
	board, err := dashboard.Parse(string(d.Bytes))
	if err != nil {
		return []Finding{provisioningFinding(provision.FileProblem(d.Path, err))}
	}
	var out []Finding
	for _, text := range board.Warnings {
		out = append(out, provisioningFinding(provision.Problem{File: d.Path, Warning: true, Message: text}))
	}
	if p, wrong := provision.UIDProblem(d.Path, board.UID); wrong {
		out = append(out, provisioningFinding(p))
	}
	return append(out, checkDashboardQueries(d)...)
}

// checkProvisioning says what is wrong with a file of Grafana's provisioning.
func checkProvisioning(d *Document) []Finding {
	if len(d.Syntax) > 0 {
		return d.Syntax
	}
	var problems []provision.Problem
	if d.Kind == Datasources {
		_, problems = provision.Sources(d.Path, string(d.Bytes), nil)
	} else {
		_, problems = provision.Providers(d.Path, filepath.Dir(filepath.Dir(d.Path)), string(d.Bytes), nil)
	}
	var out []Finding
	for _, p := range problems {
		out = append(out, provisioningFinding(p))
	}
	return out
}

// checkProvisioningFolder says what is wrong with the files of the folder that a
// touchline.yaml names, each by itself and all together.
func checkProvisioningFolder(d *Document) []Finding {
	var out []Finding
	for _, named := range provisioningFolders(d) {
		found := provision.Look(named.Path, nil)
		noYAML := map[string]bool{}
		for _, f := range filesOf(&found) {
			doc, err := loadNamed(f.path, f.kind)
			if err != nil {
				continue // what keeps it from being read is among the problems
			}
			noYAML[f.path] = len(doc.Syntax) > 0
			out = append(out, check(doc)...)
		}
		for _, p := range found.Problems {
			switch {
			case noYAML[p.File]: // told with more of its place
			case p.File == named.Path:
				out = append(out, Finding{File: d.Path, Line: named.Line, Column: named.Column, Code: "bad-provisioning", Message: named.Field + ": " + p.Message, Hint: p.Hint})
			default:
				out = append(out, provisioningFinding(p))
			}
		}
	}
	return out
}

// provisioningFolders are the folders of dashboards and data sources that a touchline.yaml names.
func provisioningFolders(d *Document) []config.NamedFile {
	return slices.DeleteFunc(config.NamedFolders(d.Path, d.Bytes), func(f config.NamedFile) bool { return f.Flag != "dashboards.provisioning" })
}

// foundFile is a file of a provisioning folder.
type foundFile struct {
	path string
	kind Kind
}

func filesOf(found *provision.Found) []foundFile {
	var out []foundFile
	for _, of := range []struct {
		kind  Kind
		files []string
	}{{DashboardProviders, found.Providers}, {Datasources, found.Sources}, {Dashboard, found.Dashboards}} {
		for _, path := range of.files {
			out = append(out, foundFile{path, of.kind})
		}
	}
	return out
}

// provisioningFinding makes a finding about a file of Grafana's provisioning, or
// about a dashboard.
func provisioningFinding(p provision.Problem) Finding {
	f := Finding{File: p.File, Line: max(p.Line, 1), Column: max(p.Column, 1), Code: "bad-provisioning", Message: p.Message, Hint: p.Hint}
	if p.Warning || p.Elsewhere {
		f.Severity = Warning
	}
	switch {
	case !strings.EqualFold(filepath.Ext(p.File), ".json"):
	case p.Warning:
		f.Code = "dashboard-differs"
	default:
		f.Code, f.Hint = "bad-dashboard", cmp.Or(p.Hint, "correct the JSON there, or export the dashboard again")
	}
	return f
}
