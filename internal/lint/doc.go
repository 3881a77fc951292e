// Package lint says what is wrong with monitoring files before a server reads
// them: Prometheus and Alertmanager configurations, rule files, templates, web
// and scrape configurations, touchline.yaml, Grafana's dashboards and the files
// that provision them.
//
// Whether a file is good is decided by upstream's own parsers. What this
// package adds is the rest: all errors of a file instead of the first one, a
// line and a column for each, and what to write instead.
package lint
