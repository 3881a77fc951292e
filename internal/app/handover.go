package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/prometheus/rules"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/oncall"
)

// The digest of a hand-over is looked for this often, is told for this long
// after a hand-over during which the server was down, and each attempt may take
// this long.
const (
	handOverLook    = 15 * time.Second
	handOverLate    = 30 * time.Minute
	handOverTimeout = 45 * time.Second
	digestListed    = 20
	digestPeriod    = 7 * 24 * time.Hour  // noisy rules are counted over
	unproven        = 30 * 24 * time.Hour // since a receiver last took a message
)

// handOvers tells who takes over what there is.
func (a *App) handOvers(ctx context.Context) {
	tick := time.NewTicker(handOverLook)
	defer tick.Stop()
	told := map[string]oncall.HandOver{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if a.escalates() {
			a.tellHandOvers(ctx, told, time.Now())
		}
	}
}

// tellHandOvers tells each schedule's last hand-over, unless it has been told.
func (a *App) tellHandOvers(ctx context.Context, told map[string]oncall.HandOver, now time.Time) {
	var mu sync.Mutex // of told
	var wg sync.WaitGroup
	for name, s := range a.roster.Load().Schedules {
		h, ok := lastHandOver(s, now)
		mu.Lock()
		before := told[name]
		mu.Unlock()
		if !ok || h.At.Equal(before.At) && h.To == before.To {
			continue
		}
		wg.Go(func() {
			// The notification log knows what was told before a restart.
			if err := a.handOver(ctx, name, h, now); err != nil {
				a.log.Warn("The digest of a hand-over could not be told; it is tried again", "schedule", name, "err", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			told[name] = h
		})
	}
	wg.Wait()
}

// lastHandOver is the last hand-over of those that are not too late to tell: who
// took over before it and is no longer on call need not know.
func lastHandOver(s *oncall.Schedule, now time.Time) (last oncall.HandOver, ok bool) {
	for after := now.Add(-handOverLate); ; after = last.At {
		h, more := s.Next(after)
		if !more || h.At.After(now) {
			return last, ok
		}
		last, ok = h, true
	}
}

// handOver tells the digest of one hand-over to all its receivers at the same
// time, so that one that hangs keeps it from nobody else.
func (a *App) handOver(ctx context.Context, name string, h oncall.HandOver, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, handOverTimeout)
	defer cancel()
	r := a.roster.Load()
	s := r.Schedules[name]
	if s == nil {
		return nil // A reload has taken it away.
	}
	receivers, language := slices.Clone(a.dynamic.Load().Schedules[name].Digest), "en"
	if p := r.People[h.To]; p != nil {
		receivers = append(receivers, p.Receivers...)
		language = cmp.Or(p.Language, "en")
	}
	slices.Sort(receivers)
	receivers = slices.Compact(receivers)
	if len(receivers) == 0 {
		return nil
	}
	d, err := a.digest(ctx, s, h, now)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := oncall.RenderDigest(&text, language, *d); err != nil {
		return err
	}
	summary := "%s is on call in %s from now on"
	who := cmp.Or(h.To, "Nobody")
	if language == "zh" {
		summary, who = "现在起由%s值班（%s）", cmp.Or(h.To, "无人")
	}
	summary = fmt.Sprintf(summary, who, name)
	failed := make([]error, len(receivers))
	var wg sync.WaitGroup
	for n, receiver := range receivers {
		wg.Go(func() { failed[n] = a.tellDigest(ctx, receiver, name, h, summary, text.String()) })
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("tell digest of %s: %w", name, err)
	}
	return nil
}

// tellDigest tells one receiver.
func (a *App) tellDigest(ctx context.Context, receiver, schedule string, h oncall.HandOver, summary, text string) error {
	res, err := a.alerting.Tell(ctx, alerting.TellRequest{
		Receiver: receiver, Key: fmt.Sprintf("handover:%s/%d:%s", schedule, h.At.Unix(), receiver), Labels: map[string]string{"alertname": "OnCallHandOver", "schedule": schedule}, Firing: true,
		Alerts: []alerting.GroupAlert{{
			Labels:      map[string]string{"alertname": "OnCallHandOver", "schedule": schedule, "severity": "info", "person": h.To},
			Annotations: map[string]string{"summary": summary, "description": text},
			StartsAt:    h.At, GeneratorURL: a.external.JoinPath("/ui/").String(),
		}},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", receiver, err)
	}
	var failed []error
	for _, i := range res.Integrations {
		if i.Error != "" {
			failed = append(failed, fmt.Errorf("%s: %s", receiver, i.Error))
		}
	}
	return errors.Join(failed...)
}

// digest is what the next person has to know.
func (a *App) digest(ctx context.Context, s *oncall.Schedule, h oncall.HandOver, now time.Time) (*oncall.Digest, error) {
	d := &oncall.Digest{
		Schedule: s.Name(), Location: s.Location(), At: h.At, Since: now.Add(-digestPeriod), From: h.From, To: h.To,
		URL: a.external.JoinPath("/ui/").String(), Changed: a.changes.since(now.Add(-digestPeriod)),
	}
	list, _, err := a.incident.List(ctx, incident.Filter{States: []incident.State{incident.Firing, incident.Acknowledged}, Limit: digestListed})
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		title := fmt.Sprintf("#%d %s", i.ID, i.Title)
		if i.Snoozed(now) {
			d.Snoozed = append(d.Snoozed, oncall.SnoozedIncident{Title: title, Until: i.SnoozedUntil, By: i.Assignee})
		} else {
			d.Open = append(d.Open, oncall.OpenIncident{Title: title, Severity: i.Severity, Since: i.OpenedAt, Owner: i.AcknowledgedBy})
		}
	}
	for _, r := range a.alerting.Receivers() {
		for n, kind := range r.Integrations {
			if last := r.Proven[n]; now.Sub(last) > unproven {
				d.Unproven = append(d.Unproven, oncall.UnprovenReceiver{Name: r.Name + "/" + kind, LastProven: last})
			}
		}
	}
	report, err := a.incident.Report(ctx, now.Add(-digestPeriod), now)
	if err != nil {
		return nil, err
	}
	for _, r := range report.Rules[:min(len(report.Rules), digestRules)] {
		d.Noisy = append(d.Noisy, oncall.NoisyRule{Name: r.Name, Notified: r.Fired})
	}
	return d, nil
}

// digestRules is how many noisy rules a digest names.
const digestRules = 5

// ruleChanges remembers which rules a reload has changed, since the start.
type ruleChanges struct {
	mu    sync.Mutex
	rules map[string]string // by file, group and name: what it is
	list  []oncall.ChangedRule
}

// maxChanges bounds what is remembered.
const maxChanges = 500

// note compares the rules in force with those before.
func (c *ruleChanges) note(groups []*rules.Group, now time.Time) {
	next := map[string]string{}
	for _, g := range groups {
		for _, r := range g.Rules() {
			key := g.File() + "\x00" + g.Name() + "\x00" + r.Name()
			next[key] += r.String() + "\n" // rules of one name and group count as one
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rules != nil {
		for key, text := range next {
			if old, ok := c.rules[key]; !ok {
				c.add(key, "added", now)
			} else if old != text {
				c.add(key, "changed", now)
			}
		}
		for key := range c.rules {
			if _, ok := next[key]; !ok {
				c.add(key, "removed", now)
			}
		}
	}
	c.rules = next
}

func (c *ruleChanges) add(key, what string, now time.Time) {
	if len(c.list) == maxChanges {
		c.list = c.list[1:]
	}
	c.list = append(c.list, oncall.ChangedRule{Name: key[strings.LastIndexByte(key, 0)+1:], What: what, At: now})
}

// since lists the changes after a time.
func (c *ruleChanges) since(t time.Time) []oncall.ChangedRule {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []oncall.ChangedRule
	for _, x := range c.list {
		if x.At.After(t) {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b oncall.ChangedRule) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Name, b.Name)) })
	return out
}
