package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	promconfig "github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"go.yaml.in/yaml/v2"
)

// checkScrapeConfig checks a file that scrape_config_files names, by itself.
func checkScrapeConfig(d *Document) []Finding {
	c := &prometheusChecker{d: d, dir: filepath.Dir(d.Path)}
	c.scrapeConfigDocument(d, promconfig.DefaultGlobalConfig, map[string]string{})
	return c.findings
}

// scrapeConfigFiles checks the files that scrape_config_files names, against
// the global settings and the job names of the configuration that names them.
func (c *prometheusChecker) scrapeConfigFiles(cfg *promconfig.Config, list *treeNode) {
	jobs := map[string]string{}
	for _, s := range cfg.ScrapeConfigs {
		jobs[s.JobName] = c.d.Path
	}
	for i, pattern := range cfg.ScrapeConfigFiles {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			c.add(list.item(i), "scrape config file pattern %q: %w", pattern, err)
			continue
		}
		for _, m := range matches {
			content, err := os.ReadFile(m)
			if err != nil {
				c.add(list.item(i), "scrape config file %q: %w", m, plainPathError(err))
				continue
			}
			c.scrapeConfigDocument(newDocumentOfKind(m, content, ScrapeConfig), cfg.GlobalConfig, jobs)
		}
	}
}

// scrapeConfigDocument checks one such file and adds its jobs to those known.
func (c *prometheusChecker) scrapeConfigDocument(d *Document, global promconfig.GlobalConfig, jobs map[string]string) {
	load := func(content []byte) (promconfig.ScrapeConfigs, error) {
		var cfg promconfig.ScrapeConfigs
		if err := yaml.UnmarshalStrict(content, &cfg); err != nil {
			return cfg, err
		}
		here := map[string]bool{}
		for _, s := range cfg.ScrapeConfigs {
			if s == nil {
				return cfg, errors.New("empty or null scrape config section")
			}
			if err := s.Validate(global); err != nil {
				return cfg, err
			}
			if other, known := jobs[s.JobName]; known {
				return cfg, fmt.Errorf("found multiple scrape configs with job name %q, first found in %s", s.JobName, other)
			}
			if here[s.JobName] {
				return cfg, fmt.Errorf("found multiple scrape configs with job name %q", s.JobName)
			}
			here[s.JobName] = true
		}
		return cfg, nil
	}
	r := &repairer{doc: d, kind: ScrapeConfig}
	r.parse = func(content []byte) []problem {
		_, err := load(content)
		return yamlProblems(err)
	}
	r.locate = func(r *repairer, p problem) *treeNode {
		if n := locatePrometheus(r, p); n != nil {
			return n
		}
		if quoted, found := strings.CutPrefix(p.msg, "found multiple scrape configs with job name "); found {
			for _, item := range liveItems(r.tree.root.get("scrape_configs")) {
				if name := item.get("job_name"); strings.HasPrefix(quoted, strconv.Quote(name.text())) {
					return name
				}
			}
		}
		return nil
	}
	c.findings = append(c.findings, r.run()...)
	if r.tree == nil {
		return
	}
	cfg, err := load(r.tree.render())
	if err != nil {
		return
	}
	for i, s := range cfg.ScrapeConfigs {
		jobs[s.JobName] = d.Path
		s.SetDirectory(filepath.Dir(d.Path))
		c.scrapeConfig(d, r.tree.root.get("scrape_configs").item(i), s)
	}
}

// checkTargets checks a target file by itself.
func checkTargets(d *Document) []Finding {
	return checkTargetsWith(d, scrapeTargets(&promconfig.ScrapeConfig{JobName: "file", Scheme: "http", MetricsPath: "/metrics", ScrapeInterval: minute, ScrapeTimeout: minute}))
}

// minute stands for the interval of whichever job reads a target file.
const minute = model.Duration(time.Minute)

// checkTargetsWith checks a target file for whoever reads its targets.
func checkTargetsWith(d *Document, try func(*targetgroup.Group) error) []Finding {
	var load func(content []byte) ([]*targetgroup.Group, error)
	switch strings.ToLower(filepath.Ext(d.Path)) {
	case ".json":
		// JSON is YAML, so that positions are found in the same way.
		if err := json.Unmarshal(d.Bytes, new([]*targetgroup.Group)); err != nil {
			return []Finding{jsonFinding(d, err)}
		}
		return nil
	case ".yml", ".yaml":
		load = func(content []byte) (groups []*targetgroup.Group, err error) {
			err = yaml.UnmarshalStrict(content, &groups)
			return groups, err
		}
	default:
		return []Finding{referenced(d, nil, fmt.Errorf("invalid file extension: %q", filepath.Ext(d.Path)))}
	}
	r := &repairer{doc: d, kind: Targets}
	r.parse = func(content []byte) []problem {
		groups, err := load(content)
		if err != nil {
			return yamlProblems(err)
		}
		for i, g := range groups {
			p := problem{}
			if g == nil {
				p.msg = fmt.Sprintf("nil target group item found (index %d)", i)
			} else if err := try(g); err != nil {
				p.msg, p.err = err.Error(), err
			}
			if p.msg == "" {
				continue
			}
			if r.tree != nil {
				p.node = r.tree.root.item(i)
				if t := offendingTarget(p.node, errors.New(p.msg)); t != nil {
					p.node = t
				}
			}
			return []problem{p}
		}
		return nil
	}
	return r.run()
}

// jsonFinding gives an error of the JSON decoder its place.
func jsonFinding(d *Document, err error) Finding {
	f := referenced(d, nil, err)
	f.Code, f.Hint = "json-syntax", "write a list of objects with targets and labels"
	offset := int64(0)
	var (
		syntax   *json.SyntaxError
		mistyped *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &mistyped):
		offset = mistyped.Offset
	}
	before := string(d.Bytes[:min(int(offset), len(d.Bytes))])
	f.Line = strings.Count(before, "\n") + 1
	f.Column = max(1, len([]rune(before[strings.LastIndex(before, "\n")+1:])))
	return f
}
