package rules

import (
	"fmt"
	"testing"

	"github.com/prometheus/prometheus/rules"
)

// TestFairQueue has one group wait with many rules, and others come with few.
func TestFairQueue(t *testing.T) {
	var q fairQueue
	groups := make([]*rules.Group, 8)
	for n := range groups {
		groups[n] = &rules.Group{}
	}
	push := func(g, n int) {
		for i := range n {
			q.push(&watched{group: groups[g], id: fmt.Sprintf("%d%c", g, 'a'+i)})
		}
	}
	var got string
	pop := func(n int) {
		for range n {
			if w, _ := q.pop(true); w == nil {
				got += " -"
			} else {
				got += " " + w.id
			}
		}
	}
	push(0, 5)
	pop(2)
	push(1, 2)
	pop(3) // the newcomer, then in turn
	push(2, 1)
	push(3, 1)
	push(4, 1)
	push(5, 1)
	push(6, 1)
	pop(5) // newcomers leave the old one a turn
	pop(4)
	const want = " 0a 0b 1a 0c 1b 2a 3a 4a 5a 0d 6a 0e - -"
	if got != want {
		t.Errorf("the order is\n%s, want\n%s", got, want)
	}
	push(0, 2)
	push(1, 1)
	for n, want := range []string{"0a", "1a", ""} {
		w, again := q.pop(false)
		if want == "" && w != nil || want != "" && (w == nil || w.id != want) || again {
			t.Errorf("number %d while none may go on is %v, want %q", n, w, want)
		}
	}
	if w, again := q.pop(true); w == nil || w.id != "0b" || !again {
		t.Errorf("then comes %v", w)
	}
	if q.len() != 0 || len(q.of) != 0 {
		t.Errorf("%d rules and %d groups are left", q.len(), len(q.of))
	}
}
