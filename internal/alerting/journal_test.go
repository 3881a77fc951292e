package alerting

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/alertmanager/alert"
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

func TestAcknowledgedSilencesSurviveAKill(t *testing.T) {
	dir := t.TempDir()
	a := testAlertmanager(t, dir, quiet, nil)
	for range 20 {
		postSilence(t, a, "X", http.StatusOK)
	}
	left := crashed(t, dir)
	if n := silences(t, testAlertmanager(t, left, quiet, nil)); n != 20 {
		t.Errorf("got %d silences after the kill, want 20", n)
	}
}

func TestDamagedTailIsCutOff(t *testing.T) {
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
	postSilence(t, b, "Z", http.StatusOK)
	if n := silences(t, testAlertmanager(t, crashed(t, left), quiet, nil)); n != 2 {
		t.Errorf("got %d silences after another kill, want 2", n)
	}
}

func TestUnwritableJournalIsNoAcknowledgement(t *testing.T) {
	a := testAlertmanager(t, t.TempDir(), quiet, nil)
	if err := a.journals[1].f.Close(); err != nil {
		t.Fatal(err)
	}
	postSilence(t, a, "X", http.StatusInternalServerError)
	a.journals[1].f = nil
}

func TestSnapshotEmptiesJournal(t *testing.T) {
	dir := t.TempDir()
	a := testAlertmanager(t, dir, quiet, nil)
	postSilence(t, a, "X", http.StatusOK)
	if _, err := a.journals[1].snapshot(a.silences.Snapshot, filepath.Join(dir, "silences")); err != nil {
		t.Fatal(err)
	}
	if a.journals[1].size != 0 {
		t.Errorf("the journal still has %d bytes", a.journals[1].size)
	}
	postSilence(t, a, "Y", http.StatusOK)
	if n := silences(t, testAlertmanager(t, crashed(t, dir), quiet, nil)); n != 2 {
		t.Errorf("got %d silences, want 2", n)
	}
}

func FuzzReadJournal(f *testing.F) {
	f.Add(append(encodeRecord([]byte("one")), encodeRecord(nil)...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var again []byte
		good, err := readJournal(bytes.NewReader(raw), func(b []byte) error {
			again = append(again, encodeRecord(b)...)
			return nil
		})
		if err == nil && good != int64(len(raw)) {
			t.Errorf("read %d of %d bytes without an error", good, len(raw))
		}
		if !bytes.Equal(again, raw[:good]) {
			t.Error("what was read does not encode to what was there")
		}
	})
}

func TestOutboxIsBoundedAndKeepsTheNewest(t *testing.T) {
	a := testAlertmanager(t, t.TempDir(), quiet, nil)
	o := newOutbox(2, a.alerts.Put, slog.New(slog.DiscardHandler), nil)
	o.close() // nothing drains it now
	o.closed = false
	for range 3 {
		if ok, _ := o.try(firing("same")); ok && o.size > 3 {
			t.Errorf("size %d", o.size)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := o.put(ctx, nil); err != nil {
		t.Error(err)
	}
	o.size = o.cap
	if err := o.put(ctx, firingAll("another")); err == nil {
		t.Error("a full outbox must say so")
	}
	o.size = 0
}

func firingAll(names ...string) (out []*alert.Alert) {
	for _, n := range names {
		out = append(out, firing(n))
	}
	return out
}
