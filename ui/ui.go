// Package ui holds the console as `make` has built it. A clone in which it was
// not built has a placeholder, and the server then serves its plain pages.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files is what the build has written: index.html, its assets, and each of them
// compressed beside it. It is nil where nothing was built.
func Files() fs.FS {
	if _, err := fs.Stat(dist, "dist/console/index.html"); err != nil {
		return nil
	}
	sub, err := fs.Sub(dist, "dist/console")
	if err != nil {
		return nil
	}
	return sub
}
