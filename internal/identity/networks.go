package identity

import (
	"context"
	"maps"
	"net/netip"
	"time"

	"touchline.dev/touchline/internal/state"
)

// Of the networks that a user has signed in from these are remembered.
const (
	maxNetworks  = 50 // of one user, those of the last sign-ins
	networksKept = 90 * 24 * time.Hour
)

// visit is somebody at a place that they have signed in from.
type visit struct{ user, network string }

// network is what one attacker has: an address of IPv4, or a /64 of IPv6.
func network(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	a := ap.Addr()
	if err != nil {
		// Behind a proxy the port is not known.
		if a, err = netip.ParseAddr(remote); err != nil {
			return remote
		}
	}
	a = a.Unmap()
	if a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// meet notes that somebody has proved who they are; tidy writes it down.
func (s *Store) meet(user, remote string) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met[visit{user, network(remote)}] = now
}

// knows tells whether somebody has signed in from a network lately. While the
// database does not answer nobody has, who is paced the more strictly for it.
func (s *Store) knows(ctx context.Context, v visit) bool {
	s.mu.Lock()
	_, ok := s.met[v]
	s.mu.Unlock()
	if ok || !storable(v.user) {
		return ok
	}
	var n int
	err := s.db.Read(ctx, func(q state.Querier) error {
		return q.QueryRowContext(ctx, "SELECT COUNT(*) FROM sign_in_networks WHERE user_name = $1 AND network = $2 AND seen_at > $3",
			v.user, v.network, state.Micros(s.now().Add(-networksKept))).Scan(&n)
	})
	return err == nil && n > 0
}

// visits copies those that are not stored.
func (s *Store) visits() map[visit]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.met)
}

// forgetVisits forgets those that have been stored, unless there was another since.
func (s *Store) forgetVisits(stored map[visit]time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v, at := range stored {
		if s.met[v].Equal(at) {
			delete(s.met, v)
		}
	}
}

func storeVisit(ctx context.Context, tx *state.Tx, v visit, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sign_in_networks (user_name, network, seen_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_name, network) DO UPDATE SET seen_at = $3 WHERE sign_in_networks.seen_at < $3`, v.user, v.network, state.Micros(at))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sign_in_networks WHERE user_name = $1 AND network NOT IN
		(SELECT network FROM sign_in_networks WHERE user_name = $1 ORDER BY seen_at DESC, network LIMIT $2)`, v.user, maxNetworks)
	return err
}
