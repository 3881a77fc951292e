package rules

import "github.com/prometheus/prometheus/rules"

// fairQueue holds rules that are to be evaluated. Each rule group has its turn:
// a storm in one group, which takes seconds to judge, does not hold up the first
// word about what another one watches. Its owner guards it.
type fairQueue struct {
	of    map[*rules.Group]*turns
	fresh []*turns // groups that have not been served since they began to wait
	again []*turns // groups that have, in the order of their last turn
	row   int      // turns that fresh groups have had in a row
	n     int
}

// turns are the rules of one group that wait, in order.
type turns struct {
	group *rules.Group
	rules []*watched
}

// freshInRow is how many groups that are new go before one that is not.
const freshInRow = 4

func (q *fairQueue) len() int { return q.n }

func (q *fairQueue) push(w *watched) {
	if q.of == nil {
		q.of = map[*rules.Group]*turns{}
	}
	t := q.of[w.group]
	if t == nil {
		t = &turns{group: w.group}
		q.of[w.group] = t
		q.fresh = append(q.fresh, t)
	}
	t.rules = append(t.rules, w)
	q.n++
}

// pop is the next rule, nil if there is none: all that wait have had a turn, and
// such may not go on now. It reports whether it is one of those.
func (q *fairQueue) pop(goOn bool) (w *watched, again bool) {
	from := &q.again
	if len(q.fresh) > 0 && (len(q.again) == 0 || !goOn || q.row < freshInRow) {
		from = &q.fresh
		q.row++
	} else {
		q.row, again = 0, true
	}
	if len(*from) == 0 || again && !goOn {
		return nil, false
	}
	t := (*from)[0]
	(*from)[0] = nil
	*from = (*from)[1:]
	w = t.rules[0]
	t.rules[0] = nil
	t.rules = t.rules[1:]
	if q.n--; len(t.rules) > 0 {
		q.again = append(q.again, t)
	} else {
		delete(q.of, t.group)
	}
	return w, again
}
