package statuspage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// record is a line of the journal. Which fields are set tells what it is:
// Day with the sum of a finished or current day of one component, States with
// the state of every component from At on, or At alone: somebody still looked then.
type record struct {
	Day       string           `json:"day,omitempty"`
	Component string           `json:"component,omitempty"`
	Worst     State            `json:"worst,omitempty"`
	Down      float64          `json:"down_seconds,omitempty"`
	Measured  float64          `json:"measured_seconds,omitempty"`
	At        time.Time        `json:"at,omitzero"`
	States    map[string]State `json:"states,omitempty"`
	Stopped   bool             `json:"stopped,omitempty"` // nobody looks from At on
}

// maxGap is the longest time between two records for which somebody counts as
// having looked; what is longer is not measured.
const maxGap = 90 * time.Second

// compactAbove is the size in bytes at which the journal is written anew.
const compactAbove = 256 << 10

// history adds up, for each component and day, how it was. It is kept in a
// journal of changes, which is synced at each change of state.
type history struct {
	d     disk
	path  string
	above int64 // bytes at which the journal is written anew

	days    map[string]map[string]*Day // by component and date
	states  map[string]State           // in force since last
	last    time.Time                  // up to which the days are added up
	looking bool                       // somebody looks since last

	f      *os.File
	size   int64
	broken bool // the end of the file may be half a record
}

// openHistory reads the journal and writes it anew. It tells how many records
// could not be read; the others count.
func openHistory(d disk, path string) (*history, int, error) {
	h := &history{d: d, path: path, above: compactAbove, days: map[string]map[string]*Day{}, states: map[string]State{}}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("read history of the status page: %w", err)
	}
	bad := h.replay(bytes.NewReader(raw))
	h.looking = false
	if err := h.compact(); err != nil {
		return nil, bad, err
	}
	return h, bad, nil
}

// replay takes in records, and returns how many cannot be read.
func (h *history) replay(r io.Reader) int {
	bad := 0
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var rec record
		if err := json.Unmarshal(s.Bytes(), &rec); err != nil {
			bad++
			continue
		}
		switch {
		case rec.Day != "":
			date, err := time.Parse(time.DateOnly, rec.Day)
			if err != nil || rec.Measured < 0 || rec.Down < 0 || rec.Measured > 86400 || rec.Down > 86400 {
				bad++
				continue
			}
			d := h.day(rec.Component, date)
			d.Worst, d.Down, d.Measured = rec.Worst, seconds(rec.Down), seconds(rec.Measured)
		case rec.At.IsZero():
			bad++
		default:
			h.advance(rec.At)
			if rec.States != nil {
				h.states, h.looking = rec.States, true
				h.touch()
			}
			if rec.Stopped {
				h.looking = false
			}
		}
	}
	if s.Err() != nil {
		bad++
	}
	return bad
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (h *history) day(component string, date time.Time) *Day {
	days := h.days[component]
	if days == nil {
		days = map[string]*Day{}
		h.days[component] = days
	}
	key := date.Format(time.DateOnly)
	d := days[key]
	if d == nil {
		d = &Day{Date: date}
		days[key] = d
	}
	return d
}

// advance adds the time since the last record to the days that it belongs to.
// A clock that was set back adds nothing.
func (h *history) advance(now time.Time) {
	now = now.UTC()
	from := h.last
	h.last = now
	if !h.looking || from.IsZero() || now.Sub(from) > maxGap || now.Before(from) {
		return
	}
	for from.Before(now) {
		to := day(from).AddDate(0, 0, 1)
		if to.After(now) {
			to = now
		}
		for c, s := range h.states {
			if s == NotMeasured {
				continue
			}
			d := h.day(c, day(from))
			d.Measured += to.Sub(from)
			d.Worst = worse(d.Worst, s)
			if s == Outage {
				d.Down += to.Sub(from)
			}
			// A clock that was set back lives a time twice.
			d.Measured, d.Down = min(d.Measured, 24*time.Hour), min(d.Down, 24*time.Hour)
		}
		from = to
	}
}

// touch lets states that have just begun count, however short they will be.
func (h *history) touch() {
	for c, s := range h.states {
		if s != NotMeasured {
			d := h.day(c, day(h.last))
			d.Worst = worse(d.Worst, s)
		}
	}
}

// note takes the states of now, and writes down what is new. The days are
// right in memory even where the journal could not be written.
func (h *history) note(now time.Time, states map[string]State) error {
	h.advance(now)
	if h.looking && maps.Equal(states, h.states) {
		return h.append(record{At: h.last}, false)
	}
	h.states, h.looking = maps.Clone(states), true
	h.touch()
	return h.append(record{At: h.last, States: h.states}, true)
}

// stop notes that nobody looks from now on, and closes the journal.
func (h *history) stop(now time.Time) error {
	h.advance(now)
	h.looking = false
	err := h.append(record{At: h.last, Stopped: true}, true)
	if h.f != nil {
		err = errors.Join(err, h.f.Close())
		h.f = nil
	}
	return err
}

func (h *history) append(r record, durable bool) error {
	if h.broken || h.f == nil || h.size > h.above {
		return h.compact() // holds the record already
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode history of the status page: %w", err)
	}
	n, err := h.f.Write(append(line, '\n'))
	h.size += int64(n)
	if err == nil && durable {
		err = h.f.Sync()
	}
	if err != nil {
		h.broken = true
		return fmt.Errorf("write history of the status page: %w", err)
	}
	return nil
}

// compact writes the journal anew: a sum for each day, and the states in force.
func (h *history) compact() error {
	h.prune()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, c := range slices.Sorted(maps.Keys(h.days)) {
		for _, key := range slices.Sorted(maps.Keys(h.days[c])) {
			d := h.days[c][key]
			if err := enc.Encode(record{Day: key, Component: c, Worst: d.Worst, Down: d.Down.Seconds(), Measured: d.Measured.Seconds()}); err != nil {
				return fmt.Errorf("encode history of the status page: %w", err)
			}
		}
	}
	if !h.last.IsZero() {
		if err := enc.Encode(record{At: h.last, States: h.states, Stopped: !h.looking}); err != nil {
			return fmt.Errorf("encode history of the status page: %w", err)
		}
	}
	h.broken = true
	if err := replace(h.d, h.path, b.Bytes(), 0o640); err != nil {
		return err
	}
	if err := h.d.SyncDir(filepath.Dir(h.path)); err != nil {
		return fmt.Errorf("sync history of the status page: %w", err)
	}
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("open history of the status page: %w", err)
	}
	if h.f != nil {
		_ = h.f.Close() // of the file that has been replaced; all of it was written anew
	}
	h.f, h.size, h.broken = f, int64(b.Len()), false
	return nil
}

// prune forgets days that are no longer shown.
func (h *history) prune() {
	if h.last.IsZero() {
		return
	}
	first := day(h.last).AddDate(0, 0, -Days+1).Format(time.DateOnly)
	for c, days := range h.days {
		maps.DeleteFunc(days, func(key string, _ *Day) bool { return key < first })
		if len(days) == 0 {
			delete(h.days, c)
		}
	}
}

// shown are the days of a component that end with today.
func (h *history) shown(component string, now time.Time) []Day {
	out := make([]Day, Days)
	for i := range out {
		date := day(now).AddDate(0, 0, i-Days+1)
		if d := h.days[component][date.Format(time.DateOnly)]; d != nil {
			out[i] = *d
		} else {
			out[i].Date = date
		}
	}
	return out
}
