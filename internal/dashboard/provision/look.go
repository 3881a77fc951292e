package provision

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"

	"touchline.dev/touchline/internal/dashboard"
)

// Found is what a provisioning folder holds.
type Found struct {
	Providers, Sources, Dashboards []string // files, each kind in its order
	Problems                       []Problem
}

// Look reads a folder as a server does that starts with it, and puts nothing in
// force. Without getenv the variables are the process's.
func Look(dir string, getenv func(string) (string, bool)) Found {
	if getenv == nil {
		getenv = os.LookupEnv
	}
	w := &Watcher{o: Options{Dir: dir, Getenv: getenv}, files: map[string]cached{}, yaml: map[string]parsed{}, last: signature{}}
	r := &reading{w: w, seen: map[string]bool{}, uids: map[string]string{}}
	r.folder()
	return Found{
		Providers: yamlFiles(path.Join(dir, "dashboards")), Sources: yamlFiles(path.Join(dir, "datasources")),
		Dashboards: slices.Sorted(maps.Keys(r.seen)), Problems: r.problems,
	}
}

// UIDProblem says that a dashboard cannot have the uid that stands in it; false
// where it can.
func UIDProblem(file, uid string) (Problem, bool) {
	if uid == "" || dashboard.ValidUID(uid) {
		return Problem{}, false
	}
	return Problem{File: file, Warning: true, Message: fmt.Sprintf("the uid %.100q is none, and another one is made", uid), Hint: "write up to 40 letters, digits, - and _"}, true
}
