package metrics

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// logged is a log segment with numbered records, and where each begins.
func logged(t testing.TB, dir string, records int) (path string, at []int) {
	t.Helper()
	w, err := wlog.NewSize(slog.New(slog.DiscardHandler), nil, dir, 1<<20, compression.None)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	end := 0
	for n := range records {
		size := 8 + r.IntN(200)
		if n%50 == 0 {
			size += 40 << 10 // over more than one page
		}
		rec := bytes.Repeat([]byte{byte(n)}, size)
		binary.BigEndian.PutUint64(rec, uint64(n))
		if logPage-end%logPage < logHeader {
			end += logPage - end%logPage
		}
		at = append(at, end)
		for left := size; ; {
			if logPage-end%logPage < logHeader {
				end += logPage - end%logPage
			}
			part := min(left, logPage-end%logPage-logHeader)
			end += logHeader + part
			if left -= part; left == 0 {
				break
			}
		}
		if err := w.Log(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "00000000"), append(at, end)
}

// readable reads a segment as upstream does.
func readable(t testing.TB, raw []byte) map[uint64]bool {
	t.Helper()
	out := map[uint64]bool{}
	r := wlog.NewReader(bytes.NewReader(raw))
	for r.Next() {
		if len(r.Record()) >= 8 && !bytes.Equal(r.Record(), make([]byte, len(r.Record()))) {
			out[binary.BigEndian.Uint64(r.Record())] = true
		}
	}
	if err := r.Err(); err != nil {
		t.Fatalf("the mended segment cannot be read: %v", err)
	}
	return out
}

// Damage anywhere but in the type of a fragment, which no checksum covers, costs the records that it touches.
func TestDamageCostsTheRecordsItTouches(t *testing.T) {
	path, at := logged(t, t.TempDir(), 700)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(readable(t, whole)); n != 699 { // the record 0 is all zeros
		t.Fatalf("%d records can be read before any damage", n)
	}
	types := map[int]bool{}
	for from := 0; from < len(whole); {
		if empty(whole, from) {
			from += logPage - from%logPage
			continue
		}
		_, n, _ := fragmentAt(whole, from)
		types[from] = true
		from += n
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 400 {
		raw := bytes.Clone(whole)
		from := r.IntN(at[len(at)-1] - 8)
		to := from + 1 + r.IntN(8)
		for i := from; i < to; i++ {
			if !types[i] {
				raw[i] ^= byte(1 + r.IntN(255))
			}
		}
		p := filepath.Join(t.TempDir(), "00000000")
		if err := os.WriteFile(p, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := mendSegment(p, ""); err != nil {
			t.Fatal(err)
		}
		mended, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if bad := damagedFragments(mended); len(bad) > 0 {
			t.Fatalf("damage from %d to %d: the mended segment is damaged: %v", from, to, bad)
		}
		got := readable(t, mended)
		for n := 1; n < len(at)-1; n++ {
			if touched := from < at[n+1] && to > at[n]; !touched && !got[uint64(n)] {
				t.Fatalf("damage from %d to %d: the record %d from %d to %d is lost", from, to, n, at[n], at[n+1])
			}
		}
	}
}

func FuzzDamagedFragments(f *testing.F) {
	f.Add([]byte{1, 0, 1, 0, 0, 0, 0, 'x'})
	f.Add([]byte{2, 0x7f, 0xf9})
	f.Add(append([]byte{2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 9}, make([]byte, logPage)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		at := 0
		for _, s := range damagedFragments(raw) {
			if s.from < at || s.to <= s.from || s.to > len(raw) {
				t.Fatalf("stretch %v of %d bytes after %d", s, len(raw), at)
			}
			copy(raw[s.from:], s.filling())
			at = s.to
		}
		if again := damagedFragments(raw); len(again) > 0 {
			t.Fatalf("after mending: %v", again)
		}
	})
}
