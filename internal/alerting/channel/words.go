package channel

import (
	"fmt"
	"strings"
	"time"
)

// words are the sentences that code, not a template, has to put together.
type words struct {
	units    [4]string // day, hour, minute, second
	gap      string
	sampleOf string
	badSince string // since when, and the rule's for
	classes  map[string]string
	judged   string
	told     string
	comma    string
	leftOut  string
	// titles of the buttons of a card
	acknowledge, silence, graph, runbook, incident string
	// rows of a card
	severity, since, alerts, where, details string
}

var languages = map[string]*words{
	English: {
		units: [4]string{"d", "h", "min", "s"}, gap: " ", sampleOf: "sample of %s", badSince: "bad since %s, waited %s as the rule says", judged: "judged %s later", told: "told after %s", comma: ", ",
		classes: map[string]string{
			"local": "when the sample arrived", "target": "when the sample arrived", "global": "when the sample arrived",
			"tick": "at the rule's interval", "api": "reported by another program",
		},
		leftOut:     "… %d characters left out",
		acknowledge: "Acknowledge", silence: "Silence", graph: "Graph", runbook: "Runbook", incident: "Incident",
		severity: "Severity", since: "Since", alerts: "Alerts", where: "Where", details: "Details",
	},
	Chinese: {
		units: [4]string{"天", "小时", "分", "秒"}, gap: "", sampleOf: "样本时间 %s", badSince: "自 %s 起异常，按规则等待 %s", judged: "%s后判定", told: "%s后发出", comma: "，",
		classes: map[string]string{
			"local": "样本到达时判定", "target": "样本到达时判定", "global": "样本到达时判定",
			"tick": "按规则周期判定", "api": "由其他程序上报",
		},
		leftOut:     "…… 另有 %d 个字符未显示",
		acknowledge: "确认", silence: "静默", graph: "图表", runbook: "处理手册", incident: "事故",
		severity: "级别", since: "开始于", alerts: "告警数", where: "位置", details: "详情",
	},
}

// duration writes the two largest units.
func (w *words) duration(d time.Duration) string {
	if d < time.Second {
		if ms := d.Milliseconds(); ms > 0 {
			return fmt.Sprintf("%d%sms", ms, w.gap)
		}
		return "0" + w.gap + w.units[3]
	}
	if d < 10*time.Second && d%time.Second != 0 {
		return fmt.Sprintf("%.1f%s%s", d.Seconds(), w.gap, w.units[3])
	}
	var parts []string
	for n, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if v := d / unit; v > 0 {
			parts = append(parts, fmt.Sprintf("%d%s%s", v, w.gap, w.units[n]))
			d %= unit
		}
	}
	return strings.Join(parts[:min(2, len(parts))], " ")
}

// measured says how an alert was found out, from what is known of its way.
func (w *words) measured(t Timing, zone *time.Location) string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if held := t.Sample.Sub(t.Active); !t.Active.IsZero() && held >= time.Millisecond {
		add(fmt.Sprintf(w.badSince, t.Active.In(zone).Format("15:04:05.000"), w.duration(held)))
	} else if !t.Sample.IsZero() {
		add(fmt.Sprintf(w.sampleOf, t.Sample.In(zone).Format("15:04:05.000")))
	}
	add(w.classes[t.Class])
	if d := t.Decided.Sub(t.Sample); !t.Sample.IsZero() && !t.Decided.IsZero() && d >= 0 {
		add(fmt.Sprintf(w.judged, w.duration(d)))
	}
	if d := t.Sent.Sub(t.Sample); !t.Sample.IsZero() && !t.Sent.IsZero() && d >= 0 {
		add(fmt.Sprintf(w.told, w.duration(d)))
	}
	return strings.Join(parts, w.comma)
}
