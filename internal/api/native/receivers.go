package native

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Trial is what became of a sample message to one integration of a receiver.
type Trial struct {
	Integration string  `json:"integration" doc:"Its type and number, such as dingtalk[0]."`
	OK          bool    `json:"ok" doc:"Whether the other side took it."`
	Error       string  `json:"error,omitempty"`
	Said        string  `json:"said,omitempty" doc:"What the other side said, where that is known."`
	Took        float64 `json:"took_seconds"`
}

// Receivers is what can tell a receiver.
type Receivers interface {
	// Try sends a sample to each integration of a receiver.
	Try(ctx context.Context, receiver, language string) ([]Trial, error)
}

// ErrReceiver says that a receiver is not there or cannot be built.
var ErrReceiver = errors.New("the receiver cannot be told")

// Receivers registers the handler that tries a receiver.
func (a *API) Receivers(in Receivers) {
	type trials struct {
		Body struct {
			Receiver     string  `json:"receiver"`
			Integrations []Trial `json:"integrations"`
		}
	}
	o := operation("test-receiver", http.MethodPost, "/receivers/{name}/test", "Receivers",
		"Send a message that says that it is a test to each integration of a receiver", http.StatusUnprocessableEntity)
	huma.Register(a.huma, o, func(ctx context.Context, i *struct {
		Name     string `path:"name" doc:"A receiver of alertmanager.yml."`
		Language string `query:"lang" enum:"en,zh" default:"en"`
	},
	) (*trials, error) {
		list, err := in.Try(ctx, i.Name, i.Language)
		if errors.Is(err, ErrReceiver) {
			return nil, huma.Error422UnprocessableEntity(err.Error())
		}
		if err != nil {
			return nil, a.failure(ctx, "the test of the receiver", err)
		}
		o := &trials{}
		o.Body.Receiver, o.Body.Integrations = i.Name, append([]Trial{}, list...)
		return o, nil
	})
}
