package config

import (
	"path/filepath"
	"testing"
	"time"
)

func TestStatusPage(t *testing.T) {
	c, ps := fromFile("dir/touchline.yaml", []byte(`
status_page:
  folder: site
  listen_address: 0.0.0.0:8090
  url: https://status.example.com/
  publish_annotation: public_summary
  components:
    - id: api
      name: API
      alerts:
        - match: ['service="api"', 'env=~"prod|live"']
        - {match: ['alertname="Slow"'], states: {critical: degraded}}
  maintenance:
    - {title: Move, components: [api], from: 2026-12-01T02:00:00+08:00, to: 2026-12-01T03:00:00+08:00}
`))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	s := c.StatusPage
	if string(s.Folder) != filepath.Join("dir", "site") || s.Title != "Status" || s.Language != "en" || s.Components[0].Alerts[1].States["critical"] != "degraded" || s.Components[0].Alerts[0].States != nil {
		t.Errorf("got %+v", s)
	}
	if m := s.Maintenance[0]; m.To.Sub(m.From) != time.Hour {
		t.Errorf("maintenance %+v", m)
	}
	if c, ps := fromFile("touchline.yaml", []byte("log: {level: info}\n")); len(ps) > 0 || c.StatusPage != nil {
		t.Errorf("without the section: %+v, %v", c.StatusPage, ps)
	}
}

func TestProblemsOfStatusPage(t *testing.T) {
	const head, good = "status_page:\n  folder: x\n", "  components: [{id: api, name: API, alerts: [{match: ['a=\"b\"']}]}]\n"
	for _, c := range []struct{ in, want string }{
		{"status_page:\n" + good, "f.yaml:2:3: status_page: the page would be nowhere; write folder, listen_address, or both"},
		{head, "f.yaml:2:3: status_page.components: is missing; write a list"},
		{head + "  components: []\n", "f.yaml:3:15: status_page.components: there is none; write a component with id, name and alerts"},
		{head + good + "  listen_address: '8090'\n", `f.yaml:4:19: status_page.listen_address: "8090" has no host; write 127.0.0.1:8090, or :8090 for every interface`},
		{head + good + "  url: 'http://u:geheim@h'\n", "f.yaml:4:8: status_page.url: a URL with a password would be shown in links; leave user and password out"},
		{head + good + "  publish_annotation: a-b\n", `f.yaml:4:23: status_page.publish_annotation: "a-b" is not a name; write the name of an annotation, such as public_summary`},
		{head + good + "  language: fr\n", `f.yaml:4:13: status_page.language: "fr" is not known; write one of: en, zh`},
		{head + "  components: [{id: A b, name: x, alerts: [{match: ['a=\"b\"']}]}]\n", `f.yaml:3:21: status_page.components[0].id: "A b" is not an id; write small letters, digits and hyphens, such as public-api`},
		{head + "  components: [{id: a, name: x, alerts: []}]\n", `f.yaml:3:41: status_page.components[0].alerts: no alert is about it; write match, such as match: ['service="api"']`},
		{head + "  components: [{id: a, name: x, alerts: [{match: []}]}]\n", `f.yaml:3:50: status_page.components[0].alerts[0].match: every alert would match; write a matcher, such as service="api"`},
		{head + "  components: [{id: a, name: x, alerts: [{match: ['a']}]}]\n", `f.yaml:3:51: status_page.components[0].alerts[0].match[0]: not a matcher: bad matcher format: a; write one matcher, such as service="api"`},
		{head + "  components: [{id: a, name: x, alerts: [{match: ['a=b'], states: {critical: down}}]}]\n", `f.yaml:3:78: status_page.components[0].alerts[0].states.critical: "down" is not known; write degraded or outage`},
		{head + "  components: [{id: a, name: x, alerts: [{match: ['a=b']}]}, {id: a, name: y, alerts: [{match: ['a=b']}]}]\n", `f.yaml:3:67: status_page.components[1].id: "a" is given twice; give each its own`},
		{head + good + "  maintenance: [{title: x, components: [apt], from: 2026-12-01T03:00:00Z, to: 2026-12-01T04:00:00Z}]\n", `f.yaml:4:40: status_page.maintenance[0].components: there is no component "apt"; did you mean "api"?`},
		{head + good + "  maintenance: [{title: x, components: [api], window: nightly, to: 2026-12-01T03:00:00Z}]\n", `f.yaml:4:55: status_page.maintenance[0].window: from and to are given, too; keep either window or from and to`},
		{head + good + "  maintenance: [{title: x, components: [api], from: 2026-12-01T03:00:00Z}]\n", `f.yaml:4:18: status_page.maintenance[0]: it is not said when; write from and to, or window with the name of a maintenance window`},
		{head + good + "  maintenance: [{title: x, components: [api], from: 2026-12-01T03:00:00Z, to: 2026-12-01T03:00:00Z}]\n", `f.yaml:4:79: status_page.maintenance[0].to: it ends before it begins; write a time after from`},
	} {
		if got := CheckFile("f.yaml", []byte(c.in)).Error(); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
		}
	}
}
