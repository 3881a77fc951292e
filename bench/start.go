package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"touchline.dev/touchline/bench/fleet"
	"touchline.dev/touchline/bench/measure"
)

// replayRounds are the samples of each series that the log holds at the start with data.
const replayRounds = 20

// start measures the time from the start of the program to the first answer
// that says it is ready.
func (b *bench) start(ctx context.Context) (string, error) {
	ours := peer{"Touchline, everything on", b.servers.touchlineSpec(), "data/metrics"}
	peers := append([]peer{ours}, b.servers.alone()...)
	empty := make([][]time.Duration, len(peers))
	for _, i := range measure.Palindromes(len(peers), b.starts) {
		dir, err := b.dir("start")
		if err != nil {
			return "", err
		}
		took, err := b.startOnce(ctx, dir, peers[i])
		if err != nil {
			return "", fmt.Errorf("%s: %w", peers[i].name, err)
		}
		empty[i] = append(empty[i], took)
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("remove data: %w", err)
		}
	}
	b.say("  empty: ours %s", measure.Median(empty[0]))
	full := make([][]time.Duration, len(peers))
	dirs := make([]string, len(peers))
	for i, p := range peers {
		var err error
		if dirs[i], err = b.fillLog(ctx, p); err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for _, i := range measure.Palindromes(len(peers), b.palindromes) {
		took, err := b.startOnce(ctx, dirs[i], peers[i])
		if err != nil {
			return "", fmt.Errorf("%s: %w", peers[i].name, err)
		}
		full[i] = append(full[i], took)
	}
	series := thousands(float64(b.ingestHosts * fleet.SeriesPerHost))
	t := table{{"start to ready", "empty, p50 ms", "empty, slowest ms", series + " series in the log, p50 ms"}}
	for i, p := range peers {
		name := p.name
		if i == 1 {
			name += ", only what is sent to it"
		}
		t = append(t, []string{
			name, millis(measure.Median(empty[i])), millis(measure.Quantile(empty[i], 1)), millis(measure.Median(full[i])),
		})
	}
	slowest := measure.Quantile(empty[0], 1)
	return fmt.Sprintf("%s\nEmpty: %d starts each; with %d samples of each series in the log: %d starts each. Target on an empty directory < 1 s: %s, also by the slowest (%s).\n",
		t, len(empty[0]), replayRounds, len(full[0]), verdict(measure.Median(empty[0]) < time.Second), verdict(slowest < time.Second)), nil
}

func (b *bench) startOnce(ctx context.Context, dir string, p peer) (time.Duration, error) {
	r, err := launch(ctx, dir, p.spec)
	if err != nil {
		return 0, err
	}
	defer r.Kill()
	return r.ready, r.Stop()
}

// fillLog gives a directory whose write-ahead log has to be replayed.
func (b *bench) fillLog(ctx context.Context, p peer) (string, error) {
	dir, err := b.dir("replay")
	if err != nil {
		return "", err
	}
	r, err := launch(ctx, dir, p.spec)
	if err != nil {
		return "", err
	}
	defer r.Kill()
	w := &fleet.Writer{URL: r.url + "/api/v1/write", Connections: connections}
	defer w.Close()
	f := fleet.New(b.ingestHosts)
	at := time.Now().Add(-replayRounds * fleet.Interval * time.Millisecond)
	for range replayRounds {
		if err := w.Write(ctx, [][][]byte{f.Round(at.UnixMilli())}); err != nil {
			return "", err
		}
		at = at.Add(fleet.Interval * time.Millisecond)
	}
	return dir, r.Stop()
}
