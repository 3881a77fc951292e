package lint

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// targetFindings says what keeps the targets of a server from being scraped. A finding stands at the target in the configuration among the
// documents that has it, else at its job, else at the server.
func targetFindings(docs []*Document, list TargetList, server string) []Finding {
	places := targetPlaces(docs)
	var out []Finding
	alike := map[string][]Target{} // what cannot be told apart by place and reason becomes one finding
	var order []string
	for _, t := range list.Active {
		if t.Up || t.Error == "" {
			continue
		}
		f := explainScrape(t)
		f.File, f.Line, f.Column = places.of(t, server)
		key := fmt.Sprintf("%s:%d:%d %s %s %s", f.File, f.Line, f.Column, t.Job, f.Code, f.Hint)
		if f.Line > 0 && places.exact(t) || len(alike[key]) == 0 {
			out = append(out, f)
			order = append(order, key)
		}
		alike[key] = append(alike[key], t)
	}
	for i, key := range order {
		if n := len(alike[key]) - 1; n > 0 && !places.exact(alike[key][0]) {
			out[i].Message += fmt.Sprintf(" (and %d more of this job fail in the same way)", n)
		}
	}
	out = append(out, emptyJobs(list, places, server)...)
	return out
}

// emptyJobs finds scrape configurations that scrape nothing.
func emptyJobs(list TargetList, places targetIndex, server string) []Finding {
	var out []Finding
	jobs := slices.Concat(list.Jobs, slices.Collect(maps.Keys(list.Dropped)))
	slices.Sort(jobs)
	for _, job := range slices.Compact(jobs) {
		if slices.ContainsFunc(list.Active, func(t Target) bool { return t.Job == job }) {
			continue
		}
		f := Finding{Severity: Warning, Code: "job-without-targets", Message: fmt.Sprintf("job %q has no target, so that nothing is scraped and its up is absent rather than 0", job),
			Hint: "see what its discovery finds, or remove the job"}
		if n := list.Dropped[job]; n > 0 {
			f.Code = "all-targets-dropped"
			f.Message = fmt.Sprintf("job %q scrapes nothing: its relabel_configs drop all targets that were discovered (%d)", job, n)
			f.Hint = "compare the keep and drop rules with the labels under /api/v1/targets?state=dropped"
		}
		f.File, f.Line, f.Column = places.of(Target{Job: job}, server)
		out = append(out, f)
	}
	return out
}

// place is a position in a document.
type place struct {
	file         string
	line, column int
}

// targetIndex finds jobs and static targets in the documents.
type targetIndex struct{ jobs, targets map[string]place }

func targetPlaces(docs []*Document) targetIndex {
	index := targetIndex{jobs: map[string]place{}, targets: map[string]place{}}
	for _, d := range docs {
		if d.Kind != Prometheus && d.Kind != ScrapeConfig {
			continue
		}
		_, jobs := valueOf(d.Root, "scrape_configs")
		for _, job := range items(jobs) {
			_, name := valueOf(job, "job_name")
			if name == nil {
				continue
			}
			index.add(index.jobs, name.Value, d, name)
			_, groups := valueOf(job, "static_configs")
			for _, group := range items(groups) {
				_, targets := valueOf(group, "targets")
				for _, t := range items(targets) {
					index.add(index.targets, name.Value+"\x00"+t.Value, d, t)
				}
			}
		}
	}
	return index
}

// add keeps the first place: several configurations may have a job of the same name.
func (targetIndex) add(to map[string]place, key string, d *Document, n *yaml.Node) {
	if _, ok := to[key]; !ok {
		to[key] = place{d.Path, n.Line, n.Column}
	}
}

func (i targetIndex) exact(t Target) bool {
	_, ok := i.targets[t.Job+"\x00"+t.Address]
	return ok
}

func (i targetIndex) of(t Target, server string) (file string, line, column int) {
	p, ok := i.targets[t.Job+"\x00"+t.Address]
	if !ok {
		p, ok = i.jobs[t.Job]
	}
	if !ok {
		p = place{file: server}
	}
	return p.file, p.line, p.column
}

// greetings tell a program by what it answers to an HTTP request. Go's error quotes the first line of the answer, or its second word where
// the line looks like one of HTTP.
var greetings = []struct {
	answer *regexp.Regexp
	port   int // of foreignPorts, 0 where is says all
	is     string
	remedy string
}{
	{regexp.MustCompile(`status code "(wrong|unknown|Authentication|Redis)"|response "-(ERR|NOAUTH|DENIED)`), 6379, "", ""},
	{regexp.MustCompile(`"SSH-\d|status code "(Debian|Ubuntu|FreeBSD)-`), 22, "", ""},
	{regexp.MustCompile(`response "220[ -]`), 25, "", ""},
	{regexp.MustCompile(`response "AMQP`), 5672, "", ""},
	{regexp.MustCompile(`status code "\{\\?"server_id`), 4222, "", ""},
	{regexp.MustCompile(`(?i)response ".(\\x..)?\\x00\\x00\\x00"|mysql|mariadb`), 3306, "", ""},
	{regexp.MustCompile(`response "ERROR"`), 11211, "", ""},
	{regexp.MustCompile(`response "\\x00\\x00.{1,4}\\x04\\x00`), 0, "it speaks HTTP/2 without TLS, as gRPC servers do", "scrape the port that serves metrics over HTTP/1.1"},
}

var (
	notHTTP      = regexp.MustCompile(`malformed HTTP (response|version|status)|transport connection broken|malformed MIME header`)
	hungUp       = regexp.MustCompile(`(: |^)(EOF|unexpected EOF)$|connection reset by peer|broken pipe|server closed idle connection`)
	httpStatus   = regexp.MustCompile(`HTTP status (\d{3})`)
	wrongContent = regexp.MustCompile(`unsupported Content-Type|non-compliant scrape target`)
	wrongLine    = regexp.MustCompile(`expected .*got |expected a valid start token|invalid metric type|unexpected end of input|is not a valid (start|float)|parsing .*: invalid syntax|data does not end with # EOF`)
)

// explainScrape tells by the error of the last scrape what answered, and what to scrape instead.
func explainScrape(t Target) Finding {
	f := Finding{Severity: Warning, Code: "target-down", Message: fmt.Sprintf("job %q cannot scrape %s: %s", t.Job, t.URL, t.Error), Hint: "start it, correct the address, or remove the target"}
	port, host := 0, t.Address
	if u, err := url.Parse(t.URL); err == nil {
		host = u.Host
		port = portOf(u.Host)
	}
	known, byPort := foreignPorts[port]
	for _, g := range greetings {
		if !g.answer.MatchString(t.Error) {
			continue
		}
		what, remedy := g.is, g.remedy
		if g.port != 0 {
			what, remedy = "it answers as "+foreignPorts[g.port].program+" does", foreignPorts[g.port].remedy
		}
		return foreign(f, t, fmt.Sprintf("%s speaks another protocol: %s", host, what), remedy)
	}
	switch {
	case strings.Contains(t.Error, "server gave HTTP response to HTTPS client"), strings.Contains(t.Error, "first record does not look like a TLS handshake"):
		f.Code, f.Message, f.Hint = "wrong-scheme", fmt.Sprintf("job %q scrapes %s with TLS, but what answers there does not speak TLS", t.Job, t.URL), "write scheme: http"
	case strings.Contains(t.Error, "HTTP request to an HTTPS server"), strings.Contains(t.Error, `malformed HTTP response "\x15\x03`):
		f.Code, f.Message, f.Hint = "wrong-scheme", fmt.Sprintf("job %q scrapes %s without TLS, but what answers there wants it", t.Job, t.URL), "write scheme: https"
	case notHTTP.MatchString(t.Error):
		return foreign(f, t, fmt.Sprintf("%s speaks another protocol than HTTP", host), cmp.Or(known.remedy, "scrape the exporter of that program instead"))
	case hungUp.MatchString(t.Error) && byPort:
		return foreign(f, t, fmt.Sprintf("%s ends the connection without an HTTP answer, as %s does, whose port this is", host, known.program), known.remedy)
	case hungUp.MatchString(t.Error):
		f.Message = fmt.Sprintf("job %q cannot scrape %s: it ends the connection without an HTTP answer (%s)", t.Job, t.URL, lastPart(t.Error))
		f.Hint = "a program that does not speak HTTP does this, such as a database: scrape its exporter; a proxy does it whose backend is down"
	case wrongContent.MatchString(t.Error), wrongLine.MatchString(t.Error):
		f.Code, f.Message = "not-metrics", fmt.Sprintf("job %q scrapes %s, which answers with something that is not metrics: %s", t.Job, t.URL, t.Error)
		f.Hint = "correct metrics_path; where it is metrics without a content type, write fallback_scrape_protocol: PrometheusText0.0.4"
	case httpStatus.MatchString(t.Error):
		f.Hint = statusHint(httpStatus.FindStringSubmatch(t.Error)[1])
	case strings.Contains(t.Error, "connection refused"):
		f.Hint = "nothing listens there: start it, or correct the port"
		if byPort {
			return foreign(f, t, fmt.Sprintf("nothing listens at %s, and its port is %s's, which does not speak HTTP", host, known.program), known.remedy)
		}
	case strings.Contains(t.Error, "no such host"), strings.Contains(t.Error, "server misbehaving"):
		f.Hint = "correct the host name, or make it known to the resolver of this machine"
		if byPort {
			return foreign(f, t, fmt.Sprintf("%s cannot be resolved, and its port is %s's, which does not speak HTTP", host, known.program), known.remedy)
		}
	case strings.Contains(t.Error, "deadline exceeded"), strings.Contains(t.Error, "timeout"):
		f.Hint = "raise scrape_timeout, or see why it takes that long; a firewall that drops packets looks the same"
		if byPort {
			return foreign(f, t, fmt.Sprintf("%s does not answer, and its port is %s's, which does not speak HTTP", host, known.program), known.remedy)
		}
	case strings.Contains(t.Error, "x509:"), strings.Contains(t.Error, "tls:"):
		f.Hint = "give the authority that signed its certificate as tls_config: {ca_file: …}, or the name in it as server_name"
	}
	return f
}

func foreign(f Finding, t Target, what, remedy string) Finding {
	f.Code = "foreign-protocol"
	f.Message = fmt.Sprintf("job %q: %s, so that every scrape fails", t.Job, what)
	f.Hint = remedy
	return f
}

func lastPart(message string) string {
	if i := strings.LastIndex(message, ": "); i >= 0 {
		return message[i+2:]
	}
	return message
}

func statusHint(code string) string {
	switch code {
	case "401", "403":
		return "give it credentials: basic_auth or authorization with a file"
	case "404", "405":
		return "correct metrics_path"
	case "400":
		return "see whether it wants scheme: https or another path"
	}
	return "see the log of the target"
}
