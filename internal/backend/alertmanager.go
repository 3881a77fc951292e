package backend

import (
	"net/http"
	"strings"
)

// maxAlerts bounds what is sent to Alertmanager's API at once, in bytes: some ten
// thousand alerts.
const maxAlerts = 16 << 20

// Alertmanager is Alertmanager's API, as the server has it: all below /api/v2/.
func (x *Remote) Alertmanager() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/v2/") {
			x.requests.WithLabelValues(x.name, Denied).Inc()
			writeAlertmanager(w, Refused(http.StatusNotFound, "not_found", "%.200s is not of Alertmanager's API; it is below /api/v2/", r.URL.Path))
			return
		}
		x.pass(w, r, Call{Path: r.URL.Path, MaxBody: maxAlerts, MaxAnswer: maxAnswer, Types: JSON, Headers: []string{"Content-Type"}, MayBeBare: true}, writeAlertmanager)
	})
}

// writeAlertmanager answers in the shape of Alertmanager's API.
func writeAlertmanager(w http.ResponseWriter, e *Error) { write(w, e, e.Reason) }
