package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/registry"
	"touchline.dev/touchline/internal/app/channelspec"
	"touchline.dev/touchline/internal/config"
)

// checkChannels says what is wrong with the channels of a touchline.yaml that
// can be read: receivers that alertmanager.yml has not, and templates that
// cannot be filled in. Secrets are not read.
func checkChannels(d *Document) []Finding {
	channels := config.ChannelsOf(d.Path, d.Bytes)
	if len(channels) == 0 {
		return nil
	}
	var out []Finding
	receivers, globs, err := receiversFor(d)
	if err != nil {
		return nil // The check of that file says what is wrong with it.
	}
	if receivers != nil {
		for _, p := range config.UnknownReceivers(channels, receivers) {
			out = append(out, settingFinding(d, p, Error, "unknown-receiver"))
		}
	}
	base := registry.Base(string(shippedTemplates()), globs, exampleURL)
	o := registry.Options{Client: http.DefaultClient, Paces: channel.NewPaces(), Zone: time.UTC, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
	for _, receiver := range slices.Sorted(maps.Keys(channels)) {
		for i := range channels[receiver] {
			c := &channels[receiver][i]
			spec := channelspec.One(c)
			// A file that is missing is told where all files are looked for.
			if _, err := registry.Build(spec, o, base); err != nil && !errors.Is(err, fs.ErrNotExist) {
				out = append(out, channelFinding(d, c, err))
			}
		}
	}
	return out
}

// receiversFor are the receivers and the templates of the alertmanager.yml that a
// touchline.yaml names; nil where it names none.
func receiversFor(d *Document) (receivers, templates []string, err error) {
	for _, named := range config.NamedFiles(d.Path, d.Bytes) {
		if named.Flag != "alertmanager.config" {
			continue
		}
		c, err := alerting.LoadConfig(named.Path)
		if err != nil {
			return nil, nil, err
		}
		receivers, templates = []string{}, c.Templates
		for _, r := range c.Receivers {
			receivers = append(receivers, r.Name)
		}
	}
	return receivers, templates, nil
}

// channelFinding places what is wrong with a channel at it.
func channelFinding(d *Document, c *config.Channel, err error) Finding {
	f := Finding{File: d.Path, Line: 1, Column: 1, Severity: Error, Code: "bad-channel"}
	message := err.Error()
	if place, ok := strings.CutPrefix(c.Place(), d.Path); ok {
		// The place is file:line:col, which the configuration wrote itself.
		_, _ = fmt.Sscanf(place, ":%d:%d", &f.Line, &f.Column)
		message = strings.TrimPrefix(message, c.Place()+": ")
	}
	f.Message, f.Hint, _ = strings.Cut(message, "; ")
	if f.Hint == "" {
		f.Hint = "correct the channel, or leave template_file out for the default"
	}
	return f
}
