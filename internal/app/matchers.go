package app

import (
	"fmt"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// matching reads matchers of Alertmanager's syntax, and returns what holds labels
// against all of them. Without matchers all labels match.
func matching(text, where string) (func(map[string]string) bool, error) {
	if text == "" {
		return func(map[string]string) bool { return true }, nil
	}
	ms, err := labels.ParseMatchers(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; write matchers such as severity=\"critical\"", where, err)
	}
	return func(ls map[string]string) bool {
		for _, m := range ms {
			if !m.Matches(ls[m.Name]) {
				return false
			}
		}
		return true
	}, nil
}
