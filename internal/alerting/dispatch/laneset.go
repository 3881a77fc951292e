package dispatch

import "math/bits"

// laneSet is a set of lanes by their position in the group.
type laneSet []uint64

func (s laneSet) has(i int) bool { return i/64 < len(s) && s[i/64]&(1<<(i%64)) != 0 }

func (s *laneSet) add(i int) {
	for i/64 >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[i/64] |= 1 << (i % 64)
}

func (s laneSet) remove(i int) {
	if i/64 < len(s) {
		s[i/64] &^= 1 << (i % 64)
	}
}

func (s laneSet) len() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// fill makes a set of the first n lanes.
func fill(n int) (s laneSet) {
	for i := range n {
		s.add(i)
	}
	return s
}
