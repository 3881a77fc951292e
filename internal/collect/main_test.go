package collect

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// klog starts one goroutine at import.
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// cAdvisor ends the goroutine of a cgroup only when the cgroup is gone.
		goleak.IgnoreAnyFunction("github.com/google/cadvisor/lib/manager.(*containerData).housekeeping"),
		// The inotify reader of cAdvisor's watcher ends with the next event on a cgroup.
		goleak.IgnoreAnyFunction("k8s.io/utils/inotify.(*Watcher).readEvents"),
	)
}
