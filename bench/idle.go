package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"touchline.dev/touchline/bench/measure"
	"touchline.dev/touchline/bench/process"
)

// idlePoll is how often resident memory is read while a server idles.
const idlePoll = 5 * time.Second

// The targets of the idle part.
const (
	maxIdle    = 200 << 20 // bytes resident, whatever the peers need
	maxIdleCPU = 0.03      // of one core
)

// idled is what one turn gave.
type idled struct {
	memory process.Memory // median over the window
	most   int64          // largest resident set that was seen
	cpu    float64        // share of one core
}

// idler is one thing that idles: ours, or the three of Debian.
type idler struct {
	name  string
	start func(ctx context.Context, dir string) (group, error)
}

// idle leaves the servers alone and looks at what they take.
func (b *bench) idle(ctx context.Context) (string, error) {
	idlers := []idler{
		{"Touchline, all sources at 1 s, shipped rules", func(ctx context.Context, dir string) (group, error) {
			r, err := launch(ctx, dir, b.servers.touchlineSpec())
			if err != nil {
				return nil, err
			}
			return group{r}, nil
		}},
		{"the three of Debian, all targets at 1 s, the same rules", func(ctx context.Context, dir string) (group, error) {
			return b.servers.launchTrio(ctx, dir, time.Second, true)
		}},
		{"the three of Debian, all targets at 15 s, no rules", func(ctx context.Context, dir string) (group, error) {
			return b.servers.launchTrio(ctx, dir, 15*time.Second, false)
		}},
	}
	got := make([][]idled, len(idlers))
	for _, i := range measure.Palindromes(len(idlers), 1) {
		g, err := b.idleOnce(ctx, idlers[i])
		if err != nil {
			return "", fmt.Errorf("%s: %w", idlers[i].name, err)
		}
		got[i] = append(got[i], g)
		b.say("  %-55s %s MiB, %.2f %% of a core", idlers[i].name, mib(g.memory.RSS), 100*g.cpu)
	}
	t := table{{"idle", "resident MiB", "of it anonymous", "of it file", "most", "CPU, % of one core"}}
	middle := func(i int, figure func(idled) float64) float64 {
		// Two turns each: the mean is their middle.
		sum := 0.0
		for _, g := range got[i] {
			sum += figure(g)
		}
		return sum / float64(len(got[i]))
	}
	rss := func(g idled) float64 { return float64(g.memory.RSS) }
	cpu := func(g idled) float64 { return g.cpu }
	for i, x := range idlers {
		t = append(t, []string{
			x.name, mib(int64(middle(i, rss))),
			mib(int64(middle(i, func(g idled) float64 { return float64(g.memory.Anonymous) }))),
			mib(int64(middle(i, func(g idled) float64 { return float64(g.memory.File) }))),
			mib(slices.Max(mosts(got[i]))), fmt.Sprintf("%.2f", 100*middle(i, cpu)),
		})
	}
	most := slices.Max(mosts(got[0]))
	return fmt.Sprintf("%s\nMean of two turns of %s each, after %s of settling; the resident memory of a turn is the median of readings every %s. "+
		"Ours also runs what cAdvisor does, which the three do not. Targets: resident memory at most that of the three at 1 s with the same rules: %s; never over 200 MiB: %s; CPU < 3 %% of one core: %s.\n",
		t, b.window, b.settle, idlePoll, verdict(middle(0, rss) <= middle(1, rss)), verdict(most <= maxIdle), verdict(middle(0, cpu) < maxIdleCPU)), nil
}

func mosts(all []idled) []int64 {
	out := make([]int64, 0, len(all))
	for _, g := range all {
		out = append(out, g.most)
	}
	return out
}

func (b *bench) idleOnce(ctx context.Context, x idler) (idled, error) {
	dir, err := b.dir("idle")
	if err != nil {
		return idled{}, err
	}
	t, err := x.start(ctx, dir)
	if err != nil {
		return idled{}, err
	}
	defer t.kill()
	if err := wait(ctx, b.settle); err != nil {
		return idled{}, err
	}
	g, err := b.watch(ctx, t)
	if err != nil {
		return idled{}, err
	}
	if err := t.stop(); err != nil {
		return idled{}, err
	}
	return g, os.RemoveAll(dir)
}

// watch reads the memory of all processes together for the length of the window.
func (b *bench) watch(ctx context.Context, t group) (idled, error) {
	before, err := t.cpu()
	if err != nil {
		return idled{}, err
	}
	began := time.Now()
	var readings []process.Memory
	for time.Since(began) < b.sizes.window {
		var sum process.Memory
		for _, r := range t {
			m, err := r.Memory()
			if err != nil {
				return idled{}, err
			}
			sum = sum.Add(m)
		}
		readings = append(readings, sum)
		if err := wait(ctx, min(idlePoll, b.sizes.window/5)); err != nil {
			return idled{}, err
		}
	}
	after, err := t.cpu()
	if err != nil {
		return idled{}, err
	}
	slices.SortFunc(readings, func(a, b process.Memory) int { return int(a.RSS - b.RSS) })
	return idled{
		memory: readings[len(readings)/2], most: readings[len(readings)-1].RSS,
		cpu: float64(after-before) / float64(time.Since(began)),
	}, nil
}

// cpu is the processor time of all processes together.
func (t group) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, r := range t {
		c, err := r.CPU()
		if err != nil {
			return 0, err
		}
		sum += c
	}
	return sum, nil
}
