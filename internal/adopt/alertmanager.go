package adopt

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/silence/silencepb"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/datadir"
)

// readAlertmanager reads silences and notification log to their ends.
func (r *Report) readAlertmanager(dir string, now time.Time) (*Alertmanager, error) {
	a := &Alertmanager{Path: dir}
	for _, f := range []struct {
		name string
		one  func(protodelim.Reader) error
	}{
		{alerting.SilencesFile, func(r protodelim.Reader) error { return a.silence(r, now) }},
		{alerting.NflogFile, a.notification},
	} {
		file := filepath.Join(dir, f.name)
		size, err := readMessages(file, f.one)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("read %s: %w; run this as a user who may read it", f.name, err)
		case err != nil:
			r.Damaged = append(r.Damaged, Damage{What: file, Reason: err.Error()})
		default:
			a.items = append(a.items, item{name: path.Join(datadir.Alertmanager, f.name), path: file, size: size})
		}
	}
	return a, nil
}

// readMessages reads a file of messages that each stand behind their length.
func readMessages(file string, one func(protodelim.Reader) error) (size int64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		err := one(r)
		if err == io.EOF { //nolint:errorlint // an end within a message is wrapped, or another error
			return fi.Size(), nil
		}
		if err != nil {
			return 0, fmt.Errorf("entry %d: %w", n, err)
		}
	}
}

// message reads one. A length that no entry has would make the reader allocate as much.
func message(r protodelim.Reader, m proto.Message) error {
	return protodelim.UnmarshalOptions{MaxSize: 64 << 20}.UnmarshalFrom(r, m)
}

func (a *Alertmanager) silence(r protodelim.Reader, now time.Time) error {
	var s silencepb.MeshSilence
	if err := message(r, &s); err != nil {
		return err
	}
	if s.Silence == nil {
		return errors.New("it is not a silence")
	}
	a.Silences++
	switch {
	case !now.Before(s.Silence.EndsAt.AsTime()):
		a.Expired++
	case now.Before(s.Silence.StartsAt.AsTime()):
		a.Pending++
	default:
		a.Active++
	}
	return nil
}

func (a *Alertmanager) notification(r protodelim.Reader) error {
	var e nflogpb.MeshEntry
	if err := message(r, &e); err != nil {
		return err
	}
	if e.Entry == nil || e.Entry.Receiver == nil {
		return errors.New("it is not an entry of the notification log")
	}
	a.Notifications++
	return nil
}
