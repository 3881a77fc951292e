package app

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/selfmon"
	"touchline.dev/touchline/stack"
)

// The smallest alertmanager.yml is the same wherever it is shown. It is good,
// tells people what needs one and nothing else, and mutes what the shipped file mutes.
func TestSmallestAlertmanagerFile(t *testing.T) {
	text := strings.Join(selfmon.ReceiverExample, "\n") + "\n"
	for _, f := range []string{"README.md", "README.zh-CN.md", "docs/handbook/en/getting-started.md", "docs/handbook/zh/getting-started.md"} {
		raw, err := os.ReadFile("../../" + f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), "```yaml\n"+text+"```") {
			t.Errorf("%s does not show the example as it is", f)
		}
	}
	if _, err := alerting.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	conf, err := amconfig.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	root := dispatch.NewRoute(conf.Route, nil)
	for severity, want := range map[string]string{"critical": "team", "warning": "team", "": "team", "info": "nobody", "none": "nobody"} {
		got := root.Match(model.LabelSet{"alertname": "A", "severity": model.LabelValue(severity)})
		if len(got) != 1 || got[0].RouteOpts.Receiver != want {
			t.Errorf("severity %q goes to %v, want %s", severity, got, want)
		}
	}
	raw, err := stack.FS.ReadFile("alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := amconfig.Load(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range conf.InhibitRules {
		if !slices.ContainsFunc(shipped.InhibitRules, func(s common.InhibitRule) bool {
			return s.SourceMatchers[0].String() == r.SourceMatchers[0].String() && strings.Contains(fmt.Sprint(s.TargetMatchers), r.TargetMatchers[0].String())
		}) {
			t.Errorf("the shipped file has no rule like that of %s", r.SourceMatchers)
		}
	}
}
