package alerting

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// crashed copies the directory of a running Alertmanager: what a kill would leave.
func crashed(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// childDir names the variable that makes the test binary write silences into a
// directory until it is killed.
const childDir = "TOUCHLINE_ALERTING_CHILD_DIR"

// child prints the identifier of each silence that was acknowledged.
func child(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	a, err := New(Options{DataDir: dir, ExternalURL: &url.URL{Scheme: "http", Host: "localhost"}, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	fail(err)
	f, err := Parse([]byte(quiet))
	fail(err)
	c, err := a.Prepare(f)
	fail(err)
	c.Apply()
	fail(a.Start(context.Background()))
	for n := 0; ; n++ {
		w := httptest.NewRecorder()
		a.Handler("/").ServeHTTP(w, silenceRequest(fmt.Sprint("Down", n)))
		var answer struct{ SilenceID string }
		if w.Code != http.StatusOK {
			fail(errors.New(w.Body.String()))
		}
		fail(json.Unmarshal(w.Body.Bytes(), &answer))
		fmt.Println(answer.SilenceID)
		if n%50 == 30 {
			_, err := a.journals[silenceJournal].compact()
			fail(err)
		}
	}
}

func TestAcknowledgedSilencesSurviveKills(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, n := bufio.NewScanner(out), 0
		for lines.Scan() {
			acknowledged[lines.Text()] = true
			if n++; n == 20+round*37 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || n < 20 {
			t.Fatalf("round %d: the child ended by itself after %d silences: %v", round, n, err)
		}
	}
	a := testAlertmanager(t, dir, quiet, nil)
	for id := range acknowledged {
		w := httptest.NewRecorder()
		a.Handler("/").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v2/silence/"+id, nil))
		if w.Code != http.StatusOK {
			t.Errorf("silence %s was acknowledged and is lost: %d", id, w.Code)
		}
	}
	t.Logf("%d silences acknowledged in 5 rounds", len(acknowledged))
}

func TestUnfinishedEndIsCutOff(t *testing.T) {
	dir := t.TempDir()
	a := testAlertmanager(t, dir, quiet, nil)
	postSilence(t, a, "X", http.StatusOK)
	postSilence(t, a, "Y", http.StatusOK)
	left := crashed(t, dir)
	path := filepath.Join(left, "silences.journal")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw[:len(raw)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	b := testAlertmanager(t, left, quiet, nil)
	if n := silences(t, b); n != 1 {
		t.Errorf("got %d silences, want the one before the damage", n)
	}
	m := b.journals[silenceJournal].m
	if torn, bad := testutil.ToFloat64(m.torn.WithLabelValues("silences")), testutil.ToFloat64(m.corrupt.WithLabelValues("silences")); torn != 1 || bad != 0 {
		t.Errorf("counted %v torn and %v damaged, want 1 and 0", torn, bad)
	}
	postSilence(t, b, "Z", http.StatusOK)
	if n := silences(t, testAlertmanager(t, crashed(t, left), quiet, nil)); n != 2 {
		t.Errorf("got %d silences after another kill, want 2", n)
	}
}

func TestDamageTakesOnlyWhatItHits(t *testing.T) {
	dir := t.TempDir()
	a := testAlertmanager(t, dir, quiet, nil)
	var ends []int64
	for n := range 5 {
		postSilence(t, a, fmt.Sprint("X", n), http.StatusOK)
		ends = append(ends, a.journals[silenceJournal].size)
	}
	for name, damage := range map[string]func([]byte){
		"body":   func(b []byte) { b[ends[1]+40] ^= 0xff },
		"length": func(b []byte) { binary.BigEndian.PutUint32(b[ends[1]+4:], 1<<30) },
		"marker": func(b []byte) { b[ends[1]] = 0 },
		"zeros":  func(b []byte) { clear(b[ends[1]:ends[2]]) },
	} {
		t.Run(name, func(t *testing.T) {
			left := crashed(t, dir)
			path := filepath.Join(left, "silences.journal")
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damage(raw)
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			b := testAlertmanager(t, left, quiet, nil)
			if n := silences(t, b); n != 4 {
				t.Errorf("got %d silences, want the 4 that were not hit", n)
			}
			if n := testutil.ToFloat64(b.journals[silenceJournal].m.corrupt.WithLabelValues("silences")); n != 1 {
				t.Errorf("counted %v damaged stretches, want 1", n)
			}
			kept, err := os.ReadFile(path + ".damaged")
			if err != nil || !bytes.Equal(kept, raw) {
				t.Errorf("the damaged journal was not kept: %v", err)
			}
		})
	}
}

func TestJournalOfANewerBuildIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "silences.journal"), []byte(journalMagic+"\x00\x63"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(Options{DataDir: dir, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	if !errors.Is(err, errNewerJournal) {
		t.Errorf("got %v", err)
	}
}

// fullDisk fails writes while full is set, after half of the bytes.
type fullDisk struct {
	file
	full *atomic.Bool
}

func (f fullDisk) Write(b []byte) (int, error) {
	if !f.full.Load() {
		return f.file.Write(b)
	}
	n, err := f.file.Write(b[:len(b)/2])
	return n, errors.Join(err, syscall.ENOSPC)
}

func TestFullDiskIsNoAcknowledgement(t *testing.T) {
	dir := t.TempDir()
	var full atomic.Bool
	a := testAlertmanager(t, dir, quiet, func(o *Options) {
		o.open = func(name string, flag int) (file, error) {
			f, err := openFile(name, flag)
			return fullDisk{f, &full}, err
		}
	})
	id := postSilence(t, a, "Before", http.StatusOK)
	remove := func(want int) {
		t.Helper()
		w := httptest.NewRecorder()
		a.Handler("/").ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/api/v2/silence/"+id, nil))
		if w.Code != want {
			t.Fatalf("delete silence: %d %s", w.Code, w.Body)
		}
	}
	full.Store(true)
	postSilence(t, a, "X", http.StatusInternalServerError)
	remove(http.StatusInternalServerError)
	if n := testutil.ToFloat64(a.journals[silenceJournal].m.failures.WithLabelValues("silences")); n != 2 {
		t.Errorf("counted %v failures, want 2", n)
	}
	full.Store(false)
	// The silence is already gone from memory; the second attempt must not be
	// acknowledged unless the disk knows of it, too.
	remove(http.StatusOK)
	b := testAlertmanager(t, crashed(t, dir), quiet, nil)
	w := httptest.NewRecorder()
	b.Handler("/").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v2/silence/"+id, nil))
	var s struct{ Status struct{ State string } }
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || s.Status.State != "expired" {
		t.Errorf("silence is %q after a kill, want expired: %v %s", s.Status.State, err, w.Body)
	}
}

func TestCompactionKeepsWhatCameDuringIt(t *testing.T) {
	dir := t.TempDir()
	a := testAlertmanager(t, dir, quiet, nil)
	postSilence(t, a, "X", http.StatusOK)
	j := a.journals[silenceJournal]
	state := j.state
	j.state = func(w io.Writer) (int64, error) {
		n, err := state(w)
		postSilence(t, a, "During", http.StatusOK)
		return n, err
	}
	before := j.size
	if _, err := j.compact(); err != nil {
		t.Fatal(err)
	}
	if j.size <= int64(journalHeadSize) || j.size > before+20 {
		t.Errorf("the journal has %d bytes, want only the record that came during the snapshot", j.size)
	}
	j.state = state
	postSilence(t, a, "Y", http.StatusOK)
	if n := silences(t, testAlertmanager(t, crashed(t, dir), quiet, nil)); n != 3 {
		t.Errorf("got %d silences, want 3", n)
	}
	if _, err := j.compact(); err != nil {
		t.Fatal(err)
	}
	if j.size != int64(journalHeadSize) {
		t.Errorf("the journal has %d bytes after a quiet compaction, want its header only", j.size)
	}
	if n := silences(t, testAlertmanager(t, crashed(t, dir), quiet, nil)); n != 3 {
		t.Errorf("got %d silences, want 3", n)
	}
}

func FuzzDecodeJournal(f *testing.F) {
	two := append(append(journalHeader(), encodeRecord([]byte("one"))...), encodeRecord(nil)...)
	f.Add(two)
	f.Add(encodeRecord(nil)) // without a header
	f.Add(two[:len(two)-2])
	f.Add(append(bytes.Repeat([]byte{0xff}, 40), two...))
	f.Add([]byte(journalMagic + "\x00\x01" + recordMarker + "\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		bodies, bad, err := decodeJournal(raw)
		if err != nil {
			if len(bodies) > 0 {
				t.Error("a journal was both refused and read")
			}
			return
		}
		total := int64(0)
		for _, b := range bodies {
			total += int64(len(encodeRecord(b)))
			if !bytes.Contains(raw, encodeRecord(b)) {
				t.Error("a record does not encode to what was there")
			}
		}
		for n, d := range bad {
			if d.from >= d.to || d.why == "" || n > 0 && d.from < bad[n-1].to {
				t.Errorf("damage %v", bad)
			}
			total += d.to - d.from
		}
		if rest := int64(len(raw)) - total; rest != 0 && rest != int64(journalHeadSize) {
			t.Errorf("%d bytes are neither record nor damage", rest)
		}
		if len(raw) >= journalHeadSize {
			// Whatever stands before it, a record that was acknowledged is found.
			after, _, err := decodeJournal(append(bytes.Clone(raw), encodeRecord([]byte("last"))...))
			if err != nil || len(after) == 0 || string(after[len(after)-1]) != "last" {
				t.Errorf("the last record is lost: %v", err)
			}
		}
	})
}
