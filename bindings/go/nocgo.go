//go:build !cgo

package checkpoint

// Of all files this one alone is compiled without cgo: the constant is the error.

const _ uint = "the package checkpoint needs cgo: set CGO_ENABLED=1 and have a C compiler, as CC says"
