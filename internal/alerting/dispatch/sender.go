package dispatch

import (
	"context"
	"sync"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
)

// letter is what a flush has to tell.
type letter struct {
	ctx    context.Context // values only
	flush  uint64
	alerts alert.AlertSlice
}

// sender tells one integration about one group. While it is at work at most
// one letter waits: a newer one takes its place, since each says all that is to
// be said. Its goroutine lives as long as there is something to send.
type sender struct {
	g     *group
	n     int
	stage notify.Stage

	mu      sync.Mutex
	busy    bool
	waiting *letter
	tried   uint64 // the newest flush whose attempt has ended, well or not
	known   uint64 // the newest flush that the integration knows
}

// progress returns how far the sender has come.
func (s *sender) progress() (tried, known uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tried, s.known
}

// skip notes a flush that had nothing to tell: all of it is muted.
func (s *sender) skip(flush uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return // what is being sent ends later
	}
	s.tried, s.known = max(s.tried, flush), max(s.known, flush)
}

func (s *sender) post(l letter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting != nil {
		s.g.d.o.Metrics.superseded.Inc()
		if s.waiting.flush > l.flush {
			return
		}
	}
	s.waiting = &l
	if s.busy {
		return
	}
	s.busy = true
	s.g.d.wg.Add(1)
	go s.work()
}

func (s *sender) work() {
	defer s.g.d.wg.Done()
	for {
		s.mu.Lock()
		l := s.waiting
		s.waiting = nil
		if l == nil || s.g.d.ctx.Err() != nil {
			s.busy = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		s.send(l)
	}
}

func (s *sender) send(l *letter) {
	d := s.g.d
	ctx, cancel := context.WithTimeout(l.ctx, d.o.Timeout(s.g.route.RouteOpts.GroupInterval))
	stop := context.AfterFunc(d.ctx, cancel)
	_, _, err := s.stage.Exec(ctx, d.o.Logger, l.alerts...)
	stop()
	cancel()
	s.mu.Lock()
	if d.ctx.Err() == nil || err == nil {
		s.tried = max(s.tried, l.flush)
	}
	if err == nil {
		s.known = max(s.known, l.flush)
	}
	s.mu.Unlock()
	if err != nil {
		s.g.failed(err, len(l.alerts))
	}
	s.g.settle()
}
