package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"math"
	"time"
)

// Pending is a save that runs in the background. Several goroutines may use it at once. It need not
// be closed; when it is, the save goes on. Its error costs no other save: it is in the log,
// Checkpoint.Sync returns it, and so does Checkpoint.LastFailure.
type Pending struct {
	*handle[*C.ckpt_pending]
	stopper *stopper
	done    chan struct{}
}

// start has f begin a save that a context can stop. The cancellation is the save's from here on.
func (w *cancellation) start(ctx context.Context, f func(**C.ckpt_pending) error) (*Pending, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	if err := finished(ctx); err != nil {
		w.close()
		return nil, err
	}
	var pending *C.ckpt_pending
	if err := f(&pending); err != nil || pending == nil {
		w.close()
		return nil, err
	}
	release, done := context.AfterFunc(ctx, func() { w.raise(ctx) }), make(chan struct{})
	whenEnded(pending, func() {
		release()
		w.close()
		close(done)
	})
	return &Pending{own(pending, func(p *C.ckpt_pending) { C.ckpt_pending_free(p) }), w.stopper, done}, nil
}

// A manager that saves nothing, since it is too early, gives a nil save. It is over, and waiting
// for it is an error.
func (p *Pending) hold() *C.ckpt_pending {
	if p == nil {
		return nil
	}
	return p.handle.hold()
}

func (p *Pending) drop(h *C.ckpt_pending) {
	if p != nil {
		p.handle.drop(h)
	}
}

// Close lets go of the save, which goes on. Calling it again does nothing, as on nil; it never
// fails.
func (p *Pending) Close() error {
	if p == nil {
		return nil
	}
	return p.handle.Close()
}

// whenEnded has f called when a call in the background is over, by a thread of the library.
func whenEnded(pending *C.ckpt_pending, f func()) {
	var e *C.ckpt_error
	if C.go_pending_notify(pending, newValue(&callbackValue{value: &ending{f: f}}), &e) != C.CKPT_CODE_OK {
		C.ckpt_error_free(e) // there is no thread that could
		C.ckpt_pending_wait_for(pending, C.double(math.Inf(1)))
		f()
	}
}

// await begins a call in the background and waits for its end, which takes no thread. When the
// context is done the call is cancelled first. What it gives has ended, and is to be freed.
func await(ctx context.Context, begin func(**C.ckpt_pending, **C.ckpt_error)) (*C.ckpt_pending, error) {
	if err := finished(ctx); err != nil {
		return nil, err
	}
	var pending *C.ckpt_pending
	var e *C.ckpt_error
	if begin(&pending, &e); e != nil {
		return nil, takeError(e)
	}
	ended := make(chan struct{})
	whenEnded(pending, func() { close(ended) })
	select {
	case <-ended:
	case <-doneOf(ctx):
		C.ckpt_pending_cancel(pending)
		<-ended
	}
	return pending, nil
}

// finished gives the error of a call whose context is done before it begins.
func finished(ctx context.Context) error {
	if ctx == nil || ctx.Err() == nil {
		return nil
	}
	return &Error{Code: Cancelled, Reason: ReasonCallback, Message: "the context is done", cause: contextError(ctx)}
}

// doneOf gives the channel of a context that may be nil; nil for one that is never done.
func doneOf(ctx context.Context) <-chan struct{} {
	if ctx == nil {
		return nil
	}
	return ctx.Done()
}

// withFlag makes a call with a flag that is raised when the context is done; with none if it never
// is.
func withFlag(ctx context.Context, f func(*C.ckpt_cancel) error) error {
	if doneOf(ctx) == nil {
		return f(nil)
	}
	if err := finished(ctx); err != nil {
		return err
	}
	w := newCancellation(nil)
	defer w.close()
	return w.run(ctx, func() error { return f(w.cancel.pointer) })
}

// ending is what happens when a call in the background is over, and the library has let go of all
// that it was given for it.
type ending struct {
	over bool
	f    func()
}

//export goEnded
func goEnded(value C.go_value) { valueOf(value).value.(*ending).over = true }

// Path gives the path of the checkpoint that is being written.
func (p *Pending) Path() string {
	h := p.hold()
	defer p.drop(h)
	return text(C.ckpt_pending_path(h))
}

// Poll says how many bytes of how many are written, and whether the save is over, well or not. It
// never waits.
func (p *Pending) Poll() (done, total uint64, finished bool) {
	h := p.hold()
	defer p.drop(h)
	var d, t C.uint64_t
	over := C.ckpt_pending_poll(h, &d, &t)
	return uint64(d), uint64(t), bool(over)
}

// Done gives a channel that is closed when the save is over, well or not.
func (p *Pending) Done() <-chan struct{} {
	if p == nil || p.done == nil {
		return ended
	}
	return p.done
}

// ended is closed.
var ended = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// Wait waits until the save is over, and gives the path of the checkpoint, or what went wrong. When
// the context is done before that, it returns what the context says, and the save goes on. It may
// be called again, but not in a callback of this very save.
func (p *Pending) Wait(ctx context.Context) (string, error) {
	if p == nil || p.stopper == nil {
		return "", argument("there is no save to wait for")
	}
	if ctx == nil {
		ctx = context.Background()
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return "", contextError(ctx)
	}
	var saved *C.ckpt_string
	err := call(p, func(h *C.ckpt_pending, e **C.ckpt_error) C.ckpt_code { return C.ckpt_pending_wait(h, &saved, e) })
	return takeString(saved), p.stopper.because(err)
}

// Cancel ends the save soon, unless all is written by then; Wait says whether it came to that.
func (p *Pending) Cancel() {
	h := p.hold()
	defer p.drop(h)
	C.ckpt_pending_cancel(h)
}

// PhaseCost is what a phase of a save took.
type PhaseCost struct {
	Bytes uint64        // copied, written or synced; 0 for the other phases
	Time  time.Duration // of the calling thread, or of the one in the background
}

// Phase gives what a phase of the save has cost so far; all of it once the save is over.
func (p *Pending) Phase(phase Phase) (PhaseCost, error) {
	return costOf(func(bytes *C.uint64_t, seconds *C.double) error {
		return call(p, func(h *C.ckpt_pending, e **C.ckpt_error) C.ckpt_code {
			return C.ckpt_pending_phase(h, C.ckpt_phase(phase), bytes, seconds, e)
		})
	})
}

func costOf(ask func(*C.uint64_t, *C.double) error) (PhaseCost, error) {
	var bytes C.uint64_t
	var seconds C.double
	err := ask(&bytes, &seconds)
	return PhaseCost{uint64(bytes), time.Duration(float64(seconds) * float64(time.Second))}, err
}
