//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// warnings counts the lines of a log that somebody would have to read.
func warnings(log string) int {
	n := 0
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			n++
		}
	}
	return n
}

// TestWhatIsMissingIsToldOnce runs the process where the platform lacks
// something: it starts, watches the rest, says once what is missing, and the
// status lists it with a reason and a remedy.
func TestWhatIsMissingIsToldOnce(t *testing.T) {
	needRoot(t)
	need(t, "unshare", "util-linux")
	need(t, "setpriv", "util-linux")
	nobody := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	mounts := func(script string, then ...string) []string {
		return append([]string{"unshare", "--mount", "sh", "-ec", script + `; exec "$@"`, "sh"}, then...)
	}
	t.Setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
	t.Setenv("CONTAINER_HOST", "unix:///nonexistent/podman.sock")
	t.Setenv("CONTAINERD_ADDRESS", "/nonexistent/containerd.sock")
	for name, c := range map[string]struct {
		through []string
		missing []string // words of each entry under "Looked for, not seen"
		present []string // jobs that are watched all the same
	}{
		"unprivileged user": {nobody, []string{"processes, open files and sockets", "names and images of containers"}, []string{"node", "cadvisor", "touchline"}},
		"hidepid": {
			mounts("mount -t proc -o hidepid=2 proc /proc", nobody...),
			[]string{"processes, open files and sockets", "names and images of containers"}, []string{"node", "cadvisor", "touchline"},
		},
		"no control groups": {mounts("mount -t tmpfs none /sys/fs/cgroup"), []string{"containers (cAdvisor)", "has no controllers"}, []string{"node", "touchline"}},
		"cgroup version 2":  {mounts("mount -t tmpfs none /sys/fs/cgroup; umount /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"), []string{"names and images of containers"}, []string{"node", "cadvisor", "touchline"}},
		"no meminfo, no file handles": {
			mounts("mount --bind /dev/null /proc/meminfo; mount -t tmpfs none /proc/sys/fs"),
			[]string{"cAdvisor cannot describe this machine", "the collector filefd of node"}, []string{"node", "touchline"},
		},
		"no sysfs": {mounts("mount -t tmpfs none /sys"), []string{"control groups cannot be read", "the collector cpu of node", "the collector cpufreq of node"}, []string{"node", "touchline"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := shortDir(t)
			// The unprivileged user must reach the binary and write the data.
			bin, data := filepath.Join(dir, "touchline"), filepath.Join(dir, "data")
			out(t, "cp", binary(t), bin)
			if err := os.Mkdir(data, 0o777); err != nil {
				t.Fatal(err)
			}
			for _, d := range []string{dir, data} {
				if err := os.Chmod(d, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("TOUCHLINE_BINARY", bin)
			p := launchIn(t, c.through, data)
			scrapes := func(n int) {
				for _, job := range c.present {
					p.until(60*time.Second, strconv.Itoa(n)+" scrapes of "+job, func() bool {
						return p.value(`sum_over_time(up{job="`+job+`"}[5m]) >= `+strconv.Itoa(n)) != ""
					})
				}
			}
			scrapes(3)
			before := warnings(p.out.String())
			scrapes(7)
			after := warnings(p.out.String())
			if after != before {
				t.Errorf("%d warnings after 3 scrapes, %d after 7:\n%s", before, after, p.out)
			}
			raw, err := exec.CommandContext(t.Context(), bin, "status", "--url="+p.url, "--token-file="+filepath.Join(data, "admin.token"), "--output=json").Output()
			if err != nil {
				t.Fatalf("status: %v\n%s", err, raw)
			}
			var status struct {
				NotSeen []struct{ What, Reason, Remedy string } `json:"not_seen"`
			}
			if err := json.Unmarshal(raw, &status); err != nil {
				t.Fatal(err)
			}
			// One line for each thing, and one about this test's own variable.
			if after > len(status.NotSeen)+1 {
				t.Errorf("%d warnings for %d things that are missing:\n%s", after, len(status.NotSeen), p.out)
			}
			all := string(raw)
			for _, m := range status.NotSeen {
				if m.Reason == "" || m.Remedy == "" {
					t.Errorf("without a reason or a remedy: %+v", m)
				}
			}
			for _, want := range c.missing {
				if !strings.Contains(all, want) {
					t.Errorf("the status does not list %q:\n%s", want, raw)
				}
				if !strings.Contains(strings.Join(strings.Fields(p.out.String()), " "), want) {
					t.Errorf("the start does not tell %q:\n%s", want, p.out)
				}
			}
			p.stop()
		})
	}
}
