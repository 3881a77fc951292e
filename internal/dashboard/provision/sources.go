package provision

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"touchline.dev/touchline/internal/dashboard/datasource"
)

// Sources reads a file of datasources/.
func Sources(file, text string, getenv func(string) (string, bool)) ([]datasource.Source, []Problem) {
	if getenv == nil {
		getenv = os.LookupEnv
	}
	d := &decoder{file: file, getenv: getenv}
	root := d.root(text)
	if root == nil {
		return nil, d.problems
	}
	if root.Kind != yaml.MappingNode {
		d.problem(root, "write apiVersion: 1 and a list under datasources", "it is no mapping")
		return nil, d.problems
	}
	var out []datasource.Source
	for _, item := range d.list(root, "datasources") {
		if s, ok := d.source(item); ok {
			out = append(out, s)
		}
	}
	return out, d.problems
}

func (d *decoder) source(item *yaml.Node) (datasource.Source, bool) {
	before := d.wrong()
	s := datasource.Source{
		UID: d.str(item, "uid"), Name: d.str(item, "name"), Type: d.str(item, "type"), URL: d.str(item, "url"), Default: d.boolean(item, "isDefault"),
		File: d.file, Line: item.Line, Headers: map[string]datasource.Secret{},
	}
	if s.Name == "" {
		d.problem(item, "write a name, such as name: Production", "name: it is missing")
	}
	if s.Type == "" {
		d.problem(item, "write type: prometheus", "type: it is missing")
	}
	if s.UID == "" {
		// As Grafana makes it of the name: exported dashboards refer to it.
		sum := sha256.Sum256([]byte(s.Name))
		s.UID = strings.ToUpper(fmt.Sprintf("P%x", sum[:8]))
	}
	if len(s.UID) > 200 || len(s.Name) > 200 {
		d.problem(item, "write at most 200 characters", "name or uid: it is too long")
	}
	if s.Type == datasource.Prometheus {
		d.credentials(item, &s)
		if d.wrong() == before {
			if err := s.Check(); err != nil {
				message, hint, _ := strings.Cut(err.Error(), "; ")
				d.problem(item, hint, "%s", message)
			}
		}
	} else if s.Type != "" {
		d.warn(item, "", "a data source of the type %.100s is listed, and cannot be reached: only %s can", s.Type, datasource.Prometheus)
	}
	return s, d.wrong() == before
}

func (d *decoder) credentials(item *yaml.Node, s *datasource.Source) {
	data, secure := get(item, "jsonData"), get(item, "secureJsonData")
	if d.boolean(item, "basicAuth") {
		s.User = d.str(item, "basicAuthUser")
		s.Password = datasource.Secret(d.str(secure, "basicAuthPassword"))
		if s.Password == "" {
			s.Password = datasource.Secret(d.str(item, "basicAuthPassword"))
		}
		if s.User == "" {
			d.problem(item, "write the user's name", "basicAuthUser: it is missing")
		}
	}
	if access := d.str(item, "access"); access == "direct" || access == "browser" {
		d.warn(get(item, "access"), "write access: proxy", "access: the server is reached through this one all the same")
	}
	for i := 1; i <= 50; i++ {
		name := d.str(data, fmt.Sprintf("httpHeaderName%d", i))
		if name == "" {
			continue
		}
		key := fmt.Sprintf("httpHeaderValue%d", i)
		if get(secure, key) == nil {
			d.problem(get(data, fmt.Sprintf("httpHeaderName%d", i)), "write its value there", "secureJsonData.%s: it is missing, the value of the header %.100s", key, name)
		}
		s.Headers[name] = datasource.Secret(d.str(secure, key))
	}
	if d.boolean(data, "tlsAuthWithCACert") {
		if s.CA = d.str(secure, "tlsCACert"); s.CA == "" {
			d.problem(item, "write the certificate in PEM", "secureJsonData.tlsCACert: it is missing")
		}
	}
	if d.boolean(data, "tlsAuth") {
		s.ClientCert, s.ClientKey = d.str(secure, "tlsClientCert"), datasource.Secret(d.str(secure, "tlsClientKey"))
		if s.ClientCert == "" {
			d.problem(item, "write the certificate and its key in PEM", "secureJsonData.tlsClientCert: it is missing")
		}
	}
	s.ServerName = d.str(data, "serverName")
	if s.SkipVerify = d.boolean(data, "tlsSkipVerify"); s.SkipVerify {
		d.warn(get(data, "tlsSkipVerify"), "write tlsAuthWithCACert: true and secureJsonData.tlsCACert instead", "tlsSkipVerify: whoever is in between can read the credentials")
	}
	s.Interval = d.interval(data, "timeInterval")
	s.Timeout = time.Duration(d.integer(data, "timeout", int(datasource.MaxTimeout/time.Second))) * time.Second
}

// interval is a member that says how often a server scrapes. Grafana takes a bare
// number for seconds; what is no duration keeps no source from being used.
func (d *decoder) interval(n *yaml.Node, name string) time.Duration {
	text := strings.TrimSpace(d.str(n, name))
	if text == "" {
		return 0
	}
	if _, err := strconv.ParseUint(text, 10, 32); err == nil {
		text += "s"
	}
	i, err := model.ParseDuration(text)
	if err != nil {
		d.warn(get(n, name), "write 30s or 1m", "%s: it is no duration, and steps follow the usual 15s", name)
		return 0
	}
	return time.Duration(i)
}
