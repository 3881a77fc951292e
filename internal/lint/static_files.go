package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// checkedByUpstream are the keys of a prometheus.yml whose files promtool looks for, so that a missing one is an error.
var checkedByUpstream = []string{"credentials_file", "bearer_token_file", "cert_file", "key_file"}

// secretKey recognises the keys whose files hold what only the server should read.
var secretKey = regexp.MustCompile(`password|secret|token|credentials|key|api_url|webhook_url|routing`)

// checkSecretFiles looks for the files that a configuration names and that upstream reads only when it needs them, such as in the minute of
// the first notification.
func checkSecretFiles(d *Document, skip []string) []Finding {
	var out []Finding
	for _, t := range fileKeys(d.Root, 0) {
		if slices.Contains(skip, t.key) {
			continue
		}
		path := t.node.Value
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(d.Path), path)
		}
		f := Finding{File: d.Path, Line: t.node.Line, Column: t.node.Column, Severity: Warning}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			f.Code, f.Message = "file-not-found", fmt.Sprintf("%s %q: %v", t.key, t.node.Value, plainPathError(err))
			f.Hint = "create the file, or correct the path"
			if !filepath.IsAbs(t.node.Value) {
				f.Hint += relativePath
			}
		case info.Mode().Perm()&0o004 != 0 && info.Mode().IsRegular() && secretKey.MatchString(t.key):
			f.Code, f.Message = "secret-readable-by-all", fmt.Sprintf("%s %q: everybody on this machine can read it (mode %04o)", t.key, t.node.Value, info.Mode().Perm())
			f.Hint = "chmod 640 it, and give it the group of the server"
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

// fileKeys returns the values of all keys that end in _file.
func fileKeys(n *yaml.Node, depth int) []keyedText {
	if n == nil || depth > 50 {
		return nil
	}
	var out []keyedText
	switch n.Kind {
	case yaml.AliasNode:
		return fileKeys(n.Alias, depth+1)
	case yaml.SequenceNode:
		for _, c := range n.Content {
			out = append(out, fileKeys(c, depth+1)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			if value.Kind == yaml.ScalarNode && value.Value != "" && strings.HasSuffix(key, "_file") {
				out = append(out, keyedText{key, value})
				continue
			}
			out = append(out, fileKeys(value, depth+1)...)
		}
	}
	return out
}
