// Package shadow runs the rules of an existing Prometheus beside it and
// compares: the same alerts, how much sooner, missed, extra. It reads the pair
// through its HTTP APIs only, and changes nothing there.
package shadow
