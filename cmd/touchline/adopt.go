package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/adopt"
)

// adoptFlags are the flags of "adopt".
type adoptFlags struct {
	dataDir     string
	dryRun      bool
	skipCorrupt bool
	output      string
}

func newAdoptCommand() *cobra.Command {
	var f adoptFlags
	cmd := &cobra.Command{
		Use:   "adopt DIR…",
		Short: "Take over the data of a Prometheus and an Alertmanager",
		Long: `Take over the data directory of a Prometheus, of an Alertmanager, or of both; DIR is such a directory or a folder that
holds them, and its content tells which it is. Stop the old servers first: a directory in use is refused.

Every block, log record, silence and log entry is read, so that damage is found before anything is taken over. Finished
blocks are linked where the file system and the owner allow it, everything else is copied; the source is never altered, and
the way back is to start the old servers again. --dry-run says what was found.

Exit code: 0 when it is taken over (or, with --dry-run, could be), 1 when it was refused, 2 for wrong usage.`,
		Args: wantArgs(1, 0, "directories to take over", "touchline adopt /var/lib/prometheus --dry-run"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.execute(cmd, args) },
	}
	cmd.Flags().StringVar(&f.dataDir, "storage.path", dataDirDefault(), "data directory that takes it (TOUCHLINE_STORAGE_PATH)")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "check everything and say what was found, but take nothing over")
	cmd.Flags().BoolVar(&f.skipCorrupt, "skip-corrupt", false, "leave out what is damaged instead of refusing everything")
	cmd.Flags().StringVar(&f.output, "output", "text", "text or json")
	return cmd
}

func (f *adoptFlags) execute(cmd *cobra.Command, from []string) error {
	if f.output != "text" && f.output != "json" {
		return &exitError{exitUsage, fmt.Errorf("--output=%s: write text or json", f.output)}
	}
	r, err := adopt.Run(cmd.Context(), adopt.Options{From: from, DataDir: f.dataDir, DryRun: f.dryRun, SkipCorrupt: f.skipCorrupt})
	if err != nil {
		code := exitFindings
		if errors.Is(err, adopt.ErrNothing) || errors.Is(err, fs.ErrNotExist) {
			code = exitUsage
		}
		return &exitError{code, fmt.Errorf("adopt: %w", err)}
	}
	if f.output == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	} else {
		_, err = io.WriteString(cmd.OutOrStdout(), adoptText(r))
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func adoptText(r *adopt.Report) string {
	var b strings.Builder
	if p := r.Prometheus; p != nil {
		var series, samples uint64
		var bytes int64
		var from, to time.Time
		for _, bl := range p.Blocks {
			series, samples, bytes = max(series, bl.Series), samples+bl.Samples, bytes+bl.Bytes
			if from.IsZero() || bl.MinTime.Before(from) {
				from = bl.MinTime
			}
			if bl.MaxTime.After(to) {
				to = bl.MaxTime
			}
		}
		fmt.Fprintf(&b, "Prometheus      %s\n", p.Path)
		fmt.Fprintf(&b, "  blocks        %d, %s", len(p.Blocks), sizeText(bytes))
		if len(p.Blocks) > 0 {
			fmt.Fprintf(&b, "; %d samples, up to %d series in one; %s", samples, series, span(from, to))
		}
		b.WriteString("\n")
		for _, l := range p.Logs {
			fmt.Fprintf(&b, "  %-13s %d segments", l.Name, l.Segments)
			if l.Checkpoint != "" {
				fmt.Fprintf(&b, " and %s", l.Checkpoint)
			}
			fmt.Fprintf(&b, ", %s; %d samples of %d series", sizeText(l.Bytes), l.Samples, l.Series)
			if l.Samples > 0 {
				b.WriteString("; " + span(l.MinTime, l.MaxTime))
			}
			if l.Unfinished > 0 {
				fmt.Fprintf(&b, "; without an unfinished record of %d bytes at the end, as a kill leaves it", l.Unfinished)
			}
			b.WriteString("\n")
		}
	}
	if a := r.Alertmanager; a != nil {
		fmt.Fprintf(&b, "Alertmanager    %s\n  silences      %d: %d active, %d pending, %d expired\n  notifications %d in the log\n",
			a.Path, a.Silences, a.Active, a.Pending, a.Expired, a.Notifications)
	}
	for _, d := range r.Damaged {
		fmt.Fprintf(&b, "left out        %s\n", d)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note            %s\n", n)
	}
	if r.DryRun {
		fmt.Fprintf(&b, "Nothing was taken over (--dry-run). Without it, this goes to %s\n", r.Dir)
	} else {
		fmt.Fprintf(&b, "Taken over to %s: %d files linked (%s), %d copied (%s)\nStart with: touchline run --storage.path=%s\n",
			r.Dir, r.LinkedFiles, sizeText(r.LinkedBytes), r.CopiedFiles, sizeText(r.CopiedBytes), r.Dir)
	}
	return b.String()
}

func span(from, to time.Time) string {
	return from.UTC().Format("2006-01-02 15:04") + " to " + to.UTC().Format("2006-01-02 15:04 UTC")
}
