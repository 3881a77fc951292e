package rules

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
)

// savedAlert is one alert as the journal keeps it. Element is the labels of
// the expression's result, Labels those of the alert.
type savedAlert struct {
	Element         map[string]string `json:"element"`
	Labels          map[string]string `json:"labels"`
	State           string            `json:"state"`
	Value           float64           `json:"-"` // in savedGroup.Values
	ActiveAt        time.Time         `json:"active_at"`
	FiredAt         time.Time         `json:"fired_at,omitzero"`
	ResolvedAt      time.Time         `json:"resolved_at,omitzero"`
	KeepFiringSince time.Time         `json:"keep_firing_since,omitzero"`
}

// savedRule are the alerts of one rule.
type savedRule struct {
	ID     string       `json:"id"`
	Hold   float64      `json:"hold_seconds"`
	Alerts []savedAlert `json:"alerts"`
	// Absent are alerts that are kept firing although their series have ended.
	Absent []savedAbsent `json:"absent,omitempty"`
}

// savedGroup is one record of the journal: the whole state of one group. A
// later record replaces an earlier one; one without rules removes it.
type savedGroup struct {
	File  string      `json:"file"`
	Group string      `json:"group"`
	Rules []savedRule `json:"rules,omitempty"`
	// Values are the values that the alerts had at the last evaluation, by rule
	// and alert. They come last, so that what is before them is the state alone.
	Values [][]number `json:"values,omitempty"`
}

// number is a value as the journal keeps it: text, since JSON has no NaN and no infinities.
type number float64

// MarshalText gives the shortest text that reads back as the same value.
func (n number) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(n), 'g', -1, 64), nil
}

// UnmarshalText reads what MarshalText gives.
func (n *number) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	*n = number(v)
	return err
}

// valuesMark is where the values begin in a record. Labels cannot look like it: they are text.
var valuesMark = []byte(`,"values":[[`)

// sameState says whether two records differ in nothing but the values of the alerts.
func sameState(a, b []byte) bool { return bytes.Equal(stateOf(a), stateOf(b)) }

func stateOf(line []byte) []byte {
	_, body, _ := bytes.Cut(line, []byte(" ")) // without the checksum
	if i := bytes.LastIndex(body, valuesMark); i >= 0 {
		return body[:i]
	}
	return bytes.TrimSuffix(body, []byte("}\n"))
}

// join gives the alerts their values. One that the record has no value of has
// NaN: 0 would be a figure that nobody has measured.
func (g *savedGroup) join() error {
	if g.Values != nil && len(g.Values) != len(g.Rules) {
		return errors.New("values of other rules")
	}
	for i, r := range g.Rules {
		if g.Values != nil && len(g.Values[i]) != len(r.Alerts) {
			return errors.New("values of other alerts")
		}
		for k := range r.Alerts {
			r.Alerts[k].Value = math.NaN()
			if g.Values != nil {
				r.Alerts[k].Value = float64(g.Values[i][k])
			}
		}
	}
	return nil
}

func (g *savedGroup) key() string { return rules.GroupKey(g.File, g.Group) }

// maxRecord bounds a record when reading, in bytes; a group with a hundred
// thousand active alerts stays below it.
const maxRecord = 256 << 20

// compactAbove is the size at which the journal is rewritten, in bytes, if
// most of it is then superseded.
const compactAbove = 1 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// valuesEvery is how often a record is written for new values alone, of each
// group. They change at every tick, and a stop writes them anyway: this is what
// a kill may lose of them.
const valuesEvery = time.Minute

// journal is an append-only file of lines, each the CRC-32C of its JSON in
// eight hexadecimal digits, a space and the JSON of a savedGroup. A line is
// synced before the next evaluation of its group.
type journal struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	f      *os.File
	size   int64
	live   map[string]*liveRecord // by group
	failed bool
	found  bool // there was a journal when it was opened

	now                   func() time.Time
	writes, errs, corrupt prometheus.Counter
}

// liveRecord is the newest record of a group.
type liveRecord struct {
	line    []byte
	written time.Time
	behind  bool // the file has older values
}

func openJournal(path string, log *slog.Logger, reg prometheus.Registerer) (*journal, map[string]*savedGroup, error) {
	j := &journal{
		path: path, log: log, live: map[string]*liveRecord{}, now: time.Now,
		writes:  prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_rules_journal_records_total", Help: "Records written to the journal of alert states."}),
		errs:    prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_rules_journal_failures_total", Help: "Records that could not be written to the journal of alert states."}),
		corrupt: prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_rules_journal_corrupt_records_total", Help: "Records of the journal of alert states that could not be read back."}),
	}
	if reg != nil {
		reg.MustRegister(j.writes, j.errs, j.corrupt)
	}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("read rule state: %w", err)
	}
	j.found = err == nil
	saved, bad := decodeJournal(bytes.NewReader(raw))
	if bad > 0 {
		j.corrupt.Add(float64(bad))
		log.Warn("Part of the journal of alert states could not be read; the alerts in it start anew", "file", path, "records", bad)
	}
	for k, g := range saved {
		line, err := encodeRecord(g)
		if err != nil {
			return nil, nil, err
		}
		j.live[k] = &liveRecord{line: line}
	}
	if err := j.compact(); err != nil {
		return nil, nil, err
	}
	return j, saved, nil
}

// decodeJournal reads records until the end. A damaged line is counted and
// left out; the lines after it still count.
func decodeJournal(r io.Reader) (map[string]*savedGroup, int) {
	out, bad := map[string]*savedGroup{}, 0
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxRecord)
	for s.Scan() {
		g, err := decodeRecord(s.Bytes())
		switch {
		case err != nil:
			bad++
		case len(g.Rules) == 0:
			delete(out, g.key())
		default:
			out[g.key()] = g
		}
	}
	if s.Err() != nil {
		bad++
	}
	return out, bad
}

func decodeRecord(line []byte) (*savedGroup, error) {
	sum, body, ok := bytes.Cut(line, []byte(" "))
	if !ok || string(sum) != fmt.Sprintf("%08x", crc32.Checksum(body, castagnoli)) {
		return nil, errors.New("checksum does not match")
	}
	g := &savedGroup{}
	if err := json.Unmarshal(body, g); err != nil {
		return nil, fmt.Errorf("decode record: %w", err)
	}
	if err := g.join(); err != nil {
		return nil, fmt.Errorf("decode record: %w", err)
	}
	return g, nil
}

func encodeRecord(g *savedGroup) ([]byte, error) {
	body, err := json.Marshal(g)
	if err != nil {
		return nil, fmt.Errorf("encode rule state: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(body, castagnoli), body), nil
}

// compact writes the live records to a new file and puts it in place.
func (j *journal) compact() error {
	tmp := j.path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("compact rule state: %w", err)
	}
	size := int64(0)
	for _, r := range j.live {
		n, err := f.Write(r.line)
		size += int64(n)
		if err != nil {
			return errors.Join(fmt.Errorf("compact rule state: %w", err), f.Close())
		}
	}
	if err := errors.Join(f.Sync(), os.Rename(tmp, j.path)); err != nil {
		return errors.Join(fmt.Errorf("compact rule state: %w", err), f.Close())
	}
	if j.f != nil {
		if err := j.f.Close(); err != nil {
			j.log.Warn("Close of the superseded rule state failed", "err", err)
		}
	}
	j.f, j.size = f, size
	for _, r := range j.live {
		r.behind = false
	}
	// A rename that a power cut undoes would take the records that follow with it.
	d, err := os.Open(filepath.Dir(j.path))
	if err != nil {
		return fmt.Errorf("compact rule state: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("compact rule state: %w", err)
	}
	return nil
}

// record writes a group's state if it differs from what the journal has. Times
// of sending are left out, and values alone are written only now and then: they
// change at every tick.
// Who comes second takes a newer snapshot, and writes it after the other.
func (j *journal) record(g *rules.Group, st *groupState) {
	st.recording.Lock()
	defer st.recording.Unlock()
	line, err := encodeRecord(snapshot(g, st))
	key := rules.GroupKey(g.File(), g.Name())
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		err = j.write(key, line)
	}
	if err != nil {
		j.errs.Inc()
		if !j.failed {
			j.log.Error("Alert state could not be journalled; a restart would lose it", "file", j.path, "err", err)
		}
	}
	j.failed = err != nil
}

func (j *journal) write(key string, line []byte) error {
	old, known := j.live[key]
	empty := !bytes.Contains(line, []byte(`"rules"`))
	if known && bytes.Equal(old.line, line) && !old.behind || (!known && empty) {
		return nil
	}
	if j.f == nil {
		return os.ErrClosed
	}
	now := j.now()
	if known && sameState(old.line, line) && now.Sub(old.written) < valuesEvery {
		old.line, old.behind = line, true
		return nil
	}
	if err := j.append(line); err != nil {
		return err
	}
	if empty {
		delete(j.live, key)
	} else {
		j.live[key] = &liveRecord{line: line, written: now}
	}
	return j.shrink()
}

// append adds a record to the file.
func (j *journal) append(line []byte) error {
	n, err := j.f.Write(line)
	j.size += int64(n)
	if err != nil {
		return errors.Join(err, j.cut(int64(n)))
	}
	if err := j.f.Sync(); err != nil {
		return err
	}
	j.writes.Inc()
	return nil
}

// shrink rewrites the file if most of it is superseded.
func (j *journal) shrink() error {
	if j.size > compactAbove {
		total := 0
		for _, r := range j.live {
			total += len(r.line)
		}
		if j.size > 4*int64(total) {
			return j.compact()
		}
	}
	return nil
}

// cut removes what a failed write left behind, so that the next record begins on a line of its own.
func (j *journal) cut(n int64) error {
	j.size -= n
	if err := j.f.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.f.Seek(j.size, io.SeekStart)
	return err
}

// keep forgets the groups that no longer exist.
func (j *journal) keep(groups []*rules.Group) {
	have := map[string]bool{}
	for _, g := range groups {
		have[rules.GroupKey(g.File(), g.Name())] = true
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for key := range j.live {
		if have[key] {
			continue
		}
		file, name, _ := strings.Cut(key, ";")
		line, err := encodeRecord(&savedGroup{File: file, Group: name})
		if err == nil {
			err = j.write(key, line)
		}
		if err != nil {
			j.errs.Inc()
			j.log.Warn("A removed rule group stays in the journal", "group", key, "err", err)
		}
	}
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.f == nil {
		return nil
	}
	var err error
	for _, r := range j.live {
		if r.behind {
			err = errors.Join(err, j.append(r.line))
		}
	}
	err = errors.Join(err, j.f.Sync(), j.f.Close())
	j.f = nil
	return err
}

// snapshot is the state of a group's active and recently resolved alerts.
func snapshot(g *rules.Group, st *groupState) *savedGroup {
	out := &savedGroup{File: g.File(), Group: g.Name()}
	for _, r := range g.Rules() {
		ar, ok := r.(*rules.AlertingRule)
		if !ok {
			continue
		}
		s := savedRule{ID: ruleID(rules.NewRuleDetail(ar)), Hold: ar.HoldDuration().Seconds()}
		elements := st.trace(ar, s.ID)
		var by []labels.Labels // of s.Alerts
		ar.ForEachActiveAlert(func(a *rules.Alert) {
			el, ok := elements.element(a.Labels)
			if !ok {
				return
			}
			by = append(by, a.Labels)
			s.Alerts = append(s.Alerts, savedAlert{
				Element: el.Map(), Labels: a.Labels.Map(), State: a.State.String(),
				Value: a.Value, ActiveAt: a.ActiveAt, FiredAt: a.FiredAt, ResolvedAt: a.ResolvedAt, KeepFiringSince: a.KeepFiringSince,
			})
		})
		s.Absent = st.savedAbsent(s.ID)
		if len(s.Alerts) > 0 || len(s.Absent) > 0 {
			sort.Sort(byLabels{by, s.Alerts})
			values := make([]number, 0, len(s.Alerts))
			for _, a := range s.Alerts {
				values = append(values, number(a.Value))
			}
			out.Rules, out.Values = append(out.Rules, s), append(out.Values, values)
		}
	}
	return out
}

// byLabels sorts alerts by their labels, which it keeps apart: making them of
// each alert's map again takes most of the time where thousands are active.
type byLabels struct {
	ls     []labels.Labels
	alerts []savedAlert
}

var _ sort.Interface = byLabels{}

func (b byLabels) Len() int           { return len(b.ls) }
func (b byLabels) Less(i, j int) bool { return labels.Compare(b.ls[i], b.ls[j]) < 0 }

func (b byLabels) Swap(i, j int) {
	b.ls[i], b.ls[j] = b.ls[j], b.ls[i]
	b.alerts[i], b.alerts[j] = b.alerts[j], b.alerts[i]
}

// writeState writes the newest record of every group, as compact would.
func (j *journal) writeState(w io.Writer) error {
	j.mu.Lock()
	lines := make([][]byte, 0, len(j.live))
	for _, r := range j.live {
		lines = append(lines, r.line) // never changed, only replaced
	}
	j.mu.Unlock()
	for _, line := range lines {
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("write rule state: %w", err)
		}
	}
	return nil
}
