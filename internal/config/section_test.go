package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSections(t *testing.T) {
	c, ps := fromFile("dir/touchline.yaml", []byte(`
people:
  anna: {receivers: [mail, phone], quiet_hours: {time_zone: Europe/Berlin, from: "22:00", to: "07:00"}}
schedules:
  primary:
    time_zone: Europe/Berlin
    layers:
      - {people: [anna], start: 2026-11-23T09:00}
    overrides:
      - {from: 2026-12-24T18:00:00+01:00, to: 2026-12-26T18:00:00+01:00, person: anna}
escalations:
  - name: critical
    match: ['severity="critical"']
    steps:
      - schedule: primary
      - {wait: 5m, receivers: [lead], repeat: 2}
auth_oidc_groups: {ops: admin, all: viewer}
`))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	if got := c.People["anna"]; got.Language != "en" || !reflect.DeepEqual(got.Receivers, []string{"mail", "phone"}) || got.QuietHours.To != "07:00" {
		t.Errorf("people: %+v", got)
	}
	s := c.Schedules["primary"]
	if s.Layers[0].Rotation != "weekly" || !s.Overrides[0].From.Equal(time.Date(2026, 12, 24, 17, 0, 0, 0, time.UTC)) {
		t.Errorf("schedules: %+v", s)
	}
	if g := c.OIDCGroups; len(g) != 2 || g["ops"] != "admin" {
		t.Errorf("groups: %v", g)
	}
	if e := c.Escalations[0]; e.Steps[1].Wait != 5*time.Minute || e.Steps[1].Every != 5*time.Minute || e.Steps[0].Stop != "acknowledged" {
		t.Errorf("escalations: %+v", e)
	}
}

func TestProblemsOfSections(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"people:\n  anna: {recievers: [x]}\n", `f.yaml:2:21: people.anna.recievers: unknown key; did you mean "receivers"?`},
		{"people:\n  anna: {}\n", `f.yaml:2:9: people.anna.receivers: is missing; write a list`},
		{"people:\n  anna: {receivers: []}\n", `f.yaml:2:21: people.anna.receivers: nobody is reached; name a receiver of alertmanager.yml`},
		{"people:\n  anna: {receivers: [x], language: fr}\n", `f.yaml:2:36: people.anna.language: "fr" is not known; write one of: en, zh`},
		{"auth_oidc_groups:\n  ops: owner\n", `f.yaml:2:8: auth_oidc_groups.ops: "owner" is not a role; write one of: viewer, responder, editor, admin`},
		{"auth_oidc_groups: [ops]\n", "f.yaml:1:19: auth_oidc_groups: expected a mapping, found a list; write a mapping"},
		{"people: [x]\n", "f.yaml:1:9: people: expected a mapping, found a list; write a mapping"},
		{"escalations:\n  - name: x\n    steps: [{wait: 5}]\n", `f.yaml:3:20: escalations[0].steps[0].wait: "5" has no unit; write 5s or 5m`},
		{"escalations:\n  - name: x\n    steps: [{wait: 5m}]\n", `f.yaml:3:14: escalations[0].steps[0]: the step reaches nobody; write receivers, a schedule, or both`},
		{"escalations:\n  - name: x\n    steps: [{receivers: [a], repeat: x}]\n", `f.yaml:3:38: escalations[0].steps[0].repeat: "x" is not a whole number; write a whole number`},
		{"schedules:\n  a: {time_zone: UTC, layers: [{people: [x], start: y}], overrides: [{from: 1, to: 2, person: x}]}\n",
			"f.yaml:2:77: schedules.a.overrides[0].from: \"1\" is not a time; write it as 2026-12-24T18:00:00+01:00\nf.yaml:2:84: schedules.a.overrides[0].to: \"2\" is not a time; write it as 2026-12-24T18:00:00+01:00"},
		{"people:\n  anna:\n", "f.yaml:2:9: people.anna.receivers: is missing; write a list"},
		{"peple: {}\n", `f.yaml:1:1: peple: unknown key; did you mean "people"?`},
		{"people: {}\npeople: {}\n", "f.yaml:2:1: people: given twice, first in line 1; keep one of the two"},
	} {
		if got := CheckFile("f.yaml", []byte(c.in)).Error(); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
		}
	}
}

// TestSectionsAreSound holds the tags of all sections against what can be read.
func TestSectionsAreSound(t *testing.T) {
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch {
		case typ == timeType || typ == durationType:
		case typ.Kind() == reflect.Pointer, typ.Kind() == reflect.Slice:
			walk(path, typ.Elem())
		case typ.Kind() == reflect.Map:
			if typ.Key().Kind() != reflect.String {
				t.Errorf("%s: keys of a mapping are texts", path)
			}
			walk(path, typ.Elem())
		case typ.Kind() == reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				key := f.Tag.Get("yaml")
				if !f.IsExported() {
					continue
				}
				if key == "" {
					t.Errorf("%s: field %s has no key", path, f.Name)
					continue
				}
				if f.Tag.Get("help") == "" {
					t.Errorf("%s.%s: no help", path, key)
				}
				if d, ok := f.Tag.Lookup("default"); ok {
					if err := setScalar(d, reflect.New(f.Type).Elem()); err != nil {
						t.Errorf("%s.%s: default: %v", path, key, err)
					}
				}
				walk(path+"."+key, f.Type)
			}
		default:
			if err := setScalar("1", reflect.New(typ).Elem()); err != nil && typ.Kind() != reflect.Bool {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	for i := range Sections {
		s := &Sections[i]
		walk(s.Path, reflect.TypeOf(s.bind(&Config{})).Elem())
		if ps := CheckFile("example", []byte(s.Example)); len(ps) > 0 || !strings.HasPrefix(s.Example, s.Path+":\n") {
			t.Errorf("example of %s: %v", s.Path, ps)
		}
	}
}
