package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite docs/reference/config.md")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t *testing.T, args ...string) *Flags {
	t.Helper()
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	f := RegisterFlags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "touchline.yaml")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := Resolve(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{
		"listen":    len(c.Web.ListenAddresses) == 1 && c.Web.ListenAddresses[0] == "127.0.0.1:7070",
		"retention": c.Storage.RetentionTime == 15*24*time.Hour,
		"samples":   c.Query.MaxSamples == 50_000_000,
		"body":      c.Remote.WriteMaxBody == 32<<20,
		"silence":   c.Alertmanager.MaxSilenceSize == 64<<10,
		"file":      c.File == "",
		"stack":     c.Stack.Enabled && c.Stack.Alertmanager && c.Sources.Enabled,
		"upstream":  c.Upstream.PrometheusAddress == "",
		"otlp":      c.OTLP.GRPCAddress == "127.0.0.1:4317",
	} {
		if !ok {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if got := c.String(); got != "" {
		t.Errorf("nothing differs from the defaults, yet String is %q", got)
	}
	if got := c.Source("web.listen-address"); got.Origin != FromDefault {
		t.Errorf("source %v", got)
	}
}

// An empty text switches off what is on by default, in each of the three places.
func TestEmptyText(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("other.yaml", []byte("alerting: {early_flush: {matchers: ''}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, arg string
		environ   []string
	}{
		{"flag", "--alerting.early-flush.matchers=", nil},
		{"variable", "", []string{"TOUCHLINE_ALERTING_EARLY_FLUSH_MATCHERS="}},
		{"file", "--config.file=other.yaml", nil},
	} {
		fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
		flags := RegisterFlags(fs)
		if err := fs.Parse([]string{c.arg}); err != nil {
			t.Fatal(err)
		}
		got, err := Resolve(flags, c.environ)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got.Alertmanager.EarlyFlush != "" {
			t.Errorf("%s: got %q", c.name, got.Alertmanager.EarlyFlush)
		}
	}
}

func TestTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	dst := map[any]string{}
	c := &Config{}
	for i := range Settings {
		s := &Settings[i]
		for _, k := range []string{"flag " + s.Flag, "env " + s.Env(), "path " + s.Path} {
			if seen[k] && k != "path " {
				t.Errorf("%s is there twice", k)
			}
			seen[k] = true
		}
		p := s.bind(c)
		if other, twice := dst[p]; twice {
			t.Errorf("--%s and --%s are stored in the same field", s.Flag, other)
		}
		dst[p] = s.Flag
		if s.Help == "" || !strings.HasSuffix(s.Help, ".") || s.Since == "" || s.Area == "" {
			t.Errorf("--%s: help, area or since is missing", s.Flag)
		}
		if s.Example != "" {
			if err := s.set(&Config{}, []string{s.Example}); err != nil {
				t.Errorf("example of --%s: %v", s.Flag, err)
			}
		}
		if s.Path == "" && !s.Hidden && s.Flag != "config.file" {
			t.Errorf("--%s cannot be set in the file", s.Flag)
		}
		for other := range seen {
			if s.Path != "" && strings.HasPrefix(other, "path "+s.Path+".") {
				t.Errorf("%s is a value and a mapping", s.Path)
			}
		}
	}
}

func TestPrecedence(t *testing.T) {
	p := write(t, `
web:
  listen_address: [127.0.0.1:1, "[::1]:1"]
  config_file: web.yml
query:
  timeout: 10s
  max_samples: 7
prometheus: {config: conf/prometheus.yml}
otlp:
  grpc_address: ""
stack:
  enabled: false
`)
	c, err := Resolve(parse(t, "--config.file="+p, "--query.timeout=30s", "--cluster.peer=a:1", "--cluster.peer=b:2", "--cluster.listen-address=:9094", "--upstream-ports"),
		[]string{"TOUCHLINE_QUERY_TIMEOUT=20s", "TOUCHLINE_QUERY_MAX_SAMPLES=8", "TOUCHLINE_LOG_LEVEL=", "TOUCHLINE_URL=http://x", "TOUCHLINE_PORT=tcp://1.2.3.4:7070", "TOUCHLINE_LOG_LEVLE=debug", "PATH=/bin"})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(p)
	for name, ok := range map[string]bool{
		"flag":     c.Query.Timeout == 30*time.Second && c.Source("query.timeout").Where == "--query.timeout",
		"env":      c.Query.MaxSamples == 8 && c.Source("query.max_samples").Where == "TOUCHLINE_QUERY_MAX_SAMPLES",
		"file":     len(c.Web.ListenAddresses) == 2 && c.Source("web.listen-address").Where == p+":3:19",
		"relative": c.Web.ConfigFile == filepath.Join(dir, "web.yml") && c.PrometheusFile == filepath.Join(dir, "conf/prometheus.yml"),
		"default":  c.Log.Level == "info",
		"repeated": len(c.Cluster.Peers) == 2 && c.Cluster.Peers[1] == "b:2",
		"closed":   c.OTLP.GRPCAddress == "" && c.OTLP.HTTPAddress != "",
		"off":      !c.Stack.Enabled,
		"usual":    c.Upstream.PrometheusAddress == "127.0.0.1:9090" && c.Upstream.AlertmanagerAddress == "127.0.0.1:9093",
		"flags":    c.Flags()["query.timeout"] == "30s" && c.Flags()["storage.path"] == "./data",
		"warning":  len(c.Warnings) == 1 && strings.Contains(c.Warnings[0], `did you mean "TOUCHLINE_LOG_LEVEL"?`),
		"string":   strings.Contains(c.String(), "query.timeout=30s (--query.timeout)\n"),
	} {
		if !ok {
			t.Errorf("%s:\n%s%v", name, c, c.Warnings)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	p := write(t, `web:
  listn_address: 127.0.0.1:1
  max_connections: many
  external_url: https://me:geheim@host/
query:
  timeout: 10
  max_samples: 0
storage:
  retention:
    size: 12
  path: [a]
quary:
  timeout: 1s
log: loud
log:
  level: debug
query.timeout: 5s
ha:
  replica_label: "a-b"
sources:
  disable: [nodes]
cluster:
rules:
  groups:
    a.yml: {g: {arrival: soon, no_data: hold, other: x}}
`)
	_, err := Resolve(parse(t, "--config.file="+p, "--log.level=inf", "--web.listen-address=7070"), []string{"TOUCHLINE_RULES_ALERT_RESEND_DELAY=x"})
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatalf("no problems: %v", err)
	}
	got := strings.ReplaceAll(err.Error(), p, "f")
	want := `f:2:3: web.listn_address: unknown key; did you mean "listen_address"?
f:3:20: web.max_connections: "many" is not a whole number; write a whole number, such as 512
f:4:17: web.external_url: a URL with a password would be shown in links; leave user and password out
f:6:12: query.timeout: "10" has no unit; write 10s or 10m
f:7:16: query.max_samples: 0 is too small; write 1 or more
f:10:11: storage.retention.size: "12" has no unit; write 12B or 12MB
f:11:9: storage.path: expected a text, found a list; write a text
f:12:1: quary: unknown key; did you mean "query"?
f:14:6: log: expected a mapping, found a text; write on the lines below it one of: format, level
f:15:1: log: given twice, first in line 14; keep one of the two
f:17:1: query.timeout: unknown key; each dot is a level: write query: and, indented below it, timeout:
f:19:18: ha.replica_label: "a-b" is not a label name; write letters, digits and underscores, not beginning with a digit
f:21:12: sources.disable: "nodes" is not known; did you mean "node"? One of node, cadvisor, touchline
f:25:26: rules.groups.a.yml.g.arrival: "soon" is not known; write one of: enabled, disabled, eager
f:25:41: rules.groups.a.yml.g.no_data: "hold" is not known; write one of: resolve, keep
f:25:54: rules.groups.a.yml.g.other: unknown key; known here: arrival, no_data
--web.listen-address: "7070" has no host; write 127.0.0.1:7070, or :7070 for every interface
TOUCHLINE_RULES_ALERT_RESEND_DELAY: "x" is not a duration; write a number and a unit, such as 30s, 5m, 1h30m or 15d
--log.level: "inf" is not known; did you mean "info"? One of debug, info, warn, error`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if strings.Contains(got, "geheim") {
		t.Error("a password is shown")
	}
	for _, p := range ps {
		if p.File != "" && (p.Line == 0 || p.Column == 0) {
			t.Errorf("no position: %+v", p)
		}
	}
}

func TestBetweenSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ arg, want string }{
		{"--otlp.grpc-address=127.0.0.1:7070", "--otlp.grpc-address: 127.0.0.1:7070 is also the address of --web.listen-address; give each its own port"},
		{"--ha.replica-label=cluster", "--ha.replica-label: the same label as --ha.cluster-label; name two labels"},
		{"--cluster.peer=a:1", "peers are named, but the cluster is off"},
		{"--web.route-prefix=/a b", "is not a path"},
		{"--remote-write.max-decoded=1MB", "smaller than what may be sent"},
		{"--config.file=missing.yaml", `--config.file: there is no file "missing.yaml"`},
		{"--config.file=.", "is a folder"},
	} {
		if _, err := Resolve(parse(t, c.arg), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.arg, err, c.want)
		}
	}
	if _, err := Resolve(parse(t, "--web.listen-address=127.0.0.1:0", "--otlp.grpc-address=127.0.0.1:0", "--otlp.http-address="), nil); err != nil {
		t.Errorf("port 0 may be used more than once: %v", err)
	}
}

func TestFileForms(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"comment", "# nothing\n", ""},
		{"null document", "---\n", ""},
		{"null section", "web:\n", ""},
		{"flow", "{web: {listen_address: '127.0.0.1:1'}}", ""},
		{"scalar for a list", "cluster: {peer: 'a:1', listen_address: ':1'}", ""},
		{"anchor", "web: {read_timeout: &t 1m}\nquery: {timeout: *t}", ""},
		{"unknown anchor", "query: {timeout: *t}", "f:1:18: unknown anchor *t"},
		{"merge", "web:\n  <<: {read_timeout: 1m}", "f:2:3: web: merge keys (<<) are not taken here"},
		{"list", "- a", "f:1:1: the file is not a mapping but a list"},
		{"text", "hello", "f:1:1: the file is not a mapping but a text"},
		{"no value", "query:\n  timeout:\n", "f:2:3: query.timeout: no value"},
		{"tab", "web:\n\tlisten_address: a", "not YAML"},
		{"unclosed", "web: {", "not YAML"},
		{"two documents", "web:\n---\nquery: {timeout: 1s}\n---\nlog: {level: info}", "f:3:1: a second YAML document"},
		{"dashes", "web: {listen-address: '127.0.0.1:1'}", `did you mean "listen_address"?`},
		{"flag's name", "web: {cors: {origin: a}}", "cors_origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ps := CheckFile("f", []byte(c.text))
			switch {
			case c.want == "" && len(ps) > 0:
				t.Errorf("got %v", ps)
			case c.want != "" && !strings.Contains(ps.Error(), c.want):
				t.Errorf("got %q, want %q", ps.Error(), c.want)
			}
		})
	}
}

func TestSizesAndDurations(t *testing.T) {
	for in, want := range map[string]int64{"0B": 0, "1B": 1, "1KB": 1024, "1KiB": 1024, "512MB": 512 << 20, "1.5GiB": 3 << 29, "2 GB": 2 << 30, "7gib": 7 << 30} {
		if got, err := ParseSize(in); err != nil || got != want {
			t.Errorf("%s: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "1", "MB", "-1MB", "1e3MB", "9EB", "NaNB", "99999999999999999999B", "1XB", "+InfKB"} {
		if got, err := ParseSize(in); err == nil {
			t.Errorf("%q is taken as %d", in, got)
		}
	}
	for in, want := range map[string]time.Duration{"15d": 360 * time.Hour, "1h30m": 90 * time.Minute, "0s": 0, "1w": 168 * time.Hour, "100ms": 100 * time.Millisecond} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "1", "-1s", "1.5h", "30m1h", "1000y"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("%q is taken as %v", in, got)
		}
	}
}

func TestHelp(t *testing.T) {
	var b bytes.Buffer
	if err := WriteHelp(&b, 90); err != nil {
		t.Fatal(err)
	}
	for i := range Settings {
		if s := &Settings[i]; strings.Contains(b.String(), "--"+s.Flag) == s.Hidden {
			t.Errorf("--%s: hidden is %v", s.Flag, s.Hidden)
		}
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "        ") && len(line) > 91 {
			t.Errorf("wider than 90 columns: %q", line)
		}
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	const path = "../../docs/reference/config.md"
	var b bytes.Buffer
	if err := WriteReference(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, b.Bytes()) {
		t.Error("docs/reference/config.md is stale; run: go test ./internal/config -update")
	}
}

func FuzzFile(f *testing.F) {
	for _, s := range []string{"web: {listen_address: ':1'}", "a: &a [*a]", "- - -", "web:\n  <<: *x", "query: {timeout: !!str 5m}", "? a\n: b", "x: |\n  y\n", "---\n...\n", "web: &w\n  x: *w", "? [a]\n: b", "&a : b", "!!map {}", "'': ''"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range CheckFile("f", data) {
			if p.Line < 1 || p.Column < 0 || p.Message == "" {
				t.Errorf("problem without position or text: %+v", p)
			}
		}
	})
}

func FuzzValue(f *testing.F) {
	for _, s := range []string{"1", "512MB", "15d", "http://a/", "[::1]:1", "a,b", "true"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		for i := range Settings {
			// A value is taken or refused; what is taken is taken again.
			s := &Settings[i]
			var a, b Config
			if s.set(&a, []string{v}) == nil && s.set(&b, []string{v}) != nil {
				t.Errorf("%s: %q is taken once only", s.Flag, v)
			}
		}
	})
}

func TestSettingsOfRuleGroups(t *testing.T) {
	p := filepath.Join(t.TempDir(), "touchline.yaml")
	if err := os.WriteFile(p, []byte("rules:\n  no_data: keep\n  groups:\n    a.yml:\n      g: {no_data: resolve, arrival: eager}\n      h: {arrival: disabled}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Resolve(parse(t, "--config.file="+p), nil)
	if err != nil {
		t.Fatal(err)
	}
	for g, want := range map[RuleGroup][2]string{
		{"a.yml", "g"}: {ArrivalEager, NoDataResolve}, {"a.yml", "h"}: {ArrivalDisabled, NoDataKeep}, {"b.yml", "g"}: {ArrivalEnabled, NoDataKeep},
	} {
		if got := [2]string{c.Rules.ArrivalOf(g), c.Rules.NoDataOf(g)}; got != want {
			t.Errorf("%v: %v, want %v", g, got, want)
		}
	}
	// A flag beats the file.
	if c, err = Resolve(parse(t, "--config.file="+p, "--rules.group-no-data=a.yml:g=keep"), nil); err != nil || c.Rules.NoDataOf(RuleGroup{"a.yml", "g"}) != NoDataKeep {
		t.Errorf("%v %v", c, err)
	}
}

func TestNetworks(t *testing.T) {
	c, err := Resolve(parse(t, "--config.file="+write(t, "web:\n  trusted_proxies: [127.0.0.1, 10.0.0.0/8, \"::ffff:10.9.9.9\", fd00::/8, \"::ffff:192.168.0.0/112\"]\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Web.Proxies()); got != "[127.0.0.1/32 10.0.0.0/8 10.9.9.9/32 fd00::/8 192.168.0.0/16]" {
		t.Errorf("the networks are %s", got)
	}
	for text, want := range map[string]string{
		"nginx":             `"nginx" is no IP address or network; write an address such as 10.1.2.3, or a network such as 10.0.0.0/8`,
		"10.0.0.0/x":        "is no IP address or network",
		"10.1.2.3/8":        "10.1.2.3/8 has bits below its mask; write 10.0.0.0/8",
		"0.0.0.0/0":         "0.0.0.0/0 is everybody",
		"::/0":              "is everybody",
		"::ffff:0.0.0.0/90": "more than the addresses of IPv4",
	} {
		if _, err := Resolve(parse(t, "--web.trusted-proxies="+text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
