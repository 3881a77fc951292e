package incident

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// words are the texts of a post-mortem.
type words struct {
	title, summary, severity, state, assignee, held, afterFor, detected, told, acknowledged, repaired, verdict, notKnown string
	timeline, alerts, graphs, hints, who, actions, whys, why, impact, impactHint, what, owner, due                       string
	notTold                                                                                                              string // what a notification is that failed
	nobody, step                                                                                                         string
	verdicts                                                                                                             map[string]string // "" is one that was taken back
	judged                                                                                                               map[string]string // verdicts on hints
	unread                                                                                                               string            // before why something could not be read
	rose, fell, rate, scrapes                                                                                            string            // of a hint
	follows                                                                                                              string            // what a hint is that began after, with how long after
	kinds                                                                                                                map[string]string
}

var texts = map[string]words{
	"en": {
		title: "Post-mortem", summary: "Summary", severity: "Severity", state: "State", assignee: "Assignee", held: "The rule waited (for)", afterFor: ", of it %s after the for", detected: "Detected after", told: "First receiver answered after",
		acknowledged: "Acknowledged after", repaired: "Repaired after", verdict: "Verdict", notKnown: "not known", timeline: "Timeline (UTC)", alerts: "Alerts", graphs: "Graphs",
		hints: "What else changed", who: "Who did what", actions: "Action items", whys: "Five whys", why: "Why", impact: "Impact", impactHint: "Who noticed, what did not work, for how long?",
		what: "What", owner: "Who", due: "Until", notTold: "could not be told", nobody: "nobody", step: "step %v", judged: map[string]string{HintRight: "right", HintWrong: "wrong"},
		verdicts: map[string]string{Real: "real", FalseAlarm: "false alarm", "": "taken back"},
		follows:  "began %s after, so it is rather a consequence",
		unread:   "A part could not be read",
		rose:     "%s rose from %.4g to %.4g", fell: "%s fell from %.4g to %.4g", rate: "rate of %s", scrapes: "scrapes of %s fail",
		kinds: map[string]string{
			EventSample: "first bad sample", EventDue: "the rule's for has passed", EventDetected: "rule decided", EventOpened: "incident opened", EventAlertFired: "alert fires", EventAlertEnded: "alert has ended", EventJoined: "another group joined",
			EventNotified: "told", EventAcknowledged: "acknowledged", EventReleased: "given back", EventAssigned: "assigned", EventCommented: "comment", EventSnoozed: "snoozed", EventSnoozeEnded: "snooze ended",
			EventAssigneeCalled: "assignee called", EventEscalated: "escalated", EventMerged: "merged", EventFlapped: "fires again", EventResolved: "resolved", EventClosed: "closed", EventVerdict: "verdict", EventFull: "timeline is full",
		},
	},
	"zh": {
		title: "事故复盘", summary: "概要", severity: "级别", state: "状态", assignee: "负责人", held: "规则等待（for）", afterFor: "，其中 for 结束后 %s", detected: "检测耗时", told: "首个接收方应答耗时",
		acknowledged: "确认耗时", repaired: "恢复耗时", verdict: "判定", notKnown: "未知", timeline: "时间线（UTC）", alerts: "告警", graphs: "图表",
		hints: "同时发生的变化", who: "人员与操作", actions: "改进项", whys: "五个为什么", why: "为什么", impact: "影响", impactHint: "谁受到影响？什么功能不可用？持续多久？",
		what: "事项", owner: "负责人", due: "期限", notTold: "通知失败", nobody: "无人", step: "第 %v 步", judged: map[string]string{HintRight: "正确", HintWrong: "错误"},
		verdicts: map[string]string{Real: "真实故障", FalseAlarm: "误报", "": "已撤销"},
		follows:  "始于事故开始 %s 后，更可能是后果",
		unread:   "有一部分无法读取",
		rose:     "%s 从 %.4g 升至 %.4g", fell: "%s 从 %.4g 降至 %.4g", rate: "%s 的速率", scrapes: "抓取 %s 失败",
		kinds: map[string]string{
			EventSample: "首个异常样本", EventDue: "规则的 for 已满", EventDetected: "规则判定", EventOpened: "事故创建", EventAlertFired: "告警触发", EventAlertEnded: "告警结束", EventJoined: "另一告警组加入",
			EventNotified: "已通知", EventAcknowledged: "已确认", EventReleased: "取消确认", EventAssigned: "已指派", EventCommented: "评论", EventSnoozed: "已暂缓", EventSnoozeEnded: "暂缓结束",
			EventAssigneeCalled: "已呼叫负责人", EventEscalated: "已升级", EventMerged: "已合并", EventFlapped: "再次触发", EventResolved: "已恢复", EventClosed: "已关闭", EventVerdict: "判定", EventFull: "时间线已满",
		},
	},
}

func roundDuration(d time.Duration) time.Duration {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond)
	case d < time.Hour:
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// VerdictText is a verdict as people read it in English, "" for none.
func VerdictText(verdict string) string {
	w := texts["en"]
	return w.verdictOf(verdict)
}

// verdictOf is a verdict that stands, "" for none.
func (w *words) verdictOf(verdict string) string {
	if verdict == "" {
		return ""
	}
	return w.verdicts[verdict]
}

// Words say in a language what an event is, and what there is to it.
func (e *Event) Words(language string) (what, text string) {
	w, ok := texts[language]
	if !ok {
		w = texts["en"]
	}
	what = w.kinds[e.Kind]
	switch {
	case what == "":
		what = e.Kind
	case e.Kind == EventNotified && e.Data["error"] != nil:
		what = w.notTold
	}
	return what, e.text(&w)
}

// text is what an event has to say beside its kind.
func (e *Event) text(w *words) string {
	get := func(key string) string {
		if v, ok := e.Data[key]; ok {
			return fmt.Sprint(v)
		}
		return ""
	}
	switch e.Kind {
	case EventSample:
		return get("rule")
	case EventDue:
		return millis(e.Data["for_ms"])
	case EventOpened, EventJoined:
		return get("receiver")
	case EventNotified:
		out := get("receiver") + "/" + get("integration") + ", " + millis(e.Data["took_ms"])
		if err := get("error"); err != "" {
			out += ", " + err
		}
		return out
	case EventCommented:
		return get("text")
	case EventAssigned:
		return cmp.Or(get("to"), w.nobody)
	case EventAlertFired, EventAlertEnded:
		return get("alert")
	case EventEscalated, EventAssigneeCalled:
		return e.called(w)
	case EventVerdict:
		return w.verdicts[get("verdict")]
	case EventClosed:
		return get("reason")
	case EventSnoozed:
		return get("until")
	case EventFlapped:
		return get("times")
	case EventMerged:
		if into := get("into"); into != "" {
			return "→ #" + into
		}
		return "← #" + get("from") + " " + get("title")
	}
	return millis(e.Data["after_ms"])
}

// called is who was called, and what became of it.
func (e *Event) called(w *words) string {
	var out []string
	for _, key := range []string{"policy", "person"} {
		if name, ok := e.Data[key].(string); ok && name != "" {
			out = append(out, name)
		}
	}
	if people, ok := e.Data["on_call"].([]any); ok {
		for _, p := range people {
			out = append(out, fmt.Sprint(p))
		}
	}
	if step, ok := e.Data["step"].(float64); ok {
		out = append(out, fmt.Sprintf(w.step, step))
	}
	if e.Data["resolved"] == true {
		out = append(out, w.kinds[EventResolved])
	}
	if rs, ok := e.Data["receivers"].(map[string]any); ok {
		for _, r := range slices.Sorted(maps.Keys(rs)) {
			out = append(out, fmt.Sprintf("%s: %v", r, rs[r]))
		}
	}
	if notes, ok := e.Data["notes"].([]any); ok {
		for _, n := range notes {
			out = append(out, fmt.Sprint(n))
		}
	}
	return strings.Join(out, ", ")
}

// millis writes a number of milliseconds as people read it, "" for none.
func millis(v any) string {
	ms, ok := v.(float64)
	if !ok {
		return ""
	}
	return roundDuration(time.Duration(ms * float64(time.Millisecond))).String()
}
