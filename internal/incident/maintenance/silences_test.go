package maintenance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/state"
	"touchline.dev/touchline/internal/state/statetest"
)

func (b *bench) create(name string, d time.Duration) Window {
	b.t.Helper()
	w, err := b.Create(b.t.Context(), Window{Name: name, Matchers: []string{"a=b"}, Duration: d}, "anna")
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bench) lasting(name string) Window {
	return Window{Name: name, Matchers: []string{"a=b"}, TimeZone: "UTC", Start: b.now.Add(-time.Minute), Duration: time.Hour}
}

// has checks which silences are active, and how many were made.
func (b *bench) has(active string, made int) {
	b.t.Helper()
	if got := b.am.active(); got != active || b.am.n != made {
		b.t.Errorf("%d silences were made, of which there are %q; want %d and %q", b.am.n, got, made, active)
	}
}

// looksAt is how many windows each look reads.
func (b *bench) looksAt() (n int) {
	b.t.Helper()
	if err := b.o.DB.Read(b.t.Context(), func(q state.Querier) error {
		ws, err := b.all(b.t.Context(), q)
		n = len(ws)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// Requests work side by side with each other and with the loops of two replicas.
func TestSideBySide(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		b := newBench(t, db)
		b.files = []Window{b.lasting("file")}
		b.am.silences["somebody's"] = Silence{Comment: "somebody's", To: b.now.Add(time.Minute)}
		other := b.replica(db)
		b.Start()
		other.Start()
		var wg sync.WaitGroup
		for k := range 8 {
			wg.Go(func() {
				w, err := b.Create(t.Context(), Window{Name: fmt.Sprint(k), Matchers: []string{"a=b"}, Duration: 10 * time.Minute}, "anna")
				if err != nil {
					t.Error(err)
					return
				}
				b.Wake()
				other.Wake()
				if got := b.am.active(); !strings.Contains(got, "Maintenance: "+w.Name) {
					t.Errorf("window %s is made, and there is %q", w.Name, got)
				}
				if _, err := other.End(t.Context(), w.ID, w.Version, "anna"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, s := range []*Service{b.Service, other} {
			if err := s.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		b.wait(time.Second)
		b.has("Maintenance: file, somebody's", 9)
	})
}

// While one replica makes the silence of a window, no other makes one.
func TestClaim(t *testing.T) {
	statetest.Run(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		b := newBench(t, db)
		other := b.replica(db)
		b.am.making = func(ctx context.Context, _ Silence) error { return other.work(ctx) }
		b.files = []Window{b.lasting("file")}
		b.wait(time.Second)
		b.create("deploy", time.Hour)
		b.has("Maintenance: deploy, Maintenance: file", 2)
	})
}

// A window that is ended while its silence is being made leaves none.
func TestEndedWhileItBegins(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.am.making = func(ctx context.Context, _ Silence) error {
			_, err := b.End(ctx, 1, 0, "li")
			return err
		}
		w := b.create("deploy", time.Hour)
		b.has("", 1)
		if w, err := b.Get(t.Context(), w.ID); err != nil || w.EndedAt.IsZero() {
			t.Errorf("%+v, %v", w, err)
		}
	})
}

// A replica that has yet to hear of a silence waits for it, and ends it.
func TestEndedElsewhere(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		first, second := b.create("first", time.Hour), b.create("second", time.Hour)
		b.am.unknown = 2
		if _, err := b.End(t.Context(), first.ID, 0, "anna"); err != nil {
			t.Error(err)
		}
		b.has("Maintenance: second", 2)
		b.am.unknown = 1000
		b.patience = 100 * time.Millisecond
		if _, err := b.End(t.Context(), second.ID, 0, "anna"); !errors.Is(err, ErrNoSilence) {
			t.Errorf("a silence that does not come: %v", err)
		}
		b.am.unknown = 0
		b.wait(time.Second)
		b.has("", 2)
		// One that was there long enough is gone for good.
		third := b.create("third", time.Hour)
		b.wait(lease)
		b.am.unknown = 1000
		if _, err := b.End(t.Context(), third.ID, 0, "anna"); err != nil {
			t.Error(err)
		}
	})
}

// A silence that nobody would remember is not left.
func TestNotNoted(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.am.making = func(context.Context, Silence) error { return b.o.DB.Close() }
		if _, err := b.Create(t.Context(), Window{Name: "deploy", Matchers: []string{"a=b"}, Duration: time.Hour}, "anna"); err == nil || !strings.Contains(err.Error(), "not in force yet") {
			t.Error(err)
		}
		b.has("", 1)
	})
}

// A claim that took too long is another's, and so is the silence.
func TestClaimRunsOut(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.files = []Window{b.lasting("file")}
		b.am.making = func(ctx context.Context, _ Silence) error {
			b.am.making = nil
			b.now = b.now.Add(2 * time.Minute)
			return b.work(ctx)
		}
		if err := b.work(t.Context()); err == nil || !strings.Contains(err.Error(), "longer than the claim") {
			t.Error(err)
		}
		b.has("Maintenance: file", 2)
		b.wait(time.Second)
		b.has("Maintenance: file", 2)
	})
}

// An Alertmanager that does not answer holds nothing up. It may have made the
// silence, so it is not asked each time.
func TestAlertmanagerHangs(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.files = []Window{b.lasting("file")}
		asked := 0
		b.am.making = func(ctx context.Context, _ Silence) error {
			asked++
			<-ctx.Done()
			return ctx.Err()
		}
		b.patience = 100 * time.Millisecond
		if err := b.work(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		b.patience = patience
		b.wait(5 * time.Second)
		if asked != 1 {
			t.Errorf("it was asked %d times", asked)
		}
		b.am.making = nil
		b.wait(lease)
		b.has("Maintenance: file", 1)
	})
}

// A claim of a process that is gone does not hold up the next one of a database
// that only one has.
func TestClaimOfBefore(t *testing.T) {
	over(t, func(t *testing.T, b *bench, reopen func()) {
		b.files = []Window{b.lasting("file")}
		b.am.making = func(context.Context, Silence) error { panic("killed") }
		func() {
			defer func() { _ = recover() }()
			_ = b.work(t.Context())
		}()
		b.am.making = nil
		b.now = b.now.Add(time.Second)
		reopen()
		b.wait(time.Second)
		if b.o.DB.Kind() != "sqlite" {
			b.has("", 0)
			b.wait(lease)
		}
		b.has("Maintenance: file", 1)
	})
}

// A database that does not answer is not waited for.
func TestDatabaseHangs(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.files = []Window{b.lasting("file")}
		b.patience = 100 * time.Millisecond
		locked, done := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			// Another transaction that has the row, and is not committed.
			_ = b.o.DB.Write(t.Context(), func(tx *state.Tx) error {
				w := b.files[0]
				w.Source = "file"
				o, err := w.occurrence(b.now)
				if err == nil {
					_, err = b.claim(t.Context(), tx, o)
				}
				if err != nil {
					t.Error(err)
				}
				close(locked)
				<-done
				return errors.New("undone")
			})
		})
		<-locked
		began := time.Now()
		if err := b.work(context.Background()); err == nil {
			t.Error("a database that hangs is no error")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it was waited for %s", took)
		}
		close(done)
		wg.Wait()
		b.patience = patience
		b.wait(time.Second)
		b.has("Maintenance: file", 1)
	})
}

// What a reload corrects in a window that lasts is in force after it.
func TestWindowOfAFileIsCorrected(t *testing.T) {
	over(t, func(t *testing.T, b *bench, reopen func()) {
		b.files = []Window{b.lasting("file")}
		b.wait(time.Second)
		b.files[0].Matchers = []string{"a=c"}
		b.wait(time.Second)
		b.has("Maintenance: file", 2)
		if got := b.am.silences["silence-2"].Matchers; !slices.Equal(got, []string{"a=c"}) {
			t.Errorf("%q is silenced", got)
		}
		reopen()
		b.wait(time.Second)
		b.has("Maintenance: file", 2)
		b.files[0].Comment = "disks"
		b.am.ending = errors.New("connection refused")
		if err := b.work(t.Context()); err == nil {
			t.Error("a silence that cannot be ended is no error")
		}
		b.has("Maintenance: file, Maintenance: file (disks)", 3)
		b.am.ending = nil
		b.wait(time.Second)
		b.has("Maintenance: file (disks)", 3)
		b.files[0].Comment = ""
		b.wait(time.Second)
		b.has("Maintenance: file", 4)
	})
}

// A silence of an earlier version's is replaced, not doubled.
func TestSilenceOfBefore(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.files = []Window{b.lasting("file")}
		b.am.silences["old"] = Silence{Comment: "old", To: b.now.Add(time.Hour)}
		if err := b.o.DB.Write(t.Context(), func(tx *state.Tx) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO maintenance_silences (source, begins, digest, ends, silence, lease) VALUES ($1, $2, '', $3, $4, 0)",
				"file/file", state.Micros(b.files[0].Start), state.Micros(b.now.Add(59*time.Minute)), "old")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Second)
		b.has("Maintenance: file", 1)
	})
}

// A replica that is not the first makes the silences of its own API, which no
// other knows of, and leaves those of the file to the first.
func TestNotTheFirst(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.mine = false
		b.files = []Window{b.lasting("file")}
		w := b.create("deploy", 9*time.Minute)
		b.wait(time.Second)
		b.has("Maintenance: deploy", 1)
		if len(b.am.told) > 0 {
			t.Errorf("announced %q", b.am.told)
		}
		if _, err := b.End(t.Context(), w.ID, 0, "anna"); err != nil {
			t.Error(err)
		}
		b.has("", 1)
		b.mine = true
		b.wait(time.Second)
		b.has("Maintenance: file", 2)
		// What it has made as the first it ends, also when it is not any more.
		b.mine, b.files = false, nil
		b.wait(time.Second)
		b.has("", 2)
	})
}

// Whoever makes a window hears of that window.
func TestFaultsOfOthers(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		b.am.silences["somebody's"] = Silence{Comment: "somebody's", To: b.now.Add(time.Minute)}
		b.am.telling = errors.New("503")
		b.files = []Window{b.lasting("file")}
		b.am.making = func(_ context.Context, s Silence) error {
			if strings.HasSuffix(s.Comment, "file") {
				return errors.New("400")
			}
			return nil
		}
		w := b.create("deploy", time.Hour)
		b.has("Maintenance: deploy, somebody's", 1)
		if _, err := b.End(t.Context(), w.ID, 0, "anna"); err != nil {
			t.Error(err)
		}
		b.has("somebody's", 1)
		if err := b.work(t.Context()); err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "400") {
			t.Errorf("the loop hears %v", err)
		}
	})
}

// A window of which nothing more can come has ended, though nobody has ended it.
func TestLapsed(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		ctx := t.Context()
		start := b.now
		b.create("once", 10*time.Minute)
		if _, err := b.Create(ctx, Window{Name: "thrice", Matchers: []string{"a=b"}, Duration: 30 * time.Minute, RRule: "FREQ=DAILY;COUNT=3"}, "anna"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Create(ctx, Window{Name: "often", Matchers: []string{"a=b"}, Duration: 30 * time.Minute, RRule: "FREQ=HOURLY;UNTIL=20270301T000000Z"}, "anna"); err != nil {
			t.Fatal(err)
		}
		b.wait(24 * time.Hour)
		if n := b.looksAt(); n != 2 {
			t.Errorf("on the second day it looks at %d windows", n)
		}
		b.wait(200 * 24 * time.Hour)
		if n := b.looksAt(); n != 0 {
			t.Errorf("after the last occurrence it looks at %d windows", n)
		}
		ends := map[string]time.Time{"once": start.Add(10 * time.Minute), "thrice": start.Add(48*time.Hour + 30*time.Minute), "often": time.Date(2027, 3, 1, 0, 30, 0, 0, time.UTC)}
		ws, err := b.List(ctx, true)
		if err != nil || len(ws) != 3 {
			t.Fatalf("%+v, %v", ws, err)
		}
		for _, w := range ws {
			if !w.EndedAt.Equal(ends[w.Name]) || w.Version != 1 || w.Active || !w.Next.IsZero() {
				t.Errorf("%+v; its last occurrence ended at %s", w, ends[w.Name])
			}
		}
		if ws, err := b.List(ctx, false); err != nil || len(ws) != 0 {
			t.Errorf("%+v, %v", ws, err)
		}
		if len(b.audit) != 3 {
			t.Errorf("audit: %q", b.audit)
		}
		// A command that ends later finds it ended.
		if w, err := b.End(ctx, 1, 1, "anna"); err != nil || !w.EndedAt.Equal(ends["once"]) {
			t.Errorf("%+v, %v", w, err)
		}
		b.wait(2 * kept)
		if ws, err := b.List(ctx, true); err != nil || len(ws) != 0 {
			t.Errorf("long after: %+v, %v", ws, err)
		}
	})
}

// What is long over is forgotten once an hour, whichever minute it is.
func TestForget(t *testing.T) {
	over(t, func(t *testing.T, b *bench, _ func()) {
		ctx := t.Context()
		old := func() int {
			t.Helper()
			ds, err := b.Deploys(ctx, time.Unix(0, 0), b.now.Add(-kept))
			if err != nil {
				t.Fatal(err)
			}
			return len(ds)
		}
		note := func() {
			t.Helper()
			if _, err := b.Deploy(ctx, incident.Deploy{Title: "x", At: b.now.Add(-2 * kept)}, "anna"); err != nil {
				t.Fatal(err)
			}
		}
		b.now = b.now.Add(-10 * time.Minute)
		note()
		b.wait(0)
		if n := old(); n != 0 {
			t.Errorf("at start %d are left", n)
		}
		note()
		b.wait(10 * time.Minute)
		if n := old(); n != 1 {
			t.Errorf("a few minutes later %d are left", n)
		}
		b.wait(50 * time.Minute)
		if n := old(); n != 0 {
			t.Errorf("an hour later %d are left", n)
		}
	})
}
