package statuspage

import (
	"encoding/json"
	"time"
)

// The shape of status.json. Times are UTC, durations seconds.
type jsonSnapshot struct {
	GeneratedAt time.Time        `json:"generated_at"`
	State       State            `json:"state"`
	Components  []jsonComponent  `json:"components"`
	Incidents   []PublicIncident `json:"incidents"`
	Maintenance []jsonWindow     `json:"maintenance"`
}

type jsonComponent struct {
	ID          string    `json:"id"`
	Name        Text      `json:"name"`
	Description Text      `json:"description,omitzero"`
	State       State     `json:"state"`
	Days        []jsonDay `json:"days"`
}

type jsonDay struct {
	Date     string `json:"date"`
	Worst    State  `json:"worst"`
	Down     int64  `json:"down_seconds"`
	Measured int64  `json:"measured_seconds"`
}

type jsonWindow struct {
	ID         string    `json:"id"`
	Title      Text      `json:"title"`
	Components []string  `json:"components"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
}

func renderJSON(s Snapshot) ([]byte, error) {
	out := jsonSnapshot{GeneratedAt: s.GeneratedAt.UTC(), Components: []jsonComponent{}, Incidents: []PublicIncident{}, Maintenance: []jsonWindow{}}
	out.State, _ = sentence(English, s.Components)
	for _, c := range s.Components {
		j := jsonComponent{ID: c.ID, Name: c.Name, Description: c.Description, State: c.State, Days: []jsonDay{}}
		for _, d := range c.Days {
			j.Days = append(j.Days, jsonDay{d.Date.UTC().Format(time.DateOnly), d.Worst, int64(d.Down.Seconds()), int64(d.Measured.Seconds())})
		}
		out.Components = append(out.Components, j)
	}
	out.Incidents = append(out.Incidents, s.Incidents...)
	for _, w := range s.Maintenance {
		out.Maintenance = append(out.Maintenance, jsonWindow{w.ID, w.Title, w.Components, w.From.UTC(), w.To.UTC()})
	}
	raw, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return nil, err
	}
	return append(raw, '\n'), nil
}
