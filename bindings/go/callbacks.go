package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"unsafe"
)

// pinnedMemory holds memory that the library borrows in its place. For one goroutine at a time,
// unlike sharedPins.
type pinnedMemory struct{ runtime.Pinner }

// sharedPins is pinned memory for several goroutines at once: of a writer's calls that several
// make, the library refuses all but one, but each has pinned its memory.
type sharedPins struct {
	mutex sync.Mutex
	pins  pinnedMemory
}

func (p *sharedPins) bytes(b []byte) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.pins.bytes(b)
}

func (p *sharedPins) unpin() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.pins.Unpin()
}

// bytes pins the memory of a buffer.
func (p *pinnedMemory) bytes(b []byte) {
	if len(b) > 0 {
		p.Pin(unsafe.SliceData(b))
	}
}

// buffers gives buffers as C takes them.
func (p *pinnedMemory) buffers(all [][]byte) (**C.uint8_t, *C.size_t) {
	pointers := make([]*C.uint8_t, len(all))
	sizes := make([]C.size_t, len(all))
	for i, b := range all {
		p.bytes(b)
		pointers[i], sizes[i] = memory(b)
	}
	return unsafe.SliceData(pointers), unsafe.SliceData(sizes)
}

// callbackValue is what the library keeps a number of until it releases it.
type callbackValue struct {
	value  any
	pins   pinnedMemory
	shared *sharedState
}

// How many values the library keeps: for tests.
var keptValues atomic.Int64

// newValue makes the number that stands for a value until the library releases it.
func newValue(g *callbackValue) C.go_value {
	keptValues.Add(1)
	return C.go_value(cgo.NewHandle(g))
}

func valueOf(value C.go_value) *callbackValue { return cgo.Handle(value).Value().(*callbackValue) }

//export goRelease
func goRelease(value C.go_value) {
	kept := valueOf(value)
	kept.pins.Unpin()
	cgo.Handle(value).Delete()
	keptValues.Add(-1)
	if end, ok := kept.value.(*ending); ok && end.over {
		end.f()
	}
}

// sharedState is what all handles of one graph share: the slices that it borrows, and what the last
// callback that failed said.
type sharedState struct {
	mutex    sync.Mutex
	borrowed map[Node]*borrowedMemory
	// slots has the slot variables that the program made for each variable, and at each owner.
	slots map[Node]map[Node]struct{}
	// slotOf has the variables and owners of which each slot variable is in slots.
	slotOf map[Node]map[Node]struct{}
	cause  error
	// mayWait says that something may have been restored, so that restores may wait for objects.
	mayWait atomic.Bool
}

// guard runs a callback of the program's. Its error or panic becomes the text of the library's
// error, and the error itself what that unwraps to.
func guard(g *callbackValue, failure *C.ckpt_failure, f func() error) (code C.ckpt_code) {
	fail := func(err error) {
		c, n := name(err.Error())
		C.ckpt_failure_set(failure, c, n)
		if g.shared != nil {
			g.shared.mutex.Lock()
			g.shared.cause = err
			g.shared.mutex.Unlock()
		}
	}
	defer func() {
		if what := recover(); what != nil {
			fail(panicked(what))
			code = C.CKPT_CODE_INTERNAL
		}
	}()
	if err := f(); err != nil {
		fail(err)
		return C.ckpt_code(codeOf(err))
	}
	return C.CKPT_CODE_OK
}

func panicked(what any) error {
	if err, ok := what.(error); ok {
		return fmt.Errorf("panic: %w", err)
	}
	return fmt.Errorf("panic: %v", what)
}

func codeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) && e.Code != OK {
		return e.Code
	}
	var code Code
	if errors.As(err, &code) && code != OK {
		return code
	}
	return Aborted
}

// because adds to an error what a callback said, if it is that callback's.
func (w *sharedState) because(err error) error {
	if w == nil || err == nil {
		return err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var e *Error
	if errors.As(err, &e) && e.Reason == ReasonCallback && e.cause == nil {
		e.cause, w.cause = w.cause, nil
	}
	return err
}

//export goRead
func goRead(value C.go_value, offset C.uint64_t, buffer unsafe.Pointer, size C.size_t, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		into := unsafe.Slice((*byte)(buffer), int(size))
		n, err := g.value.(io.ReaderAt).ReadAt(into, int64(offset))
		if n == len(into) {
			return nil // with io.EOF or without
		}
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
}
