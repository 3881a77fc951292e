package httpserver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientOf is the address of whoever sends a request, for the pace of guesses,
// the audit log and sessions: host:port of the peer, or, where the peer is one of
// Options.TrustedProxies, the last address of X-Forwarded-For that is none of
// those. What stands before it was written by that very client, and says nothing.
// It never makes a request a local one.
func (s *Server) clientOf(r *http.Request) string {
	if len(s.o.TrustedProxies) == 0 {
		return r.RemoteAddr
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !s.trusts(peer.Addr()) {
		return r.RemoteAddr
	}
	client := r.RemoteAddr
	// Each proxy adds the address that it was asked from at the end, be it of the last line or of a new one.
	for _, line := range slices.Backward(r.Header.Values("X-Forwarded-For")) {
		hops := strings.Split(line, ",")
		for _, hop := range slices.Backward(hops) {
			addr, ok := parseHop(strings.TrimSpace(hop))
			if !ok {
				return client
			}
			client = addr.String()
			if !s.trusts(addr) {
				return client
			}
		}
	}
	return client
}

func (s *Server) trusts(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(s.o.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// parseHop reads an entry of X-Forwarded-For: an address, which some proxies
// write with the port.
func parseHop(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), true
}
