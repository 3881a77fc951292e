package incident

import (
	"context"
	"fmt"
	"strings"
	"time"

	"touchline.dev/touchline/internal/state"
)

// How what comes in is written. In a storm telling goes first: writing begins a
// moment later, when the first receivers have answered, and takes a quarter of one
// processor's time.
const (
	gather = 100 * time.Millisecond
	chunk  = 200 // groups that one transaction takes in
	others = 500 // ends of alerts, and as many notifications, the same
	rests  = 3   // times as long as a transaction takes
)

// work writes what has come in. rest is called between two transactions with the
// time for which others have the processor.
func (s *Service) work(ctx context.Context, rest func(took time.Duration)) error {
	for {
		b := s.inbox.take(chunk, others)
		if b.empty() {
			return nil
		}
		start := time.Now()
		err := s.write(ctx, b)
		if state.Refused(err) {
			err = s.writeEach(ctx, b)
		} else if err != nil {
			s.inbox.putBack(b)
		}
		if err != nil {
			return err
		}
		if s.inbox.waiting() > 0 {
			rest(rests * time.Since(start))
		}
	}
}

// write writes a batch, all of it or nothing.
func (s *Service) write(ctx context.Context, b batch) error {
	var w *writing
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		w = &writing{s: s, ctx: ctx, tx: tx, now: s.o.Now(), open: map[int64]*opened{}}
		return w.batch(b)
	})
	if err == nil {
		w.committed()
	}
	return err
}

// writeEach writes what a batch has one by one: what the database refuses must not
// keep the rest from it, and will be refused again.
func (s *Service) writeEach(ctx context.Context, b batch) error {
	all := b.each()
	for n, one := range all {
		err := s.write(ctx, one)
		switch {
		case state.Refused(err):
			s.metrics.refused.Inc()
			s.log.Error("The state database refuses what came in for incidents; it is dropped", "what", one.String(), "err", err)
		case err != nil:
			var left batch
			for _, one := range all[n:] {
				left.add(one)
			}
			s.inbox.putBack(left)
			return err
		}
	}
	return nil
}

// each are batches of one thing each, in the order in which they are worked off.
func (b *batch) each() (out []batch) {
	for n := range b.groups {
		out = append(out, batch{groups: b.groups[n : n+1]})
	}
	for fp, at := range b.ended {
		out = append(out, batch{ended: map[string]time.Time{fp: at}})
	}
	for n := range b.told {
		out = append(out, batch{told: b.told[n : n+1]})
	}
	return out
}

func (b *batch) add(one batch) {
	b.groups = append(b.groups, one.groups...)
	b.told = append(b.told, one.told...)
	for fp, at := range one.ended {
		if b.ended == nil {
			b.ended = map[string]time.Time{}
		}
		b.ended[fp] = at
	}
}

func (b *batch) String() string {
	var out []string
	for _, g := range b.groups {
		out = append(out, fmt.Sprintf("group %.200q", g.Key))
	}
	for fp := range b.ended {
		out = append(out, "the end of alert "+fp)
	}
	for _, n := range b.told {
		out = append(out, fmt.Sprintf("notification of %.200q for group %.200q", n.Receiver, n.GroupKey))
	}
	return strings.Join(out, ", ")
}

// maxKey bounds a group's key, in bytes: PostgreSQL has indexes of short texts only.
const maxKey = 1000

// bounded is a group's key as it is stored.
func bounded(key string) string {
	if len(key) <= maxKey {
		return key
	}
	return cut(key, maxKey-65) + " " + hashOf(key)
}
