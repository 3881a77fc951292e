package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	webconfig "github.com/prometheus/exporter-toolkit/web"
)

// CheckWebConfig says everything that is wrong with a web configuration (TLS and
// basic authentication) and the certificates that it names, relative to path. It
// has no errors exactly when promtool check web-config accepts the file.
func CheckWebConfig(path string, content []byte) []Finding {
	return finish(checkWebConfig(newDocumentOfKind(path, content, WebConfig)))
}

// webPaths are the keys of the TLS section that hold paths.
var webPaths = []string{"cert_file", "key_file", "client_ca_file"}

func checkWebConfig(d *Document) []Finding {
	// Upstream validates a file by its path only. What is asked about is written
	// beside nothing else, with the paths in it made absolute.
	dir, err := os.MkdirTemp("", "touchline-check-")
	if err != nil {
		return []Finding{{File: d.Path, Line: 1, Column: 1, Code: "internal", Message: fmt.Sprintf("check web configuration: %v", err)}}
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "web.yml")
	base, err := filepath.Abs(filepath.Dir(d.Path))
	if err != nil {
		base = filepath.Dir(d.Path)
	}
	r := &repairer{doc: d, kind: WebConfig}
	r.parse = func(content []byte) []problem {
		if err := os.WriteFile(file, absolutePaths(content, base), 0o600); err != nil {
			return []problem{{msg: fmt.Sprintf("check web configuration: %v", err)}}
		}
		err := webconfig.Validate(file)
		problems := yamlProblems(err)
		for i := range problems {
			problems[i].msg = strings.ReplaceAll(problems[i].msg, file, d.Path)
		}
		return problems
	}
	r.locate = func(r *repairer, p problem) *treeNode {
		for _, key := range webPaths {
			if strings.Contains(p.msg, "failed to read "+key+" ") || strings.Contains(p.msg, "unable to read "+key) {
				return r.tree.root.get("tls_server_config").get(key)
			}
		}
		return nil
	}
	findings := r.run()
	if r.tree == nil {
		return findings
	}
	// Upstream stops at the first certificate that it cannot read.
	for _, key := range webPaths {
		for _, n := range r.tree.root.get("tls_server_config").entries(key) {
			p := n.value.Value
			if p == "" || HasErrors(at(findings, n)) {
				continue
			}
			if !filepath.IsAbs(p) {
				p = filepath.Join(base, p)
			}
			if _, err := os.Stat(p); err != nil && HasErrors(findings) {
				findings = append(findings, referenced(d, n, fmt.Errorf("failed to read %s (%s): %w", key, p, plainPathError(err))))
			}
		}
	}
	return findings
}

// at returns the findings about a node.
func at(fs []Finding, n *treeNode) []Finding {
	line, _ := n.position()
	return slices.DeleteFunc(slices.Clone(fs), func(f Finding) bool { return f.Line != line })
}

// absolutePaths makes the paths of the TLS section absolute. A file that cannot
// be rewritten is left as it is: its structure is what is wrong with it.
func absolutePaths(content []byte, base string) []byte {
	d := newDocumentOfKind("", content, WebConfig)
	if d.Root == nil {
		return content
	}
	t, err := newTree(d.Root)
	if err != nil {
		return content
	}
	changed := false
	for _, n := range liveItems(t.root.get("tls_server_config")) {
		if p := n.text(); slices.Contains(webPaths, n.name()) && p != "" && !filepath.IsAbs(p) && n.value.Tag != "!!null" {
			abs := fmt.Sprintf("%q", filepath.Join(base, p))
			n.replace = &abs
			changed = true
		}
	}
	if !changed {
		return content
	}
	return t.render()
}
