package lint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	promconfig "github.com/prometheus/prometheus/config"
	promdiscovery "github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/scrape"
)

// CheckPrometheus says everything that is wrong with a prometheus.yml and with
// the rule, scrape configuration and target files that it names, relative to
// path. It has no errors exactly when promtool check config accepts the file.
func CheckPrometheus(path string, content []byte) []Finding {
	return finish(checkPrometheus(newDocumentOfKind(path, content, Prometheus)))
}

func checkPrometheus(d *Document) []Finding {
	c := &prometheusChecker{d: d, dir: filepath.Dir(d.Path)}
	c.r = &repairer{doc: d, kind: Prometheus, locate: locatePrometheus}
	c.r.parse = func(content []byte) []problem {
		_, err := promconfig.Load(string(content), quiet)
		return yamlProblems(err)
	}
	c.findings = c.r.run()
	if c.r.tree == nil {
		return c.findings
	}
	// What the file refers to is checked on what is left when everything wrong is
	// taken out.
	cfg, err := promconfig.Load(string(c.r.tree.render()), quiet)
	if err != nil {
		return c.findings
	}
	cfg.SetDirectory(c.dir)
	c.references(cfg)
	return c.findings
}

type prometheusChecker struct {
	d        *Document
	dir      string
	r        *repairer
	findings []Finding
}

func (c *prometheusChecker) add(n *treeNode, format string, args ...any) {
	c.findings = append(c.findings, referenced(c.d, n, fmt.Errorf(format, args...)))
}

// references checks everything that a configuration refers to, in the way of
// promtool check config.
func (c *prometheusChecker) references(cfg *promconfig.Config) {
	root := c.r.tree.root
	c.ruleFiles(cfg, root.get("rule_files"))
	for i, s := range cfg.ScrapeConfigs {
		c.scrapeConfig(c.d, root.get("scrape_configs").item(i), s)
	}
	c.scrapeConfigFiles(cfg, root.get("scrape_config_files"))
	for i, a := range cfg.AlertingConfig.AlertmanagerConfigs {
		n := root.at("alerting", "alertmanagers").item(i)
		for _, sd := range a.ServiceDiscoveryConfigs {
			switch sd := sd.(type) {
			case *file.SDConfig:
				c.targetFiles(c.d, n, sd.Files, func(g *targetgroup.Group) error {
					_, _, err := notifier.AlertmanagerFromGroup(g, a)
					return err
				})
			case promdiscovery.StaticConfig:
				c.staticGroups(c.d, n, sd, func(g *targetgroup.Group) error {
					_, _, err := notifier.AlertmanagerFromGroup(g, a)
					return err
				})
			}
		}
	}
}

func (c *prometheusChecker) ruleFiles(cfg *promconfig.Config, list *treeNode) {
	for i, pattern := range cfg.RuleFiles {
		n := list.item(i)
		matches, err := filepath.Glob(pattern)
		if err != nil {
			c.add(n, "rule file pattern %q: %w", pattern, err)
			continue
		}
		if !strings.Contains(pattern, "*") && len(matches) == 0 {
			c.add(n, "rule file %q does not point to an existing file", pattern)
			continue
		}
		if len(matches) == 0 {
			f := referenced(c.d, n, fmt.Errorf("no file matches %q: no rules until one is there", pattern))
			f.Severity, f.Code, f.Hint = Warning, "no-rule-file", missingFileHint(n)
			c.findings = append(c.findings, f)
		}
		for _, m := range matches {
			content, err := os.ReadFile(m)
			if err != nil {
				c.add(n, "rule file %q: %w", m, plainPathError(err))
				continue
			}
			c.findings = append(c.findings, checkRules(newDocumentOfKind(m, content, Rules))...)
		}
	}
}

// plainPathError drops the operation and the path, which the message around it
// says already.
func plainPathError(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// scrapeConfig checks what one scrape configuration refers to.
func (c *prometheusChecker) scrapeConfig(d *Document, n *treeNode, s *promconfig.ScrapeConfig) {
	fail := func(n *treeNode, format string, args ...any) {
		c.findings = append(c.findings, referenced(d, n, fmt.Errorf(format, args...)))
	}
	if a := s.HTTPClientConfig.Authorization; a != nil && a.CredentialsFile != "" {
		if _, err := os.Stat(a.CredentialsFile); err != nil {
			at := firstOf(n.at("authorization", "credentials_file"), n.get("bearer_token_file"), n)
			fail(at, "credentials or bearer token file %q: %w", a.CredentialsFile, plainPathError(err))
		}
	}
	c.tlsConfig(n, s.HTTPClientConfig.TLSConfig, fail)
	kube := 0
	for _, sd := range s.ServiceDiscoveryConfigs {
		switch sd := sd.(type) {
		case *kubernetes.SDConfig:
			c.tlsConfig(firstOf(n.get("kubernetes_sd_configs").item(kube), n), sd.HTTPClientConfig.TLSConfig, fail)
			kube++
		case *file.SDConfig:
			c.targetFiles(d, n, sd.Files, scrapeTargets(s))
		case promdiscovery.StaticConfig:
			c.staticGroups(d, n, sd, scrapeTargets(s))
		}
	}
}

func firstOf(ns ...*treeNode) *treeNode {
	for _, n := range ns {
		if n != nil {
			return n
		}
	}
	return nil
}

func scrapeTargets(s *promconfig.ScrapeConfig) func(*targetgroup.Group) error {
	return func(g *targetgroup.Group) error {
		_, failures := scrape.TargetsFromGroup(g, s, nil, labels.NewBuilder(labels.EmptyLabels()))
		if len(failures) > 0 {
			return failures[0]
		}
		return nil
	}
}

func (c *prometheusChecker) tlsConfig(n *treeNode, t commonconfig.TLSConfig, fail func(*treeNode, string, ...any)) {
	tls := firstOf(n.get("tls_config"), n)
	switch {
	case t.CertFile != "" && t.KeyFile == "":
		fail(firstOf(tls.get("cert_file"), tls), "client cert file %q specified without client key file", t.CertFile)
		return
	case t.KeyFile != "" && t.CertFile == "":
		fail(firstOf(tls.get("key_file"), tls), "client key file %q specified without client cert file", t.KeyFile)
		return
	}
	for key, name := range map[string]string{"cert_file": t.CertFile, "key_file": t.KeyFile} {
		if name == "" {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			fail(firstOf(tls.get(key), tls), "client %s %q: %w", key, name, plainPathError(err))
		}
	}
}

// staticGroups checks the targets that stand in the configuration itself.
func (c *prometheusChecker) staticGroups(d *Document, n *treeNode, groups promdiscovery.StaticConfig, try func(*targetgroup.Group) error) {
	for i, g := range groups {
		if err := try(g); err != nil {
			at := firstOf(n.get("static_configs").item(i), n)
			if t := offendingTarget(at, err); t != nil {
				at = t
			}
			c.findings = append(c.findings, referenced(d, at, err))
		}
	}
}

// offendingTarget finds the target that an error quotes.
func offendingTarget(group *treeNode, err error) *treeNode {
	for _, t := range liveItems(group.get("targets")) {
		if t.text() != "" && strings.Contains(err.Error(), strconv.Quote(t.text())) {
			return t
		}
	}
	return nil
}

// targetFiles checks the files that file_sd_configs names. A pattern that
// matches nothing is a warning, as for promtool: the file may come later.
func (c *prometheusChecker) targetFiles(d *Document, n *treeNode, patterns []string, try func(*targetgroup.Group) error) {
	for _, pattern := range patterns {
		at := n
		n.walk(func(t *treeNode) {
			if t.scalar() && t.text() != "" && (t.text() == pattern || filepath.Join(filepath.Dir(d.Path), t.text()) == filepath.Clean(pattern)) {
				at = t
			}
		})
		matches, err := filepath.Glob(pattern)
		if err != nil {
			c.findings = append(c.findings, referenced(d, at, fmt.Errorf("target file pattern %q: %w", pattern, err)))
			continue
		}
		if len(matches) == 0 {
			f := referenced(d, at, fmt.Errorf("no file matches %q: no targets until one is there", pattern))
			f.Severity, f.Code, f.Hint = Warning, "no-target-file", missingFileHint(at)
			c.findings = append(c.findings, f)
		}
		for _, m := range matches {
			content, err := os.ReadFile(m)
			if err != nil {
				c.findings = append(c.findings, referenced(d, at, fmt.Errorf("target file %q: %w", m, plainPathError(err))))
				continue
			}
			c.findings = append(c.findings, checkTargetsWith(newDocumentOfKind(m, content, Targets), try)...)
		}
	}
}

// locatePrometheus knows the place of messages that name a job.
func locatePrometheus(r *repairer, p problem) *treeNode {
	root := r.tree.root
	for message, where := range map[string][2]string{
		"found multiple scrape configs with job name ":       {"scrape_configs", "job_name"},
		"found multiple remote write configs with job name ": {"remote_write", "name"},
		"found multiple remote read configs with job name ":  {"remote_read", "name"},
	} {
		rest, found := strings.CutPrefix(p.msg, message)
		if !found {
			continue
		}
		seen := false
		for _, item := range liveItems(root.get(where[0])) {
			name := item.get(where[1])
			if !strings.HasPrefix(rest, strconv.Quote(name.text())) {
				continue
			}
			if seen {
				return name
			}
			seen = true
		}
	}
	for _, kind := range []string{"rule", "scrape config"} {
		quoted, found := strings.CutPrefix(p.msg, "invalid "+kind+" file path ")
		if !found {
			continue
		}
		for _, item := range liveItems(root.get(strings.ReplaceAll(kind, " ", "_") + "_files")) {
			if strconv.Quote(item.text()) == quoted {
				return item
			}
		}
	}
	return nil
}
