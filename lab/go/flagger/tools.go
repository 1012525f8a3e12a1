//go:build tools

// Package tools names Flagger's load tester so that `go mod tidy` keeps what it needs.
package tools

import _ "github.com/fluxcd/flagger/cmd/loadtester"
