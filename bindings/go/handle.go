package checkpoint

/*
#include <stdlib.h>
#include <checkpoint.h>
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// handle owns an object of the library's; types embed it by pointer. Close from any goroutine, at
// any time: the object is freed when the last call that uses it is over.
type handle[P comparable] struct {
	mutex   sync.Mutex
	pointer P
	uses    int
	closed  bool
	free    func(P)
	cleanup runtime.Cleanup
}

// own takes an object over, to be freed by Close or, if that is never called, by the garbage
// collector.
func own[P comparable](pointer P, free func(P)) *handle[P] { return ownWith(pointer, free, free) }

// ownWith does the same with another function for the garbage collector.
func ownWith[P comparable](pointer P, free, collect func(P)) *handle[P] {
	h := &handle[P]{pointer: pointer, free: free}
	h.cleanup = runtime.AddCleanup(h, collect, pointer)
	return h
}

// Close frees the object. Calling it again does nothing; it never fails. Other objects that need
// this one keep what they need.
func (h *handle[P]) Close() error {
	if h != nil {
		h.mutex.Lock()
		h.closed = true
		h.mutex.Unlock()
		h.freeUnused()
	}
	return nil
}

// hold gives the object until drop is called; nil if it was closed, which the library answers with
// INVALID_ARGUMENT.
func (h *handle[P]) hold() P {
	var none P
	if h == nil {
		return none
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.closed {
		return none
	}
	h.uses++
	return h.pointer
}

// drop ends what hold began.
func (h *handle[P]) drop(pointer P) {
	var none P
	if pointer == none {
		return
	}
	h.mutex.Lock()
	h.uses--
	last := h.closed && h.uses == 0
	h.mutex.Unlock()
	if last {
		h.freeUnused()
	}
}

func (h *handle[P]) freeUnused() {
	var none P
	h.mutex.Lock()
	pointer := h.pointer
	if h.uses > 0 || pointer == none {
		h.mutex.Unlock()
		return
	}
	h.pointer = none
	h.mutex.Unlock()
	h.cleanup.Stop()
	h.free(pointer)
	runtime.KeepAlive(h) // till here the cleanup must not run
}

// holder is a handle, or what has one.
type holder[P comparable] interface {
	hold() P
	drop(P)
}

// call calls the library with an object that stays open meanwhile.
func call[P comparable](h holder[P], f func(P, **C.ckpt_error) C.ckpt_code) error {
	pointer := h.hold()
	defer h.drop(pointer)
	var err *C.ckpt_error
	f(pointer, &err)
	return takeError(err)
}

// path copies a path for C, to be freed by the second result. A path with a NUL is refused.
func path(p string) (*C.char, func(), error) {
	for i := 0; i < len(p); i++ {
		if p[i] == 0 {
			return nil, nil, argument("the path has a NUL byte: " + p[:i])
		}
	}
	c := C.CString(p)
	return c, func() { C.free(unsafe.Pointer(c)) }, nil
}

// name gives the bytes of a string as pointer and length. C must not keep them.
func name(s string) (*C.char, C.size_t) {
	return chars(s), C.size_t(len(s))
}

// chars gives the bytes of a string. C must not keep them.
func chars(s string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }

// dims gives a shape as pointer and rank.
func dims(shape []int64) (*C.int64_t, C.size_t) {
	return (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(shape))), C.size_t(len(shape))
}

// shapeOf copies a shape that is lent.
func shapeOf(dims *C.int64_t, rank int) []int64 {
	if rank <= 0 || dims == nil {
		return []int64{}
	}
	return append([]int64{}, unsafe.Slice((*int64)(unsafe.Pointer(dims)), rank)...)
}

// memory gives bytes as pointer and size, of a type that cgo need not look into.
func memory(b []byte) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))), C.size_t(len(b))
}

// texts gives strings as C takes them, for one call, after which the pinner lets go of them.
func texts(all []string, pinner *runtime.Pinner) (*C.ckpt_bytes, C.size_t) {
	bytes := make([]C.ckpt_bytes, len(all))
	for i, s := range all {
		if len(s) > 0 {
			data := unsafe.StringData(s)
			pinner.Pin(data)
			bytes[i] = C.ckpt_bytes{data: (*C.uint8_t)(data), len: C.size_t(len(s))}
		}
	}
	return unsafe.SliceData(bytes), C.size_t(len(all))
}

func argument(what string) error {
	return &Error{Code: InvalidArgument, Reason: ReasonArgument, Message: what}
}

// paths copies paths for C, to be freed by the second result.
func paths(all []string) ([]*C.char, func(), error) {
	made := make([]*C.char, 0, len(all))
	free := func() {
		for _, c := range made {
			C.free(unsafe.Pointer(c))
		}
	}
	for _, p := range all {
		c, _, err := path(p)
		if err != nil {
			free()
			return nil, nil, err
		}
		made = append(made, c)
	}
	return made, free, nil
}
