package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"context"
	"math"
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
	if ctx.Err() != nil {
		w.close()
		return nil, &Error{Code: Cancelled, Reason: ReasonCallback, Message: "the context is done", cause: contextError(ctx)}
	}
	var pending *C.ckpt_pending
	if err := f(&pending); err != nil || pending == nil {
		w.close()
		return nil, err
	}
	p := &Pending{own(pending, func(p *C.ckpt_pending) { C.ckpt_pending_free(p) }), w.stopper, make(chan struct{})}
	release := context.AfterFunc(ctx, func() { w.raise(ctx) })
	held := p.hold()
	go func() {
		C.ckpt_pending_wait_for(held, C.double(math.Inf(1)))
		release()
		w.close()
		p.drop(held)
		close(p.done)
	}()
	return p, nil
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
