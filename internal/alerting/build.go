package alerting

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"

	"touchline.dev/touchline/internal/alerting/channel/registry"
)

// base makes templates that a configuration's receivers may use.
func (a *Alertmanager) base(conf *config.Config) func() (*template.Template, error) {
	return registry.Base(a.o.Templates, conf.Templates, a.o.ExternalURL)
}

// shared is what all channels of ours have in common.
func (a *Alertmanager) shared() registry.Options {
	zone := a.o.Zone
	if zone == nil {
		zone = time.Local
	}
	return registry.Options{
		Client: a.client, Paces: a.paces, Links: a.o.Links, Graph: a.o.Graph, Zone: zone, Now: time.Now, Logger: a.log,
	}
}

// build makes the integrations of a receiver: upstream's, and after them our
// channels, so that neither changes the other's place in the notification log.
// As upstream, an integration of upstream's that cannot be built is an error
// only where something uses the receiver.
func (a *Alertmanager) build(r config.Receiver, rec *Receiver, file *File, tmpl *template.Template) ([]notify.Integration, error) {
	var errs []error
	ints, err := receiver.BuildReceiverIntegrations(r, tmpl, a.log)
	if err != nil {
		ints = nil
		rec.Broken = err.Error()
		if rec.built {
			errs = append(errs, fmt.Errorf("receiver %q: %w", r.Name, err))
		}
	}
	index := map[string]int{}
	for _, s := range file.Channels[r.Name] {
		c, err := registry.Build(s, a.shared(), a.base(file.Config))
		if err != nil {
			errs = append(errs, fmt.Errorf("receiver %q: %w", r.Name, err))
			continue
		}
		ints = append(ints, notify.NewIntegration(c, c, c.Name, index[c.Name], r.Name))
		index[c.Name]++
	}
	for _, i := range ints {
		rec.Integrations = append(rec.Integrations, i.Name())
		rec.names = append(rec.names, i.String())
	}
	return ints, errors.Join(errs...)
}

// unknownReceivers are those that have channels and are not in alertmanager.yml.
func unknownReceivers(file *File) error {
	var errs []error
	for name, specs := range file.Channels {
		if slices.ContainsFunc(file.Config.Receivers, func(r config.Receiver) bool { return r.Name == name }) {
			continue
		}
		where := ""
		if len(specs) > 0 && specs[0].Where != "" {
			where = specs[0].Where + ": "
		}
		errs = append(errs, fmt.Errorf("%schannels of receiver %q: alertmanager.yml has no such receiver; add it there: receivers: [{name: %q}]", where, name, name))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// writeChannels writes what decides about our channels into a hash.
func writeChannels(w io.Writer, file *File) error {
	if len(file.Channels) == 0 {
		return nil
	}
	return registry.WriteIdentity(w, file.Channels)
}
