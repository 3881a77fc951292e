package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filesIn writes files into a new folder.
func filesIn(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestNotifyAddOnce(t *testing.T) {
	const own = "channels:\n  ops: # us\n    - type: wecom\n      url_file: url\n    - type: email\n      smarthost: a.example:25\n      from: t@example.org\n      to: [a@example.org, B <b@example.org>]\n  boss:\n    - {type: wecom, url_env: ROBOT}\n"
	t.Setenv("ROBOT", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=boss")
	t.Setenv("SAME", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=ops")
	for _, c := range []struct {
		name, typed, want string // "" where it is added
		args              []string
	}{
		{"the same file", "", "ops has this channel already: wecom to the same address at touchline.yaml:3:7; change it there, or take it out first: touchline notify remove ops --number=1", []string{"--receiver=ops", "--type=wecom", "--url-file=./url"}},
		{"the same address in a variable", "", "at touchline.yaml:3:7", []string{"--receiver=ops", "--type=wecom", "--url-env=SAME", "--message=text"}},
		{"the same address pasted", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=ops\n", "at touchline.yaml:3:7", []string{"--receiver=ops", "--type=wecom"}},
		{"the same variable", "", "boss has this channel already: wecom to the same address at touchline.yaml:10:8", []string{"--receiver=boss", "--type=wecom", "--url-env=ROBOT"}},
		{"the same recipients", "", "email to the same address at touchline.yaml:5:7", []string{"--receiver=ops", "--type=email", "--smarthost=b.example:25", "--from=t@example.org", "--to=b@Example.org,a@example.org"}},
		{"other recipients", "", "", []string{"--receiver=ops", "--type=email", "--smarthost=a.example:25", "--from=t@example.org", "--to=a@example.org"}},
		{"another address", "", "", []string{"--receiver=ops", "--type=wecom", "--url-env=ROBOT"}},
		{"another receiver", "", "", []string{"--receiver=boss", "--type=wecom", "--url-env=SAME"}},
		{"another type", "", "", []string{"--receiver=boss", "--type=dingtalk", "--url-env=ROBOT"}},
	} {
		dir := filesIn(t, map[string]string{"touchline.yaml": own, "url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=ops\n"})
		out, errs, code := addIn(t, dir, c.typed, append(c.args, "--no-test")...)
		text := read(t, "touchline.yaml")
		if c.want == "" {
			if code != 0 || text == own {
				t.Errorf("%s: %d\n%s%s", c.name, code, out, errs)
			}
			continue
		}
		if code != 2 || !strings.Contains(errs, c.want) || text != own {
			t.Errorf("%s: %d\n%s%s\n%s", c.name, code, out, errs, text)
		}
		if _, err := os.Stat("secrets"); !os.IsNotExist(err) {
			t.Errorf("%s: what was pasted stays: %v", c.name, err)
		}
		if strings.Contains(errs, "key=") {
			t.Errorf("%s: a secret is shown: %s", c.name, errs)
		}
	}
}

func TestNotifyRemove(t *testing.T) {
	const (
		head  = "# ours\nalertmanager: {config: alertmanager.yml} # theirs\n"
		robot = "    - type: wecom # the group\n      url_env: X\n"
		file  = "    - {type: wecom, url_file: secrets/url}\n"
		am    = "route: {receiver: ops}\nreceivers: [{name: ops}, {name: both, webhook_configs: [{url: \"http://127.0.0.1:9/\"}]}]\n"
		calls = "people:\n  anna: {receivers: [ops]}\nescalations:\n  - name: all\n    steps:\n      - {receivers: [both, ops]}\n"
	)
	for _, c := range []struct {
		name, before, after, typed string // after is "" where nothing changes
		said                       []string
		args                       []string
		code                       int
	}{
		{"the only one", head + "channels:\n  ops:\n" + robot, head, "yes\n", []string{"From touchline.yaml goes:\n\nchannels:\n  ops:\n" + robot, "alerts for it tell nobody from then on", "Take it out? yes or no", "It is out of touchline.yaml"}, []string{"ops"}, 0},
		{"one of two", head + "channels:\n  ops:\n" + robot + file + calls, head + "channels:\n  ops:\n" + robot + calls, "", []string{"ops keeps its other channels: 1", "secrets/url stays; delete it"}, []string{"ops", "--number=2", "--yes"}, 0},
		{"beside an integration", head + "channels:\n  both:\n" + robot + calls, head + calls, "", []string{"both keeps its integrations of alertmanager.yml"}, []string{"both", "--yes"}, 0},
		{"without alertmanager.yml", "log: {level: info}\nchannels:\n  ops:\n" + robot, "log: {level: info}\n", "", []string{"gives it no integration either"}, []string{"ops", "--yes"}, 0},
		{"counted on without alertmanager.yml", "channels:\n  ops:\n" + robot + calls, "", "", []string{"ops would tell nobody any more", "name it with --alertmanager.config"}, []string{"ops", "--yes"}, 2},
		{"with the one of the flag", "channels:\n  both:\n" + robot + calls, calls, "", []string{"both keeps its integrations of alertmanager.yml"}, []string{"both", "--yes", "--alertmanager.config=alertmanager.yml"}, 0},
		{"with one that is damaged", "channels:\n  both:\n" + robot + calls, "", "", []string{"whether both has other integrations cannot be read"}, []string{"both", "--yes", "--alertmanager.config=touchline.yaml"}, 2},
		{"counted on", head + "channels:\n  ops:\n" + robot + calls, "", "", []string{"ops would tell nobody any more", "touchline.yaml:8:22: people.anna.receivers[0]", "touchline.yaml:12:28: escalations[0].steps[0].receivers[1]"}, []string{"ops", "--yes"}, 2},
		{"which", head + "channels:\n  ops:\n" + robot + file, "", "", []string{"say which of the channels of ops:\n  --number=1  wecom at touchline.yaml:5:7\n  --number=2  wecom at touchline.yaml:7:8"}, []string{"ops", "--yes"}, 2},
		{"too high", head + "channels:\n  ops:\n" + robot, "", "", []string{"--number=1  wecom"}, []string{"ops", "--number=2", "--yes"}, 2},
		{"no answer", head + "channels:\n  ops:\n" + robot, "", "", []string{"no answer; --yes answers it, too"}, []string{"ops"}, 2},
		{"no", head + "channels:\n  ops:\n" + robot, "", "no\n", []string{"nothing was changed"}, []string{"ops"}, 2},
		{"nobody", head, "", "", []string{"ops has no channel in touchline.yaml"}, []string{"ops"}, 2},
		{"no name", head, "", "", []string{"name the receiver"}, nil, 2},
	} {
		dir := filesIn(t, map[string]string{"touchline.yaml": c.before, "alertmanager.yml": am})
		out, errs, code := notifyIn(t, dir, c.typed, append([]string{"remove"}, c.args...)...)
		if c.after == "" {
			c.after = c.before
		}
		if got := read(t, "touchline.yaml"); code != c.code || got != c.after {
			t.Errorf("%s: %d\n%s%s\ntouchline.yaml\n%s", c.name, code, out, errs, got)
		}
		for _, want := range c.said {
			if !strings.Contains(out+errs, want) {
				t.Errorf("%s: does not say %q:\n%s%s", c.name, want, out, errs)
			}
		}
	}
}
