package email

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
)

// TestSomeRecipientsAreNotTaken has the server answer recipients of one mail differently.
func TestSomeRecipientsAreNotTaken(t *testing.T) {
	gone := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	busy := &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
	const a, b, c = "a@example.org", "b@example.org", "c@example.org"
	for _, x := range []struct {
		name   string
		answer map[string][]*smtp.SMTPError
		hurry  bool     // the group's next message is near
		told   []string // in order
		mails  int
		retry  bool
		err    string
		reply  string
	}{
		{"all", nil, false, []string{a, b, c}, 1, false, "", "OK: queued"},
		{"one is gone", map[string][]*smtp.SMTPError{b: {gone}}, false, []string{a, c}, 1, false, "", "not taken: b@example.org: 550 no such user"},
		{"the first is gone", map[string][]*smtp.SMTPError{a: {gone}}, false, []string{b, c}, 1, false, "", "not taken: a@example.org: 550"},
		{"one comes later, alone", map[string][]*smtp.SMTPError{b: {busy, busy, nil}}, false, []string{a, c, b}, 2, false, "", "OK: queued"},
		{"one is gone when tried again", map[string][]*smtp.SMTPError{b: {busy, gone}}, false, []string{a, c}, 1, false, "", "not taken: b@example.org: 550"},
		{"one is full for good, one is gone", map[string][]*smtp.SMTPError{b: {busy}, c: {gone}}, false, []string{a}, 1, false, "", "not taken: c@example.org: 550 no such user; b@example.org: 452 mailbox full"},
		{"no time to try again", map[string][]*smtp.SMTPError{b: {busy, nil}}, true, []string{a, c}, 1, false, "", "not taken: b@example.org: 452"},
		{"all are gone", map[string][]*smtp.SMTPError{a: {gone}, b: {gone}, c: {gone}}, false, nil, 0, false, "a@example.org: 550 no such user; b@example.org: 550", "550 no such user"},
		{"nobody yet", map[string][]*smtp.SMTPError{a: {gone}, b: {busy}, c: {gone}}, false, nil, 0, true, "b@example.org: 452 mailbox full", "452 mailbox full"},
	} {
		t.Run(x.name, func(t *testing.T) {
			office, address, ca := serve(t, StartTLS, "PLAIN")
			office.answer = x.answer
			o := options(t, address, ca)
			o.To = []string{a, b, c}
			var log bytes.Buffer
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			n, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			n.pauses = []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}
			ctx, said := group(t.Context()), ""
			if x.hurry {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, sendTimeout)
				defer cancel()
			}
			retry, err := n.Notify(channel.WithReply(ctx, &said), channeltest.Alert("Down"))
			if retry != x.retry || (err != nil) != (x.err != "") || err != nil && !strings.Contains(err.Error(), x.err) {
				t.Errorf("retry %v, error %v; want %v, %q", retry, err, x.retry, x.err)
			}
			if len(office.got) != x.mails {
				t.Errorf("%d mails, want %d", len(office.got), x.mails)
			}
			var told []string
			for len(office.rcpt) > 0 {
				told = append(told, <-office.rcpt)
			}
			if !slices.Equal(told, x.told) {
				t.Errorf("told %v, want %v", told, x.told)
			}
			if !strings.Contains(said, x.reply) || strings.Contains(said, "not taken") != strings.Contains(x.reply, "not taken") {
				t.Errorf("reply %q, want %q", said, x.reply)
			}
			if warned := strings.Contains(log.String(), "Mail was not taken for some recipients"); warned != strings.Contains(x.reply, "not taken") {
				t.Errorf("log %s", &log)
			}
		})
	}
}
