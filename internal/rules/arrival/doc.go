// Package arrival finds out, while samples are committed, which alerting
// rules they could raise. It decides nothing itself: it tells a Sink which
// rule is to be evaluated over which of its series at which instant. A rule
// that it leaves alone has been proven not to change.
package arrival
