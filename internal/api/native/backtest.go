package native

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// BacktestRequest is what to replay over what is stored.
type BacktestRequest struct {
	Rules  string    `json:"rules" minLength:"1" maxLength:"262144" doc:"A rule file, as text."`
	Before string    `json:"before,omitempty" maxLength:"262144" doc:"The rule file as it is, to compare with; without it the rules are replayed alone."`
	From   time.Time `json:"from" doc:"Beginning of the period."`
	To     time.Time `json:"to" doc:"End of the period; at most 31 days after its beginning."`
}

// Backtester replays rules over stored samples. Its report is written as JSON.
type Backtester interface {
	Backtest(ctx context.Context, r BacktestRequest) (any, error)
}

var (
	// ErrBacktest says that rules cannot be replayed as they are asked for.
	ErrBacktest = errors.New("the rules cannot be replayed")
	// ErrBacktestSource says that another server, which has the samples, does not give them.
	ErrBacktestSource = errors.New("the samples cannot be read")
	// ErrBacktestBusy says that another backtest runs.
	ErrBacktestBusy = errors.New("another backtest runs")
)

// Backtests registers the handler that replays rules. It changes nothing.
func (a *API) Backtests(in Backtester) {
	type report struct{ Body any }
	o := operation("backtest", http.MethodPost, "/backtest", "Rules",
		"Replay a rule file over stored samples, and say what it would have done", http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable)
	huma.Register(a.huma, o, func(ctx context.Context, i *struct{ Body BacktestRequest }) (*report, error) {
		r, err := in.Backtest(ctx, i.Body)
		switch {
		case errors.Is(err, ErrBacktest):
			return nil, huma.Error422UnprocessableEntity(err.Error())
		case errors.Is(err, ErrBacktestSource):
			return nil, huma.Error502BadGateway(err.Error())
		case errors.Is(err, ErrBacktestBusy):
			return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests("another backtest runs; try again when it is done"), http.Header{"Retry-After": {"10"}})
		case err != nil:
			return nil, a.failure(ctx, "the backtest", err)
		}
		return &report{Body: r}, nil
	})
}
