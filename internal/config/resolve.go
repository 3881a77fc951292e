package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"touchline.dev/touchline/internal/spelling"
)

// Flags holds what the command line says. It keeps texts; Resolve reads them
// together with the other places, so that all mistakes are told at once.
type Flags struct{ given map[string][]string }

// RegisterFlags adds a flag for each setting.
func RegisterFlags(fs *pflag.FlagSet) *Flags {
	f := &Flags{given: map[string][]string{}}
	for i := range Settings {
		s := &Settings[i]
		fl := fs.VarPF(&flagValue{f: f, s: s}, s.Flag, "", s.Help)
		fl.DefValue = s.Default
		fl.Hidden = s.Hidden
		if s.Kind == KindBool {
			fl.NoOptDefVal = "true"
		}
	}
	return f
}

type flagValue struct {
	f *Flags
	s *Setting
}

func (v *flagValue) String() string {
	if v.f == nil {
		return ""
	}
	return strings.Join(v.f.given[v.s.Flag], ",")
}

func (v *flagValue) Set(text string) error {
	v.f.given[v.s.Flag] = append(v.f.given[v.s.Flag], text)
	return nil
}

func (v *flagValue) Type() string {
	switch v.s.Kind {
	case KindBool:
		return "bool"
	case KindInt:
		return "number"
	case KindDuration:
		return "duration"
	case KindSize:
		return "size"
	case KindAddress, KindAddresses:
		return "host:port"
	case KindFile:
		return "file"
	case KindDir:
		return "folder"
	case KindURL, KindURLs:
		return "url"
	case KindNetworks:
		return "network"
	case KindRegexp:
		return "regexp"
	case KindList:
		return "name"
	case KindGroups:
		return "file:group=value"
	case KindEnum:
		return strings.Join(v.s.Enum, "|")
	}
	return "text"
}

// Resolve merges the four places: a flag beats a variable, a variable beats
// touchline.yaml, and that beats the default. environ has the form of
// os.Environ. An error is a Problems with everything that is wrong. flags may
// be nil. The same call reads the file again for a reload.
func Resolve(flags *Flags, environ []string) (*Config, error) {
	c := &Config{sources: map[string]Source{}, raw: map[string]string{}}
	problems := defaults(c)
	given, remarks := fromEnv(environ)
	c.Warnings = remarks
	c.State.URL = secretEnv(environ, StateURLEnv)
	if flags != nil {
		for i := range Settings {
			if v := flags.given[Settings[i].Flag]; len(v) > 0 {
				given[Settings[i].Flag] = outside{values: v, source: Source{Origin: FromFlag, Where: "--" + Settings[i].Flag}}
			}
		}
	}

	name, source := DefaultFile, Source{}
	if o, ok := given["config.file"]; ok {
		name, source = o.values[len(o.values)-1], o.source
	}
	file := &fileReader{}
	data, err := readLimited(name)
	switch {
	case err == nil:
		file = readFile(name, data)
		file.sections(c)
		problems = append(problems, file.problems...)
	case errors.Is(err, fs.ErrNotExist) && source.Origin == FromDefault:
		name = ""
	case errors.Is(err, fs.ErrNotExist):
		problems = append(problems, Problem{Where: source.Where, Message: fmt.Sprintf("there is no file %q", name), Hint: "name one that exists, or leave it out"})
	default:
		problems = append(problems, Problem{Where: name, Message: err.Error()})
	}
	for _, v := range file.values {
		if _, overridden := given[v.setting.Flag]; overridden {
			// Checked all the same: a bad file stays bad.
			if err := v.setting.set(&Config{}, v.values); err != nil {
				problems = append(problems, file.valueProblem(v, err))
			}
			continue
		}
		if err := v.setting.set(c, v.values); err != nil {
			problems = append(problems, file.valueProblem(v, err))
			continue
		}
		c.record(v.setting, v.values, v.where)
	}
	problems = problems.sorted()
	for i := range Settings {
		s := &Settings[i]
		o, ok := given[s.Flag]
		if !ok {
			continue
		}
		if err := s.set(c, o.values); err != nil {
			problems = append(problems, problemOf(o.source.Where, "", err))
			continue
		}
		c.record(s, o.values, o.source)
	}
	c.File = name
	c.Upstream.open()
	if len(problems) == 0 {
		problems = append(problems, c.checkTogether()...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

func readLimited(name string) ([]byte, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if fi.IsDir() {
		return nil, errors.New("is a folder; name the file in it")
	}
	if fi.Size() > maxFile {
		return nil, fmt.Errorf("the file has %d bytes, more than %d", fi.Size(), maxFile)
	}
	return os.ReadFile(name)
}

func defaults(c *Config) Problems {
	var ps Problems
	for i := range Settings {
		s := &Settings[i]
		var values []string
		if s.Default != "" {
			values = []string{s.Default}
		}
		if err := s.set(c, values); err != nil {
			ps = append(ps, problemOf("default of --"+s.Flag, "", err))
		}
		if c.raw != nil {
			c.raw[s.Flag] = s.Default
		}
	}
	c.File = ""
	return ps
}

func (c *Config) record(s *Setting, values []string, src Source) {
	c.sources[s.Flag] = src
	c.raw[s.Flag] = strings.Join(values, ",")
	if s.Secret && c.raw[s.Flag] != "" {
		c.raw[s.Flag] = "<secret>"
	}
}

// outside is a value that does not come from the file.
type outside struct {
	values []string
	source Source
}

// foreign are variables of ours that are no settings: what the commands that
// talk to a server read, and what Kubernetes sets in every container for a
// service that is called touchline.
var foreign = regexp.MustCompile(`^TOUCHLINE_(URL|TOKEN_FILE|PORT|PORT_[0-9]+_.*|SERVICE_HOST|SERVICE_PORT.*)$`)

func fromEnv(environ []string) (map[string]outside, []string) {
	byName := map[string]*Setting{}
	var names, remarks []string
	for i := range Settings {
		byName[Settings[i].Env()] = &Settings[i]
		names = append(names, Settings[i].Env())
	}
	out := map[string]outside{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "TOUCHLINE_") {
			continue
		}
		if s := byName[name]; s != nil {
			// As for a shell, an empty variable is the same as none, except
			// where empty means something.
			if value != "" || s.mayBeEmpty() {
				out[s.Flag] = outside{values: []string{value}, source: Source{Origin: FromEnv, Where: name}}
			}
			continue
		}
		if name != StateURLEnv && !foreign.MatchString(name) {
			remark := fmt.Sprintf("%s: nothing reads this variable", name)
			if hint := spelling.DidYouMean(name, names); hint != "" {
				remark += "; " + hint
			}
			remarks = append(remarks, remark)
		}
	}
	slices.Sort(remarks)
	return out, remarks
}

// StateURLEnv is the variable with the URL of the state database. It may hold a
// password, so it is neither a flag, which others on the host could read, nor a
// value of the file.
const StateURLEnv = "TOUCHLINE_STATE_URL"

// secretEnv is the value of a variable that is no setting.
func secretEnv(environ []string, name string) string {
	for _, kv := range environ {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// open gives the listeners that --upstream-ports asks for their usual ports.
func (u *Upstream) open() {
	if !u.Ports {
		return
	}
	if u.PrometheusAddress == "" {
		u.PrometheusAddress = "127.0.0.1:9090"
	}
	if u.AlertmanagerAddress == "" {
		u.AlertmanagerAddress = "127.0.0.1:9093"
	}
}

// mayBeEmpty tells whether an empty value differs from the default.
func (s *Setting) mayBeEmpty() bool {
	return s.Default != "" && (s.Kind == KindAddress || s.Kind == KindString)
}

// checkTogether finds what is wrong between settings that are each fine.
func (c *Config) checkTogether() Problems {
	var ps Problems
	add := func(flag, hint, format string, args ...any) {
		src := c.Source(flag)
		where := src.Where
		if src.Origin == FromDefault {
			where = "--" + flag
		}
		p := Problem{Where: where, Message: fmt.Sprintf(format, args...), Hint: hint}
		if src.Origin == FromFile {
			if s := byFlag(flag); s != nil {
				p.Field, p.File = s.Path, c.File
				// Where is file:line:col, which this package wrote itself.
				_, _ = fmt.Sscanf(strings.TrimPrefix(where, c.File), ":%d:%d", &p.Line, &p.Column)
			}
		}
		ps = append(ps, p)
	}
	type taken struct{ address, flag string }
	var addresses []taken
	use := func(flag string, list ...string) {
		for _, a := range list {
			if a == "" || strings.HasSuffix(a, ":0") {
				continue
			}
			for _, t := range addresses {
				if t.address == a {
					add(flag, "give each its own port", "%s is also the address of --%s", a, t.flag)
				}
			}
			addresses = append(addresses, taken{a, flag})
		}
	}
	use("web.listen-address", c.Web.ListenAddresses...)
	use("otlp.grpc-address", c.OTLP.GRPCAddress)
	use("otlp.http-address", c.OTLP.HTTPAddress)
	use("upstream.prometheus-address", c.Upstream.PrometheusAddress)
	use("upstream.alertmanager-address", c.Upstream.AlertmanagerAddress)
	use("cluster.listen-address", c.Cluster.ListenAddress)

	if c.HA.ClusterLabel == c.HA.ReplicaLabel {
		add("ha.replica-label", "name two labels", "the same label as --ha.cluster-label")
	}
	if c.Cluster.ListenAddress == "" && len(c.Cluster.Peers) > 0 {
		add("cluster.peer", "set --cluster.listen-address, such as 0.0.0.0:9094", "peers are named, but the cluster is off")
	}
	if c.Cluster.ListenAddress == "" && c.Cluster.AdvertiseAddress != "" {
		add("cluster.advertise-address", "set --cluster.listen-address, such as 0.0.0.0:9094", "an address is advertised, but the cluster is off")
	}
	if c.Heartbeat.URL != "" && c.Heartbeat.URLFile != "" {
		add("heartbeat.url-file", "keep one of the two", "--heartbeat.url is given as well")
	}
	if c.Heartbeat.WatchTokenFile != "" && len(c.Heartbeat.WatchURLs) == 0 {
		add("heartbeat.watch-token-file", "name an instance with --heartbeat.watch-url", "a token is given, but no instance is watched")
	}
	if b := c.Backends.Metrics; b != nil {
		if c.PrometheusFile != "" {
			add("prometheus.config", "leave one of the two out: the file belongs to the server that backends.metrics.url names", "nothing of the file would be scraped or evaluated, because backends.metrics.url stands in for this server's own Prometheus")
		}
		if c.Heartbeat.URL != "" || c.Heartbeat.URLFile != "" {
			flag := "heartbeat.url"
			if c.Heartbeat.URL == "" {
				flag = "heartbeat.url-file"
			}
			add(flag, "have the Alertmanager there tell the alert Watchdog to whoever is to miss it", "it would never be sent: with backends.metrics.url no rule is evaluated here that proves the way of an alert")
		}
		if c.HA.Enabled {
			add("ha.enabled", "leave it out", "no samples are taken here, because backends.metrics.url names the server that stores them")
		}
	}
	if c.Remote.WriteMaxDecoded < c.Remote.WriteMaxBody {
		add("remote-write.max-decoded", "make it at least --remote-write.max-body", "smaller than what may be sent")
	}
	if strings.ContainsAny(c.Web.RoutePrefix, " ?#") || strings.Contains(c.Web.RoutePrefix, "//") {
		add("web.route-prefix", "write a path, such as /touchline", "%q is not a path", c.Web.RoutePrefix)
	}
	return ps
}
