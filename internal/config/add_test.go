package config

import (
	"strings"
	"testing"
)

func TestAddChannel(t *testing.T) {
	c := Channel{Type: "dingtalk", URLFile: "secrets/url", Language: "zh", Message: "markdown", SendResolved: true, TLS: "starttls", Picture: true,
		Mention: Mention{Mobiles: []string{"13800000001"}, Severities: []string{"critical"}}}
	const item = "- type: dingtalk\n%url_file: secrets/url\n%language: zh\n%mention: {mobiles: [\"13800000001\"], severities: [\"critical\"]}\n"
	at := func(indent int) string {
		pad := strings.Repeat(" ", indent)
		return pad + strings.ReplaceAll(item, "%", pad+"  ")
	}
	for _, t2 := range []struct{ name, before, after string }{
		{"no file", "", "channels:\n  ops:\n" + at(4)},
		{"comments only", "# mine\n", "# mine\nchannels:\n  ops:\n" + at(4)},
		{"no channels", "# mine\nlog:\n  level: debug # loud\n", "# mine\nlog:\n  level: debug # loud\nchannels:\n  ops:\n" + at(4)},
		{"no line end", "log: {level: debug}", "log: {level: debug}\nchannels:\n  ops:\n" + at(4)},
		{"an empty section", "channels: # none yet\nlog: {level: debug}\n", "channels: # none yet\n  ops:\n" + at(4) + "log: {level: debug}\n"},
		{"another receiver", "channels:\n  # the boss\n  boss:\n    - {type: wecom, url_env: X} # quiet\n\n# the log\nlog: {level: debug}\n",
			"channels:\n  # the boss\n  boss:\n    - {type: wecom, url_env: X} # quiet\n  ops:\n" + at(4) + "\n# the log\nlog: {level: debug}\n"},
		{"the same receiver", "channels:\n    ops:\n        - type: wecom\n          url_env: X\n        # after it\n    boss:\n        - {type: wecom, url_env: X}\n",
			"channels:\n    ops:\n        - type: wecom\n          url_env: X\n" + at(8) + "        # after it\n    boss:\n        - {type: wecom, url_env: X}\n"},
		{"items as far out as their key", "channels:\n  ops:\n  - type: wecom\n    url_env: X\n  boss:\n  - {type: wecom, url_env: X}\n", ""},
		{"other line ends", "log: {level: debug}\r\n", "log: {level: debug}\r\nchannels:\r\n  ops:\r\n" + strings.ReplaceAll(at(4), "\n", "\r\n")},
	} {
		out, added, err := AddChannel("f.yaml", []byte(t2.before), "ops", c)
		if t2.after == "" {
			if err == nil && len(ChannelsOf("f.yaml", out)["ops"]) != 2 {
				t.Errorf("%s:\n%s", t2.name, out)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", t2.name, err)
			continue
		}
		if string(out) != t2.after {
			t.Errorf("%s: got\n%s\nwant\n%s", t2.name, out, t2.after)
		}
		if !strings.Contains(added, "type: dingtalk") {
			t.Errorf("%s: added %q", t2.name, added)
		}
	}
}

func TestAddChannelRefuses(t *testing.T) {
	c := Channel{Type: "wecom", URLEnv: "X", Message: "markdown", Language: "en", SendResolved: true, TLS: "starttls", Picture: true}
	for _, t2 := range []struct{ name, before, want string }{
		{"in one line", "channels: {boss: [{type: wecom, url_env: X}]}\n", "not written line by line"},
		{"a list in one line", "channels:\n  ops: [{type: wecom, url_env: X}]\n", "the channels of ops are not written line by line"},
		{"empty in one line", "channels: {}\n", "write by hand:\nchannels:\n  ops:\n    - type: wecom\n      url_env: X"},
		{"a wrong file", "chanels:\n", "correct the file first"},
		{"all in one line", "{log: {level: debug}}\n", "write by hand"},
		{"an alias", "channels:\n  boss: &b\n    - {type: wecom, url_env: X}\n  ops: *b\n", "write by hand"},
	} {
		if out, _, err := AddChannel("f.yaml", []byte(t2.before), "ops", c); err == nil || !strings.Contains(err.Error(), t2.want) {
			t.Errorf("%s: error %v, got\n%s", t2.name, err, out)
		}
	}
	c.URLEnv = ""
	if _, _, err := AddChannel("f.yaml", nil, "ops", c); err == nil || !strings.Contains(err.Error(), "url_file: is missing") {
		t.Errorf("error %v", err)
	}
}

func FuzzAddChannel(f *testing.F) {
	f.Add([]byte("channels:\n  ops:\n    - type: wecom\n      url_env: X\n"), "ops", "X")
	f.Add([]byte("a: |\n  text\n"), "true", "Y")
	f.Add([]byte("log: {level: debug}\n--- # x\n"), "- a", "Z")
	f.Fuzz(func(t *testing.T, data []byte, receiver, env string) {
		out, _, err := AddChannel("f.yaml", data, receiver, Channel{Type: "wecom", URLEnv: env, Message: "text", Language: "zh", SendResolved: true, TLS: "starttls", Picture: true})
		if err != nil {
			return
		}
		if ps := CheckFile("f.yaml", out); len(ps) > 0 {
			t.Errorf("%v in\n%s", ps, out)
		}
		list := ChannelsOf("f.yaml", out)[receiver]
		if len(list) == 0 || list[len(list)-1].URLEnv != env {
			t.Errorf("the channel of %q is not there:\n%s", receiver, out)
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			if !strings.Contains(string(out), strings.TrimRight(line, "\r")) {
				t.Errorf("line %q is gone:\n%s", line, out)
			}
		}
	})
}
