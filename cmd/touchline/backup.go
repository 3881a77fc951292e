package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/app"
	"touchline.dev/touchline/internal/archive"
	"touchline.dev/touchline/internal/datadir"
)

const backupPath = "/touchline/v1/backup"

// backupFlags are the flags of "backup".
type backupFlags struct {
	client  clientFlags
	dataDir string
	output  string
}

func newBackupCommand() *cobra.Command {
	var f backupFlags
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write everything that the server stores to one file, while it runs",
		Long: `Write everything that the server stores to one file: samples with their logs, alert states, silences and the
notification log, as they are at one moment. The server goes on meanwhile. The file (tar in zstd, mode 0600) appears when
it is whole and has been read back; "-" writes to standard output. A backup needs the admin token.

Where the server is stopped, name its data directory: touchline backup FILE --storage.path=./data

Not in it: the admin token (the restored server writes a new one), your configuration files, and what a restart forgets.

Exit code: 0 when the backup is there, 1 when it failed, 2 for wrong usage or when nothing could be asked.`,
		Args: wantArgs(1, 1, "one file to write", "touchline backup /backup/touchline.tar.zst"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.execute(cmd, args[0]) },
	}
	f.client.registerServer(cmd)
	cmd.Flags().StringVar(&f.dataDir, "storage.path", "", "data directory of a server that is stopped, instead of asking one that runs")
	cmd.Flags().StringVar(&f.output, "output", "text", "text or json")
	return cmd
}

// archiveReport is what backup and restore print with --output=json. Fields
// are added, never renamed or removed.
type archiveReport struct {
	File     string           `json:"file"`
	Dir      string           `json:"dir,omitempty"` // restored to
	DryRun   bool             `json:"dry_run,omitempty"`
	Size     int64            `json:"size"` // of the archive, in bytes
	Backup   archive.Header   `json:"backup"`
	Contents archive.Contents `json:"contents"`
}

func (f *backupFlags) execute(cmd *cobra.Command, file string) error {
	if f.output != "text" && f.output != "json" {
		return &exitError{exitUsage, fmt.Errorf("--output=%s: write text or json", f.output)}
	}
	from, err := f.source(cmd)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	r := archiveReport{File: file}
	var m *archive.Manifest
	if file == "-" {
		out = cmd.ErrOrStderr()
		m, r.Size, err = backupToStream(ctx, cmd.OutOrStdout(), from)
	} else {
		m, r.Size, err = backupToFile(ctx, file, from)
	}
	if err != nil {
		return f.explain(err)
	}
	r.Backup, r.Contents = m.Header, m.Contents()
	return r.print(out, f.output)
}

// source is what writes the archive: the server, or its directory.
func (f *backupFlags) source(cmd *cobra.Command) (func(context.Context, io.Writer) error, error) {
	if f.dataDir != "" {
		if cmd.Flags().Changed("url") {
			return nil, errors.New("--url and --storage.path do not go together: the one is a server that runs, the other one that is stopped")
		}
		return func(ctx context.Context, w io.Writer) error {
			_, err := app.BackupStopped(ctx, f.dataDir, w)
			return err
		}, nil
	}
	c, err := f.client.client()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, w io.Writer) error { return c.stream(ctx, backupPath, w) }, nil
}

func (f *backupFlags) explain(err error) error {
	code := exitFindings
	var nobody *noServerError
	switch {
	case errors.Is(err, datadir.ErrInUse):
		code, err = exitUsage, fmt.Errorf("%w. To back up a server that runs, leave --storage.path out", err)
	case errors.As(err, &nobody):
		code, err = exitUsage, fmt.Errorf("%w; where it is stopped, name its data directory: touchline backup FILE --storage.path=./data", err)
	case errors.Is(err, syscall.ENOSPC):
		err = fmt.Errorf("%w; the disk is full: make room or write to another one. Nothing was left behind", err)
	}
	return &exitError{code, fmt.Errorf("back up: %w", err)}
}

// backupToFile writes beside the file, reads what was written back from the
// disk, and puts it in place only then.
func backupToFile(ctx context.Context, file string, from func(context.Context, io.Writer) error) (_ *archive.Manifest, size int64, err error) {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, "."+filepath.Base(file)+".*.partial") // mode 0600
	if err != nil {
		return nil, 0, fmt.Errorf("create file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := from(ctx, w); err != nil {
		return nil, 0, err
	}
	if err := errors.Join(w.Flush(), f.Sync()); err != nil {
		return nil, 0, fmt.Errorf("write file: %w", err)
	}
	if size, err = f.Seek(0, io.SeekEnd); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read file back: %w", err)
	}
	m, err := archive.Read(ctx, f, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("read file back: %w", err)
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return nil, 0, fmt.Errorf("put file in place: %w", err)
	}
	return m, size, errors.Join(f.Close(), datadir.SyncDir(dir))
}

// backupToStream checks the archive on its way out.
func backupToStream(ctx context.Context, out io.Writer, from func(context.Context, io.Writer) error) (*archive.Manifest, int64, error) {
	pr, pw := io.Pipe()
	n := &counter{}
	done := make(chan error, 1)
	go func() {
		err := from(ctx, io.MultiWriter(out, n, pw))
		done <- err
		_ = pw.CloseWithError(err) // as io.Pipe documents, it always returns nil
	}()
	m, err := archive.Read(ctx, pr, nil)
	// A reader that is gone lets the writer end, too.
	_ = pr.CloseWithError(err)
	if werr := <-done; werr != nil {
		return nil, 0, werr
	}
	return m, n.n, err
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// peopleText says what the state database of a backup holds, "" where it has none.
func peopleText(s archive.State) string {
	if s == (archive.State{}) {
		return ""
	}
	return fmt.Sprintf("  people    %d users, %d tokens and %d incidents\n", s.Users, s.Tokens, s.Incidents)
}

func (r archiveReport) print(w io.Writer, output string) error {
	if output == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		return nil
	}
	c := r.Contents
	_, err := fmt.Fprintf(w, `%s
  taken     %s on %s by Touchline %s
  checked   %d files, %s; every checksum is right
  samples   %d blocks with %s, logs of %d files with %s
  state     alert states, silences and notification log, %s
%s`, r.headline(), r.Backup.Created.Local().Format(time.RFC3339), r.Backup.Host, r.Backup.Version,
		r.Backup.Files, sizeText(r.Backup.Bytes), c.Blocks, sizeText(c.BlockBytes), c.WALSegments, sizeText(c.WALBytes), sizeText(c.StateBytes), peopleText(r.Backup.State))
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (r archiveReport) headline() string {
	switch {
	case r.DryRun:
		return fmt.Sprintf("%s (%s) would be restored to %s; nothing was written", r.File, sizeText(r.Size), r.Dir)
	case r.Dir != "":
		return fmt.Sprintf("%s (%s) is restored to %s", r.File, sizeText(r.Size), r.Dir)
	case r.File == "-":
		return "Backup of " + sizeText(r.Size) + " written to standard output"
	}
	return fmt.Sprintf("Backup written to %s (%s)", r.File, sizeText(r.Size))
}

// sizeText is a size in the unit that people read.
func sizeText(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), ""
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f /= 1 << 10; f < 1<<10 || u == "TiB" {
			unit = u
			break
		}
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}
