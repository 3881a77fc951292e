package archive

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Entry is a file to be archived. Open's reader must yield at least Size
// bytes; what it has beyond them is left out, so that a log may go on growing.
type Entry struct {
	Name string // below the data directory, with slashes
	Size int64
	Open func() (io.ReadCloser, error)
}

// Origin says where and when the data was.
type Origin struct {
	Version string
	Host    string
	Created time.Time
	State   State
}

// Write writes an archive and returns its manifest. Memory does not depend on
// the size of the entries. An error leaves an archive that readers refuse.
func Write(ctx context.Context, w io.Writer, o Origin, entries []Entry) (*Manifest, error) {
	h := Header{Format: Format, Version: o.Version, Host: o.Host, Created: o.Created.UTC().Truncate(time.Second), Files: len(entries), State: o.State}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if err := checkName(e.Name); err != nil {
			return nil, fmt.Errorf("write backup: %w", err)
		}
		if seen[e.Name] {
			return nil, fmt.Errorf("write backup: %s is given twice", e.Name)
		}
		seen[e.Name] = true
		h.Bytes += e.Size
	}
	if len(entries) > maxFiles {
		return nil, fmt.Errorf("write backup: %d files are more than the %d that a backup can hold", len(entries), maxFiles)
	}
	// What is stored is compressed already, so the fastest level loses little.
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("write backup: %w", err)
	}
	t := tar.NewWriter(z)
	m := &Manifest{Header: h, List: make([]File, 0, len(entries))}
	if err := writeAll(ctx, t, m, entries); err != nil {
		// Closing the encoder would end the stream as if it were whole.
		z.Reset(io.Discard)
		return nil, errors.Join(err, z.Close())
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return nil, fmt.Errorf("write backup: %w", err)
	}
	return m, nil
}

func writeAll(ctx context.Context, t *tar.Writer, m *Manifest, entries []Entry) error {
	if err := writeJSON(t, headerName, m.Header, m.Created); err != nil {
		return err
	}
	buf := make([]byte, 256<<10)
	for _, e := range entries {
		sum, err := writeFile(ctx, t, e, m.Created, buf)
		if err != nil {
			return fmt.Errorf("back up %s: %w", e.Name, err)
		}
		m.List = append(m.List, File{Name: e.Name, Size: e.Size, SHA256: sum})
	}
	return writeJSON(t, manifestName, m, m.Created)
}

func writeJSON(t *tar.Writer, name string, v any, at time.Time) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(raw)), Mode: 0o600, ModTime: at}); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if _, err := t.Write(raw); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func writeFile(ctx context.Context, t *tar.Writer, e Entry, at time.Time, buf []byte) (sum string, err error) {
	r, err := e.Open()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: e.Name, Size: e.Size, Mode: 0o600, ModTime: at}); err != nil {
		return "", err
	}
	hash := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(t, hash), struct{ io.Reader }{io.LimitReader(ctxReader{ctx, r}, e.Size)}, buf)
	if err != nil {
		return "", err
	}
	if n != e.Size {
		return "", fmt.Errorf("the file shrank from %d to %d bytes while it was read", e.Size, n)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// ctxReader ends with its context.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
