package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// cancellation is what stops a call: a flag that is raised when the context is done, and the
// progress function.
type cancellation struct {
	stopper *stopper
	cancel  *handle[*C.ckpt_cancel]
}

func newCancellation(progress func(done, total uint64) error) *cancellation {
	return &cancellation{
		stopper: &stopper{progress: progress},
		cancel:  own(C.ckpt_cancel_new(), func(c *C.ckpt_cancel) { C.ckpt_cancel_free(c) }),
	}
}

// run makes a call that a context can stop.
func (w *cancellation) run(ctx context.Context, f func() error) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if ctx.Err() != nil {
		w.raise(ctx) // a goroutine might come too late
	}
	defer context.AfterFunc(ctx, func() { w.raise(ctx) })()
	return w.stopper.because(f())
}

// raise stops the call since the context is done.
func (w *cancellation) raise(ctx context.Context) {
	w.stopper.stop(contextError(ctx))
	c := w.cancel.hold()
	defer w.cancel.drop(c)
	C.ckpt_cancel_raise(c)
}

// contextError gives the error of a context that is done, Canceled or DeadlineExceeded, and its
// cause if that is another.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

func (w *cancellation) close() { w.cancel.Close() }

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
func goProgress(value C.go_value, done, total C.uint64_t) C.ckpt_code {
	s := valueOf(value).value.(*stopper)
	if err := contained(func() error { return s.progress(uint64(done), uint64(total)) }); err != nil {
		s.stop(err)
	}
	if s.isStopped() {
		return C.CKPT_CODE_CANCELLED
	}
	return C.CKPT_CODE_OK
}
