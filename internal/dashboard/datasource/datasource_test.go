package datasource

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

// The bounds of what a data source is asked and answers.
const (
	maxBody   = 1 << 20
	maxAnswer = 64 << 20
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// proxyOf is a server that passes on to sources.
func proxyOf(t *testing.T, list ...Source) (*Proxy, *httptest.Server) {
	t.Helper()
	p, err := New(Options{Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Own: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "own "+r.Method+" "+r.URL.RequestURI())
	})})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if err := list[i].Check(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Set(list); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/d/{uid}/proxy/api/v1/{rest...}", p)
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { srv.Close(); p.Close() })
	return p, srv
}

func ask(t *testing.T, srv *httptest.Server, method, path, body string) (int, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer of-the-console")
	r.Header.Set("Cookie", "touchline=of-the-console")
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if resp.StatusCode >= 400 && !strings.HasPrefix(string(raw), `{"error":`) {
		t.Errorf("%s %s: an error that is none of Prometheus's: %s", method, path, raw)
	}
	return resp.StatusCode, string(raw), err
}

func TestProxy(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed to elsewhere") }))
	defer elsewhere.Close()
	hang := make(chan struct{})
	peer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "anna" || password != "geheim" || r.Header.Get("X-Scope-Orgid") != "tenant" || r.Header.Get("Cookie") != "" {
			t.Errorf("%s came with %v", r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		switch r.FormValue("query") {
		case "elsewhere":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "near":
			http.Redirect(w, r, "/prom/api/v1/query?query=up", http.StatusFound)
		case "denied":
			w.WriteHeader(http.StatusUnauthorized)
		case "wrong":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"parse error"}`)
		case "html":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<script>")
		case "large":
			w.Header().Set("Content-Length", fmt.Sprint(maxAnswer+1))
		case "endless":
			chunk := []byte(strings.Repeat("x", 1<<20))
			for range maxAnswer>>20 + 1 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		case "hang":
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		default:
			_, _ = fmt.Fprintf(w, `{"asked":%q}`, r.Method+" "+r.URL.Path+" "+r.FormValue("query"))
		}
	}))
	defer peer.Close()
	defer close(hang)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: peer.Certificate().Raw}))
	main := Source{UID: "p", Name: "Peer", Type: Prometheus, URL: peer.URL + "/prom/", User: "anna", Password: "geheim", Headers: map[string]Secret{"X-Scope-OrgID": "tenant"}, CA: ca, Default: true, Timeout: 2 * time.Second}
	plain := main
	plain.UID, plain.CA = "untrusted", ""
	down := Source{UID: "down", Name: "Down", Type: Prometheus, URL: "http://127.0.0.1:1"}
	p, srv := proxyOf(t, main, plain, down, Source{UID: "logs", Name: "Logs", Type: "loki", URL: "http://user:geheim@loki:3100/x?key=geheim"})
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/d/p/proxy/api/v1/query?query=up", "", 200, `{"asked":"GET /prom/api/v1/query up"}`},
		{"POST", "/d/p/proxy/api/v1/query_range", "query=up", 200, `{"asked":"POST /prom/api/v1/query_range up"}`},
		{"GET", "/d/p/proxy/api/v1/label/job/values", "", 200, "/prom/api/v1/label/job/values"},
		{"GET", "/d/p/proxy/api/v1/query?query=near", "", 200, `{"asked":"GET /prom/api/v1/query up"}`},
		{"GET", "/d/p/proxy/api/v1/query?query=wrong", "", 400, "parse error"},
		{"GET", "/d/touchline/proxy/api/v1/query?query=up", "", 200, "own GET /api/v1/query?query=up"},

		{"GET", "/d/p/proxy/api/v1/admin/tsdb/snapshot", "", 403, "is not passed on"},
		{"POST", "/d/p/proxy/api/v1/admin/tsdb/delete_series", "", 403, "is not passed on"},
		{"DELETE", "/d/p/proxy/api/v1/series", "", 403, "is not passed on"},
		{"POST", "/d/p/proxy/api/v1/write", "", 403, "is not passed on"},
		{"GET", "/d/p/proxy/api/v1/status/config", "", 403, "is not passed on"},
		{"GET", "/d/p/proxy/api/v1/label/..%2F..%2Fadmin/values", "", 403, "is not passed on"},
		{"GET", "/d/p/proxy/api/v1/label/../values", "", 403, "is not passed on"},
		{"POST", "/d/p/proxy/api/v1/label/job/values", "", 403, "is not passed on"},
		{"GET", "/d/touchline/proxy/api/v1/admin/tsdb/snapshot", "", 403, "is not passed on"},
		{"GET", "/d/nothing/proxy/api/v1/query", "", 404, "there is no data source"},
		{"GET", "/d/logs/proxy/api/v1/query", "", 501, "of the type loki"},
		{"POST", "/d/p/proxy/api/v1/query", "query=" + strings.Repeat("x", maxBody), 413, "send a shorter one"},

		{"GET", "/d/p/proxy/api/v1/query?query=elsewhere", "", 502, "redirects to elsewhere"},
		{"GET", "/d/p/proxy/api/v1/query?query=denied", "", 502, "credentials of its provisioning file"},
		{"GET", "/d/p/proxy/api/v1/query?query=html", "", 502, "no JSON"},
		{"GET", "/d/p/proxy/api/v1/query?query=large", "", 502, "at most 67108864"},
		{"GET", "/d/p/proxy/api/v1/query?query=hang", "", 502, "not answered in time"},
		{"GET", "/d/untrusted/proxy/api/v1/query", "", 502, "certificate"},
		{"GET", "/d/down/proxy/api/v1/query", "", 502, "connection refused"},
	} {
		// A client would clean the path away before it is sent.
		path := strings.Replace(c.path, "/../values", "/%2E%2E/values", 1)
		status, body, _ := ask(t, srv, c.method, path, c.body)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
		if strings.Contains(body, "geheim") || strings.Contains(body, "anna") {
			t.Errorf("%s %s shows a secret: %s", c.method, c.path, body)
		}
	}
	// Half of an answer does not look like a whole one.
	if _, body, err := ask(t, srv, "GET", "/d/p/proxy/api/v1/query?query=endless", ""); err == nil || len(body) > maxAnswer {
		t.Errorf("%d bytes of an endless answer, %v", len(body), err)
	}
	raw, err := json.Marshal(p.List())
	if err != nil {
		t.Fatal(err)
	}
	const list = `[{"uid":"touchline","name":"Touchline","type":"prometheus","default":false,"url_shown":"","provisioned":false},{"uid":"p"`
	if !strings.HasPrefix(string(raw), list) || strings.Contains(string(raw), "geheim") || !strings.Contains(string(raw), `"url_shown":"http://loki:3100/x"`) {
		t.Errorf("%s", raw)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", main, main, main)} {
		if strings.Contains(text, "geheim") || strings.Contains(text, "tenant") {
			t.Errorf("a log would show %s", text)
		}
	}
	if raw, err := json.Marshal(main); err != nil || strings.Contains(string(raw), "geheim") {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestCheck(t *testing.T) {
	good := Source{Type: Prometheus, URL: "http://prometheus:9090"}
	for want, edit := range map[string]func(*Source){
		"url: it is missing":           func(s *Source) { s.URL = "" },
		"url: it is not an address":    func(s *Source) { s.URL = "prometheus:9090" },
		"url: it holds a user":         func(s *Source) { s.URL = "http://a:geheim@prometheus" },
		"url: it has a query":          func(s *Source) { s.URL = "http://prometheus?key=geheim" },
		"tlsCACert: it holds no":       func(s *Source) { s.CA = "geheim" },
		"takes both":                   func(s *Source) { s.ClientKey = "geheim" },
		"are no pair":                  func(s *Source) { s.ClientCert, s.ClientKey = "x", "geheim" },
		"no header that a data source": func(s *Source) { s.Headers = map[string]Secret{"Host": "geheim"} },
		"write one such as":            func(s *Source) { s.Headers = map[string]Secret{"a b": "geheim"} },
		"character that no header has": func(s *Source) { s.Headers = map[string]Secret{"A": "geheim\r\nB: c"} },
	} {
		s := good
		edit(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}
