package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Sink takes the files of an archive while it is read. What it has taken
// counts only when Read has returned without an error: the proof stands at
// the archive's end.
type Sink interface {
	// Begin is told what is to come, before the first file.
	Begin(Header) error
	// Create opens one file. The name is below one of Parts.
	Create(name string, size int64) (io.WriteCloser, error)
}

// ReadHeader reads as much of an archive as its header takes.
func ReadHeader(r io.Reader) (Header, error) {
	z, err := decompress(r)
	if err != nil {
		return Header{}, err
	}
	defer z.Close()
	return nextHeader(tar.NewReader(z))
}

// Read checks a whole archive: its format, every name, every checksum, and
// that nothing is missing and nothing follows. Files go to sink, or nowhere
// when it is nil.
func Read(ctx context.Context, r io.Reader, sink Sink) (*Manifest, error) {
	z, err := decompress(ctxReader{ctx, r})
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return readTar(z, sink)
}

// zstdMagic begins every stream of zstd.
const zstdMagic = "\x28\xb5\x2f\xfd"

func decompress(r io.Reader) (*zstd.Decoder, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	if head, err := br.Peek(len(zstdMagic)); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read backup: %w", err)
	} else if string(head) != zstdMagic {
		return nil, ErrNotBackup
	}
	z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(2*maxWindow))
	if err != nil {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	return z, nil
}

func nextHeader(t *tar.Reader) (Header, error) {
	var h Header
	e, err := t.Next()
	if err != nil || e.Name != headerName || e.Typeflag != tar.TypeReg || e.Size > maxHeader {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, tar.ErrHeader) {
			return h, damaged(err, "the header cannot be read")
		}
		return h, ErrNotBackup
	}
	if err := decode(t, &h); err != nil {
		return h, damaged(err, "the header cannot be read")
	}
	switch {
	case h.Format > Format:
		return h, fmt.Errorf("%w: it has format %d and was made by Touchline %.100q; this build reads formats up to %d. Restore it with that version or a newer one", ErrNewer, h.Format, h.Version, Format)
	case h.Format < 1 || h.Files < 0 || h.Files > maxFiles || h.Bytes < 0:
		return h, fmt.Errorf("%w: the header makes no sense", ErrDamaged)
	}
	return h, nil
}

// damaged marks an error as one of the archive's content. An error of the
// disk or of the caller's context stays what it is.
func damaged(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it ends too early (%s); take it again, or use another copy", ErrDamaged, what)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrDamaged, what, err)
}

func readTar(r io.Reader, sink Sink) (*Manifest, error) {
	t := tar.NewReader(r)
	h, err := nextHeader(t)
	if err != nil {
		return nil, err
	}
	if sink != nil {
		if err := sink.Begin(h); err != nil {
			return nil, err
		}
	}
	var list []File
	seen := map[string]bool{}
	left := h.Bytes
	buf := make([]byte, 256<<10)
	for {
		e, err := t.Next()
		if err != nil {
			return nil, damaged(err, "after %d of %d files", len(list), h.Files)
		}
		if e.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("%w: %.300q is not a plain file", ErrDamaged, e.Name)
		}
		if e.Name == manifestName {
			return readManifest(t, r, e, h, list)
		}
		if err := checkName(e.Name); err != nil {
			return nil, err
		}
		switch {
		case seen[e.Name]:
			return nil, fmt.Errorf("%w: %s is there twice", ErrDamaged, e.Name)
		case len(list) == h.Files:
			return nil, fmt.Errorf("%w: it has more than the %d files that its header tells of", ErrDamaged, h.Files)
		case e.Size < 0 || e.Size > left:
			return nil, fmt.Errorf("%w: with %s it has more than the %d bytes that its header tells of", ErrDamaged, e.Name, h.Bytes)
		}
		seen[e.Name], left = true, left-e.Size
		sum, err := readFile(t, e, sink, buf)
		if err != nil {
			return nil, err
		}
		list = append(list, File{Name: e.Name, Size: e.Size, SHA256: sum})
	}
}

func readFile(t *tar.Reader, e *tar.Header, sink Sink, buf []byte) (sum string, err error) {
	hash := sha256.New()
	var w io.Writer = hash
	var out io.WriteCloser
	if sink != nil {
		if out, err = sink.Create(e.Name, e.Size); err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
		w = io.MultiWriter(hash, out)
	}
	for {
		n, rerr := t.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return "", fmt.Errorf("write %s: %w", e.Name, err)
			}
		}
		if errors.Is(rerr, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if rerr != nil {
			return "", damaged(rerr, "in %s", e.Name)
		}
	}
}

// readManifest compares what was read with what was written, and sees to it
// that nothing follows.
func readManifest(t *tar.Reader, r io.Reader, e *tar.Header, h Header, list []File) (*Manifest, error) {
	if e.Size > maxManifest {
		return nil, fmt.Errorf("%w: the manifest has %d bytes", ErrDamaged, e.Size)
	}
	m := &Manifest{}
	if err := decode(t, m); err != nil {
		return nil, damaged(err, "the manifest cannot be read")
	}
	if !m.Created.Equal(h.Created) || m.Format != h.Format || m.Files != h.Files || m.Bytes != h.Bytes || m.Version != h.Version || m.Host != h.Host {
		return nil, fmt.Errorf("%w: header and manifest differ", ErrDamaged)
	}
	if len(m.List) != len(list) || len(list) != h.Files {
		return nil, fmt.Errorf("%w: it has %d files, the manifest lists %d", ErrDamaged, len(list), len(m.List))
	}
	for i, f := range m.List {
		switch got := list[i]; {
		case got.Name != f.Name || got.Size != f.Size:
			return nil, fmt.Errorf("%w: where the manifest lists %.300q with %d bytes there is %s with %d", ErrDamaged, f.Name, f.Size, got.Name, got.Size)
		case !strings.EqualFold(got.SHA256, f.SHA256):
			return nil, fmt.Errorf("%w: the checksum of %s does not match; use another copy", ErrDamaged, f.Name)
		}
	}
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, damaged(err, "behind the manifest")
		}
		return nil, fmt.Errorf("%w: something follows the manifest", ErrDamaged)
	}
	// The stream's own checksum is at its very end.
	switch n, err := io.Copy(io.Discard, io.LimitReader(r, 1)); {
	case err != nil:
		return nil, damaged(err, "behind the manifest")
	case n != 0:
		return nil, fmt.Errorf("%w: something follows the manifest", ErrDamaged)
	}
	return m, nil
}

// decode reads one JSON value, and nothing behind it.
func decode(r io.Reader, v any) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
