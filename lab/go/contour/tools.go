//go:build tools

// Package tools names the lab's Contour so that `go mod tidy` keeps what it needs.
package tools

import _ "github.com/projectcontour/contour/cmd/contour"
