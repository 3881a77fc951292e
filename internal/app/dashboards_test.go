package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/prometheus/config"

	"touchline.dev/touchline/internal/identity"
)

// bodyText is sent as it is.
type bodyText struct{ json.RawMessage }

func TestOwnInterval(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"", 0},
		{"scrape_configs: [{job_name: a}]", time.Minute},
		{"scrape_configs: [{job_name: a, scrape_interval: 5s}]", 0},
		{"global: {scrape_interval: 30s}\nscrape_configs: [{job_name: a}, {job_name: b, scrape_interval: 5s}]", 30 * time.Second},
		{"global: {scrape_interval: 5s}\nscrape_configs: [{job_name: a}, {job_name: b, scrape_interval: 30s}]", 0},
	} {
		conf, err := promconfig.Load(c.text, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if got := ownInterval(*conf); got != c.want {
			t.Errorf("%q gives %s, want %s", c.text, got, c.want)
		}
	}
}

// TestDashboards goes through the API of dashboards as the console does.
func TestDashboards(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"path":%q,"auth":%q}`, r.URL.Path, r.Header.Get("Authorization"))
	}))
	defer peer.Close()
	put("dashboards/a.yml", "apiVersion: 1\nproviders: [{name: a, folder: Files, options: {path: json}}]\n")
	put("json/f.json", "{\n  \"uid\": \"file\",\n  \"title\": \"File\",\n  \"panels\": []\n}\n")
	put("json/bad.json", "{")
	put("datasources/a.yml", "apiVersion: 1\ndatasources: [{name: Peer, uid: peer, type: prometheus, url: '"+peer.URL+"', jsonData: {httpHeaderName1: Authorization}, secureJsonData: {httpHeaderValue1: Bearer geheim}}]\n")
	a := started(t, "--dashboards.provisioning="+dir)
	root := identity.Actor{Name: "test", Method: "test"}
	token := func(name, role string) func(*http.Request) {
		t.Helper()
		if _, err := a.identity.CreateUser(t.Context(), root, identity.User{Name: name, Role: identity.Role(role)}, ""); err != nil {
			t.Fatal(err)
		}
		secret, _, err := a.identity.CreateToken(t.Context(), root, identity.NewToken{Name: name + "-token", User: name, Scopes: []string{role}})
		if err != nil {
			t.Fatal(err)
		}
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) }
	}
	b := newBrowser(t, a)
	defer b.close()
	const path = "/touchline/v1/dashboards"
	b.wants("a star of nobody", b.do("PUT", path+"/file/star", nil, 403), "sign in to star")

	anna, viewer := token("anna", "editor"), token("vera", "viewer")
	match := func(etag string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("If-Match", etag) }
	}
	const text = `{ "id": 7, "title": "A <b>",   "uid": "mine", "panels": [ 1.50 ] }`
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	b.do("POST", path, raw(`{"dashboard":`+text+`}`), 403, viewer)
	b.do("POST", path, raw(`{"dashboard":`+text+`}`), 401)
	got := b.do("POST", path, raw(`{"dashboard":`+text+`,"folder":"F","message":"m"}`), 201, anna)
	b.wants("the answer", got, `{"uid":"mine","url":"/ui/d/mine","version":1,"warnings":["a panel is not an object, and is not shown"]}`)
	b.wants("a uid that is taken", b.do("POST", path, raw(`{"dashboard":`+text+`}`), 409, anna), `that of the dashboard \"A <b>\" in the folder \"F\", version 1, saved by anna`)
	got = b.do("GET", path+"/mine", nil, 200, anna)
	// The client of this test compacts what it sends, so that this is what came.
	b.wants("the dashboard", got, `"title":"A \u003cb\u003e","uid":"mine"`, `"id":null`, `"version": 1,`, `"panels":[1.50]`, `"can_edit":true`, `"folder":"F"`, `"updated_by":"anna`)
	b.wants("the viewer's", b.do("GET", path+"/mine", nil, 200, viewer), `"can_edit":false`)
	b.do("GET", path+"/mine", nil, 401)

	b.wants("bad JSON", b.do("POST", path, bodyText{raw("{\"dashboard\":\n {\"panels\": [}}")}, 422, anna), "line 2, column 14", "body")
	b.wants("a field", b.do("POST", path, raw(`{"dashbord":{}}`), 422, anna), "did you mean")
	b.wants("panels", b.do("POST", path, raw(`{"dashboard":{"panels":[`+strings.Repeat("{},", 5000)+`{}]}}`), 422, anna), "more than 5000 panels")
	b.wants("a large one", b.do("POST", path, raw(`{"dashboard":{"panels":[],"x":"`+strings.Repeat("x", 10<<20)+`"}}`), 413, anna), "at most 10485760 (10 MB)")
	b.do("POST", path, raw(`{"dashboard":"`+strings.Repeat("x", 12<<20)+`"}`), 413, anna)
	b.wants("an input", b.do("POST", path, raw(`{"dashboard":{"__inputs":[{"name":"DS","type":"datasource"}],"title":"I","panels":["${DS}"]},"inputs":{"DS":"nowhere"}}`), 422, anna), "there are touchline, peer")

	edit := raw(`{"dashboard":{"uid":"mine","title":"B","panels":[]},"message":"shorter"}`)
	b.wants("without If-Match", b.do("PUT", path+"/mine", edit, 428, anna), "If-Match is missing")
	b.do("PUT", path+"/mine", edit, 403, viewer, match(`"1"`))
	b.do("PUT", path+"/mine", edit, 200, anna, match(`"1"`))
	b.wants("who was slower", b.do("PUT", path+"/mine", edit, 412, anna, match(`"1"`)), `"current":{"version":2,`, `"yours":{"version":1,`, `somebody was faster`)
	b.do("PUT", path+"/mine", edit, 200, anna, match("*"))
	b.do("PUT", path+"/none", edit, 404, anna, match("*"))
	b.wants("versions", b.do("GET", path+"/mine/versions", nil, 200, viewer), `"version":3`, `"message":"shorter"`, `"message":"m"`)
	b.wants("a version", b.do("GET", path+"/mine/versions/1", nil, 200, viewer), `{"dashboard":{"version": 1,"id":null,`)
	b.do("GET", path+"/mine/versions/9", nil, 404, viewer)
	b.do("POST", path+"/mine/restore", raw(`{"version":1}`), 428, anna)
	b.wants("restored", b.do("POST", path+"/mine/restore", raw(`{"version":1}`), 200, anna, match(`"3"`)), `"version":4`)

	b.do("PUT", path+"/mine/star", nil, 204, viewer)
	b.wants("starred", b.do("GET", path+"?starred=true&query=a&tag=&folder=&cursor=", nil, 200, viewer), `"uid":"mine"`, `"starred":true`, `"next":""`)
	b.do("DELETE", path+"/mine/star", nil, 204, viewer)
	b.wants("a page", b.do("GET", path+"?limit=1", nil, 200, viewer), `"next":"a2V5Om`)
	b.wants("folders", b.do("GET", "/touchline/v1/folders", nil, 200, viewer), `{"folders":[{"title":"F","dashboards":1},{"title":"Files","dashboards":1}]}`)

	// Of a file.
	b.wants("a file", b.do("GET", path+"/file", nil, 200, anna), `"provisioned":true`, `"can_edit":false`, `"source":"`+dir+`/json/f.json"`)
	b.wants("saving over a file", b.do("PUT", path+"/file", edit, 409, anna, match("*")), `"source":"`+dir+`/json/f.json"`, "leaves as a patch")
	b.wants("a patch", b.do("POST", path+"/file/patch", raw(`{"dashboard":{"uid":"file","title":"New","panels":[]}}`), 200, viewer),
		`"patch":[{"op":"replace","path":"/title","value":"New"}]`, `-  \"title\": \"File\",\n+  \"title\": \"New\",\n`)
	b.do("DELETE", path+"/file", nil, 409, anna)

	// A link shows one dashboard and runs its queries.
	b.do("POST", path+"/mine/share", nil, 403, viewer)
	b.do("GET", path+"/mine/share", nil, 403, viewer)
	var link struct{ ID, URL, Token string }
	if err := json.Unmarshal([]byte(b.do("POST", path+"/mine/share", nil, 201, anna)), &link); err != nil || !strings.HasPrefix(link.URL, "/ui/d/mine?share=tls_") {
		t.Fatalf("%+v, %v", link, err)
	}
	b.wants("a time", b.do("POST", path+"/mine/share", raw(`{"expires_at":"2020-01-01T00:00:00Z"}`), 422, anna), "has passed")
	shared := func(r *http.Request) { r.Header.Set("X-Touchline-Share", link.Token) }
	b.wants("shared", b.do("GET", path+"/mine", nil, 200, shared), `"can_edit":false`)
	b.do("GET", path+"/mine?share="+link.Token, nil, 200)
	b.wants("a query", b.do("GET", "/api/v1/query?query=1%2B1", nil, 200, shared), `"success"`)
	for _, p := range []string{path, path + "/file", path + "/mine/versions", "/touchline/v1/me", "/api/v1/targets", "/api/v1/status/config", "/touchline/v1/datasources/peer/proxy/api/v1/query"} {
		b.wants(p, b.do("GET", p, nil, 403, shared), "one dashboard")
	}
	b.wants("sources by a link", b.do("GET", "/touchline/v1/datasources", nil, 200, shared), `"uid":"peer","name":"Peer","type":"prometheus","default":false,"url_shown":""`)
	b.do("PUT", path+"/mine", edit, 403, shared, match("*"))
	b.wants("links", b.do("GET", path+"/mine/share", nil, 200, anna), link.ID, "anna")
	b.do("DELETE", path+"/mine/share/"+link.ID, nil, 204, anna)
	b.do("GET", path+"/mine", nil, 401, shared)

	// Data sources.
	b.wants("sources", b.do("GET", "/touchline/v1/datasources", nil, 200, viewer), `{"uid":"touchline","name":"Touchline","type":"prometheus","default":true,"url_shown":"","provisioned":false}`, `"uid":"peer"`)
	b.wants("a query elsewhere", b.do("GET", "/touchline/v1/datasources/peer/proxy/api/v1/query?query=up", nil, 200, viewer), `{"path":"/api/v1/query","auth":"Bearer geheim"}`)
	b.wants("our own", b.do("POST", "/touchline/v1/datasources/touchline/proxy/api/v1/query", nil, 400, viewer), `"status":"error"`)
	b.do("POST", "/touchline/v1/datasources/peer/proxy/api/v1/admin/tsdb/delete_series", nil, 403, anna)

	// A reload reads the folder; what is wrong with it refuses nothing.
	put("json/g.json", `{"uid":"later","title":"Later","panels":[]}`)
	put("json/f.json", `{"uid":"file",`)
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	b.do("GET", path+"/later", nil, 200, viewer)
	b.wants("a file that broke", b.do("GET", path+"/file", nil, 200, viewer), `"title":"File"`)

	b.do("DELETE", path+"/mine", nil, 204, anna)
	b.do("GET", path+"/mine", nil, 404, anna)
	entries, err := a.identity.Entries(t.Context(), identity.AuditQuery{Action: "dashboard.", Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&log, e.Actor, e.Method, e.Action, e.Target, string(e.Before), string(e.After))
	}
	b.wants("the audit log", log.String(), "token dashboard.create dashboard/mine", "dashboard.update dashboard/mine", "dashboard.restore", "dashboard.share", "dashboard.unshare", "dashboard.delete")
	if strings.Contains(log.String(), link.Token) {
		t.Error("the audit log holds the secret of a link")
	}
	b.wants("metrics", b.do("GET", "/metrics", nil, 200, viewer), `touchline_dashboards{origin="provisioned"} 2`, `touchline_dashboards{origin="stored"} 0`, "touchline_dashboard_provisioning_problems 2", `touchline_datasource_requests_total{outcome="ok"} 1`)
	b.wants("the document", b.do("GET", "/touchline/v1/openapi.json", nil, 200, viewer), `"import-dashboard"`, `At most 10 MB and 5000 panels`)
}
