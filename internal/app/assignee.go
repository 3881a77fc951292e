package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"touchline.dev/touchline/internal/identity"
	"touchline.dev/touchline/internal/incident"
	"touchline.dev/touchline/internal/spelling"
)

// compared is how many users a misspelt name is compared with.
const compared = 1000

// assignee finds whom an incident can be given to: a user, or one of the people
// of touchline.yaml, who have receivers.
func (a *App) assignee(ctx context.Context, name, severity string) (incident.Person, error) {
	r, now := a.roster.Load(), time.Now()
	if r.People[name] != nil || a.server.FileUser(name) {
		return r.Reach(name, now, severity), nil
	}
	u, err := a.identity.User(ctx, name)
	switch {
	case err == nil:
		return r.Reach(u.Name, now, severity), nil
	case identity.KindOf(err) == 0:
		return incident.Person{}, fmt.Errorf("look for the assignee: %w", err)
	}
	users, err := a.identity.Users(ctx, "", compared)
	if err != nil {
		return incident.Person{}, fmt.Errorf("look for the assignee: %w", err)
	}
	names := slices.Sorted(maps.Keys(r.People))
	for _, u := range users {
		names = append(names, u.Name)
	}
	hint := spelling.DidYouMean(name, names)
	if hint == "" {
		hint = "make the user, or add the person to the section people, first"
	}
	return incident.Person{}, &incident.Unknown{Name: name, Hint: hint}
}
