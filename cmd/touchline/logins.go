package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// login is a token of one's own at a server.
type login struct {
	URL       string    `json:"url"`
	User      string    `json:"user"`
	Token     string    `json:"token"`
	TokenID   string    `json:"token_id,omitempty"` // "" where it is no user's, who could end it
	Given     bool      `json:"given,omitempty"`    // was handed in, so that others may use it as well
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// logins are those that this person has on this machine.
type logins struct {
	Current string  `json:"current"` // the URL of the last one
	Logins  []login `json:"logins"`

	path string
}

// loginsPath is where they are kept.
func loginsPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for logins: %w", err)
	}
	return filepath.Join(dir, "touchline", "logins.json"), nil
}

// readLogins reads them; there are none where there is no file, and where a
// process has no home, such as a service.
func readLogins() (*logins, error) {
	path, err := loginsPath()
	if err != nil {
		return &logins{}, nil //nolint:nilerr // Whoever logs in is told.
	}
	l := &logins{path: path}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read logins: %s can be read by others (mode %04o); run chmod 600 on it, or delete it and log in again", path, info.Mode().Perm())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	if err := json.Unmarshal(raw, l); err != nil {
		return nil, fmt.Errorf("read logins: %s is damaged: %w; delete it and log in again", path, err)
	}
	return l, nil
}

// at finds the login at a server.
func (l *logins) at(base *url.URL) *login {
	for i := range l.Logins {
		if u, err := url.Parse(l.Logins[i].URL); err == nil && sameServer(u, base) {
			return &l.Logins[i]
		}
	}
	return nil
}

// sameServer tells whether two addresses are of one server, so that a token for
// the one may be shown to the other.
func sameServer(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && hostPort(a) == hostPort(b) && a.Path == b.Path
}

// set adds a login, in place of the one at the same server, and makes it the current one.
func (l *logins) set(base *url.URL, n login) error {
	return l.change(func() error {
		l.drop(base)
		n.URL = base.String()
		l.Logins, l.Current = append(l.Logins, n), n.URL
		return l.write()
	})
}

// remove takes the login at a server away.
func (l *logins) remove(base *url.URL) error {
	return l.change(func() error {
		l.drop(base)
		if len(l.Logins) > 0 {
			return l.write()
		}
		if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove logins: %w", err)
		}
		return nil
	})
}

// change does something to what the file has now, which another command may have
// written since it was read, and keeps others from writing meanwhile.
func (l *logins) change(how func() error) error {
	if l.path == "" {
		_, err := loginsPath()
		return err
	}
	dir := filepath.Dir(l.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write logins: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "logins.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock logins: %w", err)
	}
	defer lock.Close() // and with it the lock ends
	if err := waitForLock(lock, loginsPatience); err != nil {
		return err
	}
	now, err := readLogins()
	if err != nil {
		return err
	}
	*l = *now
	return how()
}

func (l *logins) drop(base *url.URL) {
	found := l.at(base)
	if found == nil {
		return
	}
	gone := found.URL // what is found moves while it is deleted
	if l.Current == gone {
		l.Current = ""
	}
	l.Logins = slices.DeleteFunc(l.Logins, func(x login) bool { return x.URL == gone })
}

// loginsPatience is how long another command may be at the logins.
const loginsPatience = 10 * time.Second

// waitForLock takes a lock that ends with the file.
func waitForLock(f *os.File, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("lock logins: %w", err)
		case time.Now().After(deadline):
			return fmt.Errorf("lock logins: another command has held %s for %s; end it, or wait for it", f.Name(), patience)
		}
		<-pause.C
	}
}

// write replaces the file as a whole: CreateTemp makes files of mode 0600.
func (l *logins) write() (err error) {
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("write logins: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(l.path), ".logins-*")
	if err != nil {
		return fmt.Errorf("write logins: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write logins: %w", err)
	}
	if err = os.Rename(f.Name(), l.path); err != nil {
		return fmt.Errorf("write logins: %w", err)
	}
	return nil
}
