package alerting

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The bytes of a journal are described in docs/format/alert-journal.md:
//
//	file   = header record*
//	header = "TLJRNL" version
//	record = marker length checksum body
//
//	+-----------+-------------+
//	| "TLJRNL"  | version     |
//	| 6 bytes   | 2 bytes     |
//	+-----------+-------------+
//	+----------------+---------+----------+----------------------------+
//	| A7 'T' 'L' 'R' | length  | CRC-32C  | what upstream would gossip |
//	| 4 bytes        | 4 bytes | 4 bytes  | length bytes               |
//	+----------------+---------+----------+----------------------------+
//
// All numbers are big-endian; the checksum covers length and body. The marker
// lets a reader find the next good record behind a damaged one.
const (
	journalMagic    = "TLJRNL"
	journalVersion  = 1
	journalHeadSize = len(journalMagic) + 2
	recordMarker    = "\xa7TLR"
	recordHeadSize  = len(recordMarker) + 4 + 4

	// maxJournalRecord bounds one record's body, in bytes. A silence or an
	// entry of the log is far smaller; a full exchange between replicas may be
	// a few megabytes.
	maxJournalRecord = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errNewerJournal says that a newer build wrote the journal.
var errNewerJournal = errors.New("format is newer than this build knows; start the newer build, or move the file away")

// damage is a stretch of a journal that holds no good record.
type damage struct {
	from, to int64
	why      string
	torn     bool // an unfinished record at the end, as a kill amid a write leaves it
}

func (d damage) String() string {
	return fmt.Sprintf("offset %d to %d: %s", d.from, d.to, d.why)
}

func journalHeader() []byte {
	return binary.BigEndian.AppendUint16([]byte(journalMagic), journalVersion)
}

func checksum(length, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, body)
}

func encodeRecord(body []byte) []byte {
	out := make([]byte, recordHeadSize, recordHeadSize+len(body))
	copy(out, recordMarker)
	binary.BigEndian.PutUint32(out[4:], uint32(len(body)))
	binary.BigEndian.PutUint32(out[8:], checksum(out[4:8], body))
	return append(out, body...)
}

// decodeJournal returns the bodies of all good records in order, and what lies
// between them. It fails only with errNewerJournal. Bodies share memory with raw.
func decodeJournal(raw []byte) (bodies [][]byte, bad []damage, err error) {
	if len(raw) == 0 {
		return nil, nil, nil
	}
	at, start := 0, 0
	var why string
	var torn bool
	switch {
	case len(raw) < journalHeadSize:
		return nil, []damage{{to: int64(len(raw)), why: "the header is unfinished", torn: true}}, nil
	case string(raw[:len(journalMagic)]) != journalMagic:
		why = "the header is not that of a journal"
	default:
		if v := binary.BigEndian.Uint16(raw[len(journalMagic):]); v > journalVersion {
			return nil, nil, fmt.Errorf("version %d: %w", v, errNewerJournal)
		}
		at, start = journalHeadSize, journalHeadSize
	}
	for at < len(raw) {
		body, reason, unfinished := decodeRecord(raw[at:])
		if reason == "" {
			if start < at {
				bad = append(bad, damage{from: int64(start), to: int64(at), why: why})
			}
			why = ""
			bodies = append(bodies, body)
			at += recordHeadSize + len(body)
			start = at
			continue
		}
		if why == "" {
			why, torn = reason, unfinished
		}
		next := bytes.Index(raw[at+1:], []byte(recordMarker))
		if next < 0 {
			at = len(raw)
			break
		}
		at += 1 + next
	}
	if start < at {
		bad = append(bad, damage{from: int64(start), to: int64(at), why: why, torn: torn})
	}
	return bodies, bad, nil
}

// decodeRecord reads the record that raw begins with; reason says why there is none.
func decodeRecord(raw []byte) (body []byte, reason string, unfinished bool) {
	if len(raw) < recordHeadSize {
		return nil, "the record's head is unfinished", true
	}
	if string(raw[:4]) != recordMarker {
		return nil, "no record begins here", false
	}
	n := binary.BigEndian.Uint32(raw[4:8])
	if n > maxJournalRecord {
		return nil, fmt.Sprintf("a record of %d bytes is larger than any can be", n), false
	}
	if int(n) > len(raw)-recordHeadSize {
		return nil, fmt.Sprintf("the record has %d of %d bytes", len(raw)-recordHeadSize, n), true
	}
	body = raw[recordHeadSize : recordHeadSize+int(n)]
	if checksum(raw[4:8], body) != binary.BigEndian.Uint32(raw[8:12]) {
		return nil, "the checksum does not match", false
	}
	return body, "", false
}
