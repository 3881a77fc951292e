package lint

import (
	"path/filepath"

	"touchline.dev/touchline/internal/dashboard"
	"touchline.dev/touchline/internal/dashboard/provision"
)

// checkDashboard says what is wrong with a dashboard, and what of it will not be
// as in Grafana.
func checkDashboard(d *Document) []Finding {
	board, err := dashboard.Parse(string(d.Bytes))
	if err != nil {
		f := provisioningFinding(provision.FileProblem(d.Path, err), "bad-dashboard")
		if f.Hint == "" {
			f.Hint = "correct the JSON there, or export the dashboard again"
		}
		return []Finding{f}
	}
	var out []Finding
	for _, text := range board.Warnings {
		out = append(out, Finding{File: d.Path, Line: 1, Column: 1, Severity: Warning, Code: "dashboard-differs", Message: text})
	}
	if board.UID != "" && !dashboard.ValidUID(board.UID) {
		out = append(out, Finding{
			File: d.Path, Line: 1, Column: 1, Severity: Warning, Code: "dashboard-differs",
			Message: "the uid is none, and another one is made", Hint: "write up to 40 letters, digits, - and _",
		})
	}
	return out
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
		out = append(out, provisioningFinding(p, "bad-provisioning"))
	}
	return out
}

func provisioningFinding(p provision.Problem, code string) Finding {
	f := Finding{File: p.File, Line: max(p.Line, 1), Column: max(p.Column, 1), Code: code, Message: p.Message, Hint: p.Hint}
	if p.Warning || p.Elsewhere {
		f.Severity = Warning
	}
	return f
}
