package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/cluster"
	commonconfig "github.com/prometheus/common/config"
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
	return checkTLSFile(d, tlsPaths[:1], webconfig.Validate)
}

// tlsSection is a section of a file that names certificates, and the keys that
// hold their paths.
type tlsSection struct {
	key   string
	paths []string
}

// tlsPaths are the sections of a cluster's TLS configuration; a web
// configuration has the first only.
var tlsPaths = []tlsSection{{"tls_server_config", webPaths}, {"tls_client_config", []string{"ca_file", "cert_file", "key_file"}}}

// checkClusterTLS checks the file of cluster.tls_config in the way in which
// Alertmanager's gossip reads it.
func checkClusterTLS(d *Document) []Finding {
	return checkTLSFile(d, tlsPaths, func(file string) error {
		c, err := cluster.GetTLSTransportConfig(file)
		if err != nil {
			return err
		}
		if _, err := webconfig.ConfigToTLSConfig(c.TLSServerConfig); err != nil {
			return err
		}
		_, err = commonconfig.NewTLSConfig(c.TLSClientConfig)
		return err
	})
}

// checkTLSFile finds everything that validate, which stops at the first error
// of the file at a path, refuses.
func checkTLSFile(d *Document, sections []tlsSection, validate func(string) error) []Finding {
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
	r := &repairer{doc: d, kind: d.Kind}
	r.parse = func(content []byte) []problem {
		if err := os.WriteFile(file, absolutePaths(d.Kind, content, base, sections), 0o600); err != nil {
			return []problem{{msg: fmt.Sprintf("check %s: %v", d.Kind, err)}}
		}
		err := validate(file)
		problems := yamlProblems(err)
		for i := range problems {
			problems[i].msg = strings.ReplaceAll(problems[i].msg, file, d.Path)
		}
		return problems
	}
	r.locate = func(r *repairer, p problem) *treeNode {
		for _, s := range sections {
			for _, key := range s.paths {
				n := r.tree.root.get(s.key).get(key)
				switch {
				case n == nil:
				case strings.Contains(p.msg, "failed to read "+key+" "), strings.Contains(p.msg, "unable to read "+key):
					return n
				case n.text() != "" && strings.Contains(p.msg, n.text()):
					return n
				}
			}
		}
		return nil
	}
	findings := r.run()
	if r.tree == nil {
		return findings
	}
	// Upstream stops at the first certificate that it cannot read.
	for _, s := range sections {
		for _, key := range s.paths {
			for _, n := range r.tree.root.get(s.key).entries(key) {
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
	}
	return findings
}

// at returns the findings about a node.
func at(fs []Finding, n *treeNode) []Finding {
	line, _ := n.position()
	return slices.DeleteFunc(slices.Clone(fs), func(f Finding) bool { return f.Line != line })
}

// absolutePaths makes the paths of the TLS sections absolute. A file that cannot
// be rewritten is left as it is: its structure is what is wrong with it.
func absolutePaths(kind Kind, content []byte, base string, sections []tlsSection) []byte {
	d := newDocumentOfKind("", content, kind)
	if d.Root == nil {
		return content
	}
	t, err := newTree(d.Root)
	if err != nil {
		return content
	}
	changed := false
	for _, s := range sections {
		for _, n := range liveItems(t.root.get(s.key)) {
			if p := n.text(); slices.Contains(s.paths, n.name()) && p != "" && !filepath.IsAbs(p) && n.value.Tag != "!!null" {
				abs := fmt.Sprintf("%q", filepath.Join(base, p))
				n.replace = &abs
				changed = true
			}
		}
	}
	if !changed {
		return content
	}
	return t.render()
}
