package roster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/oncall"
)

// RefusedOverride is an override made by API that cannot be in force, and why.
type RefusedOverride struct {
	incident.Override
	Err error
}

// Overrides sorts those made by API into what schedules take, by schedule, and
// what they do not. Where a schedule has no room for all the oldest have it, so
// that what was in force stays in force.
func Overrides(d *config.Dynamic, list []incident.Override) (taken map[string][]oncall.Override, refused []RefusedOverride) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b incident.Override) int { return cmp.Compare(a.ID, b.ID) })
	kept, count := list[:0], map[string]int{}
	for _, o := range list {
		if err := refusal(d, &o, count[o.Schedule]); err != nil {
			refused = append(refused, RefusedOverride{o, err})
			continue
		}
		count[o.Schedule]++
		kept = append(kept, o)
	}
	// Of those that overlap, the one that begins later wins.
	slices.SortStableFunc(kept, func(a, b incident.Override) int { return a.From.Compare(b.From) })
	taken = map[string][]oncall.Override{}
	for _, o := range kept {
		taken[o.Schedule] = append(taken[o.Schedule], standIn(&o))
	}
	return taken, refused
}

// refusal says why an override cannot be in force beside others made by API.
func refusal(d *config.Dynamic, o *incident.Override, others int) error {
	s, ok := d.Schedules[o.Schedule]
	if !ok {
		return fmt.Errorf("the section schedules of touchline.yaml has no %q; it has %s", o.Schedule, Listed(slices.Sorted(maps.Keys(d.Schedules))))
	}
	if _, ok := d.People[o.Person]; !ok {
		return fmt.Errorf("the section people of touchline.yaml has no %q; it has %s", o.Person, Listed(slices.Sorted(maps.Keys(d.People))))
	}
	if err := standIn(o).Check(); err != nil {
		return err
	}
	if len(s.Overrides)+others >= oncall.MaxOverrides {
		return fmt.Errorf("the schedule has %d overrides that are not over, which is as many as it can have; take one back first", oncall.MaxOverrides)
	}
	return nil
}

func standIn(o *incident.Override) oncall.Override {
	return oncall.Override{From: o.From, To: o.To, User: o.Person}
}
