package channel

import (
	"testing"
	"time"
)

// A message says since when something is bad, also where the rule waits.
func TestMeasured(t *testing.T) {
	at := time.Date(2026, 11, 27, 15, 17, 11, 919e6, time.UTC)
	for _, c := range []struct {
		language string
		active   time.Time
		want     string
	}{
		{"en", time.Time{}, "sample of 15:17:11.919, judged 4 ms later, told after 9 ms"},
		{"en", at, "sample of 15:17:11.919, judged 4 ms later, told after 9 ms"},
		{"en", at.Add(-6 * time.Second), "bad since 15:17:05.919, waited 6 s as the rule says, judged 4 ms later, told after 9 ms"},
		{"zh", at.Add(-6 * time.Second), "自 15:17:05.919 起异常，按规则等待 6秒，4ms后判定，9ms后发出"},
	} {
		w := languages[c.language]
		if got := w.measured(Timing{Active: c.active, Sample: at, Decided: at.Add(4 * time.Millisecond), Sent: at.Add(9 * time.Millisecond)}, time.UTC); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
