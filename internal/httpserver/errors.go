package httpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Protocol is whose error bodies a path answers with.
type Protocol int

// The protocols that have an error shape of their own.
const (
	Plain        Protocol = iota // text
	Prometheus                   // {"status":"error","errorType":…,"error":…}
	Alertmanager                 // {"code":…,"message":…}
	Native                       // problem+json, RFC 9457
)

// ProtocolOf tells the protocol of a path below the route prefix.
func ProtocolOf(path string) Protocol {
	switch {
	case under(path, "/api/v2"):
		return Alertmanager
	case under(path, "/api"):
		return Prometheus
	case under(path, "/touchline"):
		return Native
	}
	return Plain
}

func under(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// Error is an error with the HTTP status that it answers with.
type Error struct {
	Status     int
	Kind       string // Prometheus's errorType; "" derives it from Status
	Err        error
	RetryAfter time.Duration // 0 for none
}

// Errorf makes an Error.
func Errorf(status int, format string, args ...any) error {
	return &Error{Status: status, Err: fmt.Errorf(format, args...)}
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// kinds are Prometheus's error types by status.
var kinds = map[int]string{
	http.StatusBadRequest: "bad_data", http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "bad_data", http.StatusNotAcceptable: "not_acceptable",
	http.StatusRequestEntityTooLarge: "bad_data", http.StatusUnprocessableEntity: "execution",
	http.StatusTooManyRequests: "unavailable", http.StatusServiceUnavailable: "unavailable",
	http.StatusGone: "gone", http.StatusNotImplemented: "not_implemented",
}

// WriteError answers in the shape of the protocol. An error that carries no
// status is one of ours: it answers 500.
func WriteError(w http.ResponseWriter, p Protocol, err error) {
	status, kind := http.StatusInternalServerError, ""
	var e *Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		status, kind = e.Status, e.Kind
		if e.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
		}
	case errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
		err = fmt.Errorf("the request body is larger than %d bytes", tooLarge.Limit)
	}
	if kind == "" {
		if kind = kinds[status]; kind == "" {
			kind = "internal"
		}
	}
	body, contentType := shape(p, status, kind, err.Error())
	h := w.Header()
	h.Del("Content-Length")
	h.Del("Content-Encoding")
	h.Del("Etag")
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func shape(p Protocol, status int, kind, message string) (body []byte, contentType string) {
	var v any
	contentType = "application/json"
	switch p {
	case Prometheus:
		v = struct {
			Status string `json:"status"`
			Type   string `json:"errorType"`
			Error  string `json:"error"`
		}{"error", kind, message}
	case Alertmanager:
		v = struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		}{status, message}
	case Native:
		contentType = "application/problem+json"
		v = struct {
			Type   string `json:"type"`
			Title  string `json:"title"`
			Status int    `json:"status"`
			Detail string `json:"detail"`
		}{"about:blank", http.StatusText(status), status, message}
	default:
		return []byte(message + "\n"), "text/plain; charset=utf-8"
	}
	body, err := json.Marshal(v)
	if err != nil {
		// Strings and numbers always marshal.
		return []byte(message), "text/plain; charset=utf-8"
	}
	return append(body, '\n'), contentType
}

// NotFound answers 404 in the shape of a protocol.
func NotFound(p Protocol) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		WriteError(w, p, Errorf(http.StatusNotFound, "path %s not found", r.URL.Path))
	})
}

// ShapeErrors gives the plain-text 404 and 405 answers of a router the shape
// of a protocol. All other answers pass as they are.
func ShapeErrors(p Protocol, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&shapedWriter{ResponseWriter: w, p: p, r: r}, r)
	})
}

type shapedWriter struct {
	http.ResponseWriter
	p       Protocol
	r       *http.Request
	decided bool
	swallow bool
}

func (s *shapedWriter) WriteHeader(code int) {
	if s.decided {
		return
	}
	if code >= 200 {
		s.decided = true
	}
	plain := strings.HasPrefix(s.Header().Get("Content-Type"), "text/plain") || s.Header().Get("Content-Type") == ""
	switch {
	case code == http.StatusNotFound && plain:
		s.swallow = true
		WriteError(s.ResponseWriter, s.p, Errorf(code, "path %s not found", s.r.URL.Path))
	case code == http.StatusMethodNotAllowed && plain:
		s.swallow = true
		WriteError(s.ResponseWriter, s.p, Errorf(code, "method %s is not allowed for %s", s.r.Method, s.r.URL.Path))
	default:
		s.ResponseWriter.WriteHeader(code)
	}
}

func (s *shapedWriter) Write(b []byte) (int, error) {
	s.decided = true
	if s.swallow {
		return len(b), nil
	}
	return s.ResponseWriter.Write(b)
}

// Flush sends what is buffered, as streaming answers need it.
func (s *shapedWriter) Flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (s *shapedWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
