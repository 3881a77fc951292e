package alerting

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
)

// Notification is one attempt to tell a receiver.
type Notification struct {
	At          time.Time
	Receiver    string
	Integration string
	Group       string // the group's labels
	Firing      int
	Resolved    int
	Took        time.Duration
	Error       string // empty when the receiver took it
}

// sentKept is how many attempts are remembered.
const sentKept = 200

// sentLog remembers the last attempts, for people to look at.
type sentLog struct {
	mu   sync.Mutex
	ring []Notification
}

func newSentLog() *sentLog { return &sentLog{} }

func (l *sentLog) add(n Notification) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) == sentKept {
		copy(l.ring, l.ring[1:])
		l.ring = l.ring[:sentKept-1]
	}
	l.ring = append(l.ring, n)
}

// Notifications are the last attempts, newest first.
func (a *Alertmanager) Notifications() []Notification {
	a.sent.mu.Lock()
	defer a.sent.mu.Unlock()
	out := make([]Notification, 0, len(a.sent.ring))
	for i := len(a.sent.ring) - 1; i >= 0; i-- {
		out = append(out, a.sent.ring[i])
	}
	return out
}

// wrap puts the log between the pipeline and a receiver's integrations.
func (l *sentLog) wrap(receiver string, ints []notify.Integration) []notify.Integration {
	out := make([]notify.Integration, len(ints))
	for n := range ints {
		i := ints[n]
		out[n] = notify.NewIntegration(&recorded{next: &i, log: l, receiver: receiver}, &i, i.Name(), i.Index(), receiver)
	}
	return out
}

type recorded struct {
	next     *notify.Integration
	log      *sentLog
	receiver string
}

func (r *recorded) Notify(ctx context.Context, alerts ...*alert.Alert) (bool, error) {
	n := Notification{At: time.Now(), Receiver: r.receiver, Integration: r.next.Name()}
	if ls, ok := notify.GroupLabels(ctx); ok {
		n.Group = ls.String()
	}
	for _, a := range alerts {
		if a.Resolved() {
			n.Resolved++
		} else {
			n.Firing++
		}
	}
	retry, err := r.next.Notify(ctx, alerts...)
	n.Took = time.Since(n.At)
	if err != nil {
		n.Error = err.Error()
	}
	r.log.add(n)
	return retry, err
}

// heldResponse keeps an answer back until it is known that it may be given.
type heldResponse struct {
	header http.Header
	code   int
	body   []byte
}

func (h *heldResponse) Header() http.Header  { return h.header }
func (h *heldResponse) WriteHeader(code int) { h.code = code }

func (h *heldResponse) Write(b []byte) (int, error) {
	h.body = append(h.body, b...)
	return len(b), nil
}

func (h *heldResponse) writeTo(w http.ResponseWriter) {
	for k, v := range h.header {
		w.Header()[k] = v
	}
	w.WriteHeader(h.code)
	_, _ = w.Write(h.body)
}
