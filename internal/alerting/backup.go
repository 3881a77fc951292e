package alerting

import (
	"fmt"
	"io"
)

// The names of upstream's snapshots in Options.DataDir. A journal stands beside
// each, under the same name with JournalSuffix.
const (
	SilencesFile  = "silences"
	NflogFile     = "nflog"
	JournalSuffix = ".journal"
)

// WriteSilences writes all silences as they are now, in Alertmanager's own
// format: a file of it named SilencesFile restores them.
func (a *Alertmanager) WriteSilences(w io.Writer) error {
	if _, err := a.silences.Snapshot(w); err != nil {
		return fmt.Errorf("write silences: %w", err)
	}
	return nil
}

// WriteNotifications writes the notification log in the same way, for NflogFile.
func (a *Alertmanager) WriteNotifications(w io.Writer) error {
	if _, err := a.nflog.Snapshot(w); err != nil {
		return fmt.Errorf("write notification log: %w", err)
	}
	return nil
}
