package email

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"touchline.dev/touchline/internal/alerting/channel"
)

// refusal is a recipient whom the server has not taken, and why.
type refusal struct {
	to    *mail.Address
	reply *smtp.SMTPError
}

func (r refusal) String() string {
	return fmt.Sprintf("%s: %d %s", r.to.Address, r.reply.Code, r.reply.Message)
}

// temporary tells that the server may take them later: a reply of 4yz.
func temporary(e *smtp.SMTPError) bool { return e.Code/100 != 5 }

// tell sends a mail to all recipients and reports whether it makes sense to do
// all of it again.
//
// One address that is gone must not keep the mail from the others, so it is sent
// as soon as the server takes anybody, and then the notification has succeeded:
// would it fail, those who have the mail would get it again with each repetition,
// and no mail about the end, which is owed only where the beginning was told. Who
// may be taken later (full of connections or recipients, an address that is
// looked up) is tried again here, alone, for as long as it does not hold up the
// group's next message. Who is left over is named for the operator.
func (n *Notifier) tell(ctx context.Context, raw []byte) (retry bool, _ error) {
	said, left, err := n.send(ctx, raw, n.to)
	if err != nil {
		retry := true
		var reply *smtp.SMTPError
		if errors.As(err, &reply) {
			retry = temporary(reply)
			said = fmt.Sprintf("%d %s", reply.Code, reply.Message)
		}
		channel.NoteReply(ctx, said)
		return retry, fmt.Errorf("send mail by %s: %w", n.o.Smarthost, err)
	}
	for _, pause := range n.pauses {
		later, gone := sortOut(left)
		if len(later) == 0 || !wait(ctx, pause) {
			break
		}
		_, still, err := n.send(ctx, raw, addresses(later))
		var all *refusedError
		switch {
		case errors.As(err, &all):
			left = append(gone, all.left...)
		case err == nil:
			left = append(gone, still...)
		default:
			n.o.Logger.Warn("Mail could not be tried again for some recipients", "smarthost", n.o.Smarthost, "err", err)
		}
	}
	reply := "250 " + said
	if len(left) > 0 {
		reply += "; not taken: " + list(left)
		n.o.Logger.Warn("Mail was not taken for some recipients", "smarthost", n.o.Smarthost, "taken", len(n.to)-len(left), "not_taken", list(left))
	}
	channel.NoteReply(ctx, reply)
	return false, nil
}

// refusedError tells that the server has taken no recipient. It unwraps to the
// reply that decides whether to try again: a temporary one, if there is any.
type refusedError struct{ left []refusal }

func allRefused(left []refusal) error { return &refusedError{left} }

func (e *refusedError) Error() string { return "no recipient is taken: " + list(e.left) }

func (e *refusedError) Unwrap() error {
	for _, r := range e.left {
		if temporary(r.reply) {
			return r.reply
		}
	}
	return e.left[0].reply
}

func list(left []refusal) string {
	out := make([]string, len(left))
	for n, r := range left {
		out[n] = r.String()
	}
	return strings.Join(out, "; ")
}

func sortOut(left []refusal) (later, gone []refusal) {
	for _, r := range left {
		if temporary(r.reply) {
			later = append(later, r)
		} else {
			gone = append(gone, r)
		}
	}
	return later, gone
}

func addresses(of []refusal) []*mail.Address {
	out := make([]*mail.Address, len(of))
	for n, r := range of {
		out[n] = r.to
	}
	return out
}

// wait reports whether there is time for the pause, and for sending after it.
func wait(ctx context.Context, pause time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < pause+sendTimeout {
		return false
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
