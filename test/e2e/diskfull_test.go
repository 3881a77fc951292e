//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// smallDisk mounts a file system of its own, which may be filled.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a file system of a given size is needed: run as root, which may mount a tmpfs")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatalf("mount tmpfs: %v; run where root may mount", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// filler keeps a disk full until it is stopped, as a log that runs away does.
func filler(t *testing.T, dir string) (stop func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		big, small := make([]byte, 1<<20), make([]byte, 512)
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-quit:
				return
			case <-pace.C:
			}
			if _, err := f.Write(big); err != nil {
				for err = nil; err == nil; {
					_, err = f.Write(small)
				}
			}
		}
	})
	return sync.OnceFunc(func() {
		close(quit)
		wg.Wait()
		_ = f.Close()
		_ = os.Remove(path)
	})
}

// batch is one remote-write request: a sample of each of some lasting series,
// and the only one of a series that is new.
func batch(n int, at time.Time) []byte {
	req := &prompb.WriteRequest{}
	add := func(name, i string) {
		req.Timeseries = append(req.Timeseries, prompb.TimeSeries{
			Labels:  []prompb.Label{{Name: "__name__", Value: name}, {Name: "i", Value: i}, {Name: "text", Value: fmt.Sprintf("%x%x", n*7919, len(i)*104729+n)}},
			Samples: []prompb.Sample{{Value: float64(n), Timestamp: at.UnixMilli()}},
		})
	}
	for i := range 150 {
		add("lasting", strconv.Itoa(i))
		req.Timeseries[i].Labels = req.Timeseries[i].Labels[:2]
	}
	for i := range 20 {
		add("once", fmt.Sprintf("%d-%d", n, i))
	}
	raw, err := proto.Marshal(req)
	if err != nil {
		panic(err)
	}
	return snappy.Encode(nil, raw)
}

// TestFullDisk fills the disk of the data directory under load and frees it
// again. What was acknowledged is there after a kill, and no restart is needed.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "size=64m")
	u, got := sink(t)
	am := write(t, t.TempDir(), "alertmanager.yml", alertmanager(u))
	data := filepath.Join(disk, "data")
	p := launch(t, data, "--alertmanager.config="+am)
	begin := time.Now()

	var mu sync.Mutex
	acked := map[int]int64{}
	codes := map[int]int{}
	var text string
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		pace := time.NewTicker(4 * time.Millisecond)
		defer pace.Stop()
		for n := 0; ; n++ {
			select {
			case <-quit:
				return
			case <-pace.C:
			}
			// Samples of the past, close together: chunks fill up quickly.
			at := begin.Add(-20*time.Minute + time.Duration(n)*10*time.Millisecond)
			code, body := p.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", batch(n, at), remoteWriteHeader)
			mu.Lock()
			codes[code]++
			if code/100 == 2 {
				acked[n] = at.UnixMilli()
			} else {
				text = body
			}
			mu.Unlock()
		}
	})
	stopWriting := sync.OnceFunc(func() { close(quit); wg.Wait() })
	defer stopWriting()
	count := func(class int) int {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for code, k := range codes {
			if code/100 == class {
				n += k
			}
		}
		return n
	}
	p.until(30*time.Second, "writes", func() bool { return count(2) >= 300 })
	silences := 0
	for range 3 {
		if p.silence("Before") == http.StatusOK {
			silences++
		}
	}

	free := filler(t, disk)
	defer free()
	p.until(20*time.Second, "refused writes", func() bool { return count(5) >= 20 })
	refusedSilence := func() bool {
		code := p.silence("While")
		if code == http.StatusOK {
			silences++
		}
		return code == http.StatusInternalServerError
	}
	p.until(20*time.Second, "a silence answered with 500", refusedSilence)
	if code, body := p.get("/api/v1/query?query=up"); code != http.StatusOK || !strings.Contains(body, `"job":"node"`) {
		t.Errorf("a query while the disk is full: %d %s", code, body)
	}
	expect(t, got, "firing StorageNotWriting", 60*time.Second)
	mu.Lock()
	if !strings.Contains(text, "free some space") {
		t.Errorf("a refused write does not say what to do: %q", text)
	}
	mu.Unlock()
	// Once a minute the storage writes what it has in memory.
	p.until(80*time.Second, "a minute with a full disk", func() bool { return time.Since(begin) > 75*time.Second })
	if code, body := p.get("/-/healthy"); code != http.StatusOK {
		t.Errorf("health: %d %s", code, body)
	}

	free()
	before := count(2)
	p.until(20*time.Second, "writes after space was freed", func() bool { return count(2) >= before+100 })
	p.until(20*time.Second, "a silence after space was freed", func() bool {
		if p.silence("After") != http.StatusOK {
			return false
		}
		silences++
		return true
	})
	expect(t, got, "resolved StorageNotWriting", 60*time.Second)
	p.kill()
	stopWriting()
	if codes[http.StatusOK]+codes[http.StatusNoContent] != len(acked) {
		t.Errorf("codes %v, acknowledged %d", codes, len(acked))
	}

	q := launch(t, data, "--alertmanager.config="+am)
	if strings.Contains(q.out.String(), "corrupt") {
		t.Errorf("the log was damaged:\n%s", q.out)
	}
	_, body := q.get("/api/v2/silences")
	if n := strings.Count(body, `"createdBy"`); n < silences {
		t.Errorf("%d silences were acknowledged, %d are there", silences, n)
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	stamps := func(query string) map[int64]int {
		_, body := q.get("/api/v1/query?time=" + at + "&query=" + url.QueryEscape(query))
		var out struct {
			Data struct{ Result []struct{ Values [][2]any } }
		}
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			t.Fatalf("%v: %.200s", err, body)
		}
		m := map[int64]int{}
		for _, r := range out.Data.Result {
			for _, v := range r.Values {
				m[int64(v[0].(float64)*1000+0.5)]++
			}
		}
		return m
	}
	lasting, once := stamps(`lasting[1h]`), stamps(`once[1h]`)
	lost := 0
	for n, ts := range acked {
		if lasting[ts] != 150 || once[ts] != 20 {
			if lost++; lost <= 5 {
				t.Errorf("batch %d: %d of 150 and %d of 20 samples are there", n, lasting[ts], once[ts])
			}
		}
	}
	t.Logf("answers %v; %d of %d acknowledged batches are incomplete", codes, lost, len(acked))
}

// TestFullDiskStop stops a server whose disk is full.
func TestFullDiskStop(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "size=48m")
	data := filepath.Join(disk, "data")
	p := launch(t, data)
	for n := range 300 {
		if code, body := p.do(http.MethodPost, "/api/v1/write", "application/x-protobuf", batch(n, time.Now().Add(time.Duration(n-400)*time.Second)), remoteWriteHeader); code/100 != 2 {
			t.Fatalf("write: %d %s", code, body)
		}
	}
	free := filler(t, disk)
	defer free()
	p.until(20*time.Second, "a full disk", func() bool { return !p.write("x", 1, time.Now()) })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		t.Fatalf("did not stop within 20 s:\n%s", p.out)
	}
	if strings.Contains(p.out.String(), "panic") {
		t.Errorf("it panicked:\n%s", p.out)
	}
	out, err := runOnce(t, "--storage.path="+data)
	if err == nil || !strings.Contains(out, "no space left") || !strings.Contains(out, "free some space") {
		t.Errorf("a start on a full disk: %v\n%s", err, out)
	}
	free()
	q := launch(t, data)
	if v := q.value("count(count_over_time(lasting[1h]) == 300)"); v != "150" {
		t.Errorf("%s of 150 series are whole", v)
	}
}
