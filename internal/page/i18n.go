package page

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	langEnglish = "en"
	langChinese = "zh"
	langCookie  = "touchline_lang"
)

// language gives the reader's language: what the address asks for, else what
// was chosen before, else what the browser prefers, else English.
func language(r *http.Request) string {
	if l := r.URL.Query().Get("lang"); l == langEnglish || l == langChinese {
		return l
	}
	if c, err := r.Cookie(langCookie); err == nil && (c.Value == langEnglish || c.Value == langChinese) {
		return c.Value
	}
	return preferred(r.Header.Get("Accept-Language"))
}

// preferred picks from an Accept-Language header by its weights.
func preferred(header string) string {
	best, weight := langEnglish, 0.0
	if len(header) > 1024 {
		return best
	}
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			parsed, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = parsed
		}
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if (primary == langEnglish || primary == langChinese) && q > weight {
			best, weight = primary, q
		}
	}
	return best
}

// translate gives text in a language. The English text is the key, so that a
// text without a translation is English and never empty.
func translate(lang, text string, args ...any) string {
	if lang == langChinese {
		if zh, ok := chinese[text]; ok {
			text = zh
		}
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// chinese holds every text of the templates and of the headline. Arguments
// keep the order of the English text or name it with %[n]d.
var chinese = map[string]string{
	"Overview": "总览", "Explore": "查询", "Alerts": "告警", "Watched": "监控目标", "Rules": "规则", "Status": "状态",
	"Silences": "静默", "Runbooks": "处理手册", "Not found": "未找到",
	"Skip to content": "跳到正文", "Menu": "菜单", "Language": "语言", " and %d more": "，另有 %d 种",

	"All right: %s watch %s; nothing is firing.":                   "一切正常：%s正在监控%s；没有触发的告警。",
	"%s watch %s and nothing is firing, but nobody would be told.": "%s正在监控%s，没有触发的告警，但出事时不会通知任何人。",
	"%s firing, %d of them critical: %s.":                          "%s正在触发，其中 %d 条为严重：%s。",
	"%s critical and firing: %s.":                                  "%s正在触发，均为严重：%s。",
	"%s firing, none critical: %s.":                                "%s正在触发，没有严重告警：%s。",
	"%d of %d targets are down; %s firing.":                        "%[2]d 个目标中有 %[1]d 个无法采集；%[3]s正在触发。",
	"Not everything works: %s; %s firing.":                         "部分组件异常：%s；%s正在触发。",
	"Starting: not ready yet.":                                     "正在启动，尚未就绪。",
	"Stopping.":                                                    "正在停止。",
	"The state of the alerts cannot be read: %s":                   "无法读取告警状态：%s",
	"nothing yet":         "暂无对象",
	"and":                 "和",
	"no alert":            "没有告警",
	"1 alert":             "1 条告警",
	"%d alerts":           "%d 条告警",
	"1 rule":              "1 条规则",
	"%d rules":            "%d 条规则",
	"1 host":              "1 台主机",
	"%d hosts":            "%d 台主机",
	"1 container":         "1 个容器",
	"%d containers":       "%d 个容器",
	"1 target":            "1 个目标",
	"%d targets":          "%d 个目标",
	"Nobody will be told": "不会通知任何人",
	"No Alertmanager of prometheus.yml (alerting.alertmanagers) has been discovered, and the embedded one is off.": "没有发现 prometheus.yml（alerting.alertmanagers）中的任何 Alertmanager，而内置的已关闭。",
	"none has been discovered yet":                                                               "尚未发现任何一个",
	"This file has no effect, because prometheus.yml names Alertmanagers:":                       "此文件不起作用，因为 prometheus.yml 指定了 Alertmanager：",
	"No receiver has an address to send to, so an alert is seen only by who looks at this page.": "没有任何接收器配置了发送地址，告警只有打开本页的人才能看到。",
	"Write these lines to alertmanager.yml with your own address, and start with":                "将以下内容写入 alertmanager.yml（换成自己的地址），并以此参数启动：",
	"Give a receiver of this file an address, then reload:":                                      "请为该文件中的某个接收器配置地址，然后重新加载：",

	"Needs a person": "需要处理", "Nothing needs a person.": "没有需要处理的事项。", "Told lately": "最近通知",
	"No notification has been sent since the start.": "启动以来尚未发送通知。",
	"Hosts": "主机", "Containers": "容器", "Control groups": "控制组",
	"No container runtime was seen; these are the largest control groups.": "未发现容器运行时；以下是占用最多的控制组。",
	"no host figures yet; the first need two scrapes":                      "尚无主机数据；需要先完成两次采集",
	"Load cannot be read: %s":                                              "无法读取负载：%s",
	"cpu":                                                                  "CPU", "memory": "内存", "disk": "磁盘", "network": "网络", "in": "入", "out": "出",
	"load": "负载", "cores": "核", "of": "共", "fullest filesystem": "最满的文件系统", "last 5 minutes": "最近 5 分钟",
	"name": "名称", "All": "全部", "more": "更多",
	"Looked for, not seen": "查找过但未发现", "What to do": "解决办法", "Reason": "原因", "What": "项目",
	"Send data to": "数据发送地址", "APIs": "接口", "Address": "地址",
	"OTLP metrics over HTTP": "OTLP 指标（HTTP）", "OTLP metrics over gRPC": "OTLP 指标（gRPC）", "alerts for Alertmanager": "发给 Alertmanager 的告警",
	"federation": "联邦", "own metrics": "自身指标", "readiness": "就绪状态",
	"up": "正常", "down": "无法采集", "unknown": "未知", "waiting": "等待首次采集", "every": "间隔", "job": "任务", "instance": "实例", "state": "状态",
	"last scrape": "上次采集", "took": "耗时", "error": "错误", "labels": "标签", "Search": "筛选", "ago": "前", "never": "从未",
	"%d up, %d down": "%d 个正常，%d 个异常", "No target is scraped.": "没有采集目标。",
	"Add scrape_configs to a prometheus.yml and start with": "在 prometheus.yml 中添加 scrape_configs，并以此参数启动：",
	"Only the first %d are shown.":                          "只显示前 %d 个。",

	"firing": "触发中", "pending": "等待中", "inactive": "未触发", "resolved": "已恢复", "critical": "严重", "warning": "警告", "info": "信息",
	"kept without data": "无数据，保留", "sent by API": "由 API 发来",
	"heartbeat": "心跳", "silenced": "已静默", "inhibited": "已抑制", "told to": "通知对象", "since": "自", "for": "持续", "value": "值",
	"%d attempts": "尝试 %d 次",
	"severity":    "级别", "none": "无",
	"Firing": "触发中", "Pending": "等待中", "Inactive": "未触发", "Heartbeat": "心跳",
	"Always firing on purpose: when it stops arriving, the monitoring is broken.": "始终触发，用来证明通知链路畅通；一旦收不到，说明监控本身出了问题。",
	"Not from a rule":                          "非规则产生",
	"Sent to /api/v2/alerts by somebody else.": "由其他程序发送到 /api/v2/alerts。",
	"No alert is firing.":                      "没有触发的告警。",
	"No alert is pending.":                     "没有等待中的告警。",
	"No rule is loaded.":                       "没有加载规则。",
	"Rules cannot be read: %s":                 "无法读取规则：%s",
	"Targets cannot be read: %s":               "无法读取目标：%s",
	"Silences cannot be read: %s":              "无法读取静默：%s",
	"Receivers cannot be read: %s":             "无法读取通知状态：%s",
	"Runbook":                                  "处理手册", "Graph": "图表", "Table": "表格", "Expression": "表达式", "expression": "表达式",
	"%d firing, %d pending, %d rules.":                                                "%d 条触发中，%d 条等待中，共 %d 条规则。",
	"%d groups in %d files hold %d alerting and %d recording rules; %d of them fail.": "%[2]d 个文件、%[1]d 个组，共 %[3]d 条告警规则和 %[4]d 条记录规则；其中 %[5]d 条执行失败。",
	"%d of %d targets are up.":                                                        "%[2]d 个目标中 %[1]d 个正常。",
	"%d silences are active.":                                                         "%d 条静默生效中。",
	"alert":                                                                           "告警", "record": "记录", "fails": "执行失败", "evaluated": "已评估",
	"active": "生效中", "expired": "已过期", "ends": "结束于", "by": "创建者", "matchers": "匹配", "comment": "备注",
	"Expired lately": "最近过期", "No silence is active.": "没有生效的静默。",
	"How to make one": "如何创建", "A silence is made with amtool, or by the API with a token:": "使用 amtool 创建静默，或带令牌调用接口：",

	"Type a PromQL expression.":              "输入 PromQL 表达式。",
	"Run":                                    "执行",
	"Range":                                  "范围",
	"the last value":                         "最新值",
	"No series matches.":                     "没有匹配的序列。",
	"%d series, the first %d drawn":          "共 %d 条序列，绘制前 %d 条",
	"%d series":                              "%d 条序列",
	"%d elements, the first %d shown":        "共 %d 个元素，显示前 %d 个",
	"%d elements":                            "%d 个元素",
	"Try one of these":                       "可以试试",
	"The expression cannot be evaluated: %s": "无法执行表达式：%s",
	"native histogram":                       "原生直方图", "series": "序列", "last": "最新",

	"ready": "就绪", "degraded": "部分异常", "starting": "启动中", "stopping": "停止中", "failed": "失败", "off": "关闭", "ok": "正常",
	"The server is %s; it was ready after %s and has run for %s.": "服务%s；启动用时 %s，已运行 %s。",
	"Components": "组件", "Listeners": "监听地址", "moved by": "修改参数", "Who is told": "通知对象", "default": "默认",
	"tells nobody": "不通知任何人", "Data": "数据", "directory": "目录", "kept": "保留", "used": "已用", "Build": "版本", "or": "或", "for ever": "永久",
	"How to stop": "如何停止", "Watching": "正在监控", "this process": "本进程",
	"sent to the Alertmanagers of prometheus.yml; the embedded one is off": "发送到 prometheus.yml 中的 Alertmanager；内置的已关闭",
	"%d runbooks say what to do about an alert.":                           "%d 篇处理手册说明如何处理告警。",
	"No runbook is shipped.":                                               "没有附带处理手册。",
	"There is no runbook of that name.":                                    "没有这篇处理手册。",
	"There is no such page.":                                               "没有这个页面。",
	"The address is too long.":                                             "地址过长。",
	"This page cannot be shown.":                                           "无法显示此页面。",
	"Go to the overview":                                                   "返回总览",
	"All runbooks":                                                         "全部处理手册",
	"now":                                                                  "当前", "rule": "规则",
	"Keys": "快捷键", "go to": "前往", "focus the query": "聚焦查询框", "this help": "显示此帮助", "Close": "关闭",
	"live":   "实时",
	"paused": "已暂停",
	"The server does not answer; these figures are old.": "服务器无响应，以下数据已过时。",

	"Sign in": "登录", "Sign out": "退出登录", "Name": "用户名", "Password": "密码", "Password again": "再次输入密码", "Continue": "继续", "For": "用户",
	"Name to be shown": "显示名称", "E-mail": "邮箱", "Profile": "个人资料", "Save": "保存", "Change": "修改", "New password": "新密码",
	"Password until now": "当前密码", "as the browser prefers": "跟随浏览器", "Choose a password": "设置密码", "Become the administrator": "创建管理员",
	"viewer": "只读用户", "responder": "响应人员", "editor": "编辑人员", "admin": "管理员",
	"No user is defined yet. On the server, this prints a link by which the first administrator chooses a name and a password:": "尚未创建任何用户。在服务器上执行以下命令，会输出一个链接，首位管理员可通过它设置用户名和密码：",
	"As soon as there is a user, everybody has to sign in, and what sends data needs a token:":                                  "一旦创建了用户，所有人都必须登录，发送数据的程序需要令牌：",
	"You sign in elsewhere, so there is no password here.":                                                                      "您通过外部身份提供方登录，此处没有密码。",
	"You are signed out here. %s may still let you in again without asking.":                                                    "您已在此退出登录。%s 可能仍会不经询问让您再次登录。",
	"Sign out of %s, too":                  "同时退出 %s",
	"Sign in with %s":                      "使用 %s 登录",
	"Signing in there did not succeed: %s": "外部登录未成功：%s",
	"The provider does not answer as it should; the server's log says why.":                                                   "身份提供方未正常响应，原因见服务器日志。",
	"You are not a user here, and none of your groups may sign in. Ask an administrator.":                                     "您不是本系统的用户，且您所在的组均无登录权限，请联系管理员。",
	"There is such a user already, and a name alone does not prove that it is you. If it is, an administrator says so by: %s": "已存在这样的用户，仅凭名字不能证明就是您。如果确实是您，请管理员执行：%s",
	"The two passwords differ.":                                     "两次输入的密码不一致。",
	"The password has been changed. Other browsers are signed out.": "密码已修改，其他浏览器已退出登录。",
	"The profile has been changed.":                                 "个人资料已修改。",
	"Only users who have signed in have a profile.":                 "只有已登录的用户才有个人资料。",
	"The form cannot be read.":                                      "无法读取表单。",
	"The password until now is not right.":                          "当前密码不正确。", "This user is disabled. Ask an administrator.": "该用户已被停用，请联系管理员。",
	"User or password is wrong.":                 "用户名或密码错误。",
	"Too many wrong passwords. Try again in %s.": "密码错误次数过多，请在 %s后重试。",
	"This link is not valid, has been used, or has expired. On the server, touchline users link makes a new one.":               "此链接无效、已被使用或已过期。在服务器上执行 touchline users link 可生成新链接。",
	"There is a user of this name already. Choose another.":                                                                     "该用户名已存在，请换一个。",
	"Choose a password of at least 12 characters that is not easily guessed; a few words that do not belong together are good.": "请设置至少 12 个字符且不易猜到的密码，例如几个互不相关的词。",
	"Write the name in small letters, digits and . _ @ + -, beginning with a letter or a digit.":                                "用户名只能使用小写字母、数字和 . _ @ + -，并以字母或数字开头。",
	"Write the address like anna@example.com.":                                                                                  "请填写形如 anna@example.com 的邮箱地址。",
	"Write the name to be shown on one line.":                                                                                   "显示名称须为一行文字。",
}
