// Package backtest replays rule files over stored data and says what they
// would have done: which alerts, how late, how often, how unsteady; and what
// a change to them changes.
//
// A rule is asked for a whole stretch of the period by one range query at its
// group's own evaluation times, and the result goes through the alert states
// that rules.Group would have gone through. Where a range query could answer
// otherwise than the single evaluations (a rule that reads what is written
// after it, cycles, "@ end()"), the rule is evaluated one time at a time.
package backtest
