package metrics

import (
	"fmt"

	"touchline.dev/touchline/internal/tsdbdir"
)

// Stage links the storage as it is now into dir, which must be on the same
// file system, and returns what to read. It is what a kill at this moment
// would leave: every sample that has been acknowledged is in it, with
// out-of-order samples, exemplars and metadata, because the logs are taken
// as they are. (Upstream's snapshot writes the head as a block instead, which
// has none of these three.) Chunks that were only mapped out of memory are left
// out: the logs hold their samples too.
//
// Compactions wait meanwhile; samples, rules and queries go on.
func (e *Engine) Stage(dir string) ([]tsdbdir.File, error) {
	// A compaction moves samples from the logs to a block. Without one, the
	// logs only grow, so that logs first and blocks second miss nothing.
	e.db.DisableCompactions()
	defer e.db.EnableCompactions()
	logs, err := tsdbdir.LinkLogs(e.o.Dir, dir)
	if err != nil {
		return nil, fmt.Errorf("stage logs: %w", err)
	}
	if err := e.db.Snapshot(dir, false); err != nil {
		return nil, fmt.Errorf("stage blocks: %w", err)
	}
	blocks, err := tsdbdir.AllBlockFiles(dir)
	if err != nil {
		return nil, fmt.Errorf("stage blocks: %w", err)
	}
	return append(blocks, logs...), nil
}
