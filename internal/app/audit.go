package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/identity"
)

// What is not in the state database is written to the audit log as soon as it is
// done. A log that cannot be written keeps nobody from silencing an alert: the
// failure is logged.
func (a *App) record(ctx context.Context, action, target string, before, after any) {
	a.recordAs(ctx, actorOf(ctx), action, target, before, after)
}

func (a *App) recordAs(ctx context.Context, by identity.Actor, action, target string, before, after any) {
	e := identity.Entry{Actor: by, Action: action, Target: target, Before: before, After: after}
	if err := a.identity.Record(context.WithoutCancel(ctx), e); err != nil {
		a.log.Error("A change is missing in the audit log", "action", action, "target", target, "by", e.Actor.Name, "err", err)
	}
}

// audited records every request that next carries out.
func (a *App) audited(action, target string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &passed{ResponseWriter: w}
		next.ServeHTTP(rec, r)
		if rec.ok() {
			var asked any
			if len(r.Form) > 0 {
				asked = map[string][]string(r.Form)
			}
			a.record(r.Context(), action, target, nil, asked)
		}
	})
}

// auditedChange tells a request that changes from one that looks.
func (a *App) auditedChange(actions map[string]string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action, ok := actions[r.URL.Path]
		if !ok || r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		// What is parsed here is not parsed again by upstream, which works on a copy of the request.
		if err := r.ParseForm(); err != nil {
			httpserver.WriteError(w, httpserver.Prometheus, httpserver.Errorf(http.StatusBadRequest, "read form: %w", err))
			return
		}
		a.audited(action, "metrics", next).ServeHTTP(w, r)
	})
}

// metricsChanges are the endpoints of Prometheus's API that change what is stored.
var metricsChanges = map[string]string{
	"/api/v1/admin/tsdb/delete_series":    "metrics.delete_series",
	"/api/v1/admin/tsdb/clean_tombstones": "metrics.clean_tombstones",
	"/api/v1/admin/tsdb/snapshot":         "metrics.snapshot",
}

// maxSilence bounds the silence and the answer that are kept to be recorded, in
// bytes. A larger one is let through, and recorded without its content.
const maxSilence = 1 << 20

// auditedSilences records silences that are made, changed and ended, with what
// they were before and are after.
func (a *App) auditedSilences(am http.Handler) http.Handler {
	own := &amClient{handler: am}
	get := func(ctx context.Context, id string) any {
		if id == "" {
			return nil
		}
		var silence json.RawMessage
		if err := own.do(ctx, http.MethodGet, (&url.URL{Path: "/api/v2/silence/" + id}).String(), nil, &silence); err != nil {
			return nil // there is none; or whoever asks will see for themselves
		}
		return silence
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/api/v2/silences":
			head, err := io.ReadAll(io.LimitReader(r.Body, maxSilence))
			if err != nil {
				httpserver.WriteError(w, httpserver.Alertmanager, err)
				return
			}
			r.Body = rest{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
			var old, made struct {
				ID        string `json:"id"`
				SilenceID string `json:"silenceID"`
			}
			_ = json.Unmarshal(head, &old) // what is wrong with it is for the API to say
			before := get(ctx, old.ID)
			rec := &passed{ResponseWriter: w, keep: maxSilence}
			am.ServeHTTP(rec, r)
			if !rec.ok() || json.Unmarshal(rec.body.Bytes(), &made) != nil {
				return
			}
			action := "silence.create"
			if before != nil {
				action = "silence.update"
			}
			a.record(ctx, action, "silence/"+made.SilenceID, before, get(ctx, made.SilenceID))
		case r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, "/api/v2/silence/"):
			id := path.Base(r.URL.Path)
			before := get(ctx, id)
			rec := &passed{ResponseWriter: w}
			am.ServeHTTP(rec, r)
			if rec.ok() {
				a.record(ctx, "silence.expire", "silence/"+id, before, get(ctx, id))
			}
		default:
			am.ServeHTTP(w, r)
		}
	})
}

// rest is a body whose beginning has been read.
type rest struct {
	io.Reader
	io.Closer
}

// passed passes an answer on, and keeps its status and the beginning of its body.
type passed struct {
	http.ResponseWriter
	keep int // bytes of the body
	code int
	body bytes.Buffer
}

func (w *passed) ok() bool { return w.code == 0 || w.code/100 == 2 }

func (w *passed) WriteHeader(code int) {
	if w.code == 0 && code >= 200 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *passed) Write(b []byte) (int, error) {
	if room := w.keep - w.body.Len(); room > 0 {
		w.body.Write(b[:min(room, len(b))])
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *passed) Unwrap() http.ResponseWriter { return w.ResponseWriter }
