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
	"iter"
	"runtime"
	"runtime/cgo"
	"runtime/debug"
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
		if len(b) > 0 { // others have no memory that could be pinned
			pointers[i], sizes[i] = memory(b)
		}
	}
	return unsafe.SliceData(pointers), unsafe.SliceData(sizes)
}

// callbackValue is what the library keeps a number of until it releases it.
type callbackValue struct {
	value any
	pins  pinnedMemory
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
	if r, ok := kept.value.(*resizableValue); ok {
		r.release()
	}
	cgo.Handle(value).Delete()
	keptValues.Add(-1)
	if end, ok := kept.value.(*ending); ok && end.over {
		end.f()
	}
}

// sharedState is what all handles of one graph share: the slices that it borrows.
//
// Its mutex is also held whenever the maps, slices and pointers of a model are looked at outside
// the graph's lock, and whenever a restore sets them under that lock. With it, neither the library
// nor a function of the program's is called: whoever has the graph's lock may want it.
type sharedState struct {
	mutex    sync.Mutex
	borrowed map[Node]*borrowedMemory
	// slots has the slot variables that the program made for each variable, and at each owner.
	slots map[Node]map[Node]struct{}
	// slotOf has the variables and owners of which each slot variable is in slots.
	slotOf map[Node]map[Node]struct{}
	// models are the structs whose growth is followed.
	models []*trackedStruct
	// mayWait says that something may have been restored, so that restores may wait for objects.
	mayWait atomic.Bool
}

// guard runs a callback of the program's. Its error, or what it panics with, becomes the text and
// the cause of the library's error.
func guard(g *callbackValue, failure *C.ckpt_failure, f func() error) C.ckpt_code {
	err := contained(f)
	if err == nil {
		return C.CKPT_CODE_OK
	}
	var text string
	code := Internal
	describe := func() error { // which runs the error's own methods
		text = err.Error()
		if p := (*PanicError)(nil); !errors.As(err, &p) {
			code = codeOf(err)
		}
		return nil
	}
	if p := contained(describe); p != nil {
		err, text, code = p, p.Error(), Internal
	}
	c, n := name(text)
	C.ckpt_failure_set(failure, c, n)
	C.go_failure_set_cause(failure, newValue(&callbackValue{value: err}))
	return C.ckpt_code(code)
}

// PanicError is what a callback of the program's panicked with, which made a call fail.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine, as debug.Stack gives it
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap gives the value if it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// errGoexit is the error of a callback that ended its goroutine, as testing.T.FailNow does.
var errGoexit = errors.New("the callback called runtime.Goexit")

// contained runs a callback so that neither a panic nor runtime.Goexit leaves it. Goexit cannot be
// stopped, and would unwind the library's frames without their knowledge; so the callback runs on a
// coroutine, on the same thread, and one that exits stops for good instead.
func contained(f func() error) error {
	err, ended := errGoexit, false
	next, _ := iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if what := recover(); what != nil {
				err = &PanicError{what, debug.Stack()}
			} else if !ended {
				yield(struct{}{}) // never comes back
			}
		}()
		err = f()
		ended = true
	})
	next()
	return err
}

// answered runs a callback that cannot fail; otherwise is the answer of one that panics or exits.
func answered(otherwise bool, f func() bool) bool {
	answer := otherwise
	_ = contained(func() error {
		answer = f()
		return nil
	})
	return answer
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
