// Command gendocs writes docs/reference/config.md from the table of settings.
// Run it in the repository's root, with the file to write as its argument.
package main

import (
	"fmt"
	"os"

	"touchline.dev/touchline/internal/config"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

func run(args []string) (err error) {
	if len(args) != 1 {
		return fmt.Errorf("usage: gendocs docs/reference/config.md")
	}
	f, err := os.Create(args[0])
	if err != nil {
		return err
	}
	if err := config.WriteReference(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("write %s: %w", args[0], err)
	}
	return f.Close()
}
