package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writer writes files into one folder, and returns their paths.
func writer(t *testing.T) func(name, text string) string {
	dir := t.TempDir()
	return func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

func TestChannels(t *testing.T) {
	write := writer(t)
	write("url", "https://robot.example/?access_token=x\n")
	write("good.tmpl", `{{ define "body" }}{{ template "mine" . }}{{ template "touchline.title" . }}{{ end }}`)
	write("bad.tmpl", `{{ define "body" }}{{ .Nothing }}{{ end }}`)
	write("user.tmpl", `{{ define "mine" }}mine{{ end }}`)
	write("alertmanager.yml", "route: {receiver: ops}\nreceivers:\n  - name: ops\n    slack_configs: [{api_url_file: url, channel: '#a', text: '{{ template \"touchline.slack.text\" . }}'}]\ntemplates: [user.tmpl]\n")
	const head = "alertmanager: {config: alertmanager.yml}\nchannels:\n"
	for _, c := range []struct{ name, text, want string }{
		{"good", "  ops:\n    - {type: dingtalk, url_file: url, template_file: good.tmpl}\n", ""},
		{"unknown receiver", "  opps:\n    - {type: dingtalk, url_file: url}\n", `touchline.yaml:4:8: error: channels.opps: alertmanager.yml has no receiver of this name; did you mean "ops"?`},
		{"bad template", "  ops:\n    - {type: wecom, url_file: url, template_file: bad.tmpl}\n", "touchline.yaml:4:8: error: channel wecom: fill in template file"},
		{"no template", "  ops:\n    - {type: wecom, url_file: url, template_file: none.tmpl}\n", `channels.ops[0].template_file: file`},
		{"no secret", "  ops:\n    - {type: wecom, url_file: none}\n", `channels.ops[0].url_file: file`},
		{"Feishu id", "  ops:\n    - {type: feishu, url_file: url, mention: {users: ['a b']}}\n", `mention.users: "a b" is no open id or user id`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write("touchline.yaml", head+c.text)
			found := CheckTouchline(path, []byte(head+c.text))
			if c.want == "" {
				if len(found) > 0 {
					t.Errorf("found %v", found)
				}
				return
			}
			if len(found) != 1 || !strings.Contains(found[0].String(), c.want) {
				t.Errorf("found %v, want %s", found, c.want)
			}
		})
	}
}
