// Command bench measures the server as a whole process beside the programs that
// it replaces, and writes what it finds into bench/RESULTS.md. Its README says
// what each part measures and how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"touchline.dev/touchline/bench/process"
)

// sizes are how much each part does.
type sizes struct {
	ingestHosts  int // 300 series each
	ingestRounds int
	rest         time.Duration // after the samples, before the resident memory is read
	diskHosts    int
	queryHosts   int
	queryRounds  int
	instant      int // times that each instant query is asked in one turn
	ranges       int // the same for range queries
	starts       int // turns of the empty start are twice this
	palindromes  int // turns of each server in a comparison are twice this
	settle       time.Duration
	window       time.Duration
}

var (
	full = sizes{
		ingestHosts: 334, ingestRounds: 40, rest: 10 * time.Second, diskHosts: 33, queryHosts: 50, queryRounds: 241, instant: 60, ranges: 15,
		starts: 10, palindromes: 3, settle: 90 * time.Second, window: 3 * time.Minute,
	}
	quick = sizes{
		ingestHosts: 20, ingestRounds: 10, rest: time.Second, diskHosts: 4, queryHosts: 4, queryRounds: 41, instant: 5, ranges: 3,
		starts: 1, palindromes: 1, settle: 5 * time.Second, window: 10 * time.Second,
	}
)

// connections is how many senders write at the same time.
const connections = 4

// bench is one run.
type bench struct {
	sizes
	quick   bool
	servers servers
	scratch string // folder of the data; removed at the end
	commit  string
	machine string
	rows    *regexp.Regexp // given by -rows, nil for all
	turns   int            // given by -turns
	log     io.Writer      // progress
	out     io.Writer      // sections, when no file is written
	file    string         // RESULTS.md; "" writes to out
}

// part is one thing to measure. It gives the Markdown of its section.
type part struct {
	name, title string
	run         func(*bench, context.Context) (string, error)
}

var parts = []part{
	{"ingest", "Remote write at 100,000 series", (*bench).ingest},
	{"disk", "Bytes on disk", (*bench).disk},
	{"query", "Queries of the shipped rules", (*bench).query},
	{"start", "Start to ready", (*bench).start},
	{"idle", "Idle", (*bench).idle},
	{"detection", "Detection", (*bench).detection},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	b := &bench{out: out, log: log}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	names := make([]string, 0, len(parts))
	for _, p := range parts {
		names = append(names, p.name)
	}
	only := flags.String("only", "", "run only these parts: "+strings.Join(names, ", "))
	flags.BoolVar(&b.quick, "quick", false, "small sizes, which show that the harness and the answers are right; the times mean nothing")
	flags.StringVar(&b.file, "out", "", "file whose generated sections are replaced; nothing prints them instead")
	flags.StringVar(&b.commit, "commit", "unknown", "what is measured, for the record")
	scratch := flags.String("scratch", os.TempDir(), "folder below which the servers keep their data")
	flags.IntVar(&b.turns, "turns", 0, "half the turns of each server in a comparison; 0 for the default")
	flags.Func("rows", "of detection, measure only the rows that match this regular expression; for a look, not for the record", func(text string) (err error) {
		b.rows, err = regexp.Compile(text)
		return err
	})
	b.servers.flags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; bench takes flags only", flags.Arg(0))
	}
	if b.rows != nil && b.file != "" {
		return errors.New("-rows is for a look: without all of its rows a section is not written; leave -out away")
	}
	wanted := names
	if *only != "" {
		wanted = strings.Split(*only, ",")
		for _, w := range wanted {
			if !slices.Contains(names, w) {
				return fmt.Errorf("-only=%s: there is no part %q; the parts are %s", *only, w, strings.Join(names, ", "))
			}
		}
	}
	b.sizes = full
	if b.quick {
		b.sizes = quick
	}
	if b.turns > 0 {
		b.palindromes = b.turns
	}
	var err error
	if err := b.servers.check(); err != nil {
		return err
	}
	if b.machine, err = process.Machine(runtime.NumCPU()); err != nil {
		return err
	}
	if b.scratch, err = os.MkdirTemp(*scratch, "touchline-bench-"); err != nil {
		return fmt.Errorf("make a folder for the data: %w", err)
	}
	if b.scratch, err = filepath.Abs(b.scratch); err != nil {
		return fmt.Errorf("find the folder of the data: %w", err)
	}
	err = b.parts(ctx, wanted)
	if err != nil {
		return fmt.Errorf("%w\nthe data and the logs of the servers are kept in %s", err, b.scratch)
	}
	if err := os.RemoveAll(b.scratch); err != nil {
		return fmt.Errorf("remove the data of the benchmark: %w", err)
	}
	return nil
}

// parts runs what is wanted and writes each section when it is done, so that a
// run that is cut off keeps what it had.
func (b *bench) parts(ctx context.Context, wanted []string) error {
	for _, p := range parts {
		if !slices.Contains(wanted, p.name) {
			continue
		}
		b.say("%s", p.title)
		load, err := startLoad()
		if err != nil {
			return err
		}
		text, err := p.run(b, ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		conditions, err := load.end()
		if err != nil {
			return err
		}
		section := fmt.Sprintf("%s\n%s\n", text, b.record(p.name, conditions))
		if b.file == "" {
			fmt.Fprintf(b.out, "## %s\n\n%s\n", p.title, section)
			continue
		}
		if err := replaceSection(b.file, p.name, section); err != nil {
			return err
		}
	}
	return nil
}

// record says when, where and how a section was measured.
func (b *bench) record(part, conditions string) string {
	command, size := "-only="+part, ""
	if b.turns > 0 {
		command += fmt.Sprintf(" -turns=%d", b.turns)
	}
	if b.quick {
		command, size = command+" -quick", " Quick sizes: the times mean nothing."
	}
	return fmt.Sprintf("%s, commit %s, on %s. Peers: %s. `make bench BENCH=\"%s\"`. %s%s",
		time.Now().UTC().Format("2006-01-02 15:04 MST"), b.commit, b.machine, b.servers.versions(), command, conditions, size)
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// dir makes a new folder for one server.
func (b *bench) dir(pattern string) (string, error) {
	d, err := os.MkdirTemp(b.scratch, pattern+"-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the data: %w", err)
	}
	return d, nil
}
