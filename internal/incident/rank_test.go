package incident

import (
	"slices"
	"testing"
	"time"
)

func TestRankOfHints(t *testing.T) {
	at := evening
	api := map[string]string{"alertname": "Errors", "service": "api", "env": "prod", "version": "1.2.3"}
	deploy := func(title string, before time.Duration, labels ...string) Deploy {
		return Deploy{Title: title, At: at.Add(-before), Labels: pairs(labels)}
	}
	alert := func(name string, before time.Duration, labels ...string) Member {
		return Member{Name: name, StartsAt: at.Add(-before), Labels: pairs(labels)}
	}
	for _, c := range []struct {
		name    string
		members []map[string]string // of the incident; one alert of api when there are none
		deploys []Deploy
		alerts  []Member
		shifts  []Hint
		want    []string
		follow  []string // those of which it is said that they are rather consequences
	}{
		{name: "nothing"},
		{
			name:   "an alert of before is before one of the same time, and both are before one that followed, however much that has in common",
			alerts: []Member{alert("later", -40*time.Second, "service", "api", "env", "prod"), alert("same", 0), alert("before", time.Minute)},
			want:   []string{"before", "same", "later"}, follow: []string{"later"},
		},
		{
			name:   "what followed soonest is first of what followed, and all of it is below the weakest cause",
			alerts: []Member{alert("last", -2*time.Minute), alert("next", -20*time.Second), alert("old", 5*time.Minute)},
			shifts: []Hint{{Kind: HintShift, Title: "weak shift", Score: 10}},
			want:   []string{"weak shift", "old", "next", "last"}, follow: []string{"next", "last"},
		},
		{
			name:   "what began within the exactness of clocks is no consequence",
			alerts: []Member{alert("same", -hintSlack), alert("later", -hintSlack-time.Millisecond)},
			want:   []string{"same", "later"}, follow: []string{"later"},
		},
		{
			name:    "a deployment of something else is left out, also where it shares another label",
			deploys: []Deploy{deploy("web", time.Minute, "service", "web", "env", "prod"), deploy("api", 20*time.Minute, "service", "api")},
			want:    []string{"api"},
		},
		{
			name:    "one with labels in common is before one without, however much older it is",
			deploys: []Deploy{deploy("unlabelled", 0), deploy("other labels", 0, "team", "x"), deploy("env", hintBefore, "env", "prod"), deploy("both", hintBefore, "env", "prod", "service", "api")},
			want:    []string{"both", "env", "other labels", "unlabelled"},
		},
		{
			name:    "another version of the same service contradicts nothing",
			deploys: []Deploy{deploy("api 1.2.4", time.Minute, "service", "api", "version", "1.2.4")},
			want:    []string{"api 1.2.4"},
		},
		{
			name:    "of an incident of two services each one's deployment may be the cause, and no third one's",
			members: []map[string]string{api, {"service": "web"}, {"instance": "db-1"}},
			deploys: []Deploy{deploy("web", time.Minute, "service", "web"), deploy("api", 2*time.Minute, "service", "api"), deploy("mail", 0, "service", "mail")},
			want:    []string{"web", "api"},
		},
		{
			name:    "a deployment after the beginning is no cause",
			deploys: []Deploy{deploy("rollback", -time.Minute, "service", "api"), deploy("just now", -hintSlack, "service", "api")},
			want:    []string{"just now"},
		},
		{
			name:    "of equal kinds the nearer one is first",
			deploys: []Deploy{deploy("far", 20*time.Minute, "service", "api"), deploy("near", 2*time.Minute, "service", "api")},
			alerts:  []Member{alert("far alert", 4*time.Minute), alert("near alert", time.Minute)},
			want:    []string{"near", "far", "near alert", "far alert"},
		},
		{
			name:    "a deployment of this service is before a scrape that fails, and an old one of nobody's is not",
			deploys: []Deploy{deploy("nobody's", 20*time.Minute), deploy("api", 2*time.Minute, "service", "api")},
			shifts:  []Hint{{Kind: HintScrape, Title: "scrape", Score: 55}},
			want:    []string{"api", "scrape", "nobody's"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.members == nil {
				c.members = []map[string]string{api}
			}
			d := &Detail{}
			for _, ls := range c.members {
				d.Alerts = append(d.Alerts, Member{Labels: ls})
			}
			var titles, follow []string
			for n, h := range rank(d, at, c.deploys, c.alerts, c.shifts) {
				if h.Rank != n+1 {
					t.Errorf("%s has rank %d at place %d", h.Title, h.Rank, n+1)
				}
				titles = append(titles, h.Title)
				if after, ok := h.Follows(); ok {
					follow = append(follow, h.Title)
					if after != h.At.Sub(at) {
						t.Errorf("%s followed after %s, not %s", h.Title, h.At.Sub(at), after)
					}
				}
			}
			if !slices.Equal(titles, c.want) || !slices.Equal(follow, c.follow) {
				t.Errorf("%q, of which follow %q;\nwant %q, %q", titles, follow, c.want, c.follow)
			}
		})
	}
}

// Of more than a list holds, what followed goes first.
func TestConsequencesAreDroppedFirst(t *testing.T) {
	var alerts []Member
	for n := range maxHints {
		alerts = append(alerts, Member{Name: "later", StartsAt: evening.Add(time.Minute)}, Member{Name: "before", StartsAt: evening.Add(-time.Duration(n) * 30 * time.Second)})
	}
	hs := rank(&Detail{}, evening, nil, alerts, nil)
	if len(hs) != maxHints || slices.ContainsFunc(hs, func(h Hint) bool { return h.Title != "before" }) {
		t.Errorf("%+v", hs)
	}
}

func pairs(kv []string) map[string]string {
	out := map[string]string{}
	for n := 0; n < len(kv); n += 2 {
		out[kv[n]] = kv[n+1]
	}
	return out
}
