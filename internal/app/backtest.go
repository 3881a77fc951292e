package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"touchline.dev/touchline/internal/api/native"
	"touchline.dev/touchline/internal/backtest"
	"touchline.dev/touchline/internal/metrics"
)

// What one backtest by API may take. Whoever needs more has "touchline
// backtest", which works on a machine of its own.
const (
	backtestPeriod  = 31 * 24 * time.Hour
	backtestRules   = 50
	backtestTime    = 50 * time.Second
	backtestHeld    = 10_000_000 // samples, 24 bytes each
	backtestAnswers = 50         // alerts shown of a rule
	// What errors call the texts that were sent.
	backtestFile   = "rules"
	backtestBefore = "before"
)

// backtests replays rules over the own storage, one request at a time.
type backtests struct {
	a   *App
	one sync.Mutex
}

// Backtest replays rules. Nothing is written.
func (b *backtests) Backtest(ctx context.Context, r native.BacktestRequest) (any, error) {
	if d := r.To.Sub(r.From); d <= 0 || d > backtestPeriod {
		return nil, fmt.Errorf("%w: the period from %s to %s is empty or longer than 31 days", native.ErrBacktest, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
	}
	if !b.one.TryLock() {
		return nil, native.ErrBacktestBusy
	}
	defer b.one.Unlock()
	ctx, cancel := context.WithTimeout(ctx, backtestTime)
	defer cancel()
	prom := b.a.engine.Config()
	var before []string
	if r.Before != "" {
		before = []string{backtestBefore}
	}
	report, err := backtest.Run(ctx, backtest.Options{
		Before: before, After: []string{backtestFile}, Contents: map[string][]byte{backtestFile: []byte(r.Rules), backtestBefore: []byte(r.Before)}, From: r.From, To: r.To,
		Source:             backtest.NewSource("this server", b.a.engine.Whole()),
		EvaluationInterval: time.Duration(prom.GlobalConfig.EvaluationInterval), QueryOffset: time.Duration(prom.GlobalConfig.RuleQueryOffset),
		Lookback: b.a.c.Query.Lookback, ExternalLabels: b.a.engine.ExternalLabels(), ExternalURL: b.a.external.String(),
		MaxSamples: min(b.a.c.Query.MaxSamples, backtestHeld), MaxHeld: backtestHeld, MaxRules: backtestRules, Workers: 1, Examples: backtestAnswers,
	})
	switch {
	case err == nil:
		return report, nil
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: it took longer than %s; shorten the period, or run touchline backtest", native.ErrBacktest, backtestTime)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, backtest.ErrTooMuch), strings.HasPrefix(err.Error(), "load rules: "):
		return nil, fmt.Errorf("%w: %w", native.ErrBacktest, err)
	case errors.Is(err, metrics.ErrPartial):
		return nil, fmt.Errorf("%w: %w", native.ErrBacktestSource, err)
	}
	return nil, err
}
