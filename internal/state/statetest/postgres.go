//go:build e2e

package statetest

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"touchline.dev/touchline/internal/state"
)

func init() { backends = append(backends, backend{"postgres", postgresDatabase}) }

// PostgresURL is that of an empty database of PostgreSQL.
func PostgresURL(t *testing.T) string { return postgresDatabase(t).URL }

// cluster is one PostgreSQL server of this test process.
type cluster struct {
	dir string // of its data and its socket
	cmd *exec.Cmd
	log *bytes.Buffer

	mu sync.Mutex
	n  int // databases made
}

var started = sync.OnceValues(startPostgres)

// postgresDatabase makes an empty database in the server, which is started first
// where it does not run yet.
func postgresDatabase(t *testing.T) state.Options {
	t.Helper()
	if !inMain {
		t.Fatal("the package's TestMain must call statetest.Main, so that PostgreSQL is stopped after the tests")
	}
	c, err := started()
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.n++
	name := fmt.Sprintf("test%d", c.n)
	c.mu.Unlock()
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("make a database in PostgreSQL: %v\n%s", err, c.log)
	}
	return state.Options{URL: c.url(name)}
}

func (c *cluster) url(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: url.Values{"host": {c.dir}}.Encode()}).String()
}

// program finds one of PostgreSQL's programs, which Debian keeps out of PATH.
func program(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("PostgreSQL's %s is missing; install Debian's package postgresql", name)
	}
	return found[len(found)-1], nil
}

// startPostgres starts a server that listens on a socket in a folder of its own.
// It refuses to run as root, so root gives it the user that Debian's package made.
func startPostgres() (_ *cluster, err error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	server, err := program("postgres")
	if err != nil {
		return nil, err
	}
	// The name of a socket is short, so TMPDIR does not count.
	dir, err := os.MkdirTemp("/tmp", "touchline-pg-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, log: &bytes.Buffer{}}
	atEnd = append(atEnd, c.stop)
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, errors.New("there is no user postgres, which PostgreSQL runs as where root starts it; install Debian's package postgresql")
		}
		uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uerr, gerr); err != nil {
			return nil, err
		}
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(dir, "data")
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = dir, as, c.log, c.log
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
		return cmd
	}
	if err := run(initdb, "--pgdata", data, "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync").Run(); err != nil {
		return nil, fmt.Errorf("run initdb: %w\n%s", err, c.log)
	}
	c.cmd = run(server, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return c, c.answers()
}

// answers waits until the server takes connections.
func (c *cluster) answers() error {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	deadline := time.After(30 * time.Second)
	for {
		err := db.Ping()
		if err == nil {
			return nil
		}
		select {
		case <-t.C:
		case <-deadline:
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, c.log)
		}
	}
}

// stop ends the server and removes its data.
func (c *cluster) stop() {
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Signal(syscall.SIGQUIT)
		_ = c.cmd.Wait()
	}
	_ = os.RemoveAll(c.dir)
}
