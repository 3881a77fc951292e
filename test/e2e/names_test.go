//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// otherVersion are names of Debian 12's node_exporter 1.5 that today's, which
// is linked here, no longer has: since 1.10 it reads /proc/meminfo through a
// library that leaves out what it does not know.
var otherVersion = []string{
	"node_memory_Balloon_bytes", "node_memory_FileHugePages_bytes", "node_memory_FilePmdMapped_bytes", "node_memory_Hugetlb_bytes",
	"node_memory_KReclaimable_bytes", "node_memory_SecPageTables_bytes", "node_memory_ShadowCallStack_bytes", "node_memory_GPUActive_bytes", "node_memory_GPUReclaim_bytes",
	"node_memory_Unaccepted_bytes", "node_memory_Zswap_bytes", "node_memory_Zswapped_bytes",
}

// TestNamesOfNodeExporter compares the job node with a real node_exporter on
// the same machine: what its dashboards select is here.
func TestNamesOfNodeExporter(t *testing.T) {
	need(t, "prometheus-node-exporter", "prometheus-node-exporter")
	const address = "127.0.0.1:19131"
	background(t, "prometheus-node-exporter", "--web.listen-address="+address, "--no-collector.textfile")
	p := launch(t, t.TempDir(), "--sources.disable=cadvisor")
	var theirs []string
	p.until(30*time.Second, "node_exporter's metrics", func() bool {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		raw, err := io.ReadAll(resp.Body)
		if cerr := resp.Body.Close(); err != nil || cerr != nil || resp.StatusCode != http.StatusOK {
			return false
		}
		for line := range strings.Lines(string(raw)) {
			if strings.HasPrefix(line, "node_") {
				theirs = append(theirs, line[:strings.IndexAny(line, "{ ")])
			}
		}
		return len(theirs) > 0
	})
	slices.Sort(theirs)
	theirs = slices.Compact(theirs)
	p.until(20*time.Second, "our own scrape", func() bool { return p.value(`up{job="node"} == 1`) != "" })
	_, body := p.get("/api/v1/label/__name__/values?match[]=%7Bjob%3D%22node%22%7D")
	var ours struct{ Data []string }
	if err := json.Unmarshal([]byte(body), &ours); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	missing := slices.DeleteFunc(slices.Clone(theirs), func(n string) bool {
		// The textfile collector is switched off there because Debian's package ships files for it.
		return slices.Contains(ours.Data, n) || slices.Contains(otherVersion, n) || strings.HasPrefix(n, "node_textfile_")
	})
	if len(theirs) < 150 || len(missing) > 0 {
		t.Errorf("of node_exporter's %d names these are not ours: %q", len(theirs), missing)
	}
	p.stop()
}
