package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"fmt"
	"io/fs"
	"syscall"
	"unsafe"
)

// Error gives the name of the class, e.g. DATA_LOSS.
func (c Code) Error() string { return C.GoString(C.ckpt_code_name(C.ckpt_code(c))) }

// Error says what went wrong, with what, where.
type Error struct {
	Code     Code          // the class
	Reason   Reason        // why
	Message  string        // one line: file, tensor, fault, expected, found
	File     string        // the file or directory at fault; empty if none
	Tensor   string        // the key of the tensor at fault; empty if none
	Expected string        // what should have been there; empty if that is not the point
	Found    string        // what was there
	Errno    syscall.Errno // the system's error number; 0 if the system reported none

	cause error // what a callback or a context of the caller's said
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives the error of the context or callback that stopped the call; nil if none did.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is compare an error with classes, with errors of io/fs, and with those of package
// context.
func (e *Error) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.Code == NotFound
	case fs.ErrExist:
		return e.Code == AlreadyExists
	case fs.ErrPermission:
		return e.Code == PermissionDenied
	case fs.ErrInvalid:
		return e.Code == InvalidArgument
	case context.Canceled:
		return e.Code == Cancelled && e.cause == nil // of Pending.Cancel, which gives no cause
	}
	if code, ok := target.(Code); ok {
		return e.Code == code
	}
	return e.Errno != 0 && target == error(e.Errno)
}

// takeError makes an error of the library's that belongs to the caller, which it frees; nil of
// none.
func takeError(e *C.ckpt_error) error {
	if e == nil {
		return nil
	}
	defer C.ckpt_error_free(e)
	return errorOf(e)
}

// errorOf copies an error that is lent.
func errorOf(e *C.ckpt_error) *Error {
	var cause error
	if value := C.go_error_cause(e); value != 0 {
		cause = valueOf(value).value.(error)
	}
	return &Error{
		cause:    cause,
		Code:     Code(C.ckpt_error_code(e)),
		Reason:   Reason(C.ckpt_error_reason(e)),
		Message:  C.GoString(C.ckpt_error_message(e)),
		File:     text(C.ckpt_error_file(e)),
		Tensor:   text(C.ckpt_error_tensor(e)),
		Expected: text(C.ckpt_error_expected(e)),
		Found:    text(C.ckpt_error_found(e)),
		Errno:    syscall.Errno(max(0, C.ckpt_error_errno(e))),
	}
}

// text copies bytes that are lent.
func text(b C.ckpt_bytes) string {
	if b.data == nil {
		return ""
	}
	return string(unsafe.Slice((*byte)(b.data), int(b.len)))
}

// takeString copies a text that belongs to the caller, and frees it; nothing of none.
func takeString(s *C.ckpt_string) string {
	if s == nil {
		return ""
	}
	defer C.ckpt_string_free(s)
	return text(C.ckpt_string_bytes(s))
}

// takeStrings copies elements that belong to the caller, and frees them.
func takeStrings(s *C.ckpt_strings) []string {
	defer C.ckpt_strings_free(s)
	return stringsOf(s)
}

func stringsOf(s *C.ckpt_strings) []string {
	all := make([]string, C.ckpt_strings_count(s))
	for i := range all {
		all[i] = text(C.ckpt_strings_get(s, C.size_t(i)))
	}
	return all
}

// LiveHandles says how many handles of the library are not freed yet, in the whole process: for
// tests that look for leaks.
func LiveHandles() uint64 { return uint64(C.ckpt_live_handles()) }

// Version gives the version of the library.
func Version() string { return C.GoString(C.ckpt_version()) }

// A library that is older than the header would fail at some call: the program does not start with
// it.
func init() {
	var e *C.ckpt_error
	C.ckpt_check_version(C.CKPT_VERSION_MAJOR, C.CKPT_VERSION_MINOR, C.CKPT_VERSION_PATCH, &e)
	if err := takeError(e); err != nil {
		panic(err)
	}
}

// HeaderVersion is the version of the header that the package was compiled with: the program runs
// with every library of its major version that is no older.
var HeaderVersion = fmt.Sprintf("%d.%d.%d", C.CKPT_VERSION_MAJOR, C.CKPT_VERSION_MINOR, C.CKPT_VERSION_PATCH)
