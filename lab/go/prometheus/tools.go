//go:build tools

// Package tools names the lab's metrics server so that `go mod tidy` keeps what it needs.
package tools

import _ "github.com/prometheus/prometheus/cmd/prometheus"
