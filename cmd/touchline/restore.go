package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/archive"
)

// restoreFlags are the flags of "restore".
type restoreFlags struct {
	dataDir string
	dryRun  bool
	output  string
}

func newRestoreCommand() *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup into an empty data directory",
		Long: `Put what "touchline backup" wrote into a data directory that is missing or holds no data yet, while no server runs on
it. Every checksum is verified before anything is put in place; a backup that is damaged or of a newer format changes nothing.

The backup has no admin token: "touchline run" writes a new one at its first start. To keep the old one, copy admin.token
into the directory.

Exit code: 0 when it is restored (or, with --dry-run, could be), 1 when it could not be, 2 for wrong usage.`,
		Args: wantArgs(1, 1, "one backup to read", "touchline restore /backup/touchline.tar.zst"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.execute(cmd, args[0]) },
	}
	cmd.Flags().StringVar(&f.dataDir, "storage.path", dataDirDefault(), "data directory to restore to (TOUCHLINE_STORAGE_PATH)")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "check the backup and the directory, and write nothing")
	cmd.Flags().StringVar(&f.output, "output", "text", "text or json")
	return cmd
}

// dataDirDefault is where "touchline run" in this directory keeps its data.
func dataDirDefault() string {
	if dir := os.Getenv("TOUCHLINE_STORAGE_PATH"); dir != "" {
		return dir
	}
	return "./data"
}

func (f *restoreFlags) execute(cmd *cobra.Command, path string) (err error) {
	if f.output != "text" && f.output != "json" {
		return &exitError{exitUsage, fmt.Errorf("--output=%s: write text or json", f.output)}
	}
	file, err := os.Open(path)
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("read backup: %w", err)}
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	fi, err := file.Stat()
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("read backup: %w", err)}
	}
	do := archive.Restore
	if f.dryRun {
		do = archive.Plan
	}
	m, err := do(cmd.Context(), file, f.dataDir)
	if err != nil {
		return &exitError{exitFindings, fmt.Errorf("restore %s: %w", path, err)}
	}
	r := archiveReport{File: path, Dir: f.dataDir, DryRun: f.dryRun, Size: fi.Size(), Backup: m.Header, Contents: m.Contents()}
	return r.print(cmd.OutOrStdout(), f.output)
}
