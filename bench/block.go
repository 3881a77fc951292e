package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// measureBlock reads the number of samples of a TSDB block and adds up its files.
func measureBlock(dir string) (blockSize, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	if err != nil {
		return blockSize{}, fmt.Errorf("measure block: %w", err)
	}
	var meta struct {
		Stats struct {
			NumSamples int64 `json:"numSamples"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		return blockSize{}, fmt.Errorf("measure block: %s: %w", filepath.Join(dir, "meta.json"), err)
	}
	out := blockSize{samples: meta.Stats.NumSamples}
	if out.samples == 0 {
		return blockSize{}, fmt.Errorf("measure block: %s says that it holds no samples", dir)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		out.bytes += info.Size()
		switch {
		case d.Name() == "index":
			out.index += info.Size()
		case strings.HasSuffix(filepath.Dir(path), "chunks"):
			out.chunks += info.Size()
		}
		return nil
	})
	if err != nil {
		return blockSize{}, fmt.Errorf("measure block: %w", err)
	}
	return out, nil
}
