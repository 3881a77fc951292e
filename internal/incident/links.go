package incident

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Link is what a signed link in a message lets whoever holds it do: one thing
// with the incident of one group.
type Link struct {
	Action   string    // LinkAcknowledge or LinkView
	Group    string    // GroupHash of the group's key
	Receiver string    // whose message it stood in
	Expires  time.Time // to the second
	Made     time.Time // to the second; Sign sets it
}

// The actions of links.
const (
	LinkAcknowledge = "acknowledge"
	LinkView        = "view"
)

// linkCalendar is the action of a feed of a calendar: no incident is the group's.
const linkCalendar = "calendar"

// LinkLife is how long a link is good, CalendarLife how long that of a feed, which
// calendars ask for again and again.
const (
	LinkLife     = 7 * 24 * time.Hour
	CalendarLife = 365 * 24 * time.Hour
)

// Errors of links.
var (
	ErrLinkForged  = errors.New("the link is not one that this server has made")
	ErrLinkExpired = errors.New("the link has expired")
	ErrLinkEarlier = errors.New("the link is about an earlier incident")
)

// GroupHash names a group in a link.
func GroupHash(key string) string { return hashOf(bounded(key)) }

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// LinkGroup is the GroupHash for a link in a message under a key: a group's
// own, or that of a call of an escalation, which is about the groups of its
// incident. ErrNotFound says that the message is about no group.
func (s *Service) LinkGroup(ctx context.Context, key string) (hash string, err error) {
	id := calledFor(key)
	switch {
	case strings.HasPrefix(key, "{"): // as upstream's keys of groups begin, with the matchers of the route
		return GroupHash(key), nil
	case id == 0:
		return "", ErrNotFound
	}
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		err := q.QueryRowContext(ctx, "SELECT group_hash FROM incident_groups WHERE incident_id = $1 ORDER BY group_hash LIMIT 1", id).Scan(&hash)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("look for the group of a call: %w", err)
	}
	return hash, nil
}

// linkPayload is a link as it is signed.
type linkPayload struct {
	Action   string `json:"a"`
	Group    string `json:"g"`
	Receiver string `json:"r"`
	Expires  int64  `json:"e"`
	Made     int64  `json:"m"`
}

// linkKey signs links. It is made once, and is in the database, so that all
// replicas know the links of each.
type linkKey struct {
	once   sync.Mutex
	secret []byte
}

// key returns the secret, and makes it at the first time.
func (k *linkKey) key(ctx context.Context, s *Service) ([]byte, error) {
	k.once.Lock()
	defer k.once.Unlock()
	if k.secret != nil {
		return k.secret, nil
	}
	var text string
	err := s.o.DB.Write(ctx, func(tx *state.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT secret FROM link_keys ORDER BY id DESC LIMIT 1").Scan(&text)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		id, err := state.Next(ctx, tx, "link_keys")
		if err != nil {
			return err
		}
		var raw [32]byte
		_, _ = rand.Read(raw[:]) // never fails
		text = hex.EncodeToString(raw[:])
		_, err = tx.ExecContext(ctx, "INSERT INTO link_keys (id, secret, created_at) VALUES ($1, $2, $3)", id, text, state.Micros(s.o.Now()))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read key of links: %w", err)
	}
	if k.secret, err = hex.DecodeString(text); err != nil {
		k.secret = nil
		return nil, fmt.Errorf("read key of links: %w", err)
	}
	return k.secret, nil
}

// Sign makes the token of a link.
func (s *Service) Sign(ctx context.Context, l Link) (string, error) {
	key, err := s.links.key(ctx, s)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(linkPayload{l.Action, l.Group, l.Receiver, l.Expires.Unix(), s.o.Now().Unix()})
	if err != nil {
		return "", fmt.Errorf("write link: %w", err)
	}
	body := base64.RawURLEncoding.EncodeToString(raw)
	return body + "." + signature(key, body), nil
}

func signature(key []byte, body string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("link:" + body))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:20])
}

// maxLink bounds a token, in bytes.
const maxLink = 2048

// read reads the token of a link.
func (s *Service) read(ctx context.Context, token string) (Link, error) {
	key, err := s.links.key(ctx, s)
	if err != nil {
		return Link{}, err
	}
	body, sig, ok := strings.Cut(token, ".")
	if !ok || len(token) > maxLink || !hmac.Equal([]byte(signature(key, body)), []byte(sig)) {
		return Link{}, ErrLinkForged
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return Link{}, ErrLinkForged
	}
	var p linkPayload
	if err := json.Unmarshal(raw, &p); err != nil {
		return Link{}, ErrLinkForged
	}
	l := Link{Action: p.Action, Group: p.Group, Receiver: p.Receiver, Expires: time.Unix(p.Expires, 0), Made: time.Unix(p.Made, 0)}
	if !s.o.Now().Before(l.Expires) {
		return l, ErrLinkExpired
	}
	return l, nil
}

// SignCalendar makes the token of a feed of a schedule, or of one person's shifts in it.
func (s *Service) SignCalendar(ctx context.Context, schedule, person string, expires time.Time) (string, error) {
	return s.Sign(ctx, Link{Action: linkCalendar, Group: schedule, Receiver: person, Expires: expires})
}

// ReadCalendar reads the token of a feed.
func (s *Service) ReadCalendar(ctx context.Context, token string) (schedule, person string, err error) {
	l, err := s.read(ctx, token)
	if err == nil && l.Action != linkCalendar {
		err = ErrLinkForged
	}
	return l.Group, l.Receiver, err
}

// skew is how much later than the message about it an incident may seem to
// begin: the clocks of replicas differ, and of a sample's own time nothing is known.
const skew = time.Minute

// Follow reads the token of a link, and returns the incident that it is about.
// ErrNotFound says that it is over, ErrLinkEarlier that its group has another
// one by now: whoever has the old message has not seen that.
func (s *Service) Follow(ctx context.Context, token string) (Link, Incident, error) {
	l, err := s.read(ctx, token)
	if err == nil && l.Action == linkCalendar {
		err = ErrLinkForged
	}
	if err != nil {
		return l, Incident{}, err
	}
	i, err := s.ofHash(ctx, l.Group)
	if err != nil {
		return l, i, err
	}
	// The rule's decision comes before any message. The incident is written after it, and late while the database is away.
	began := i.DecidedAt
	if began.IsZero() {
		began = i.OpenedAt
	}
	if began.After(l.Made.Add(skew)) {
		return l, Incident{}, ErrLinkEarlier
	}
	return l, i, nil
}

// ofHash returns the incident that a group belongs to.
func (s *Service) ofHash(ctx context.Context, hash string) (i Incident, err error) {
	err = s.o.DB.Read(ctx, func(q state.Querier) error {
		var id int64
		err := q.QueryRowContext(ctx, "SELECT incident_id FROM incident_groups WHERE group_hash = $1", hash).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("look for a link's incident: %w", err)
		}
		i, err = load(ctx, q, id)
		return err
	})
	return i, err
}
