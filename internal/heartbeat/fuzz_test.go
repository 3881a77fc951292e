package heartbeat

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzURL wants of every text either a URL that a request can be made to, or
// an error that repeats nothing of it.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"https://h/a?b", " http://u:p@h ", "http://", "ftp://h", "http://h h", "http://[::1]:80/", "http://%zz", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := checkURL(text)
		if err != nil {
			if err.Error() != "expected one URL that begins with http:// or https://" {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if u, err := url.Parse(got); err != nil || u.Host == "" || got != strings.TrimSpace(text) {
			t.Errorf("%q is taken as %q: %v", text, got, err)
		}
	})
}

// FuzzJudge gives what a stranger may answer. A verdict of good health needs
// an answer that says so.
func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"instance_id":"a","alive":true,"sequence":1,"interval_seconds":1e308}`))
	f.Add([]byte(`{"instance_id":"a","starting":true,"interval_seconds":-1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s Status
		if json.Unmarshal(raw, &s) != nil {
			return
		}
		i, now := &instance{}, time.Now()
		_ = i.judge(s, now)
		if err := i.judge(s, now.Add(4*time.Hour)); err == nil {
			t.Errorf("alive without a beat for four hours: %+v", s)
		}
	})
}
