package httpserver

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// site answers with what a handler of a public listener sees.
var site = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	p, _ := PrincipalFrom(r.Context())
	_, _ = io.WriteString(w, r.URL.Path+" "+p.Method)
})

func TestPublicListener(t *testing.T) {
	dir := t.TempDir()
	cert(t, dir, "server")
	put(t, filepath.Join(dir, "web.yml"), `
tls_server_config: {cert_file: cert.pem, key_file: key.pem, client_auth_type: RequireAndVerifyClientCert, client_ca_file: cert.pem}
basic_auth_users: {anna: "`+hash(t, "geheim")+`"}
`)
	for name, o := range map[string]Options{
		"plain":      {RoutePrefix: "/touchline"},
		"everything": {RoutePrefix: "/touchline", WebConfigFile: filepath.Join(dir, "web.yml")},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, o, Spec{Name: "status", Address: "127.0.0.1:0", Flag: "status_page.listen_address", Public: true, Handler: site})
			scheme := "http://"
			if s.TLS() {
				scheme = "https://"
			}
			s.url = scheme + s.Addresses()["status"][0]
			for _, path := range []string{"/", "/touchline/x", "/api/v1/admin/tsdb/snapshot", "/-/quit"} {
				got := s.do("GET", path, nil, header("X-Forwarded-For", "203.0.113.9"), host("status.example.com"))
				if got.code != http.StatusOK || got.body != path+" " {
					t.Errorf("GET %s: %d %q", path, got.code, got.body)
				}
				if got.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("GET %s: header %v", path, got.header)
				}
			}
			// A wrong token is not looked at: there is nothing that it could open.
			if got := s.do("GET", "/", nil, bearer("wrong")); got.code != http.StatusOK {
				t.Errorf("with a token: %d", got.code)
			}
			for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
				got := s.do(method, "/", strings.NewReader("x"), bearer(s.token))
				if got.code != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
					t.Errorf("%s: %d %q", method, got.code, got.body)
				}
			}
			if got := s.do("HEAD", "/", nil); got.code != http.StatusOK || got.body != "" {
				t.Errorf("HEAD: %d %q", got.code, got.body)
			}
		})
	}
}

// TestPublicCannotCrowdOut takes every connection of the public listener, and
// asks the private one.
func TestPublicCannotCrowdOut(t *testing.T) {
	s := serve(t, Options{MaxConnections: 3}, Spec{Name: "status", Address: "127.0.0.1:0", Public: true, Handler: site})
	for range 6 {
		c, err := net.Dial("tcp", s.Addresses()["status"][0])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	if got := s.do("GET", "/", nil); got.code != http.StatusOK {
		t.Errorf("the private listener answers %d", got.code)
	}
}

// TestPublicWarnsOfNothing listens off loopback: nothing secret travels there.
func TestPublicWarnsOfNothing(t *testing.T) {
	s := serve(t, Options{}, Spec{Name: "status", Address: "0.0.0.0:0", Public: true, Handler: site})
	if strings.Contains(s.log.String(), "passwords and tokens") {
		t.Errorf("log:\n%s", s.log.String())
	}
	if s.knownHost("0.0.0.0:1") {
		t.Error("the public address is a name of the private listener")
	}
}

func TestPublicNeedsAHandler(t *testing.T) {
	s := start(t, Options{}, ok)
	if err := s.Listen(Spec{Name: "status", Address: "127.0.0.1:0", Public: true}); err == nil {
		t.Error("a public listener without a handler is taken")
	}
}
