//go:build race

package main

// The race detector keeps memory of its own for all that was ever used.
func init() { isRace = true }
