package runtimes

import (
	"path"
	"regexp"
	"strings"
)

// hexID ends the control group of a container in every runtime: docker/ID,
// docker-ID.scope, cri-containerd-ID.scope, kubepods-….slice:cri-containerd:ID,
// crio-ID.scope, libpod-ID.scope, nerdctl-ID.scope.
var hexID = regexp.MustCompile(`^(?:(.*)[-:])?([0-9a-f]{64})(?:\.scope)?$`)

// ID returns the id of the container whose control group this is, by the
// group's name. Groups inside a container's group, those of the monitors that
// CRI-O and Podman keep beside a container, and systemd's mounts are none.
func ID(cgroup string) (string, bool) {
	base := path.Base(cgroup)
	if len(base) < 64 {
		return "", false
	}
	m := hexID.FindStringSubmatch(base)
	if m == nil || strings.HasSuffix(m[1], "conmon") {
		return "", false
	}
	return m[2], true
}

// podGroup is the control group of a whole pod: kubepods/burstable/podUID, or
// kubepods-burstable-podUID.slice with underscores for hyphens.
var podGroup = regexp.MustCompile(`^(?:kubepods.*-)?pod([0-9a-f][0-9a-f_-]{30,35})(?:\.slice)?$`)

// PodUID returns the uid of the Kubernetes pod whose control group this is.
func PodUID(cgroup string) (string, bool) {
	if !strings.Contains(cgroup, "kubepods") {
		return "", false
	}
	m := podGroup.FindStringSubmatch(path.Base(cgroup))
	if m == nil {
		return "", false
	}
	return strings.ReplaceAll(m[1], "_", "-"), true
}
