package config

import (
	"strings"
	"testing"
)

func TestRemoveChannel(t *testing.T) {
	const one = "    - {type: wecom, url_env: X} # quiet\n"
	for _, c := range []struct {
		name, before, after string
		n                   int
	}{
		{"the only one", "# mine\nchannels: # all\n  ops:\n" + one + "log: {level: debug} # loud\n", "# mine\nlog: {level: debug} # loud\n", 0},
		{"the only one of a receiver", "channels:\n  # the boss\n  boss:\n" + one + "\n  # the team\n  ops: # them\n" + one + "# the end\n",
			"channels:\n  # the boss\n  boss:\n" + one + "\n  # the team\n# the end\n", 0},
		{"the first", "channels:\n  ops:\n    # by robot\n    - type: wecom\n      # secret\n      url_env: X\n\n    # by mail\n    - {type: wecom, url_env: Y}\n",
			"channels:\n  ops:\n    # by robot\n\n    # by mail\n    - {type: wecom, url_env: Y}\n", 0},
		{"one between", "channels:\n  ops:\n" + one + "    - type: wecom\n      url_env: Y\n      mention:\n        users:\n          - a\n" + one, "channels:\n  ops:\n" + one + one, 1},
		{"the last", "channels:\n  ops:\n" + one + "    - type: wecom\n      url_env: Y\n    # after it\n  boss:\n" + one, "channels:\n  ops:\n" + one + "    # after it\n  boss:\n" + one, 1},
		{"as far out as its key", "channels:\n  ops:\n  - type: wecom\n    url_env: X\n  - type: wecom\n    url_env: Y\n  boss:\n  - {type: wecom, url_env: X}\n",
			"channels:\n  ops:\n  - type: wecom\n    url_env: X\n  boss:\n  - {type: wecom, url_env: X}\n", 1},
		{"a dash of its own", "channels:\n  ops:\n    -\n      type: wecom\n      url_env: X\n" + one, "channels:\n  ops:\n" + one, 0},
		{"other line ends", "log: {level: debug}\r\nchannels:\r\n  ops:\r\n    - type: wecom\r\n      url_env: X\r\n    - type: wecom\r\n      url_env: Y\r\n",
			"log: {level: debug}\r\nchannels:\r\n  ops:\r\n    - type: wecom\r\n      url_env: X\r\n", 1},
		{"no line end", "log: {level: debug}\nchannels:\n  ops:\n    - {type: wecom, url_env: X}", "log: {level: debug}\n", 0},
	} {
		out, removed, err := RemoveChannel("f.yaml", []byte(c.before), "ops", c.n)
		if err != nil || string(out) != c.after || !strings.Contains(removed, "type: wecom") {
			t.Errorf("%s: %v, removed\n%s\ngot\n%s\nwant\n%s", c.name, err, removed, out, c.after)
		}
	}
	for _, c := range []struct {
		name, before, want string
		n                  int
	}{
		{"no section", "log: {level: debug}\n", "no section channels", 0},
		{"no such receiver", "channels:\n  boss:\n" + one, "ops has no channel", 0},
		{"no such number", "channels:\n  ops:\n" + one, "not written line by line", 1},
		{"in one line", "channels: {ops: [{type: wecom, url_env: X}]}\n", "not written line by line", 0},
		{"a list in one line", "channels:\n  ops: [{type: wecom, url_env: X}]\n", "the channels of ops are not written line by line", 0},
		{"what another one refers to", "channels:\n  ops:\n    - &a {type: wecom, url_env: X}\n  boss:\n    - *a\n", "by hand", 0},
		{"a wrong file", "chanels:\n", "correct the file first", 0},
	} {
		if out, _, err := RemoveChannel("f.yaml", []byte(c.before), "ops", c.n); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, got\n%s", c.name, err, out)
		}
	}
}

// What is added and taken out again leaves the text as it was.
func FuzzRemoveChannel(f *testing.F) {
	f.Add([]byte("channels:\n  ops:\n    - type: wecom\n      url_env: X\n"), "ops")
	f.Add([]byte("a: |\n  text\n"), "true")
	f.Add([]byte("log: {level: debug}\n--- # x\n"), "- a")
	f.Add([]byte("channels:\n  boss:\n  - {type: wecom, url_env: X}\n  # end\r\n"), "ops")
	f.Fuzz(func(t *testing.T, data []byte, receiver string) {
		c := NewChannel("wecom")
		c.URLEnv = "NEW"
		added, lines, err := AddChannel("f.yaml", data, receiver, c)
		if err != nil {
			return
		}
		list := ChannelsOf("f.yaml", added)[receiver]
		out, removed, err := RemoveChannel("f.yaml", added, receiver, len(list)-1)
		if err != nil {
			return // no other style than line by line can be edited
		}
		if strings.TrimRight(strings.ReplaceAll(removed, "\r", ""), "\n") != strings.TrimRight(strings.ReplaceAll(lines, "\r", ""), "\n") && !strings.Contains(removed, "channels:") {
			t.Errorf("added\n%s\nremoved\n%s", lines, removed)
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			if text := strings.TrimRight(line, "\r"); !strings.Contains(string(out), text) && !strings.Contains(text, "channels:") {
				t.Errorf("line %q is gone:\n%s", line, out)
			}
		}
	})
}

func TestUsesOfAReceiver(t *testing.T) {
	d := DynamicOf("f.yaml", []byte(`people:
  anna: {receivers: [ops, anna-phone]}
  li: {receivers: [li-phone]}
schedules:
  primary:
    time_zone: UTC
    digest_receivers: [ops]
    layers:
      - {people: [anna], start: 2026-11-23T09:00}
escalations:
  - name: critical
    steps:
      - {schedule: primary}
      - {wait: 5m, receivers: [lead, ops]}
`))
	var got []string
	for _, u := range d.Uses("ops") {
		got = append(got, u.Where+" "+u.Field)
	}
	want := "f.yaml:2:22 people.anna.receivers[0]|f.yaml:7:24 schedules.primary.digest_receivers[0]|f.yaml:14:38 escalations[0].steps[1].receivers[1]"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	if us := d.Uses("nobody"); us != nil {
		t.Errorf("%v", us)
	}
}
