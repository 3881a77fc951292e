package lint

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// describe turns what an upstream parser says about a node into a finding.
// Without a node the caller fills in the position.
func describe(r *repairer, p problem, n *treeNode) Finding {
	f := Finding{File: r.doc.Path, Line: 1, Column: 1, Code: "invalid-value", Message: plainMessage(r.doc.Path, p.msg)}
	if n != nil {
		f.Line, f.Column = n.position()
	}
	switch m := fieldNotFound.FindStringSubmatch(p.msg); {
	case m != nil:
		describeUnknownKey(r.kind, &f, m[1], n)
		return f
	case duplicateKey.MatchString(p.msg):
		f.Code = "duplicate-key"
		f.Message = "key is written twice in the same mapping"
		if n != nil {
			f.Message = fmt.Sprintf("key %q is written twice in the same mapping", n.name())
			f.Line, f.Column = n.keyPosition()
		}
		f.Hint = "remove one of the two, or merge their values"
		return f
	}
	f.Message = hideSecret(f.Message, n.secret(r.kind))
	if m := cannotUnmarshal.FindStringSubmatch(p.msg); m != nil {
		describeWrongType(r.kind, &f, m, n)
		return f
	}
	for _, h := range hints {
		if m := h.match.FindStringSubmatchIndex(p.msg); m != nil {
			f.Code = h.code
			f.Hint = string(h.match.ExpandString(nil, h.hint, p.msg, m))
			break
		}
	}
	if n == nil {
		return f
	}
	if filepath.IsAbs(n.text()) {
		f.Hint = strings.Replace(f.Hint, relativePath, "", 1)
	}
	f.Hint = strings.ReplaceAll(f.Hint, "%receivers%", strings.Join(namesIn(r, "receivers"), ", "))
	f.Hint = strings.ReplaceAll(f.Hint, "%intervals%", strings.Join(append(namesIn(r, "time_intervals"), namesIn(r, "mute_time_intervals")...), ", "))
	if f.Hint == "" {
		f.Hint = generalHint(r.kind, n)
	}
	if !n.scalar() || n.value.Value == "" {
		f.Line, f.Column = n.keyPosition()
	}
	return f
}

// secret returns the text of a node that upstream keeps secret; findings must
// not print it.
func (n *treeNode) secret(kind Kind) string {
	if n == nil || n.text() == "" {
		return ""
	}
	if t := indirect(schemaOf(kind, n)); t != nil && strings.Contains(t.Name(), "Secret") {
		return n.text()
	}
	return ""
}

// relativePath explains a path; it stands in hints about paths that are written
// without a leading slash.
const relativePath = " (it is relative to this file)"

var quoted = regexp.MustCompile(`"[^"]*"`)

// hideSecret takes a secret, and quoted parts of it, out of a message.
func hideSecret(msg, secret string) string {
	if secret == "" {
		return msg
	}
	msg = quoted.ReplaceAllStringFunc(msg, func(q string) string {
		if inner := strings.Trim(q, `"`); inner != "" && strings.Contains(secret, inner) {
			return `"<secret>"`
		}
		return q
	})
	if len(secret) >= 4 {
		msg = strings.ReplaceAll(msg, secret, "<secret>")
	}
	return msg
}

var instancePrefix = regexp.MustCompile(`^instance \d+ in group [^:]*: `)

// plainMessage drops what a finding says in its other fields.
func plainMessage(path, msg string) string {
	msg = strings.TrimPrefix(msg, "parsing YAML file "+path+": ")
	msg = strings.TrimPrefix(msg, "yaml: ")
	msg = instancePrefix.ReplaceAllString(msg, "")
	return strings.TrimSpace(strings.ReplaceAll(msg, "\n", " "))
}

var cannotUnmarshal = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `(.*)`)? into (\\S+)$")

var yamlTypeNames = map[string]string{
	"str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "seq": "a list", "map": "a mapping",
	"null": "nothing", "timestamp": "a date", "binary": "binary data",
}

func describeWrongType(kind Kind, f *Finding, m []string, n *treeNode) {
	f.Code = "wrong-type"
	is := yamlTypeNames[m[1]]
	if is == "" {
		is = "a value of type " + m[1]
	}
	var want, name string
	if n != nil {
		want = typeName(schemaOf(kind, n))
		name = nameOf(n)
		if !n.scalar() {
			f.Line, f.Column = n.keyPosition()
		}
	}
	if want == "" {
		want = goTypeName(m[3])
	}
	f.Message = fmt.Sprintf("%s is %s here", name, is)
	if name == "" {
		f.Message = fmt.Sprintf("this is %s", is)
	}
	if m[1] == "str" || m[1] == "int" || m[1] == "float" || m[1] == "bool" {
		f.Message = strings.TrimSpace(fmt.Sprintf("%s: %q is not a value that fits here", name, m[2]))
	}
	f.Hint = "write " + want
}

// nameOf names a node for people: its key, or its list's key.
func nameOf(n *treeNode) string {
	switch {
	case n == nil || n.parent == nil:
		return "the document"
	case n.key != nil:
		return n.name()
	}
	return fmt.Sprintf("item %d of %s", n.index+1, nameOf(n.parent))
}

func goTypeName(t string) string {
	switch {
	case strings.HasPrefix(t, "[]"):
		return "a list (lines that start with \"- \")"
	case strings.HasPrefix(t, "map["), strings.Contains(t, "."):
		return "a mapping (lines of \"key: value\")"
	case t == "string":
		return "a text"
	case t == "bool":
		return "true or false"
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "uint"):
		return "a whole number"
	case strings.HasPrefix(t, "float"):
		return "a number"
	}
	return "a value of type " + t
}

// insteadOf says what stands in for a key that people often write where it is
// not known.
var insteadOf = map[string]string{
	"email_configs.subject":           "write it as a header: headers: {Subject: \"…\"}",
	"email_configs.body":              "write the body as html: \"…\" or text: \"…\"",
	"email_configs.headers.subject":   "",
	"slack_configs.message":           "write the message as text: \"…\"",
	"slack_configs.webhook_url":       "write the address as api_url: \"…\"",
	"webhook_configs.headers":         "write headers inside http_config: http_config: {http_headers: {NAME: {values: [\"…\"]}}}",
	"webhook_configs.title":           "a webhook receives Alertmanager's JSON; put texts into annotations or a template of the receiving side",
	"webhook_configs.text":            "a webhook receives Alertmanager's JSON; put texts into annotations or a template of the receiving side",
	"storage.retention_time":          "write it as storage: {tsdb: {retention: {time: 15d}}}, or as the flag --storage.tsdb.retention.time",
	"tsdb.retention_time":             "write it as retention: {time: 15d}",
	"tsdb.retention_size":             "write it as retention: {size: 10GB}",
	"tsdb.data_retention_size":        "write it as retention: {size: 10GB}",
	"tsdb.record_retention_size":      "write it as retention: {size: 10GB}",
	"storage.data_retention_size":     "write it as storage: {tsdb: {retention: {size: 10GB}}}",
	"storage.record_retention_size":   "write it as storage: {tsdb: {retention: {size: 10GB}}}",
	"rules.severity":                  "write it as a label: labels: {severity: …}",
	"rules.description":               "write it as an annotation: annotations: {description: \"…\"}",
	"rules.summary":                   "write it as an annotation: annotations: {summary: \"…\"}",
	"rules.duration":                  "write the time as for: 5m",
	"rules.interval":                  "the interval belongs to the group: move it beside name:",
	"scrape_configs.targets":          "write static_configs: [{targets: [\"host:port\"]}]",
	"scrape_configs.labels":           "write the labels beside the targets: static_configs: [{targets: […], labels: {…}}]",
	"scrape_configs.timeout":          "write scrape_timeout",
	"global.scrape_configs":           "move it to the top of the file",
	"scrape_configs.scrape_configs":   "move it to the top of the file",
	"alerting.rule_files":             "move it to the top of the file",
	"route.routes.receivers":          "write one receiver: NAME; several notifiers go into one receiver",
	"inhibit_rules.target_matcher":    "write target_matchers",
	"alertmanagers.targets":           "write static_configs: [{targets: [\"host:9093\"]}]",
	"receivers.webhook_config":        "write webhook_configs, a list",
	"receivers.email_config":          "write email_configs, a list",
	"basic_auth.user":                 "write username",
	"remote_write.remote_write_url":   "write url",
	"tls_server_config.min_tls":       "write min_version: TLS12",
	"scrape_configs.metric_path":      "write metrics_path",
	"scrape_configs.interval":         "write scrape_interval",
	"scrape_configs.nomad_sd_configs": "this binary has every discovery plugin but nomad; use consul_sd_configs, http_sd_configs or file_sd_configs",
}

func describeUnknownKey(kind Kind, f *Finding, name string, n *treeNode) {
	f.Code = "unknown-field"
	f.Message = fmt.Sprintf("unknown key %q", name)
	if n == nil || n.parent == nil {
		f.Hint = "remove it"
		return
	}
	f.Line, f.Column = n.keyPosition()
	f.Message += " in " + nameOf(n.parent)
	if strings.HasPrefix(name, "nomad_sd_config") {
		f.Code = "plugin-not-compiled-in"
		f.Message = "nomad_sd_configs: the discovery plugin nomad is not compiled in"
		f.Hint = insteadOf["scrape_configs.nomad_sd_configs"]
		return
	}
	if meant := suggestKey(kind, n); meant != "" {
		f.Hint = fmt.Sprintf("did you mean %q?", meant)
	}
	if h := insteadOf[containerName(n.parent)+"."+name]; h != "" {
		f.Hint = h
	}
	if f.Hint == "" {
		f.Hint = "remove it" + keyList(schemaOf(kind, n.parent))
	}
}

// containerName is the key that a mapping, or the list that it is an item of,
// is written under.
func containerName(n *treeNode) string {
	for n != nil && n.key == nil && n.parent != nil {
		n = n.parent
	}
	return n.name()
}

// suggestKey returns the key that was meant by one that is not known.
func suggestKey(kind Kind, n *treeNode) string {
	if n == nil || n.parent == nil {
		return ""
	}
	return nearest(n.key.Value, sortedKeys(schemaOf(kind, n.parent)))
}

func keyList(t reflect.Type) string {
	keys := sortedKeys(t)
	if len(keys) == 0 {
		return ""
	}
	more := ""
	if len(keys) > 14 {
		keys, more = keys[:14], ", …"
	}
	return "; keys here are " + strings.Join(keys, ", ") + more
}

// generalHint says what fits in a place, where nothing better is known.
func generalHint(kind Kind, n *treeNode) string {
	t := schemaOf(kind, n)
	if n.scalar() {
		if want := typeName(t); want != "" && want != "a text" {
			return "write " + want
		}
		return "correct the value, or remove the key"
	}
	if list := keyList(indirect(t)); list != "" {
		return "complete or remove this section" + list
	}
	return "complete or remove this section"
}

// namesIn lists the names of the items of a top-level list.
func namesIn(r *repairer, list string) []string {
	if r.tree == nil {
		return nil
	}
	var out []string
	if l := r.tree.root.get(list); l != nil {
		for _, item := range l.children {
			n := item.get("name")
			if n == nil {
				continue
			}
			if name := n.value.Value; name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// hint says, for a message of an upstream parser, which kind of mistake it is
// and what to write instead. $1 stands for the first group of the expression.
type hint struct {
	match      *regexp.Regexp
	code, hint string
}

func on(expr, code, text string) hint { return hint{regexp.MustCompile(expr), code, text} }

var hints = []hint{
	on(`not a valid duration string|unknown unit .* in duration|empty duration string|duration out of range|time: (invalid|unknown|missing) `, "bad-duration", "write a duration such as 30s, 5m, 1h30m or 15d"),
	on(`scrape timeout greater than scrape interval`, "timeout-over-interval", "write a scrape_timeout that is at most the scrape_interval"),
	on(`scrape_interval cannot be 0|(interval|timeout) cannot be zero|cannot be zero`, "zero-duration", "write a duration above 0, or remove the key to get the default"),
	on(`multiple scrape configs with job name`, "duplicate-name", "give every scrape configuration a job_name of its own"),
	on(`multiple remote (write|read) configs with job name`, "duplicate-name", "give every remote_$1 section a name of its own"),
	on(`Groupname must not be empty`, "missing-field", "add name: NAME to the group"),
	on(`job_name is empty`, "missing-field", "add job_name: NAME"),
	on(`empty or null (\S+ )?(metric|target) relabeling rule|empty or null .*relabel`, "empty-item", "write the rule (source_labels, regex, action, …) or remove the \"-\""),
	on(`nil target group item found`, "empty-item", "write targets: [\"host:port\"] or remove the \"-\""),
	on(`must contain at least one SRV record name`, "missing-field", "add names: [NAME]"),
	on(`empty or null`, "empty-item", "write the section or remove the \"-\""),
	on(`unknown relabel action|unknown relabel config action`, "bad-enum", "write one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase"),
	on(`(labeldrop|labelkeep) action requires only 'regex'`, "relabel-conflict", "leave only action: $1 and regex"),
	on(`(keepequal|dropequal) action requires only`, "relabel-conflict", "leave only action: $1, source_labels and target_label"),
	on(`'replacement' can not be set for (\w+) action`, "relabel-conflict", "remove replacement: $1 takes the value of source_labels"),
	on(`relabel configuration for (\w+) action requires '(\w+)' value`, "missing-field", "add $2: NAME to the rule"),
	on(`hashmod requires non-zero modulus`, "missing-field", "add modulus: NUMBER to the rule"),
	on(`is invalid '?target_label'?|invalid 'target_label'`, "bad-label-name", "write a label name: letters, digits and _"),
	on(`error parsing regexp: (.*)`, "bad-regex", "correct the regular expression (RE2 syntax: no look-ahead, no back-references)"),
	on(`invalid regexp value`, "bad-regex", "write a regular expression, such as \"web-.*\""),
	on(`invalid (rule|scrape config) file path`, "bad-glob", "a * may stand only in the last part of the path, such as rules/*.yml"),
	on(`one of bearer_token & bearer_token_file|at most one of (.*) must be configured`, "conflicting-fields", "keep one of them and remove the other"),
	on(`authorization (type|scheme) cannot be set to "basic"|authorization type cannot`, "conflicting-fields", "write basic_auth: {username: …, password_file: …} instead"),
	on(`authorization header must be changed via`, "forbidden-header", "remove the header and write authorization: {type: Bearer, credentials_file: …} or basic_auth"),
	on(`is a reserved header|custom headers? .*not allowed|custom authorization header`, "forbidden-header", "remove this header"),
	on(`expected Alertmanager api version to be one of`, "bad-enum", "write api_version: v2, or remove the key"),
	on(`unknown scrape protocol|unknown scrape_protocol|duplicated protocol`, "bad-enum", "write protocols from PrometheusProto, OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4"),
	on(`unknown type for remote write protobuf message|protobuf_message`, "bad-enum", "write prometheus.WriteRequest or io.prometheus.write.v2.Request"),
	on(`queue (\S+) must be positive|must be positive`, "bad-number", "write a number above 0, or remove the key to get the default"),
	on(`max_backoff must not be less than min_backoff`, "bad-number", "write a max_backoff that is at least min_backoff"),
	on(`invalid label name|is not a valid label name|invalid labelname`, "bad-label-name", "write another name; __name__ and empty names are not allowed"),
	on(`invalid label value`, "bad-label-value", "write the value in valid UTF-8"),
	on(`invalid annotation name`, "bad-label-name", "write a name of letters, digits and _"),
	on(`is not a valid hostname`, "bad-address", "write host:port without a scheme; the scheme goes to scheme: and a path to metrics_path:"),
	on(`unsupported scheme "(\w*)"|unsupported scheme|URL scheme must be|missing scheme|missing host|host is missing|URL is missing|no host|unsupported protocol scheme|first path segment in URL|invalid URL|parse ".*":`, "bad-url", "write a complete URL such as http://host:port/path"),
	on(`url for remote_(write|read) is empty`, "missing-field", "add url: http://host:port/path"),
	on(`undefined receiver "(.*)" used in route`, "undefined-receiver", "add a receiver with this name, or write one of: %receivers%"),
	on(`undefined time interval`, "undefined-time-interval", "add it under time_intervals, or write one of: %intervals%"),
	on(`notification config name .* is not unique|time interval .* is not unique`, "duplicate-name", "give each a name of its own, or merge the two"),
	on(`no routes? provided`, "missing-field", "add route: {receiver: NAME}"),
	on(`root route must specify a default receiver`, "missing-field", "add receiver: NAME to the top-level route"),
	on(`root route must not have any matchers`, "root-route", "move the matchers into an item of routes:"),
	on(`root route must not have any|cannot have continue in root route`, "root-route", "move this into an item of routes:"),
	on(`missing name in (receiver|mute time interval|time interval)`, "missing-field", "add name: NAME"),
	on(`cannot have wildcard group_by|duplicated label .* in group_by`, "bad-group-by", "write each label once, or '...' alone"),
	on(`group_interval cannot be zero|repeat_interval cannot be zero`, "zero-duration", "write a duration above 0"),
	on(`no Slack API URL|no global Slack`, "missing-field", "add api_url or api_url_file here, or slack_api_url to global"),
	on(`no global SMTP smarthost`, "missing-field", "add smarthost: \"host:587\" here, or smtp_smarthost to global"),
	on(`no global SMTP from`, "missing-field", "add from: ADDRESS here, or smtp_from to global"),
	on(`missing to address in email config`, "missing-field", "add to: ADDRESS"),
	on(`update_message can only be used with bot tokens`, "conflicting-fields", "remove update_message, or use an app token with api_url https://slack.com/api/chat.postMessage"),
	on(`missing (\w+) or (\w+) on (\w+)`, "missing-field", "add $1 or $2"),
	on(`no global (\S+) (API Key|Api Secret|Token\w*|URL|CorpID)`, "missing-field", "add it to this receiver or to global"),
	on(`no (\w+) webhook URL or URLFile provided`, "missing-field", "add webhook_url or webhook_url_file"),
	on(`one of url or url_file must be configured`, "missing-field", "add url or url_file"),
	on(`missing service key in PagerDuty|missing (service|routing) (or routing )?key`, "missing-field", "add routing_key or service_key"),
	on(`bad matcher format|matcher .*|expected .* got|end of input|unexpected .* in matcher`, "bad-matcher", "write a matcher such as severity=\"critical\" or instance=~\"web-.*\""),
	on(`(\w+) role supports only (.*) selectors`, "bad-selector", "use one of these roles in selectors: $2"),
	on(`invalid selector`, "bad-selector", "write a Kubernetes selector such as app=web or status.phase=Running"),
	on(`unknown Kubernetes SD role|role missing`, "bad-enum", "write role: one of pod, service, endpoints, endpointslice, node, ingress"),
	on(`marathon_sd: must contain at least one`, "missing-field", "add servers: [URL]"),
	on(`query missing`, "missing-field", "add query: \"…\""),
	on(`(requires|missing) (a |an )?([a-z_]+)$|configuration requires (a |an )?([a-z_]+)`, "missing-field", "add the key that the message names"),
	on(`can't be empty|must (not|n't) be empty|is empty|cannot be empty`, "missing-field", "write a value, or remove the section"),
	on(`invalid value for port|address .*: (missing port|too many colons)|address cannot be empty|port cannot be empty`, "bad-address", "write host:port"),
	on(`bcrypt|hashedSecret too short|crypto/bcrypt`, "bad-password-hash", "write a bcrypt hash, as htpasswd -nBC 10 \"\" makes it, not the password"),
	on(`missing one of (cert|key) or \w+`, "missing-field", "add ${1}_file: PATH"),
	on(`unknown cipher|unknown curve|unknown TLS version`, "bad-enum", "write a name from Go's crypto/tls, such as TLS12"),
	on(`no such file or directory|does not point to an existing file|cannot find the (file|path)`, "file-not-found", "correct the path (it is relative to this file) or create the file"),
	on(`permission denied`, "file-not-readable", "let the user that runs the server read the file"),
	on(`specified without client (key|cert) file`, "conflicting-fields", "write cert_file and key_file together"),
	on(`invalid file extension`, "bad-file-extension", "name the file .yml, .yaml or .json"),
	on(`braces present in the recording rule name`, "bad-metric-name", "write the metric name alone; the selector goes to expr: and labels to labels:"),
	on(`invalid recording rule name`, "bad-metric-name", "write a metric name such as job:requests:rate5m"),
	on(`only one of 'record' and 'alert' must be set`, "conflicting-fields", "keep alert: for an alert or record: for a recording rule, not both"),
	on(`one of 'record' or 'alert' must be set`, "missing-field", "add alert: NAME for an alert or record: NAME for a recording rule"),
	on(`field 'expr' must be set in rule`, "missing-field", "add expr: QUERY"),
	on(`invalid field '(\w+)' in recording rule`, "recording-rule-field", "remove $1: only alerts have it"),
	on(`is repeated in the same file`, "duplicate-name", "give every group of a file a name of its own"),
	on(`template: `, "bad-template", "correct the template, or write {{ \"{{\" }} for literal braces"),
	on(`unsupported OTLP translation strategy|is not allowed when UTF8 is disabled`, "bad-enum", "write UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes, NoUTF8EscapingWithSuffixes or NoTranslation"),
	on(`cannot be configured (simultaneously|unless)|cannot use '.*' and '.*' simultaneously`, "conflicting-fields", "keep one of them and remove the other"),
	on(`duplicated promoted OTel resource attribute`, "duplicate-name", "write each attribute once, and no empty one"),
	on(`unknown authentication_type`, "bad-enum", "write OAuth, ManagedIdentity, SDK or WorkloadIdentity"),
	on(`start time cannot be equal or greater than end time`, "bad-time-interval", "a range cannot pass midnight: write two, such as {start_time: \"22:00\", end_time: \"24:00\"} and {start_time: \"00:00\", end_time: \"06:00\"}"),
	on(`both start and end times must be provided|start of .* after|start (day|time) .* (before|after)|couldn't parse (time|weekday|month)|is not a valid (day|month|weekday|year)|invalid (time range|range)`, "bad-time-interval", "write ranges such as {start_time: \"09:00\", end_time: \"17:00\"}, monday:friday, 1:5 or january:march"),
	on(`units|not a valid (size|byte)|unable to parse bytes|unknown unit`, "bad-size", "write a size such as 512MB or 10GB"),
}
