// Package native is our own API under /touchline/v1: what no upstream tool has an
// API for. Its OpenAPI 3.1 document is made from the handlers, its errors are
// problem+json (RFC 9457), its lists come in pages with a cursor, and what is
// edited carries an ETag.
package native

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Base is the path below which everything is.
const Base = "/touchline/v1"

// Options configure an API. All fields are required.
type Options struct {
	Mux     humago.Mux // such as a *http.ServeMux
	Version string
	Logger  *slog.Logger
	// Actor is who sent the request that a context belongs to, "" where nobody is known.
	Actor func(context.Context) string
}

// API is the native API.
type API struct {
	o    Options
	huma huma.API
}

// maxBody bounds what a request may send, in bytes.
const maxBody = 1 << 20

// New registers the OpenAPI document; what else is registered adds to it.
func New(o Options) *API {
	c := huma.DefaultConfig("Touchline", o.Version)
	c.Info.Description = "What Touchline knows beyond metrics and alerts, which have the APIs of Prometheus and Alertmanager: incidents, notifications, who is on call, maintenance."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = Base+"/openapi", "", ""
	c.RejectUnknownQueryParameters = true
	c.CreateHooks = nil // no links to schemas in answers
	c.Transformers = append(c.Transformers, withoutValues)
	return &API{o: o, huma: humago.New(o.Mux, c)}
}

// withoutValues keeps what was sent, which may be a password, out of the answer that
// refuses it: the place in the request says which value is meant.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if e, ok := v.(*huma.ErrorModel); ok {
		for _, d := range e.Errors {
			d.Value = nil
		}
	}
	return v, nil
}

// Huma is the API that handlers are registered with.
func (a *API) Huma() huma.API { return a.huma }

// operation describes a handler; path begins after Base.
func operation(id, method, path, tag, summary string, statuses ...int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: Base + path, Tags: []string{tag}, Summary: summary, MaxBodyBytes: maxBody,
		Errors: append([]int{http.StatusUnauthorized, http.StatusForbidden}, statuses...),
	}
}

// failure is an error that answers with a status.
func (a *API) failure(ctx context.Context, what string, err error) error {
	var s huma.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &s):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return huma.Error503ServiceUnavailable(what + " took too long")
	}
	a.o.Logger.ErrorContext(ctx, "A request of the native API failed", "what", what, "err", err)
	return huma.Error500InternalServerError(what + " failed; the log says why")
}

// cursor marks where the next page begins. It is opaque to clients.
func cursor(id int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("id:" + strconv.FormatInt(id, 10)))
}

func parseCursor(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		if digits, ok := strings.CutPrefix(string(raw), "id:"); ok {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n > 0 {
				return n, nil
			}
		}
	}
	return 0, huma.Error400BadRequest("the cursor is not one that a page has given; leave it out to begin at the first page")
}

// etag and parseETag make a version an ETag and back; 0 is none.
func etag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

func parseETag(text string) (int64, error) {
	if text == "" || text == "*" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(text, "W/"), `"`), 10, 64)
	if err != nil || n <= 0 {
		return 0, huma.Error412PreconditionFailed("If-Match is not an ETag that this server has given")
	}
	return n, nil
}
