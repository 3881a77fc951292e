package lint

import (
	"encoding"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/prometheus/alertmanager/cluster"
	amconfig "github.com/prometheus/alertmanager/config"
	webconfig "github.com/prometheus/exporter-toolkit/web"
	promconfig "github.com/prometheus/prometheus/config"
	promdiscovery "github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/rulefmt"

	// A discovery section parses only when its plugin is registered.
	_ "touchline.dev/touchline/internal/metrics/discovery"
	"touchline.dev/touchline/internal/spelling"
)

// The Go types that upstream decodes each kind of file into.
var schemaRoots = map[Kind]reflect.Type{
	Prometheus:   reflect.TypeFor[promconfig.Config](),
	ScrapeConfig: reflect.TypeFor[promconfig.ScrapeConfigs](),
	Alertmanager: reflect.TypeFor[amconfig.Config](),
	Rules:        reflect.TypeFor[rulefmt.RuleGroups](),
	ClusterTLS:   reflect.TypeFor[cluster.TLSTransportConfig](),
	WebConfig:    reflect.TypeFor[webconfig.Config](),
	Targets:      reflect.TypeFor[[]*targetgroup.Group](),
}

// schemaOf returns the Go type that a place in a document is decoded into; nil
// where it cannot be told.
func schemaOf(kind Kind, n *treeNode) reflect.Type {
	if n.parent == nil {
		return schemaRoots[kind]
	}
	parent := indirect(schemaOf(kind, n.parent))
	if parent == nil {
		return nil
	}
	switch parent.Kind() {
	case reflect.Struct:
		if n.key != nil {
			return fieldsOf(parent)[n.name()]
		}
	case reflect.Map:
		if n.key != nil {
			return parent.Elem()
		}
	case reflect.Slice, reflect.Array:
		if n.key == nil {
			return parent.Elem()
		}
	}
	return nil
}

func indirect(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

var discoveryConfigs = reflect.TypeFor[promdiscovery.Configs]()

// fieldsOf returns the YAML keys of a struct with their types. Where the struct
// holds discovery sections, upstream decodes into a type that it makes at run
// time with a field for each registered plugin.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	t = indirect(t)
	out := map[string]reflect.Type{}
	if t == nil || t.Kind() != reflect.Struct {
		return out
	}
	for f := range t.Fields() {
		if f.Type == discoveryConfigs {
			made, err := promdiscovery.MarshalYAMLWithInlineConfigs(reflect.New(t).Interface())
			if err == nil {
				return fieldsOf(reflect.TypeOf(made))
			}
		}
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-":
		case strings.Contains(options, "inline"):
			for k, v := range fieldsOf(f.Type) {
				out[k] = v
			}
		case !f.IsExported():
		case name == "":
			out[strings.ToLower(f.Name)] = f.Type
		default:
			out[name] = f.Type
		}
	}
	if t == reflect.TypeFor[targetgroup.Group]() {
		// The group is decoded by hand, into fields whose types carry no tags.
		return map[string]reflect.Type{"targets": reflect.TypeFor[[]string](), "labels": reflect.TypeFor[map[string]string]()}
	}
	return out
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// typeName says in words what kind of value a Go type is written as.
func typeName(t reflect.Type) string {
	t = indirect(t)
	if t == nil {
		return ""
	}
	switch {
	case t.Name() == "Duration":
		return "a duration such as 30s, 5m or 1h"
	case t.Name() == "URL" || t.Name() == "SecretURL":
		return "a URL such as http://host:port/path"
	case t.Name() == "Regexp" || t.Name() == "MatchRegexps":
		return "a regular expression"
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		return "a text"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list (lines that start with \"- \")"
	case reflect.Map, reflect.Struct:
		return "a mapping (lines of \"key: value\")"
	}
	return ""
}

// sortedKeys returns the keys of a struct in alphabetical order.
func sortedKeys(t reflect.Type) []string {
	fields := fieldsOf(t)
	keys := make([]string, 0, len(fields))
	for k := range fields {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// nearest returns the candidate that a mistyped name most likely meant, or "".
func nearest(name string, candidates []string) string {
	best, bestDistance := "", len(name)/4+2
	for _, c := range candidates {
		if d := spelling.Distance(strings.ToLower(name), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" && len(name) >= 4 {
		// "timeout" was meant as "scrape_timeout", and the other way round; "insecure" as "insecure_skip_verify".
		i := slices.IndexFunc(candidates, func(c string) bool {
			return len(c) >= 4 && (strings.HasSuffix(c, "_"+name) || strings.HasSuffix(name, "_"+c) || strings.HasPrefix(c, name+"_"))
		})
		if i >= 0 {
			return candidates[i]
		}
	}
	return best
}
