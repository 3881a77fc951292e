package statuspage

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

func derive(t *testing.T, path string) *Derived {
	t.Helper()
	d, err := OpenDerived(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func see(t *testing.T, d *Derived, at time.Time, cs ...Observed) []PublicIncident {
	t.Helper()
	got, err := d.Incidents(t.Context(), Observation{At: at, Components: cs})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDerivedIncident(t *testing.T) {
	path := filepath.Join(t.TempDir(), "i")
	d := derive(t, path)
	api := Observed{ID: "api", Name: Text{En: "API", Zh: "接口"}, State: Operational}
	web := Observed{ID: "web", Name: Text{En: "Web"}, State: Operational}
	if got := see(t, d, testNow, api, web); len(got) != 0 {
		t.Fatalf("incidents without trouble: %+v", got)
	}
	api.State, api.Since = Degraded, testNow.Add(-time.Minute)
	got := see(t, d, testNow, api, web)
	if len(got) != 1 || !got[0].Open() || got[0].ID != "api_20261125T100130Z" || !got[0].StartedAt.Equal(testNow.Add(-time.Minute)) || got[0].Title != (Text{"API does not work as it should", "接口 部分异常"}) {
		t.Fatalf("got %+v", got)
	}
	if got := see(t, d, testNow.Add(time.Second), api, web); len(got[0].Updates) != 1 {
		t.Errorf("an update without news: %+v", got)
	}
	api.State, api.Said = Outage, []string{"b", "a", "b", " ", "c\x00d"}
	got = see(t, d, testNow.Add(time.Minute), api, web)
	if i := got[0]; i.Impact != Outage || i.Title.En != "API is down" || len(i.Updates) != 2 || i.Updates[1].Text.En != "a b c d" {
		t.Errorf("got %+v", i)
	}
	api.State, api.Said = Degraded, nil
	got = see(t, d, testNow.Add(2*time.Minute), api, web)
	if i := got[0]; i.Impact != Outage || len(i.Updates) != 3 || i.Updates[2].State != Degraded {
		t.Errorf("got %+v", i)
	}
	// A restart in between forgets nothing.
	d = derive(t, path)
	api.State = Operational
	got = see(t, d, testNow.Add(3*time.Minute), api, web)
	if i := got[0]; i.Open() || !i.ResolvedAt.Equal(testNow.Add(3*time.Minute)) || i.Updates[3].State != Operational {
		t.Errorf("got %+v", i)
	}
	// Soon after it goes on; later it is a new one.
	api.State = Degraded
	got = see(t, d, testNow.Add(4*time.Minute), api, web)
	if len(got) != 1 || !got[0].Open() || len(got[0].Updates) != 5 {
		t.Errorf("reopened: %+v", got)
	}
	api.State = Maintenance
	see(t, d, testNow.Add(5*time.Minute), api, web)
	api.State, api.Since = Degraded, testNow.Add(time.Hour)
	got = see(t, d, testNow.Add(time.Hour), api, web)
	if len(got) != 2 || !got[0].Open() || got[1].Open() || got[0].ID == got[1].ID {
		t.Errorf("a second one: %+v", got)
	}
	// A component that is no longer configured ends its incident.
	got = see(t, d, testNow.Add(2*time.Hour), web)
	if got[0].Open() {
		t.Errorf("still open: %+v", got[0])
	}
	if got := see(t, d, testNow.AddDate(0, 0, Days+1), web); len(got) != 0 {
		t.Errorf("%d incidents are older than the history", len(got))
	}
}

// TestTaken says once that people are working on it, and not who.
func TestTaken(t *testing.T) {
	d := derive(t, filepath.Join(t.TempDir(), "i"))
	api := Observed{ID: "api", Name: Text{En: "API"}, State: Outage, Said: []string{"Some requests fail."}, Taken: true}
	got := see(t, d, testNow, api)
	if n := len(got[0].Updates); n != 2 || got[0].Updates[1].Text != (Text{"We are working on it.", "我们正在处理。"}) || got[0].Updates[1].State != Outage {
		t.Fatalf("got %+v", got)
	}
	if got = see(t, d, testNow.Add(time.Minute), api); len(got[0].Updates) != 2 {
		t.Errorf("an update without news: %+v", got)
	}
	api.State = Degraded
	if got = see(t, d, testNow.Add(2*time.Minute), api); len(got[0].Updates) != 3 || got[0].Updates[2].Text.En != "Some requests fail." {
		t.Errorf("got %+v", got)
	}
	// Of what is over nobody is told so.
	api = Observed{ID: "api", State: Operational, Taken: true}
	if got = see(t, d, testNow.Add(3*time.Minute), api); len(got[0].Updates) != 4 || got[0].Open() {
		t.Errorf("got %+v", got)
	}
}

// TestFalseAlarm ends what was published, and says why.
func TestFalseAlarm(t *testing.T) {
	const api = "api"
	s := &Settings{Components: []ComponentSettings{{ID: api, Name: Text{En: "API"}, State: func(ls map[string]string) State {
		return map[string]State{"critical": Outage, "warning": Degraded}[ls["severity"]]
	}}}}
	real := func(severity string, mistaken bool) ActiveAlert {
		return ActiveAlert{Labels: map[string]string{"severity": severity}, StartsAt: testNow, FalseAlarm: mistaken}
	}
	d := derive(t, filepath.Join(t.TempDir(), "i"))
	at := testNow
	next := func(alerts ...ActiveAlert) []PublicIncident {
		t.Helper()
		at = at.Add(time.Minute)
		return see(t, d, at, observe(s, alerts, nil, at).Components...)
	}
	if got := next(real("critical", true), real("info", false)); len(got) > 0 {
		t.Fatalf("a false alarm is published: %+v", got)
	}
	next(real("critical", false), real("warning", false))
	got := next(real("critical", true), real("warning", false))
	if last := got[0].Updates[len(got[0].Updates)-1]; !got[0].Open() || last.State != Degraded || last.Text != (Text{}) {
		t.Errorf("what is left: %+v", got[0])
	}
	got = next(real("critical", true), real("warning", true))
	if last := got[0].Updates[len(got[0].Updates)-1]; got[0].Open() || last.State != Operational || last.Text != (Text{"This was a false alarm.", "这是一次误报。"}) {
		t.Errorf("after the verdict: %+v", got[0])
	}
	// A verdict that is taken back brings it back.
	if got = next(real("critical", false)); len(got) != 1 || !got[0].Open() {
		t.Errorf("after the verdict was taken back: %+v", got)
	}
	// One that ends by itself was none.
	got = next()
	if last := got[0].Updates[len(got[0].Updates)-1]; got[0].Open() || last.Text != (Text{}) {
		t.Errorf("after its end: %+v", got[0])
	}
}

func TestDerivedIsBounded(t *testing.T) {
	d := derive(t, filepath.Join(t.TempDir(), "i"))
	d.d = unsynced{}
	api := Observed{ID: "api", State: Outage, Said: []string{strings.Repeat("x", 10_000), "1", "2", "3", "4", "5", "6"}}
	at := testNow
	for n := range 3 * maxUpdates {
		api.State = []State{Outage, Degraded}[n%2]
		see(t, d, at, api)
		at = at.Add(time.Second)
	}
	got := see(t, d, at, api)
	if n := len(got[0].Updates); n != maxUpdates {
		t.Errorf("%d updates", n)
	}
	if n := len(got[0].Updates[0].Text.En); n > 6*maxSaid || got[0].Updates[0].At != testNow {
		t.Errorf("a text of %d bytes; the first update is of %s", n, got[0].Updates[0].At)
	}
	api.Said = nil
	for range maxIncidents + 10 {
		at = at.Add(10 * time.Minute)
		api.State, api.Since = Outage, time.Time{}
		see(t, d, at, api)
		api.State = Operational
		at = at.Add(time.Second)
		see(t, d, at, api)
	}
	if got := see(t, d, at, api); len(got) != maxIncidents {
		t.Errorf("%d incidents", len(got))
	}
}

func TestDerivedFromADamagedFile(t *testing.T) {
	for _, text := range []string{"[{", `[{"id":"a"}]`, `{}`} {
		path := filepath.Join(t.TempDir(), "i")
		put(t, path, text)
		d := derive(t, path)
		if got := see(t, d, testNow); len(got) != 0 {
			t.Errorf("%s: %+v", text, got)
		}
		if raw, err := os.ReadFile(path + ".damaged"); err != nil || string(raw) != text {
			t.Errorf("%s is not set aside: %v", text, err)
		}
	}
}

// TestDerivedOnAFailingDisk goes on in memory, and writes once it can.
func TestDerivedOnAFailingDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "i")
	disk := &failing{}
	d, err := openDerived(disk, path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	api := Observed{ID: "api", State: Outage}
	got, err := d.Incidents(t.Context(), Observation{At: testNow, Components: []Observed{api}})
	if err == nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	disk.after(1 << 30)
	see(t, d, testNow.Add(time.Second), api)
	if got := see(t, derive(t, path), testNow.Add(2*time.Second), api); len(got) != 1 || !got[0].StartedAt.Equal(testNow) {
		t.Errorf("after a restart: %+v", got)
	}
}

// unsynced is a disk that waits for nothing, for a test that writes often.
type unsynced struct{ systemDisk }

func (unsynced) CreateTemp(dir, pattern string) (file, error) {
	f, err := os.CreateTemp(dir, pattern)
	return unsyncedFile{f}, err
}

type unsyncedFile struct{ *os.File }

func (unsyncedFile) Sync() error { return nil }
