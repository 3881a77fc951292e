//go:build conformance

package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// timestamps are at the ends of the lines of a text exposition.
var timestamps = regexp.MustCompile(`(?m)^([^#].* )(\d{13}|\d{10}(?:\.\d+)?)\n`)

// protoTimes are the timestamps of an exposition in protobuf's text format.
var protoTimes = regexp.MustCompile(`timestamp_ms: \d+`)

// protoGaps are what that format puts between a name and its value: one space
// or two, differently in every binary, lest anybody rely on its bytes.
var protoGaps = regexp.MustCompile(`(?m)^( *\w+:) +`)

// families decodes an exposition in delimited protobuf, without its timestamps.
func families(t *testing.T, a answer) string {
	t.Helper()
	var b strings.Builder
	d := expfmt.NewDecoder(bytes.NewReader(a.body), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var f dto.MetricFamily
		err := d.Decode(&f)
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			return b.String() + err.Error()
		}
		for _, m := range f.Metric {
			m.TimestampMs = nil
		}
		// The text form of protobuf is unstable by design, so it is not used.
		fmt.Fprintf(&b, "%s %s\n", f.GetName(), f.GetType())
		for _, m := range f.Metric {
			fmt.Fprintf(&b, "  %v\n", fields(m))
		}
	}
}

func fields(m *dto.Metric) string {
	var b strings.Builder
	for _, l := range m.Label {
		fmt.Fprintf(&b, "%s=%q ", l.GetName(), l.GetValue())
	}
	switch {
	case m.Untyped != nil:
		fmt.Fprintf(&b, "untyped %v", m.Untyped.GetValue())
	case m.Histogram != nil:
		h := m.Histogram
		fmt.Fprintf(&b, "count %v sum %v schema %v zero %v %v", h.GetSampleCountFloat(), h.GetSampleSum(), h.GetSchema(), h.GetZeroThreshold(), h.GetZeroCountFloat())
		for _, s := range h.PositiveSpan {
			fmt.Fprintf(&b, " +(%d,%d)", s.GetOffset(), s.GetLength())
		}
		for _, s := range h.NegativeSpan {
			fmt.Fprintf(&b, " -(%d,%d)", s.GetOffset(), s.GetLength())
		}
		fmt.Fprintf(&b, " %v %v", h.PositiveCount, h.NegativeCount)
		for _, k := range h.Bucket {
			fmt.Fprintf(&b, " le=%v:%v", k.GetUpperBound(), k.GetCumulativeCountFloat())
		}
	default:
		b.WriteString("no value of a known kind")
	}
	return b.String()
}
