package statuspage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

type states = map[string]State

func reopen(t *testing.T, path string) *history {
	t.Helper()
	h, bad, err := openHistory(systemDisk{}, path)
	if err != nil || bad > 0 {
		t.Fatalf("%d records cannot be read: %v", bad, err)
	}
	t.Cleanup(func() {
		if h.f != nil {
			_ = h.f.Close()
		}
	})
	return h
}

// live notes the same states every minute until a time.
func live(t *testing.T, h *history, from, to time.Time, s states) {
	t.Helper()
	for ; !from.After(to); from = from.Add(time.Minute) {
		if err := h.note(from, s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	h := reopen(t, path)
	at := time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)
	live(t, h, at, at.Add(30*time.Minute), states{"api": Operational, "web": Operational})
	live(t, h, at.Add(30*time.Minute), at.Add(90*time.Minute), states{"api": Outage, "web": Degraded})
	live(t, h, at.Add(90*time.Minute), at.Add(120*time.Minute), states{"api": Operational, "web": Maintenance})
	end := at.Add(120 * time.Minute)
	want := func(h *history, component string, back int, worst State, down, measured time.Duration) {
		t.Helper()
		days := h.shown(component, end)
		d := days[Days-1-back]
		if len(days) != Days || d.Worst != worst || d.Down != down || d.Measured != measured || !d.Date.Equal(day(end).AddDate(0, 0, -back)) {
			t.Errorf("%s, %d days back: %+v", component, back, d)
		}
	}
	check := func(h *history) {
		t.Helper()
		want(h, "api", 1, Outage, 30*time.Minute, time.Hour)
		want(h, "api", 0, Outage, 30*time.Minute, time.Hour)
		want(h, "web", 1, Degraded, 0, time.Hour)
		want(h, "web", 0, Degraded, 0, time.Hour)
		want(h, "api", 2, NotMeasured, 0, 0)
		want(h, "none", 0, NotMeasured, 0, 0)
	}
	check(h)
	// A kill: what was written is all that there is, and the time until the
	// next look is not measured.
	again := reopen(t, path)
	check(again)
	if !reflect.DeepEqual(again.states, states{"api": Operational, "web": Maintenance}) {
		t.Errorf("states after a restart: %v", again.states)
	}
	if err := again.note(end.Add(40*time.Second), states{"api": Operational, "web": Operational}); err != nil {
		t.Fatal(err)
	}
	want(again, "api", 0, Outage, 30*time.Minute, time.Hour)
	// A clean stop.
	if err := again.stop(end.Add(70 * time.Second)); err != nil {
		t.Fatal(err)
	}
	want(again, "api", 0, Outage, 30*time.Minute, time.Hour+30*time.Second)
	third := reopen(t, path)
	want(third, "api", 0, Outage, 30*time.Minute, time.Hour+30*time.Second)
}

func TestHistoryGapsAndClocks(t *testing.T) {
	h := reopen(t, filepath.Join(t.TempDir(), "h"))
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	measured := func(want time.Duration) {
		t.Helper()
		if got := h.shown("a", at)[Days-1].Measured; got != want {
			t.Errorf("%s measured, want %s", got, want)
		}
	}
	s := states{"a": Operational}
	live(t, h, at, at.Add(10*time.Minute), s)
	measured(10 * time.Minute)
	live(t, h, at.Add(time.Hour), at.Add(time.Hour), s) // the host slept
	measured(10 * time.Minute)
	live(t, h, at.Add(time.Hour), at.Add(61*time.Minute), s)
	measured(11 * time.Minute)
	live(t, h, at.Add(-time.Hour), at.Add(-59*time.Minute), s) // the clock was set back
	measured(12 * time.Minute)
	// An outage of a moment is one.
	if err := h.note(at.Add(-59*time.Minute), states{"a": Outage}); err != nil {
		t.Fatal(err)
	}
	if err := h.note(at.Add(-59*time.Minute), s); err != nil {
		t.Fatal(err)
	}
	if d := h.shown("a", at)[Days-1]; d.Worst != Outage || d.Down != 0 {
		t.Errorf("got %+v", d)
	}
}

// TestHistoryStaysSmall runs a hundred days, with a change every few hours.
func TestHistoryStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	h := reopen(t, path)
	h.above = 16 << 10
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	largest := int64(0)
	for n := range 100 * 8 {
		at = at.Add(time.Minute)
		if err := h.note(at, states{"a": []State{Operational, Outage}[n%2], "b": Operational}); err != nil {
			t.Fatal(err)
		}
		at = at.Add(3*time.Hour - time.Minute)
		h.last = at // as if looked at in between
		largest = max(largest, h.size)
	}
	if largest > h.above+1000 {
		t.Errorf("the journal grew to %d bytes", largest)
	}
	if n := len(h.days["a"]); n > Days+8 {
		t.Errorf("%d days are kept", n)
	}
	if d := h.shown("a", at)[0]; d.Worst != Outage {
		t.Errorf("the oldest day is %+v", d)
	}
}

func TestHistoryOfADamagedJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	h := reopen(t, path)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	live(t, h, at, at.Add(10*time.Minute), states{"a": Operational})
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(raw), "\n")
	lines[3] = "garbage\n"
	lines = append(lines, `{"at":"2026-03-01T12:11`)
	put(t, path, strings.Join(lines, ""))
	h2, bad, err := openHistory(systemDisk{}, path)
	if err != nil || bad != 2 {
		t.Fatalf("%d bad records, %v", bad, err)
	}
	defer func() { _ = h2.f.Close() }()
	// The minute around the damaged record is longer than what counts as looked at.
	if d := h2.shown("a", at)[Days-1]; d.Measured != 8*time.Minute || d.Worst != Operational {
		t.Errorf("got %+v", d)
	}
	if raw, err := os.ReadFile(path); err != nil || bytes.Contains(raw, []byte("garbage")) {
		t.Errorf("the damage stays: %s %v", raw, err)
	}
}

// TestHistoryOnAFailingDisk counts in memory, and writes all once it can.
func TestHistoryOnAFailingDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	h := reopen(t, path)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	live(t, h, at, at.Add(5*time.Minute), states{"a": Operational})
	disk := &failing{}
	h.d = disk
	if err := h.f.Close(); err != nil { // the file cannot be written
		t.Fatal(err)
	}
	for n := range 5 {
		if err := h.note(at.Add(time.Duration(6+n)*time.Minute), states{"a": Outage}); err == nil {
			t.Fatal("a write to a disk that is gone succeeds")
		}
	}
	disk.after(1 << 30)
	if err := h.note(at.Add(11*time.Minute), states{"a": Operational}); err != nil {
		t.Fatal(err)
	}
	again := reopen(t, path)
	for _, h := range []*history{h, again} {
		if d := h.shown("a", at)[Days-1]; d.Down != 5*time.Minute || d.Measured != 11*time.Minute {
			t.Errorf("got %+v", d)
		}
	}
}

func FuzzHistory(f *testing.F) {
	f.Add([]byte(`{"at":"2026-03-01T12:00:00Z","states":{"a":"outage"}}` + "\n" + `{"at":"2026-03-01T12:01:00Z"}`))
	f.Add([]byte(`{"day":"2026-03-01","component":"a","worst":"outage","down_seconds":1e9}` + "\n" + `{"at":"9999-12-31T23:59:59Z","states":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := &history{days: map[string]map[string]*Day{}, states: map[string]State{}}
		h.replay(bytes.NewReader(raw))
		h.prune()
		now := h.last
		for c := range h.days {
			for _, d := range h.shown(c, now) {
				if d.Down < 0 || d.Measured < 0 || d.Down > 24*time.Hour || d.Measured > 24*time.Hour {
					t.Errorf("%s: %+v", c, d)
				}
			}
		}
		if len(fmt.Sprint(h.states)) > 10*len(raw)+10 {
			t.Error("states out of nothing")
		}
	})
}
