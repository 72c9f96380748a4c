//go:build !checkpoint_system

package checkpoint

// The source tree has no library; the released module has one in place of this file. The header
// that is found here says so.

// #cgo CFLAGS: -I${SRCDIR}/unlinked
import "C"
