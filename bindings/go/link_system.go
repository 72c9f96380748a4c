//go:build checkpoint_system

package checkpoint

// The library that is installed.

// #cgo pkg-config: checkpoint
import "C"
