package metrics

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"
	"unsafe"

	"github.com/klauspost/compress/snappy"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"google.golang.org/protobuf/encoding/protowire"
)

// maxAhead is how far in the future a sample may be, as in upstream's handler.
const maxAhead = 10 * time.Minute

// errLongWay says that a message holds something that upstream's handler must see.
var errLongWay = errors.New("not a message of plain samples")

// shortWrite receives the remote-write 1.0 messages that hold float samples of
// valid series and nothing else: nearly all that senders post. Upstream's handler
// makes some 2 kB of garbage of each such series with five labels, and what waits for an alert
// waits for the collector too. This one reads the message where it lies and
// looks each series up in the head. Whatever else a message holds, or whatever
// is wrong with it, goes to upstream's handler, untouched.
type shortWrite struct {
	next  http.Handler // upstream's
	log   *slog.Logger
	now   func() time.Time
	store storage.AppendableV2
	// head finds series by their labels: its appenders implement storage.GetRef.
	// It is nil where replicas are deduplicated: their series are stored under
	// other labels than they are sent with.
	head storage.AppendableV2
}

// plainSample is one float sample.
type plainSample struct {
	t int64
	v float64
}

// shortMessage is the scratch space of one message. The strings in its builder
// point into raw, and are good as long as the message is.
type shortMessage struct {
	raw     []byte
	b       labels.ScratchBuilder
	ls      labels.Labels
	samples []plainSample
	finder  storage.GetRef // nil where series cannot be looked up
}

var shortMessages = sync.Pool{New: func() any { return &shortMessage{b: labels.NewScratchBuilder(16)} }}

func (m *shortMessage) release() {
	m.b.Reset()
	m.ls, m.finder = labels.EmptyLabels(), nil
	if cap(m.raw) <= keepBuffer {
		shortMessages.Put(m)
	}
}

func (e *Engine) newShortWrite(next http.Handler) *shortWrite {
	s := &shortWrite{next: next, log: e.log.With("component", "api"), now: time.Now, store: e.received}
	if e.ha == nil {
		s.head = e.db
	}
	return s
}

// ServeHTTP answers as upstream's handler does.
func (s *shortWrite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := r.Body.(*requestBody)
	if !ok || r.Header.Get("Content-Encoding") != "snappy" || !isWriteV1(r.Header.Get("Content-Type")) {
		s.next.ServeHTTP(w, r)
		return
	}
	m := shortMessages.Get().(*shortMessage)
	defer m.release()
	raw, err := snappy.Decode(m.raw[:cap(m.raw)], body.buf.Bytes())
	if err != nil {
		s.next.ServeHTTP(w, r)
		return
	}
	m.raw = raw
	switch err := s.take(r.Context(), m); {
	case errors.Is(err, errLongWay):
		s.next.ServeHTTP(w, r)
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case isBadSample(err):
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		s.log.Error("Error while storing the remote write request", "err", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func isWriteV1(contentType string) bool {
	msg, err := remoteapi.ParseProtoMsg(contentType)
	return err == nil && msg == remoteapi.WriteV1MessageType
}

// isBadSample says whether sending a sample again would not help.
func isBadSample(err error) bool {
	return errors.Is(err, storage.ErrOutOfOrderSample) || errors.Is(err, storage.ErrOutOfBounds) ||
		errors.Is(err, storage.ErrDuplicateSampleForTimestamp) || errors.Is(err, storage.ErrTooOldSample)
}

// take stores a message as a whole or not at all.
func (s *shortWrite) take(ctx context.Context, m *shortMessage) error {
	latest := s.now().Add(maxAhead).UnixMilli()
	if s.head != nil {
		find := s.head.AppenderV2(ctx)
		defer func() { _ = find.Rollback() }() // nothing is appended by it
		m.finder, _ = find.(storage.GetRef)
	} else if !m.allPlain(latest) {
		return errLongWay // before a sample is counted as deduplicated, which no rollback undoes
	}
	app := s.store.AppenderV2(ctx)
	for rest := m.raw; len(rest) > 0; {
		num, series, n := consumeField(rest)
		err := errLongWay
		if num == 1 {
			err = s.takeSeries(app, m, series, latest)
		}
		if err != nil {
			return errors.Join(err, app.Rollback())
		}
		rest = rest[n:]
	}
	return app.Commit()
}

// takeSeries appends the samples of one series.
func (s *shortWrite) takeSeries(app storage.AppenderV2, m *shortMessage, series []byte, latest int64) error {
	if !m.parse(series, latest) {
		return errLongWay
	}
	m.b.Overwrite(&m.ls)
	var ref storage.SeriesRef
	ls := labels.EmptyLabels()
	if m.finder != nil {
		ref, ls = m.finder.GetRef(m.ls, m.ls.Hash())
	}
	if ref == 0 {
		if !isValidSeries(m.ls) {
			return errLongWay
		}
		ls = m.b.Labels() // a copy: the head keeps it
	}
	for _, p := range m.samples {
		var err error
		ref, err = app.Append(ref, ls, 0, p.t, p.v, nil, nil, storage.AOptions{})
		if err != nil && !errors.Is(err, (*storage.AppendPartialError)(nil)) {
			if isBadSample(err) {
				s.log.Error("Out of order sample from remote write", "err", err, "series", ls.String(), "timestamp", p.t)
			}
			return err
		}
	}
	return nil
}

// allPlain says whether the whole message can go the short way.
func (m *shortMessage) allPlain(latest int64) bool {
	for rest := m.raw; len(rest) > 0; {
		num, series, n := consumeField(rest)
		if num != 1 || !m.parse(series, latest) {
			return false
		}
		m.b.Overwrite(&m.ls)
		if !isValidSeries(m.ls) {
			return false
		}
		rest = rest[n:]
	}
	return true
}

// isValidSeries says whether upstream's handler takes a series.
func isValidSeries(ls labels.Labels) bool {
	_, twice := ls.HasDuplicateLabelNames()
	return !twice && ls.Has(labels.MetricName) && ls.IsValid(model.UTF8Validation)
}

// parse reads a TimeSeries into the scratch space. It says no to what is not
// labels and float samples, and to a sample after latest.
func (m *shortMessage) parse(series []byte, latest int64) bool {
	m.b.Reset()
	m.samples = m.samples[:0]
	for len(series) > 0 {
		num, content, n := consumeField(series)
		switch num {
		case 1:
			name, value, ok := parseLabel(content)
			if !ok {
				return false
			}
			m.b.Add(name, value)
		case 2:
			p, ok := parseSample(content)
			if !ok || p.t > latest {
				return false
			}
			m.samples = append(m.samples, p)
		default:
			return false
		}
		series = series[n:]
	}
	m.b.Sort()
	return true
}

// consumeField takes a length-delimited field off a message: its number, its
// content, and the bytes that both take. Of anything else the number is 0.
func consumeField(b []byte) (num protowire.Number, content []byte, n int) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 || typ != protowire.BytesType {
		return 0, nil, 0
	}
	content, size := protowire.ConsumeBytes(b[n:])
	if size < 0 {
		return 0, nil, 0
	}
	return num, content, n + size
}

// parseLabel reads a Label. Its strings point into b.
func parseLabel(b []byte) (name, value string, ok bool) {
	for len(b) > 0 {
		num, content, n := consumeField(b)
		switch num {
		case 1:
			name = unsafe.String(unsafe.SliceData(content), len(content))
		case 2:
			value = unsafe.String(unsafe.SliceData(content), len(content))
		default:
			return "", "", false
		}
		b = b[n:]
	}
	return name, value, true
}

func parseSample(b []byte) (p plainSample, ok bool) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return p, false
		}
		b = b[n:]
		switch {
		case num == 1 && typ == protowire.Fixed64Type:
			v, n := protowire.ConsumeFixed64(b)
			if n < 0 {
				return p, false
			}
			p.v, b = math.Float64frombits(v), b[n:]
		case num == 2 && typ == protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return p, false
			}
			p.t, b = int64(v), b[n:]
		default:
			return p, false
		}
	}
	return p, true
}
