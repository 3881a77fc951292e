package lint

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/prometheus/prometheus/promql/parser"
)

// CheckMistakes returns warnings about well-formed files that cannot do what they are meant to: quantiles over raw buckets, targets that do
// not speak HTTP, webhooks that another integration is made for. It needs no server.
func CheckMistakes(docs []*Document) []Finding {
	var out []Finding
	for _, d := range docs {
		switch d.Kind {
		case Rules:
			rules, _ := ParseRules(d)
			for i := range rules {
				out = append(out, checkQuantiles(&rules[i])...)
				out = append(out, checkRateOfAggregate(&rules[i])...)
				out = append(out, checkSingleScrape(&rules[i])...)
			}
			out = append(out, checkRepeated(rules)...)
		case Prometheus, ScrapeConfig:
			out = append(out, checkTargetProtocols(d)...)
			out = append(out, checkSecretFiles(d, checkedByUpstream)...)
		case Alertmanager:
			out = append(out, checkWebhooks(d)...)
			out = append(out, checkNotificationTemplates(d)...)
			out = append(out, checkSecretFiles(d, nil)...)
		}
	}
	out = append(out, checkJobs(docs)...)
	out = append(out, checkRuleGroups(docs)...)
	out = append(out, checkUnusedAlertmanager(docs)...)
	out = append(out, checkRulesAreLoaded(docs)...)
	out = append(out, checkReach(docs)...)
	Sort(out)
	return dedupe(out)
}

// checkQuantiles finds histogram_quantile over bucket counters as they are: the quantile of everything since the process started, which moves
// ever less the longer the process runs.
func checkQuantiles(r *ParsedRule) []Finding {
	var out []Finding
	parser.Inspect(r.Expr, func(node parser.Node, _ []parser.Node) error {
		call, ok := node.(*parser.Call)
		if !ok || call.Func.Name != "histogram_quantile" || len(call.Args) != 2 {
			return nil
		}
		for _, s := range rawSelectors(call.Args[1]) {
			if !strings.HasSuffix(metricName(s), "_bucket") {
				continue
			}
			line, col := r.ExprPosition(s.PosRange.Start)
			out = append(out, Finding{File: r.Document.Path, Line: line, Column: col, Severity: Warning, Code: "quantile-without-rate",
				Message: fmt.Sprintf("%s: histogram_quantile is taken over %s as it is, so that it covers all observations since the process started", r.title(), s),
				Hint:    fmt.Sprintf("write rate(%s[5m])", s)})
		}
		return nil
	})
	return out
}

// rawSelectors returns the selectors whose values reach the expression's result without a function over a range in between.
func rawSelectors(e parser.Expr) []*parser.VectorSelector {
	switch n := e.(type) {
	case *parser.VectorSelector:
		return []*parser.VectorSelector{n}
	case *parser.ParenExpr:
		return rawSelectors(n.Expr)
	case *parser.StepInvariantExpr:
		return rawSelectors(n.Expr)
	case *parser.UnaryExpr:
		return rawSelectors(n.Expr)
	case *parser.AggregateExpr:
		return rawSelectors(n.Expr)
	case *parser.BinaryExpr:
		// A difference of counters is the increase between two instants.
		if n.Op == parser.SUB {
			return nil
		}
		return append(rawSelectors(n.LHS), rawSelectors(n.RHS)...)
	case *parser.Call:
		switch n.Func.Name {
		case "label_replace", "label_join", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "clamp", "clamp_min", "clamp_max", "round", "ceil", "floor", "abs":
			return rawSelectors(n.Args[0])
		}
	}
	return nil
}

// foreignPorts are well-known ports behind which no HTTP server sits, with what to scrape instead.
var foreignPorts = map[int]struct{ program, remedy string }{
	5432:  {"PostgreSQL", "scrape postgres_exporter on port 9187"},
	6432:  {"PgBouncer", "scrape pgbouncer_exporter on port 9127"},
	3306:  {"MySQL", "scrape mysqld_exporter on port 9104"},
	6379:  {"Redis", "scrape redis_exporter on port 9121"},
	26379: {"Redis Sentinel", "scrape redis_exporter on port 9121"},
	11211: {"memcached", "scrape memcached_exporter on port 9150"},
	27017: {"MongoDB", "scrape mongodb_exporter on port 9216"},
	9092:  {"Kafka", "scrape kafka_exporter on port 9308"},
	2181:  {"ZooKeeper", "scrape ZooKeeper's own metrics on port 7000, or zookeeper_exporter on port 9141"},
	5672:  {"RabbitMQ (AMQP)", "scrape RabbitMQ's own metrics on port 15692"},
	9042:  {"Cassandra", "scrape cassandra_exporter, or the JMX exporter"},
	1433:  {"SQL Server", "scrape sql_exporter"},
	1521:  {"Oracle Database", "scrape oracledb_exporter on port 9161"},
	389:   {"LDAP", "scrape openldap_exporter on port 9330"},
	1883:  {"MQTT", "scrape the broker's exporter"},
	4222:  {"NATS", "scrape prometheus-nats-exporter on port 7777"},
	25:    {"SMTP", "probe it with blackbox_exporter on port 9115"},
	22:    {"SSH", "scrape node_exporter on port 9100, or probe it with blackbox_exporter on port 9115"},
}

// checkTargetProtocols looks at static targets only; what discovery finds is not in the file.
func checkTargetProtocols(d *Document) []Finding {
	var out []Finding
	_, jobs := valueOf(d.Root, "scrape_configs")
	for _, job := range items(jobs) {
		if rewritesAddress(job) {
			continue
		}
		_, groups := valueOf(job, "static_configs")
		for _, group := range items(groups) {
			_, targets := valueOf(group, "targets")
			for _, target := range items(targets) {
				foreign, ok := foreignPorts[portOf(target.Value)]
				if target.Kind != yaml.ScalarNode || !ok {
					continue
				}
				out = append(out, Finding{File: d.Path, Line: target.Line, Column: target.Column, Severity: Warning, Code: "foreign-protocol",
					Message: fmt.Sprintf("job %q scrapes %s, which is %s's port: it does not speak HTTP, so that every scrape fails", textOf(job, "job_name"), target.Value, foreign.program),
					Hint:    foreign.remedy})
			}
		}
	}
	return out
}

// rewritesAddress reports whether relabelling sends the scrape elsewhere: exporters for many targets take the target as a parameter.
func rewritesAddress(job *yaml.Node) bool {
	_, rules := valueOf(job, "relabel_configs")
	for _, rule := range items(rules) {
		if textOf(rule, "target_label") == model.AddressLabel {
			return true
		}
	}
	return false
}

func portOf(target string) int {
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

// webhookHosts are services with an integration, or an own channel, that takes a URL of theirs. They answer Alertmanager's generic JSON with an error.
var webhookHosts = []struct{ host, path, service, remedy string }{
	{"hooks.slack.com", "", "Slack", "write it as api_url of slack_configs"},
	{"discord.com", "/api/webhooks/", "Discord", "write it as webhook_url of discord_configs"},
	{"discordapp.com", "/api/webhooks/", "Discord", "write it as webhook_url of discord_configs"},
	{"outlook.office.com", "/webhook", "Microsoft Teams", "write it as webhook_url of msteams_configs"},
	{"webhook.office.com", "", "Microsoft Teams", "write it as webhook_url of msteams_configs"},
	{"logic.azure.com", "", "Microsoft Teams (workflow)", "write it as webhook_url of msteamsv2_configs"},
	{"api.telegram.org", "", "Telegram", "use telegram_configs with bot_token_file and chat_id"},
	{"events.pagerduty.com", "", "PagerDuty", "use pagerduty_configs with routing_key_file"},
	{"oapi.dingtalk.com", "/robot/", "DingTalk", "no integration takes this URL: run an adapter that turns Alertmanager's JSON into the robot's, and give its URL"},
	{"qyapi.weixin.qq.com", "/cgi-bin/webhook/", "WeCom", "no integration takes this URL: run an adapter that turns Alertmanager's JSON into the robot's, and give its URL"},
	{"open.feishu.cn", "/open-apis/bot/", "Feishu", "no integration takes this URL: run an adapter that turns Alertmanager's JSON into the robot's, and give its URL"},
	{"open.larksuite.com", "/open-apis/bot/", "Lark", "no integration takes this URL: run an adapter that turns Alertmanager's JSON into the robot's, and give its URL"},
}

// checkWebhooks never repeats the URL: it is a secret.
func checkWebhooks(d *Document) []Finding {
	var out []Finding
	_, receivers := valueOf(d.Root, "receivers")
	for _, receiver := range items(receivers) {
		_, hooks := valueOf(receiver, "webhook_configs")
		for _, hook := range items(hooks) {
			_, node := valueOf(hook, "url")
			if node == nil || node.Kind != yaml.ScalarNode {
				continue
			}
			u, err := url.Parse(node.Value)
			if err != nil {
				continue
			}
			for _, known := range webhookHosts {
				host := strings.ToLower(u.Hostname())
				if host != known.host && !strings.HasSuffix(host, "."+known.host) || !strings.HasPrefix(u.Path, known.path) {
					continue
				}
				out = append(out, Finding{File: d.Path, Line: node.Line, Column: node.Column, Severity: Warning, Code: "webhook-of-service",
					Message: fmt.Sprintf("receiver %q has a %s URL under webhook_configs: %s refuses the JSON that Alertmanager's webhook sends, so that no message arrives", textOf(receiver, "name"), known.service, known.service),
					Hint:    known.remedy})
				break
			}
		}
	}
	return out
}
