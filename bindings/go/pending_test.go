//go:build cgo

package checkpoint

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// gate stops a save when some is written, until it is opened.
type gate struct{ reached, open chan struct{} }

func newGate() gate { return gate{make(chan struct{}, 1), make(chan struct{})} }

func (g gate) options() *SaveOptions {
	stopped := false
	return &SaveOptions{Write: WriteOptions{Threads: 1, Durability: DurabilityNone, Progress: func(done, total uint64) error {
		if !stopped {
			stopped = true
			g.reached <- struct{}{}
			<-g.open
		}
		return nil
	}}}
}

// large is more than is written at once.
func large(of float32) []float32 {
	values := make([]float32, 1<<20)
	for i := range values {
		values[i] = of
	}
	return values
}

func TestSaveAsyncSavesWhatWasThere(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		values, prefix := large(1), filepath.Join(t.TempDir(), "s")
		p.variable(p.root, "v", &values)
		g := newGate()
		pending := must(p.ckpt.SaveAsync(ctx, prefix, g.options()))(t)
		defer pending.Close()
		<-g.reached
		copy(values, large(2))
		done, total, finished := pending.Poll()
		if finished || done == 0 || done >= total {
			t.Errorf("%d of %d bytes, finished: %v", done, total, finished)
		}
		_, err := p.ckpt.Save(ctx, prefix, &SaveOptions{Busy: BusyFail})
		because(t, err, Unavailable, ReasonBusy)

		// Who waits no longer does not hear the error, and does not stop the save.
		_, err = pending.Wait(cancelled())
		is(t, err, context.Canceled)
		close(g.open)
		equal(t, prefix+"-1", must(pending.Wait(ctx))(t))
		equal(t, prefix+"-1", pending.Path())
		<-pending.Done()
		r := must(Open(ctx, prefix+"-1", nil))(t)
		defer r.Close()
		same(t, large(1), must(Read[float32](ctx, must(r.Get("v/.ATTRIBUTES/VARIABLE_VALUE"))(t)))(t))

		written := must(p.ckpt.WriteAsync(nil, prefix+"-written", nil))(t)
		defer written.Close()
		equal(t, prefix+"-written", must(written.Wait(nil))(t))
	})
}

func TestSaveAsyncIsCancelled(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		values, prefix := large(1), filepath.Join(t.TempDir(), "s")
		p.variable(p.root, "v", &values)
		why := errors.New("no more time")
		for _, byContext := range []bool{true, false} {
			stoppable, stop := context.WithCancelCause(ctx)
			g := newGate()
			pending := must(p.ckpt.SaveAsync(stoppable, prefix, g.options()))(t)
			<-g.reached
			if byContext {
				stop(why)
			} else {
				pending.Cancel()
			}
			if byContext { // it takes a goroutine to raise the flag
				for !pending.stopper.isStopped() {
					runtime.Gosched()
				}
			}
			close(g.open)
			_, err := pending.Wait(ctx)
			is(t, err, Cancelled)
			equal(t, byContext, errors.Is(err, why))
			pending.Close()
			stop(nil)
		}
		_, err := p.ckpt.SaveAsync(cancelled(), prefix, nil)
		is(t, err, Cancelled)
		is(t, err, context.Canceled)
		equal(t, int64(2), must(p.ckpt.SaveCount())(t))
	})
}

func cancelled() context.Context {
	done, stop := context.WithCancel(ctx)
	stop()
	return done
}

func TestErrorsOfSaveAsyncAreNotLost(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		prefix, why := filepath.Join(t.TempDir(), "s"), errors.New("refused")
		refusing := &SaveOptions{Written: []func(string) error{func(string) error { return why }}}
		pending := must(p.ckpt.SaveAsync(ctx, prefix, refusing))(t)
		_, err := pending.Wait(ctx)
		is(t, err, Aborted)
		is(t, err, why)
		pending.Close()
		check0(t, p.ckpt.Sync())

		pending = must(p.ckpt.SaveAsync(ctx, prefix, refusing))(t)
		<-pending.Done()
		pending.Close()
		must(p.ckpt.Save(ctx, prefix, nil))(t) // costs nothing
		manager := must(NewManager(p.ckpt, t.TempDir(), nil))(t)
		defer manager.Close()
		for _, next := range []func() error{p.ckpt.LastFailure, manager.LastFailure, p.ckpt.Sync} {
			err := next()
			is(t, err, Aborted)
			if !strings.Contains(err.Error(), "refused") {
				t.Error(err)
			}
		}
		check0(t, p.ckpt.Sync())
		panicking := &SaveOptions{Written: []func(string) error{func(string) error { panic("a test panics") }}}
		pending = must(p.ckpt.WriteAsync(ctx, prefix, panicking))(t)
		defer pending.Close()
		_, err = pending.Wait(ctx)
		is(t, err, Aborted)
	})
}

func TestManagerSavesInTheBackground(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		directory := t.TempDir()
		m := must(NewManager(p.ckpt, directory, &ManagerOptions{MaxToKeep: 2, Interval: 10, StepsInCalls: true}))(t)
		defer m.Close()
		var all []*Pending
		for step := int64(1); step <= 40; step++ {
			pending := must(m.SaveAsync(ctx, &ManagerSaveOptions{Step: &step}))(t)
			equal(t, step%10 == 1, pending != nil)
			if pending != nil {
				all = append(all, pending)
			}
		}
		check0(t, p.ckpt.Sync())
		for _, pending := range all {
			<-pending.Done()
			pending.Close()
		}
		same(t, []string{filepath.Join(directory, "ckpt-3"), filepath.Join(directory, "ckpt-4")}, m.Checkpoints())
	})
}
