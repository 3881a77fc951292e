// Package stack is what ships with the product: rules with their tests,
// runbooks in English and Chinese, and an alertmanager.yml.
package stack

import "embed"

// FS holds rules/*.yml, tests/*.yml, runbooks/NAME.md and NAME.zh.md, and alertmanager.yml.
//
//go:embed rules tests runbooks alertmanager.yml
var FS embed.FS
