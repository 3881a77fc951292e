package config

import (
	"strings"
	"testing"
)

// TestSecretsAreNotShown gives URLs with secrets in each of the three places.
func TestSecretsAreNotShown(t *testing.T) {
	p := write(t, "heartbeat:\n  url: https://me:geheim@h/ping/geheim?key=geheim\n  watch_url: [http://me:geheim@other:7070, http://third:7070/geheim]\n")
	for name, c := range map[string]func() (*Config, error){
		"file": func() (*Config, error) { return Resolve(parse(t, "--config.file="+p), nil) },
		"flag": func() (*Config, error) {
			return Resolve(parse(t, "--config.file="+write(t, ""), "--heartbeat.url=https://me:geheim@h/ping/geheim?key=geheim", "--heartbeat.watch-url=http://me:geheim@other:7070", "--heartbeat.watch-url=http://third:7070/geheim"), nil)
		},
		"variable": func() (*Config, error) {
			return Resolve(parse(t, "--config.file="+write(t, "")), []string{"TOUCHLINE_HEARTBEAT_URL=https://me:geheim@h/ping/geheim?key=geheim", "TOUCHLINE_HEARTBEAT_WATCH_URL=http://me:geheim@other:7070,http://third:7070/geheim"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := c()
			if err != nil {
				t.Fatal(err)
			}
			if c.Heartbeat.URL != "https://me:geheim@h/ping/geheim?key=geheim" || len(c.Heartbeat.WatchURLs) != 2 || c.Heartbeat.WatchURLs[0] != "http://me:geheim@other:7070" {
				t.Errorf("got %+v", c.Heartbeat)
			}
			if strings.Contains(c.String(), "geheim") {
				t.Errorf("shown: %s", c)
			}
			for flag, v := range c.Flags() {
				if strings.Contains(v, "geheim") {
					t.Errorf("shown as a flag: %s", flag)
				}
			}
			if c.Flags()["heartbeat.url"] != "<secret>" || c.Flags()["heartbeat.url-file"] != "" {
				t.Errorf("flags: %q, %q", c.Flags()["heartbeat.url"], c.Flags()["heartbeat.url-file"])
			}
		})
	}
}

// TestProblemsOfHeartbeat wants the reason, and nothing of what might be a secret.
func TestProblemsOfHeartbeat(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--heartbeat.url=geheim"}, "--heartbeat.url: the scheme is neither http nor https; write it with scheme and host"},
		{[]string{"--heartbeat.url=http://%zz/geheim"}, "--heartbeat.url: not a URL"},
		{[]string{"--heartbeat.url=http:///geheim"}, "--heartbeat.url: no host in it"},
		{[]string{"--heartbeat.url=http://h/#geheim"}, "--heartbeat.url: a fragment is never sent; leave #… out"},
		{[]string{"--heartbeat.watch-url=http://h/?geheim"}, "--heartbeat.watch-url: a base URL has no query; leave ?… out"},
		{[]string{"--heartbeat.watch-url=http://geheim", "--heartbeat.watch-url=http://geheim"}, "--heartbeat.watch-url: a value is given twice; leave one out"},
		{[]string{"--heartbeat.url=http://h/geheim", "--heartbeat.url-file=f"}, "--heartbeat.url-file: --heartbeat.url is given as well; keep one of the two"},
		{[]string{"--heartbeat.watch-token-file=f"}, "--heartbeat.watch-token-file: a token is given, but no instance is watched; name an instance with --heartbeat.watch-url"},
		{[]string{"--heartbeat.method=PUT"}, `--heartbeat.method: "PUT" is not known`},
		{[]string{"--heartbeat.interval=500ms"}, "--heartbeat.interval: 500ms is too small; write 1s to 1h"},
	} {
		_, err := Resolve(parse(t, c.args...), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.args, err, c.want)
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v: the value is shown: %v", c.args, err)
		}
	}
}

// TestStateURL is a secret of the environment, and of nothing else.
func TestStateURL(t *testing.T) {
	c, err := Resolve(nil, []string{"TOUCHLINE_STATE_URL= postgres://u:geheim@db/x ", "HOME=/nowhere"})
	if err != nil || c.State.URL != "postgres://u:geheim@db/x" || len(c.Warnings) != 0 {
		t.Errorf("%+v, %v, %q", c.State, err, c.Warnings)
	}
	if strings.Contains(c.String(), "geheim") {
		t.Errorf("it is shown: %s", c)
	}
	for flag, value := range c.Flags() {
		if strings.Contains(value, "geheim") {
			t.Errorf("--%s shows it: %s", flag, value)
		}
	}
}
