package roster

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// Match reads the matchers of a setting, and returns what holds labels against
// all of them. Without matchers all labels match.
func Match(text, where string) (func(map[string]string) bool, error) {
	if text == "" {
		return MatchAll(nil)
	}
	match, err := MatchAll([]string{text})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return match, nil
}

// MatchAll returns what holds labels against matchers of Alertmanager's
// syntax, each written by itself.
func MatchAll(texts []string) (func(map[string]string) bool, error) {
	all, err := parse(texts)
	if err != nil {
		return nil, err
	}
	return func(ls map[string]string) bool {
		for _, m := range all {
			if !m.Matches(ls[m.Name]) {
				return false
			}
		}
		return true
	}, nil
}

// CheckMatchers says what is wrong with matchers.
func CheckMatchers(texts []string) error {
	_, err := MatchAll(texts)
	return err
}

// CheckSilence says what is wrong with the matchers of a silence, of which
// Alertmanager takes none that hold for alerts without any label that they name.
func CheckSilence(texts []string) error {
	all, err := parse(texts)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(m *labels.Matcher) bool { return !m.Matches("") }) {
		return errors.New("all of them match a label that is missing, and with it alerts of everything; write at least one that does not, such as service=\"api\" or service=~\".+\"")
	}
	return nil
}

func parse(texts []string) (all labels.Matchers, err error) {
	for _, text := range texts {
		ms, err := labels.ParseMatchers(text)
		if err != nil {
			return nil, fmt.Errorf("%w; write a matcher such as severity=\"critical\"", err)
		}
		all = append(all, ms...)
	}
	return all, nil
}
