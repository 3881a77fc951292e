package runtimes

import (
	"strings"
	"testing"
)

func TestID(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for name, want := range map[string]bool{
		"/docker/" + id:                         true,
		"/system.slice/docker-" + id + ".scope": true,
		"/k8s.io/" + id:                         true,
		"/kubepods/burstable/pod1b2c/" + id:     true,
		"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope":    true,
		"/kubepods.slice/kubepods-pod1.slice/crio-" + id + ".scope":              true,
		"/system.slice/containerd.service/kubepods-pod1:cri-containerd:" + id:    true,
		"/machine.slice/libpod-" + id + ".scope":                                 true,
		"/libpod_parent/libpod-" + id:                                            true,
		"/user.slice/user-1000.slice/user@1000.service/nerdctl-" + id + ".scope": true,
		"/":                            false,
		"/system.slice/docker.service": false,
		"/machine.slice/libpod-conmon-" + id + ".scope":                 false,
		"/kubepods.slice/crio-conmon-" + id + ".scope":                  false,
		"/machine.slice/libpod-" + id + ".scope/container":              false,
		"/machine.slice/machine-libpod_pod_" + id + ".slice":            false,
		"/system.slice/var-lib-docker-overlay2-" + id + "-merged.mount": false,
		"/docker/" + id[1:]:              false,
		"/docker/" + id + "0":            false,
		"/docker/" + strings.ToUpper(id): false,
	} {
		got, ok := ID(name)
		if ok != want || (ok && got != id) {
			t.Errorf("ID(%s) = %q, %v; want %v", name, got, ok, want)
		}
	}
}

func TestPodUID(t *testing.T) {
	const uid = "6f2b7f51-0f3c-4b0e-8f64-7c7b1d3c6d11"
	for name, want := range map[string]string{
		"/kubepods/besteffort/pod" + uid: uid,
		"/kubepods/pod" + uid:            uid,
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice": uid,
		"/kubepods.slice/kubepods-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice":                                    uid,
		// A static pod has a hash for its uid.
		"/kubepods/burstable/pod5d41402abc4b2a76b9719d911017c592": "5d41402abc4b2a76b9719d911017c592",
		"/kubepods/burstable":             "",
		"/kubepods.slice":                 "",
		"/user.slice/pod" + uid:           "",
		"/kubepods/pod" + uid + "/nested": "",
	} {
		if got, _ := PodUID(name); got != want {
			t.Errorf("PodUID(%s) = %q, want %q", name, got, want)
		}
	}
}

func FuzzID(f *testing.F) {
	f.Add("/docker/" + strings.Repeat("a", 64))
	f.Add("/kubepods/pod6f2b7f51-0f3c-4b0e-8f64-7c7b1d3c6d11")
	f.Fuzz(func(t *testing.T, name string) {
		if id, ok := ID(name); ok && (len(id) != 64 || !strings.Contains(name, id)) {
			t.Errorf("ID(%q) = %q", name, id)
		}
		if uid, ok := PodUID(name); ok && (len(uid) < 31 || len(uid) > 36) {
			t.Errorf("PodUID(%q) = %q", name, uid)
		}
	})
}
