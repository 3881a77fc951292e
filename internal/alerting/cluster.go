package alerting

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/prometheus/alertmanager/cluster"
)

// ClusterOptions configure the gossip between replicas, as upstream's
// --cluster flags do. Durations that are zero take upstream's defaults, but
// for SettleTimeout, where zero means not to wait.
type ClusterOptions struct {
	ListenAddress    string
	AdvertiseAddress string
	Peers            []string
	PeerTimeout      time.Duration // 15 seconds
	SettleTimeout    time.Duration
	GossipInterval   time.Duration // 200 ms
	PushPullInterval time.Duration // 1 minute
	Label            string
	TLSConfigFile    string
}

func (c ClusterOptions) withDefaults() ClusterOptions {
	for _, d := range []struct {
		to   *time.Duration
		unto time.Duration
	}{{&c.PeerTimeout, 15 * time.Second}, {&c.GossipInterval, cluster.DefaultGossipInterval}, {&c.PushPullInterval, cluster.DefaultPushPullInterval}} {
		if *d.to == 0 {
			*d.to = d.unto
		}
	}
	return c
}

func (a *Alertmanager) openCluster() error {
	if a.o.Cluster == nil {
		return nil
	}
	c := a.o.Cluster.withDefaults()
	a.o.Cluster = &c
	var transport *cluster.TLSTransportConfig
	if c.TLSConfigFile != "" {
		var err error
		if transport, err = cluster.GetTLSTransportConfig(c.TLSConfigFile); err != nil {
			return fmt.Errorf("read --cluster.tls-config %s: %w", c.TLSConfigFile, err)
		}
	}
	peer, err := cluster.Create(a.log.With("component", "cluster"), a.o.Registerer, c.ListenAddress, c.AdvertiseAddress, c.Peers, true,
		c.PushPullInterval, c.GossipInterval, cluster.DefaultTCPTimeout, cluster.DefaultResolvePeersTimeout,
		cluster.DefaultProbeTimeout, cluster.DefaultProbeInterval, transport, false, c.Label, "")
	if err != nil {
		return fmt.Errorf("listen for the cluster on %s (--cluster.listen-address): %w", c.ListenAddress, err)
	}
	a.peer = peer
	logs, sils := a.journals[logJournal], a.journals[silenceJournal]
	nfl := peer.AddState("nfl", &journalled{State: a.nflog, j: logs}, a.o.Registerer)
	sil := peer.AddState("sil", &journalled{State: a.silences, j: sils}, a.o.Registerer)
	a.nflog.SetBroadcast(func(b []byte) { logs.append(b); nfl.Broadcast(b) })
	a.silences.SetBroadcast(func(b []byte) { sils.append(b); sil.Broadcast(b) })
	return nil
}

// journalled is a replicated state that journals what upstream merges without
// a broadcast: messages too large for gossip and the full state that replicas
// exchange every minute. The latter is skipped while it says nothing new.
type journalled struct {
	cluster.State
	j *journal

	mu   sync.Mutex
	last [sha256.Size]byte
}

func (s *journalled) Merge(b []byte) error {
	if err := s.State.Merge(b); err != nil {
		return err
	}
	if !cluster.OversizedMessage(b) {
		return nil
	}
	d := digest(b)
	s.mu.Lock()
	seen := d == s.last
	s.last = d
	s.mu.Unlock()
	if !seen {
		s.j.append(b)
	}
	return nil
}

// digest is the same for the same entries in any order: upstream writes its
// maps in a random one. Entries are protobuf messages behind their varint
// length; anything else is taken as one entry.
func digest(b []byte) (d [sha256.Size]byte) {
	for len(b) > 0 {
		n, w := binary.Uvarint(b)
		entry := b
		if w > 0 && n <= uint64(len(b)-w) {
			entry = b[:w+int(n)]
		}
		for i, x := range sha256.Sum256(entry) {
			d[i] ^= x
		}
		b = b[len(entry):]
	}
	return d
}

func (a *Alertmanager) joinCluster(ctx context.Context) error {
	if a.peer == nil {
		return nil
	}
	if err := a.peer.Join(cluster.DefaultReconnectInterval, cluster.DefaultReconnectTimeout); err != nil {
		a.log.Warn("No other replica could be reached yet; trying on", "err", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.o.Cluster.SettleTimeout)
	a.wg.Go(func() {
		defer cancel()
		a.peer.Settle(ctx, a.o.Cluster.GossipInterval*10)
	})
	a.wg.Go(func() {
		defer cancel()
		select {
		case <-a.stop:
		case <-ctx.Done():
		}
	})
	return nil
}

// leaveCluster tells the other replicas and closes the gossip's sockets.
// Upstream only leaves: its process ends right afterwards. Here nothing may go
// on behind a Stop, so the memberlist is taken out of the peer, which has no
// method for it.
func (a *Alertmanager) leaveCluster() error {
	if a.peer == nil {
		return nil
	}
	var errs []error
	if err := a.peer.Leave(leaveTimeout); err != nil {
		errs = append(errs, fmt.Errorf("leave cluster: %w", err))
	}
	list := reflect.ValueOf(a.peer).Elem().FieldByName("mlist")
	if !list.IsValid() || list.Type() != reflect.TypeFor[*memberlist.Memberlist]() {
		return errors.Join(append(errs, errors.New("close cluster sockets: this version of Alertmanager keeps them elsewhere"))...)
	}
	if err := (*memberlist.Memberlist)(list.UnsafePointer()).Shutdown(); err != nil {
		errs = append(errs, fmt.Errorf("close cluster sockets: %w", err))
	}
	return errors.Join(errs...)
}

// wait is how long this replica waits for those before it to notify first.
func (a *Alertmanager) wait() time.Duration {
	if a.peer == nil {
		return 0
	}
	return time.Duration(a.peer.Position()) * a.o.Cluster.PeerTimeout
}

// Position is this replica's place in the order in which replicas notify, from 0.
func (a *Alertmanager) Position() int {
	if a.peer == nil {
		return 0
	}
	return a.peer.Position()
}

// ClusterSize is the number of replicas that this one sees, itself included; 0 without a cluster.
func (a *Alertmanager) ClusterSize() int {
	if a.peer == nil {
		return 0
	}
	return a.peer.ClusterSize()
}

// ClusterAddress is where the gossip really listens; empty without a cluster.
func (a *Alertmanager) ClusterAddress() string {
	if a.peer == nil {
		return ""
	}
	return a.peer.Self().Address()
}

// ClusterStatus describes the gossip as this replica sees it.
type ClusterStatus struct {
	Enabled bool
	Name    string            // this replica's identifier
	Status  string            // "ready", "settling" or "disabled"
	Peers   map[string]string // address by name, this replica included
}

// ClusterStatus tells which replicas this one sees.
func (a *Alertmanager) ClusterStatus() ClusterStatus {
	if a.peer == nil {
		return ClusterStatus{Status: "disabled"}
	}
	s := ClusterStatus{Enabled: true, Name: a.peer.Name(), Status: a.peer.Status(), Peers: map[string]string{}}
	for _, p := range a.peer.Peers() {
		s.Peers[p.Name()] = p.Address()
	}
	return s
}
