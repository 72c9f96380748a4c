//go:build cgo

package checkpoint

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// broken are ranks of which none can be reached.
type broken struct{ err error }

func (b broken) Rank() int                        { return 0 }
func (b broken) Count() int                       { return 2 }
func (b broken) Gather([]byte) ([][]byte, error)  { return nil, b.err }
func (b broken) Broadcast([]byte) ([]byte, error) { return nil, b.err }

// stateOf has its program's functions in the place of its own.
type stateOf struct{ save, restore func() error }

func (s *stateOf) Save(*Sink) error      { return s.save() }
func (s *stateOf) Restore(*Source) error { return s.restore() }

func TestCauseOfRanksIsTheCallbacks(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		prefix, why := filepath.Join(t.TempDir(), "s"), errors.New("the cable is cut")
		_, err := p.ckpt.SaveRanked(ctx, prefix, broken{why}, nil)
		because(t, err, Unavailable, ReasonRank)
		is(t, err, why)
		// A save that is cancelled later does not report it.
		_, err = p.ckpt.Save(cancelled(), prefix, nil)
		is(t, err, context.Canceled)
		if errors.Is(err, why) {
			t.Errorf("another save's cause: %v", err)
		}
	})
}

func TestCauseOfABackgroundSaveIsThereEachTime(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		prefix, why := filepath.Join(t.TempDir(), "s"), errors.New("refused")
		refusing := &SaveOptions{Written: []func(string) error{func(string) error { return why }}}
		pending := must(p.ckpt.SaveAsync(ctx, prefix, refusing))(t)
		defer pending.Close()
		for range 3 {
			_, err := pending.Wait(ctx)
			is(t, err, why)
			is(t, p.ckpt.LastFailure(), why)
		}
	})
}

func TestContextsAreTold(t *testing.T) {
	p := newProgram(t)
	defer p.close()
	prefix, why := filepath.Join(t.TempDir(), "s"), errors.New("why")
	late, stop := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer stop()
	lateSince, stop2 := context.WithDeadlineCause(ctx, time.Now().Add(-time.Second), why)
	defer stop2()
	stopped, stop3 := context.WithCancelCause(ctx)
	stop3(why)
	stopping := &SaveOptions{Write: WriteOptions{Progress: func(uint64, uint64) error { return why }}}
	for _, row := range []struct {
		name                   string
		ctx                    context.Context
		options                *SaveOptions
		canceled, deadline, is bool
	}{
		{"cancelled", cancelled(), nil, true, false, false},
		{"cancelled with a cause", stopped, nil, true, false, true},
		{"a deadline", late, nil, false, true, false},
		{"a deadline with a cause", lateSince, nil, false, true, true},
		{"stopped by its progress", ctx, stopping, false, false, true},
	} {
		check := func(how string, err error) {
			t.Helper()
			is(t, err, Cancelled)
			found := [3]bool{errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, why)}
			if found != [3]bool{row.canceled, row.deadline, row.is} {
				t.Errorf("%s, %s: %v", row.name, how, found)
			}
		}
		_, err := p.ckpt.Save(row.ctx, prefix, row.options)
		check("Save", err)
		pending, err := p.ckpt.SaveAsync(row.ctx, prefix, row.options)
		if err == nil {
			_, err = pending.Wait(ctx)
			pending.Close()
		}
		check("SaveAsync", err)
	}
}

func TestAPanicKeepsItsStack(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		prefix, why := filepath.Join(t.TempDir(), "s"), errors.New("broken")
		s := &stateOf{save: func() error { return panicsBelow(why) }}
		check0(t, p.Track(p.root, "s", must(p.AddState(s))(t)))
		_, err := p.ckpt.Save(ctx, prefix, nil)
		because(t, err, Aborted, ReasonCallback)
		is(t, err, why)
		var panicked *PanicError
		if !errors.As(err, &panicked) || !strings.Contains(string(panicked.Stack), "panicsBelow") {
			t.Errorf("no stack that leads to the panic: %#v", err)
		}
	})
}

// nothing is an error that cannot say anything.
type nothing struct{ text string }

func (n *nothing) Error() string { return n.text }

// The error's own methods are the program's code as well, and may panic.
func TestAnErrorThatPanicsStaysInGo(t *testing.T) {
	p := newProgram(t)
	defer p.close()
	var none *nothing
	s := &stateOf{save: func() error { return none }}
	check0(t, p.Track(p.root, "s", must(p.AddState(s))(t)))
	_, err := p.ckpt.Save(ctx, filepath.Join(t.TempDir(), "s"), nil)
	because(t, err, Aborted, ReasonCallback)
	var panicked *PanicError
	if !errors.As(err, &panicked) {
		t.Errorf("no panic: %#v", err)
	}
	is(t, p.Track(p.root, "t", must(p.AddObject())(t)), nil) // the graph is not in a callback any more
}

//go:noinline
func panicsBelow(why error) error { panic(why) }

// A callback that ends its goroutine, as t.FailNow does, fails; the goroutine that called the
// library goes on, and so does the graph.
func TestGoexitInACallbackIsAnError(t *testing.T) {
	p := newProgram(t)
	defer p.close()
	value, prefix := []float32{1}, filepath.Join(t.TempDir(), "s")
	p.variable(p.root, "v", &value)
	exit := func() error { runtime.Goexit(); return nil }
	s := &stateOf{save: exit, restore: exit}
	check0(t, p.Track(p.root, "s", must(p.AddState(s))(t)))
	for range 2 {
		_, err := p.ckpt.Save(ctx, prefix, nil)
		because(t, err, Aborted, ReasonCallback)
		is(t, err, errGoexit)
	}
	s.save = func() error { return nil }
	path := must(p.ckpt.Save(ctx, prefix, nil))(t)
	exiting := &SaveOptions{Write: WriteOptions{Progress: func(uint64, uint64) error { return exit() }}}
	_, err := p.ckpt.Save(ctx, prefix, exiting)
	is(t, err, errGoexit)
	same(t, []float32{1}, must(Value[float32](p.Graph, must(p.Lookup(p.root, "v"))(t)))(t))
	must(p.ckpt.Restore(ctx, path, nil))(t).Close()
}

// A callback may not call the graph that called it, on whatever goroutine it runs.
func TestCallbacksStayOnTheirThread(t *testing.T) {
	p := newProgram(t)
	defer p.close()
	s := &stateOf{save: func() error {
		_, err := p.AddObject()
		return err
	}}
	check0(t, p.Track(p.root, "s", must(p.AddState(s))(t)))
	_, err := p.ckpt.Save(ctx, filepath.Join(t.TempDir(), "s"), nil)
	because(t, err, Aborted, ReasonCallback)
	var inner *Error
	if !errors.As(errors.Unwrap(err), &inner) || inner.Reason != ReasonReentrant {
		t.Errorf("not refused for the call: %v", err)
	}
}
