package native

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type receivers struct{}

func (receivers) Try(_ context.Context, name, language string) ([]Trial, error) {
	switch name {
	case "ops/night":
		return []Trial{{Integration: "dingtalk[0]", OK: true, Said: "in " + language, Took: 0.1}}, nil
	case "none":
		return nil, nil
	case "broken":
		return nil, errors.New("a secret of ours")
	}
	return nil, fmt.Errorf("%w: there is no receiver %q", ErrReceiver, name)
}

func TestReceivers(t *testing.T) {
	mux := http.NewServeMux()
	New(Options{Mux: mux, Version: "1", Logger: slog.New(slog.DiscardHandler), Actor: func(context.Context) string { return "" }}).Receivers(receivers{})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"POST", "/receivers/ops%2Fnight/test?lang=zh", 200, `{"receiver":"ops/night","integrations":[{"integration":"dingtalk[0]","ok":true,"said":"in zh","took_seconds":0.1}]}`},
		{"POST", "/receivers/none/test", 200, `"integrations":[]`},
		{"POST", "/receivers/none/test?lang=fr", 422, "query.lang"},
		{"POST", "/receivers/nobody/test", 422, `there is no receiver \"nobody\"`},
		{"POST", "/receivers/broken/test", 500, "the log says why"},
		{"GET", "/openapi.yaml", 200, "/touchline/v1/receivers/{name}/test:"},
	} {
		status, _, body := ask(t, srv, c.method, Base+c.path, "")
		if status != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "secret") {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
}
