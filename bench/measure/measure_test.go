package measure

import (
	"math"
	"slices"
	"testing"
)

func TestPalindromes(t *testing.T) {
	if got, want := Palindromes(3, 2), []int{0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestQuantile(t *testing.T) {
	values := make([]int, 0, 100)
	for i := 100; i > 0; i-- {
		values = append(values, i)
	}
	for q, want := range map[float64]int{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := Quantile(values, q); got != want {
			t.Errorf("quantile %v: got %d, want %d", q, got, want)
		}
	}
	if values[0] != 100 {
		t.Error("the values were sorted in place")
	}
	if got := Median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("median: got %v, want 2", got)
	}
}

func TestGeomean(t *testing.T) {
	if got := Geomean([]float64{0.5, 2}); math.Abs(got-1) > 1e-12 {
		t.Errorf("got %v, want 1: half and double cancel out", got)
	}
}
