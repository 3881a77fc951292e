package alerting

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/alertmanager/cluster"
)

func (a *Alertmanager) openCluster() error {
	c := a.o.Cluster
	if c == nil {
		return nil
	}
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
	nfl, sil := peer.AddState("nfl", a.nflog, a.o.Registerer), peer.AddState("sil", a.silences, a.o.Registerer)
	a.nflog.SetBroadcast(func(b []byte) { a.journals[0].append(b); nfl.Broadcast(b) })
	a.silences.SetBroadcast(func(b []byte) { a.journals[1].append(b); sil.Broadcast(b) })
	return nil
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
		go func() {
			select {
			case <-a.stop:
				cancel()
			case <-ctx.Done():
			}
		}()
		a.peer.Settle(ctx, a.o.Cluster.GossipInterval*10)
	})
	return nil
}

// wait is how long this replica waits for those before it to notify first.
func (a *Alertmanager) wait() time.Duration {
	if a.peer == nil {
		return 0
	}
	return time.Duration(a.peer.Position()) * a.o.Cluster.PeerTimeout
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
