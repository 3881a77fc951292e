package statuspage

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"
)

// feed is RSS 2.0.
type feed struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Channel struct {
		Title       string     `xml:"title"`
		Link        string     `xml:"link"`
		Description string     `xml:"description"`
		Language    string     `xml:"language"`
		Built       string     `xml:"lastBuildDate"`
		TTL         int        `xml:"ttl"` // minutes
		Items       []feedItem `xml:"item"`
	} `xml:"channel"`
}

type feedItem struct {
	Title       string `xml:"title"`
	Link        string `xml:"link,omitempty"`
	Description string `xml:"description,omitempty"`
	Date        string `xml:"pubDate"`
	ID          struct {
		Text      string `xml:",chardata"`
		PermaLink bool   `xml:"isPermaLink,attr"`
	} `xml:"guid"`
}

// feedItems bounds the feed.
const feedItems = 100

// renderFeed has an item for each update of an incident, newest first.
func renderFeed(o Options, s Snapshot) ([]byte, error) {
	var f feed
	f.Version = "2.0"
	ch := &f.Channel
	if ch.Title = o.Title.In(o.Language); ch.Title == "" {
		ch.Title = translate(o.Language, "Status")
	}
	base := strings.TrimRight(o.URL, "/")
	ch.Link = indexFile
	if base != "" {
		ch.Link = base + "/"
	}
	_, ch.Description = sentence(o.Language, s.Components)
	ch.Language, ch.TTL, ch.Built = o.Language, 1, s.GeneratedAt.UTC().Format(time.RFC1123Z)
	type dated struct {
		at   time.Time
		item feedItem
	}
	var all []dated
	for _, i := range s.Incidents {
		for n, u := range i.Updates {
			word := stateWord(o.Language, u.State)
			if u.State == Operational {
				word = translate(o.Language, "resolved")
			}
			it := feedItem{Title: i.Title.In(o.Language) + " – " + word, Description: u.Text.In(o.Language), Date: u.At.UTC().Format(time.RFC1123Z)}
			it.ID.Text = fmt.Sprintf("%s-%d", i.ID, n)
			if base != "" {
				it.Link = base + "/" + historyFile + "#" + i.ID
			}
			all = append(all, dated{u.At, it})
		}
	}
	slices.SortStableFunc(all, func(a, b dated) int { return b.at.Compare(a.at) })
	for _, d := range all[:min(len(all), feedItems)] {
		ch.Items = append(ch.Items, d.item)
	}
	raw, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(raw, '\n')...), nil
}
