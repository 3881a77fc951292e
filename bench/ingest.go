package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"touchline.dev/touchline/bench/fleet"
	"touchline.dev/touchline/bench/measure"
	"touchline.dev/touchline/bench/process"
)

// ingested is what one turn of one server gave.
type ingested struct {
	perSecond float64 // samples
	cpu       float64 // microseconds of the server's processor time per sample
	first     time.Duration
	memory    process.Memory
}

// ingest writes the same bodies to each server in turn, each time into an empty
// data directory.
func (b *bench) ingest(ctx context.Context) (string, error) {
	f := fleet.New(b.ingestHosts)
	at := time.Now().Add(-time.Duration(b.ingestRounds+1) * fleet.Interval * time.Millisecond).UnixMilli()
	rounds := make([][][]byte, 0, b.ingestRounds+1)
	for range b.ingestRounds + 1 {
		rounds = append(rounds, f.Round(at))
		at += fleet.Interval
	}
	peers := b.servers.alone()
	all := make([][]ingested, len(peers))
	for _, i := range measure.Palindromes(len(peers), b.palindromes) {
		got, err := b.ingestOnce(ctx, peers[i], f.Series(), rounds)
		if err != nil {
			return "", fmt.Errorf("%s: %w", peers[i].name, err)
		}
		b.say("  %-22s %s samples/s, %.2f µs/sample, %s MiB", peers[i].name, thousands(got.perSecond), got.cpu, mib(got.memory.RSS))
		all[i] = append(all[i], got)
	}
	t := table{{"median of " + fmt.Sprint(len(all[0])) + " turns", "samples/s", "CPU µs/sample", "new series, s", "resident MiB", "of it anonymous"}}
	for i, p := range peers {
		t = append(t, []string{
			p.name,
			thousands(median(all[i], func(g ingested) float64 { return g.perSecond })),
			fmt.Sprintf("%.2f", median(all[i], func(g ingested) float64 { return g.cpu })),
			fmt.Sprintf("%.2f", median(all[i], func(g ingested) float64 { return g.first.Seconds() })),
			mib(int64(median(all[i], func(g ingested) float64 { return float64(g.memory.RSS) }))),
			mib(int64(median(all[i], func(g ingested) float64 { return float64(g.memory.Anonymous) }))),
		})
	}
	rate := ratio(all, func(g ingested) float64 { return g.perSecond })
	cost := 1 / ratio(all, func(g ingested) float64 { return g.cpu })
	return fmt.Sprintf("%s\n%s series, %d samples each, %d at a time over %d connections. Ratio to today's Prometheus, turn by turn: "+
		"%.2f in samples/s, %.2f in samples per CPU second (target ≥ 0.95: %s).\n",
		t, thousands(float64(f.Series())), b.ingestRounds, 2000, connections, rate, cost, verdict(rate >= 0.95)), nil
}

// median is the middle of one figure of all turns.
func median[T any](turns []T, figure func(T) float64) float64 {
	values := make([]float64, 0, len(turns))
	for _, t := range turns {
		values = append(values, figure(t))
	}
	return measure.Median(values)
}

// ratio divides our figure by that of today's Prometheus in the same turn, and
// takes the middle: a machine that is slow for a while is slow for both.
func ratio[T any](all [][]T, figure func(T) float64) float64 {
	const us, today = 0, 1
	values := make([]float64, 0, len(all[us]))
	for i := range all[us] {
		values = append(values, figure(all[us][i])/figure(all[today][i]))
	}
	return measure.Median(values)
}

func (b *bench) ingestOnce(ctx context.Context, p peer, series int, rounds [][][]byte) (_ ingested, err error) {
	var out ingested
	dir, err := b.dir("ingest")
	if err != nil {
		return out, err
	}
	r, err := launch(ctx, dir, p.spec)
	if err != nil {
		return out, err
	}
	defer r.Kill()
	w := &fleet.Writer{URL: r.url + "/api/v1/write", Connections: connections}
	defer w.Close()
	began := time.Now()
	if err := w.Write(ctx, rounds[:1]); err != nil {
		return out, err
	}
	out.first = time.Since(began)
	before, err := r.CPU()
	if err != nil {
		return out, err
	}
	began = time.Now()
	if err := w.Write(ctx, rounds[1:]); err != nil {
		return out, err
	}
	took := time.Since(began)
	after, err := r.CPU()
	if err != nil {
		return out, err
	}
	samples := float64(series * (len(rounds) - 1))
	out.perSecond = samples / took.Seconds()
	out.cpu = float64((after - before).Microseconds()) / samples
	if err := wait(ctx, b.rest); err != nil {
		return out, err
	}
	if out.memory, err = r.Memory(); err != nil {
		return out, err
	}
	if err := r.Stop(); err != nil {
		return out, err
	}
	return out, os.RemoveAll(dir)
}

// wait lets time pass, unless the benchmark is ended.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// blockTimeout is how long a server may take to write the first block.
const blockTimeout = 3 * time.Minute

// span is how much time the samples of the disk part cover: the head becomes a
// block when it holds half a block more than one.
const (
	block = 2 * time.Hour
	span  = block + block/2 + 15*time.Minute
)

// disk writes more than three hours of samples and measures the first block.
func (b *bench) disk(ctx context.Context) (string, error) {
	t := table{{"first block of two hours", "samples", "bytes", "bytes/sample", "of it chunks", "of it index"}}
	var per []float64
	for _, p := range b.servers.alone() {
		s, err := b.diskOnce(ctx, p)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
		one := func(n int64) string { return fmt.Sprintf("%.3f", float64(n)/float64(s.samples)) }
		t = append(t, []string{p.name, thousands(float64(s.samples)), thousands(float64(s.bytes)), one(s.bytes), one(s.chunks), one(s.index)})
		per = append(per, float64(s.bytes)/float64(s.samples))
		b.say("  %-22s %.3f bytes/sample", p.name, per[len(per)-1])
	}
	r := per[0] / per[1]
	if r > 1.05 {
		return "", fmt.Errorf("a sample takes %.2f times the bytes that it takes in today's Prometheus:\n%s", r, t)
	}
	return fmt.Sprintf("%s\n%s series at 15 s, as node_exporter and cAdvisor give them. Ratio to today's Prometheus %.3f; target ≤ 1.7 bytes/sample: %s.\n",
		t, thousands(float64(b.diskHosts*fleet.SeriesPerHost)), r, verdict(per[0] <= 1.7)), nil
}

// blockSize is the size of one block.
type blockSize struct{ samples, bytes, chunks, index int64 }

func (b *bench) diskOnce(ctx context.Context, p peer) (blockSize, error) {
	dir, err := b.dir("disk")
	if err != nil {
		return blockSize{}, err
	}
	r, err := launch(ctx, dir, p.spec)
	if err != nil {
		return blockSize{}, err
	}
	defer r.Kill()
	w := &fleet.Writer{URL: r.url + "/api/v1/write", Connections: connections}
	defer w.Close()
	f := fleet.New(b.diskHosts)
	begin := time.Now().Truncate(block).Add(-2 * block)
	for at := begin; at.Before(begin.Add(span)); at = at.Add(fleet.Interval * time.Millisecond) {
		if err := w.Write(ctx, [][][]byte{f.Round(at.UnixMilli())}); err != nil {
			return blockSize{}, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, blockTimeout)
	defer cancel()
	for {
		s, err := firstBlock(filepath.Join(dir, p.data))
		if err == nil {
			if err := r.Stop(); err != nil {
				return blockSize{}, err
			}
			return s, os.RemoveAll(dir)
		}
		if !errors.Is(err, errNoBlock) {
			return blockSize{}, err
		}
		if err := wait(ctx, time.Second); err != nil {
			return blockSize{}, fmt.Errorf("wait for the first block: %w", err)
		}
	}
}

var errNoBlock = errors.New("there is no block yet")

// firstBlock measures the one block of a TSDB.
func firstBlock(dir string) (blockSize, error) {
	metas, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	if err != nil {
		return blockSize{}, fmt.Errorf("find blocks: %w", err)
	}
	for _, m := range metas {
		if filepath.Ext(filepath.Dir(m)) != "" {
			continue // It is being written, under a temporary name.
		}
		return measureBlock(filepath.Dir(m))
	}
	return blockSize{}, errNoBlock
}

// readAll is the answer of a request, which must be 200.
func readAll(status int, body io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if status != 200 {
		return nil, fmt.Errorf("status %d: %.500s", status, raw)
	}
	return raw, nil
}
