package statuspage

import (
	"fmt"
	"time"
)

// translate gives a text of ours in a language. The English text is the key,
// so that a text without a translation is English and never empty.
func translate(language, text string, args ...any) string {
	if language == Chinese {
		if zh, ok := chinese[text]; ok {
			text = zh
		}
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

var chinese = map[string]string{
	"operational":  "正常",
	"maintenance":  "维护中",
	"degraded":     "部分异常",
	"outage":       "中断",
	"not measured": "未测量",
	"resolved":     "已恢复",

	"%s is down":                    "%s 中断",
	"%s does not work as it should": "%s 部分异常",

	"All %d components are operational.":                  "全部 %d 个组件正常。",
	"The component is operational.":                       "组件正常。",
	"%d of %d components is down: %s.":                    "%d/%d 个组件中断：%s。",
	"%d of %d components does not work as it should: %s.": "%d/%d 个组件部分异常：%s。",
	"%d of %d components are down: %s.":                   "%d/%d 个组件中断：%s。",
	"%d of %d components do not work as they should: %s.": "%d/%d 个组件部分异常：%s。",
	"Maintenance of %d of %d components: %s.":             "%d/%d 个组件维护中：%s。",
	"%d of %d components are not measured yet.":           "%d/%d 个组件尚未测量。",
	"No component is configured.":                         "未配置任何组件。",
	", ":                                                  "、",

	worked:   "我们正在处理。",
	mistaken: "这是一次误报。",

	"Skip to content":      "跳到正文",
	"Current incidents":    "当前事件",
	"Maintenance":          "维护",
	"Components":           "组件",
	"History":              "历史",
	"Status":               "状态",
	"Past 90 days":         "过去 90 天",
	"90 days ago":          "90 天前",
	"today":                "今天",
	"since %s":             "自 %s 起",
	"lasted %s":            "持续 %s",
	"in progress until %s": "进行中，至 %s",
	"planned":              "计划",
	"to":                   "至",
	"%s available":         "可用率 %s",
	"not measured yet":     "尚未测量",
	"Feed":                 "订阅",
	"As of":                "截至",
	"Renewed every minute. If this time is more than five minutes ago, the monitoring that writes this page cannot be reached or does not run.": "每分钟更新一次。如果该时间已超过五分钟，则写出本页的监控无法连接或没有运行。",
	"Times are UTC.":                  "时间均为 UTC。",
	"Incidents":                       "事件",
	"No incident in 90 days.":         "90 天内没有事件。",
	"Days with trouble":               "异常日",
	"No day with trouble in 90 days.": "90 天内没有异常日。",
	"Day":                             "日期",
	"Component":                       "组件",
	"Worst":                           "最差状态",
	"Down":                            "中断时长",
	"%s, last 90 days: %s, now %s, %d days with trouble": "%s，过去 90 天：%s，当前%s，%d 个异常日",
	"Other language": "其他语言",
}

// stateWord is a state in words.
func stateWord(language string, s State) string {
	if s == NotMeasured {
		return translate(language, "not measured")
	}
	return translate(language, string(s))
}

// lasted says how long something was, in two units at most.
func lasted(language string, d time.Duration) string {
	units := []struct {
		size   time.Duration
		en, zh string
	}{{24 * time.Hour, "d", "天"}, {time.Hour, "h", "小时"}, {time.Minute, "min", "分钟"}, {time.Second, "s", "秒"}}
	word := func(n time.Duration, i int) string {
		if language == Chinese {
			return fmt.Sprintf("%d %s", n, units[i].zh)
		}
		return fmt.Sprintf("%d %s", n, units[i].en)
	}
	for i, u := range units {
		if d < u.size && i < len(units)-1 {
			continue
		}
		out := word(d/u.size, i)
		if rest := d % u.size; i+1 < len(units) && rest >= units[i+1].size {
			out += " " + word(rest/units[i+1].size, i+1)
		}
		return out
	}
	return ""
}
