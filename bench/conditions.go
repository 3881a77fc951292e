package main

import (
	"fmt"
	"time"

	"touchline.dev/touchline/bench/process"
)

// load watches what else the machine does while a part runs. A benchmark beside
// other work is worth little, and its record must say so.
type load struct {
	began   time.Time
	machine time.Duration
}

func startLoad() (*load, error) {
	m, err := process.MachineCPU()
	if err != nil {
		return nil, err
	}
	own, err := process.OwnCPU()
	if err != nil {
		return nil, err
	}
	return &load{began: time.Now(), machine: m - own}, nil
}

// end says how many cores were busy with work that is not the benchmark's.
func (l *load) end() (string, error) {
	m, err := process.MachineCPU()
	if err != nil {
		return "", err
	}
	own, err := process.OwnCPU()
	if err != nil {
		return "", err
	}
	wall := time.Since(l.began)
	foreign := max(0, float64(m-own-l.machine)/float64(wall))
	word := "a quiet machine"
	if foreign > 0.1 {
		word = "a busy machine: only ratios and processor times say something"
	}
	return fmt.Sprintf("Took %s; other work used %.2f cores meanwhile (%s).", wall.Round(time.Second), foreign, word), nil
}
