package selfmon

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const smaps = `00400000-034e8000 r-xp 00000000 fe:00 1234                               /opt/my tools/touchline
Size:              49056 kB
Rss:                 100 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
034e8000-071f1000 r--p 030e8000 fe:00 1234                               /opt/my tools/touchline
Rss:                  40 kB
Anonymous:             4 kB
071f1000-072f9000 rw-p 06df1000 fe:00 1234                               /opt/my tools/touchline
Rss:                  30 kB
Anonymous:             0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 99                         /usr/lib/libc.so.6
Rss:                  20 kB
Anonymous:             0 kB
c000000000-c004000000 rw-p 00000000 00:00 0
Rss:               10 kB
Anonymous:         10 kB
`

func TestParseMappings(t *testing.T) {
	maps, err := parseMappings([]byte(smaps))
	if err != nil {
		t.Fatal(err)
	}
	if len(maps) != 5 {
		t.Fatalf("got %d mappings, want 5", len(maps))
	}
	if m := maps[0]; m.from != 0x400000 || m.to != 0x34e8000 || m.perms != "r-xp" || m.path != "/opt/my tools/touchline" || m.rss != 100<<10 {
		t.Errorf("got %+v", m)
	}
	// Changed pages, writable ones, other files and memory without a file would be lost.
	for i, want := range []bool{true, false, false, false, false} {
		if got := maps[i].droppable("/opt/my tools/touchline"); got != want {
			t.Errorf("mapping %d: droppable %v, want %v", i, got, want)
		}
	}
	for _, bad := range []string{"nonsense here too\n", "zz-00 r-xp 0 0 0\n", "00-zz r-xp 0 0 0\n", "00-10 r-xp 0 0 0 /x\nRss: much kB\n"} {
		if _, err := parseMappings([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestDropProgramPages drops the pages of this test, which goes on all the same.
func TestDropProgramPages(t *testing.T) {
	n, err := dropProgramPages()
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Error("nothing was given back")
	}
	raw, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	maps, err := parseMappings(raw)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	var left int64
	for _, m := range maps {
		if m.droppable(program) {
			left += m.rss
		}
	}
	if left == 0 || left > n {
		t.Errorf("%d bytes are mapped after %d were given back; want some, and no more", left, n)
	}
}

func TestTrimStartup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		<-TrimStartup(ctx, logger, time.Hour)
		if log.Len() > 0 {
			t.Errorf("it went on after it was ended: %s", &log)
		}
		<-TrimStartup(context.Background(), logger, time.Minute)
		if !strings.Contains(log.String(), "gave back") {
			t.Errorf("log: %s", &log)
		}
	})
}
