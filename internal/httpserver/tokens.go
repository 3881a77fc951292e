package httpserver

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// token is what is kept of a bearer token: never the token itself.
type token struct {
	name   string
	digest [sha256.Size]byte
	grants []Access
}

// granted lists what a word of the tokens file allows.
var granted = map[string][]Access{
	"read":    {Read},
	"ingest":  {Ingest},
	"respond": {Read, Respond},
	"change":  {Read, Ingest, Respond, Change},
	"admin":   everything,
}

// tokenStore knows the admin token and those of the tokens file.
type tokenStore struct {
	admin *watched[[]token] // nil without an admin token
	more  *watched[[]token] // nil without a tokens file
}

func newTokenStore(adminFile, tokensFile string, log *slog.Logger, failures prometheus.Counter) (*tokenStore, error) {
	t := &tokenStore{}
	if adminFile != "" {
		if err := ensureAdminToken(adminFile); err != nil {
			return nil, err
		}
		t.admin = &watched[[]token]{path: adminFile, log: log, failures: failures, parse: readAdminToken}
		if err := t.admin.load(); err != nil {
			return nil, fmt.Errorf("read admin token: %w", err)
		}
	}
	if tokensFile != "" {
		t.more = &watched[[]token]{path: tokensFile, log: log, failures: failures, parse: readTokens}
		if err := t.more.load(); err != nil {
			return nil, fmt.Errorf("read tokens: %w", err)
		}
	}
	return t, nil
}

// find returns the token's entry. All entries are compared, each in constant
// time.
func (t *tokenStore) find(presented string) (token, bool) {
	digest := sha256.Sum256([]byte(presented))
	var found token
	ok := false
	for _, w := range []*watched[[]token]{t.admin, t.more} {
		if w == nil {
			continue
		}
		for _, e := range w.get() {
			if subtle.ConstantTimeCompare(e.digest[:], digest[:]) == 1 {
				found, ok = e, true
			}
		}
	}
	return found, ok
}

// minToken keeps people from writing a token that can be guessed.
const minToken = 20

// ensureAdminToken writes a new token unless there is one. The file appears
// complete, or not at all: a half-written token would lock the owner out.
func ensureAdminToken(path string) error {
	if fi, err := os.Stat(path); err == nil {
		if fi.Mode().Perm()&0o077 != 0 {
			return fmt.Errorf("admin token %s can be read by others (mode %04o); run chmod 600 on it, or delete it to get a new one", path, fi.Mode().Perm())
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for admin token: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("create folder of admin token: %w", err)
	}
	// CreateTemp makes files of mode 0600.
	f, err := os.CreateTemp(dir, ".admin.token-*")
	if err != nil {
		return fmt.Errorf("create admin token: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString("tl_" + rand.Text() + rand.Text() + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write admin token: %w", err)
	}
	// A link fails when another process was quicker; its token is as good.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write admin token: %w", err)
	}
	return nil
}

func readAdminToken(path string) ([]token, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) < minToken {
		return nil, fmt.Errorf("%s: the token is shorter than %d characters; delete the file to get a new one at the next start", path, minToken)
	}
	return []token{{name: "admin.token", digest: sha256.Sum256(raw), grants: granted["admin"]}}, nil
}

// readTokens reads lines of NAME ACCESS TOKEN. Its errors never repeat the
// third word.
func readTokens(path string) ([]token, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseTokens(path, raw)
}

// BadTokenLine is what is wrong with one line of a tokens file.
type BadTokenLine struct {
	Path    string
	Line    int // from 1
	Message string
}

func (e *BadTokenLine) Error() string { return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Message) }

// CheckTokens says what is wrong with the content of a tokens file, as a join
// of one *BadTokenLine for each bad line. It never repeats a token.
func CheckTokens(path string, content []byte) error {
	_, err := parseTokens(path, content)
	return err
}

func parseTokens(path string, raw []byte) ([]token, error) {
	var out []token
	var errs []error
	bad := func(line int, format string, args ...any) {
		errs = append(errs, &BadTokenLine{Path: path, Line: line, Message: fmt.Sprintf(format, args...)})
	}
	sc := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 3 {
			bad(n, "%d words; write NAME ACCESS TOKEN", len(f))
			continue
		}
		grants, ok := granted[f[1]]
		switch {
		case !ok:
			bad(n, "the second word is not an access; write read, ingest, respond, change or admin")
		case len(f[2]) < minToken:
			bad(n, "token shorter than %d characters; make one with: openssl rand -hex 24", minToken)
		case slices.ContainsFunc(out, func(t token) bool { return t.name == f[0] }):
			bad(n, "name %q is given twice; give each token its own", f[0])
		default:
			out = append(out, token{name: f[0], digest: sha256.Sum256([]byte(f[2])), grants: grants})
		}
	}
	if err := sc.Err(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", path, err))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}
