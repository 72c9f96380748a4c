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
	"time"
	"unsafe"
)

// pins holds memory that the library borrows in its place.
type pins struct{ runtime.Pinner }

// bytes pins the memory of a buffer.
func (p *pins) bytes(b []byte) {
	if len(b) > 0 {
		p.Pin(unsafe.SliceData(b))
	}
}

// buffers gives buffers as C takes them.
func (p *pins) buffers(all [][]byte) (**C.uint8_t, *C.size_t) {
	pointers := make([]*C.uint8_t, len(all))
	sizes := make([]C.size_t, len(all))
	for i, b := range all {
		p.bytes(b)
		pointers[i], sizes[i] = memory(b)
	}
	return unsafe.SliceData(pointers), unsafe.SliceData(sizes)
}

// given is what the library keeps a number of until it releases it.
type given struct {
	value any
	pins  pins
	world *world
}

// How many values the library keeps: for tests.
var keptValues atomic.Int64

// give makes the number that stands for a value until the library releases it.
func give(g *given) C.go_value {
	keptValues.Add(1)
	return C.go_value(cgo.NewHandle(g))
}

func take(value C.go_value) *given { return cgo.Handle(value).Value().(*given) }

//export goRelease
func goRelease(value C.go_value) {
	take(value).pins.Unpin()
	cgo.Handle(value).Delete()
	keptValues.Add(-1)
}

// world is what all handles of one graph share: the slices that it borrows, and what the last callback that failed said.
type world struct {
	mutex sync.Mutex
	lent  map[Node]*lent
	cause error
}

// guard runs a callback of the program's. Its error or panic becomes the text of the library's error, and the error itself what
// that unwraps to.
func guard(g *given, failure *C.ckpt_failure, f func() error) (code C.ckpt_code) {
	fail := func(err error) {
		c, n := name(err.Error())
		C.ckpt_failure_set(failure, c, n)
		if g.world != nil {
			g.world.mutex.Lock()
			g.world.cause = err
			g.world.mutex.Unlock()
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
func (w *world) because(err error) error {
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

// stopper ends a call when a context is done, or when the program's progress function says so.
type stopper struct {
	mutex    sync.Mutex
	progress func(done, total uint64) error
	cause    error
}

func (s *stopper) stop(err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.cause == nil {
		s.cause = err
	}
}

func (s *stopper) isStopped() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.cause != nil
}

// because has the error of a call that was stopped say what stopped it.
func (s *stopper) because(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code == Cancelled && e.cause == nil {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		e.cause = s.cause
	}
	return err
}

//export goProgress
func goProgress(value C.go_value, done, total C.uint64_t) (code C.ckpt_code) {
	s := take(value).value.(*stopper)
	defer func() {
		if what := recover(); what != nil {
			s.stop(panicked(what))
			code = C.CKPT_CODE_CANCELLED
		}
	}()
	if err := s.progress(uint64(done), uint64(total)); err != nil {
		s.stop(err)
	}
	if s.isStopped() {
		return C.CKPT_CODE_CANCELLED
	}
	return C.CKPT_CODE_OK
}

//export goWritten
func goWritten(value C.go_value, path *C.char, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error { return g.value.(func(string) error)(C.GoString(path)) })
}

//export goLog
func goLog(value C.go_value, severity C.ckpt_severity, text *C.char, size C.size_t) {
	defer func() { _ = recover() }() // there is nobody to tell
	take(value).value.(func(Severity, string))(Severity(severity), C.GoStringN(text, C.int(size)))
}

//export goRead
func goRead(value C.go_value, offset C.uint64_t, buffer unsafe.Pointer, size C.size_t, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
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

//export goDescribe
func goDescribe(value C.go_value, dimensions *C.int64_t) (rank C.int32_t) {
	defer func() {
		if recover() != nil {
			rank = -1
		}
	}()
	shape, ok := take(value).value.(Describer).Describe()
	if !ok || len(shape) > C.CKPT_MAX_RANK {
		return -1
	}
	copy(unsafe.Slice((*int64)(unsafe.Pointer(dimensions)), C.CKPT_MAX_RANK), shape)
	return C.int32_t(len(shape))
}

//export goPrepare
func goPrepare(value C.go_value, dtype C.ckpt_dtype, shape *C.int64_t, rank C.size_t, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error { return g.value.(Preparer).Prepare(DType(dtype), shapeOf(shape, int(rank))) })
}

//export goWriteAt
func goWriteAt(value C.go_value, offset C.uint64_t, data unsafe.Pointer, size C.size_t, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error {
		_, err := g.value.(io.WriterAt).WriteAt(unsafe.Slice((*byte)(data), int(size)), int64(offset))
		return err
	})
}

//export goFinish
func goFinish(value C.go_value, complete C.bool, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error { return g.value.(Finisher).Finish(bool(complete)) })
}

//export goSave
func goSave(value C.go_value, sink *C.ckpt_sink, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error {
		s := &Sink{pointer: sink, world: g.world}
		defer s.end()
		return g.value.(State).Save(s)
	})
}

//export goRestore
func goRestore(value C.go_value, source *C.ckpt_source, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error {
		s := &Source{pointer: source}
		defer s.end()
		return g.value.(State).Restore(s)
	})
}

//export goCreateSlot
func goCreateSlot(value C.go_value, request *C.ckpt_slot_request, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error {
		r := slotRequestOf(request, g.world)
		defer r.end()
		return g.value.(func(*SlotRequest) error)(r)
	})
}

//export goAccepts
func goAccepts(value C.go_value, node C.ckpt_node) (accepts C.bool) {
	defer func() {
		if recover() != nil {
			accepts = false
		}
	}()
	return C.bool(take(value).value.(ObjectSaver).Accepts(Node(node)))
}

//export goSaveObjects
func goSaveObjects(value C.go_value, objects *C.ckpt_nodes, sink *C.ckpt_sink, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error {
		s := &Sink{pointer: sink, world: g.world}
		defer s.end()
		return g.value.(ObjectSaver).Save(edgesOf(objects), s)
	})
}

//export goWants
func goWants(value C.go_value, objects *C.ckpt_nodes, key *C.char, size C.size_t) (wants C.bool) {
	defer func() {
		if recover() != nil {
			wants = false
		}
	}()
	return C.bool(take(value).value.(ObjectSaver).Wants(edgesOf(objects), C.GoStringN(key, C.int(size))))
}

//export goRestoreObjects
func goRestoreObjects(value C.go_value, objects *C.ckpt_nodes, source *C.ckpt_source, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error {
		s := &Source{pointer: source}
		defer s.end()
		return g.value.(ObjectSaver).Restore(edgesOf(objects), s)
	})
}

//export goInit
func goInit(value C.go_value, failure *C.ckpt_failure) C.ckpt_code {
	g := take(value)
	return guard(g, failure, func() error { return g.value.(func() error)() })
}

//export goNow
func goNow(value C.go_value) (seconds C.double) {
	now := time.Now()
	defer func() {
		_ = recover() // then it is the machine's time
		seconds = C.double(float64(now.UnixNano()) / 1e9)
	}()
	if clock := take(value).value.(clock); clock.now != nil {
		now = clock.now()
	}
	return 0
}

//export goSleep
func goSleep(value C.go_value, seconds C.double) (code C.ckpt_code) {
	defer func() {
		if recover() != nil {
			code = C.CKPT_CODE_CANCELLED
		}
	}()
	if err := take(value).value.(clock).sleep(time.Duration(float64(seconds) * float64(time.Second))); err != nil {
		return C.CKPT_CODE_CANCELLED
	}
	return C.CKPT_CODE_OK
}

//export goIsDone
func goIsDone(value C.go_value) (done C.bool) {
	defer func() {
		if recover() != nil {
			done = true // a program whose function panics is not to wait forever
		}
	}()
	return C.bool(take(value).value.(func() bool)())
}

// clock is another time than the machine's.
type clock struct {
	now   func() time.Time
	sleep func(time.Duration) error
}
