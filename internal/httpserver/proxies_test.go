package httpserver

import (
	"net/http"
	"net/netip"
	"testing"
)

// The address that counts is the last that no trusted proxy has: what a client
// writes into the header itself changes nothing.
func TestClientBehindProxies(t *testing.T) {
	s := &Server{o: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("fd00::/8")}}}
	for _, c := range []struct {
		name, peer string
		header     []string
		want       string
	}{
		{"nobody in between", "198.51.100.7:4711", nil, "198.51.100.7:4711"},
		{"a stranger who claims", "198.51.100.7:4711", []string{"203.0.113.9"}, "198.51.100.7:4711"},
		{"a proxy without the header", "10.1.2.3:80", nil, "10.1.2.3:80"},
		{"one proxy", "127.0.0.1:80", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a client that claims", "127.0.0.1:80", []string{"192.0.2.1, 203.0.113.9"}, "203.0.113.9"},
		{"a client that claims in a line of its own", "127.0.0.1:80", []string{"192.0.2.1", "203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "127.0.0.1:80", []string{"192.0.2.1, 203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
		{"proxies only", "127.0.0.1:80", []string{"10.8.8.8, 10.9.9.9"}, "10.8.8.8"},
		{"with a port", "127.0.0.1:80", []string{"203.0.113.9:5555"}, "203.0.113.9"},
		{"IPv6", "[fd00::1]:80", []string{"[2001:db8::9]:5555"}, "2001:db8::9"},
		{"IPv6 in brackets", "[fd00::1]:80", []string{"[2001:db8::9]"}, "2001:db8::9"},
		{"IPv4 in IPv6", "[::ffff:10.1.2.3]:80", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"no address", "127.0.0.1:80", []string{"203.0.113.9, unknown"}, "127.0.0.1:80"},
		{"no address before a proxy", "127.0.0.1:80", []string{"secret, 10.9.9.9"}, "10.9.9.9"},
		{"empty", "127.0.0.1:80", []string{""}, "127.0.0.1:80"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for _, h := range c.header {
			r.Header.Add("X-Forwarded-For", h)
		}
		if got := s.clientOf(r); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	none := &Server{}
	if got := none.clientOf(&http.Request{RemoteAddr: "127.0.0.1:80", Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}}}); got != "127.0.0.1:80" {
		t.Errorf("without a trusted proxy the header counts: %s", got)
	}
}
