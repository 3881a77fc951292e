package app

import (
	"encoding/json"
	"fmt"
	"net"
	"os"

	"touchline.dev/touchline/internal/datadir"
)

// writeEndpoints leaves the real addresses in data/endpoints.json, for scripts
// that let the system choose the ports.
func (a *App) writeEndpoints() error {
	raw, err := json.MarshalIndent(map[string]any{
		"url": a.localURL(), "external_url": a.external.String(), "listeners": a.server.Listeners(), "pid": os.Getpid(),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode endpoints: %w", err)
	}
	tmp := a.path(datadir.Endpoints + ".new")
	if err := os.WriteFile(tmp, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write endpoints: %w", err)
	}
	return os.Rename(tmp, a.path(datadir.Endpoints))
}

// localURL reaches this server from this machine.
func (a *App) localURL() string {
	scheme := "http"
	if a.server.TLS() {
		scheme = "https"
	}
	addr := a.server.Addresses()["web"][0]
	if host, port, err := net.SplitHostPort(addr); err == nil {
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			addr = net.JoinHostPort("localhost", port)
		}
	}
	return scheme + "://" + addr + a.prefix()
}
