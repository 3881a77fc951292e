package adopt

import (
	"fmt"
	"os"
	"path/filepath"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/datadir"
	"touchline.dev/touchline/internal/tsdbdir"
)

// find tells by their content which folders are data directories. Each of
// from is one itself, or holds some.
func find(from []string) (prom, am string, err error) {
	for _, name := range from {
		dir, err := absolute(name)
		if err != nil {
			return "", "", err
		}
		if ours(dir) {
			return "", "", fmt.Errorf("%s is a data directory of Touchline: start with --storage.path=%s, or move it with \"touchline backup\" and \"touchline restore\"", name, name)
		}
		candidates := []string{dir}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return "", "", fmt.Errorf("look into %s: %w", name, err)
		}
		for _, e := range entries {
			if e.IsDir() {
				candidates = append(candidates, filepath.Join(dir, e.Name()))
			}
		}
		found := false
		for i, c := range candidates {
			if isTSDB(c) {
				if prom != "" && prom != c {
					return "", "", fmt.Errorf("%s and %s are both data directories of a Prometheus; name the one to adopt", prom, c)
				}
				prom, found = c, true
			}
			if isAlertmanager(c) {
				if am != "" && am != c {
					return "", "", fmt.Errorf("%s and %s are both data directories of an Alertmanager; name the one to adopt", am, c)
				}
				am, found = c, true
			}
			if i == 0 && found {
				break // the folders within are its own
			}
		}
		if !found {
			return "", "", fmt.Errorf("%w: neither %s nor a folder in it has blocks, wal, silences or nflog; name the directory that --storage.tsdb.path or --storage.path of the old server named", ErrNothing, name)
		}
	}
	return prom, am, nil
}

// ours tells a data directory of this product, whose journals the two others do not have.
func ours(dir string) bool {
	for _, p := range []string{
		filepath.Join(dir, datadir.Alertmanager, alerting.SilencesFile+alerting.JournalSuffix),
		filepath.Join(dir, alerting.SilencesFile+alerting.JournalSuffix),
	} {
		if isFile(p) {
			return true
		}
	}
	return false
}

func isTSDB(dir string) bool {
	if blocks, err := tsdbdir.Blocks(dir); err == nil && len(blocks) > 0 {
		return true
	}
	for _, name := range append(tsdbdir.LogDirs(), "chunks_head") {
		if fi, err := os.Stat(filepath.Join(dir, name)); err == nil && fi.IsDir() {
			return true
		}
	}
	return false
}

func isAlertmanager(dir string) bool {
	return isFile(filepath.Join(dir, alerting.SilencesFile)) || isFile(filepath.Join(dir, alerting.NflogFile))
}

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}
