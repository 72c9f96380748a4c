//go:build cgo

package checkpoint

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// tensors writes a checkpoint of one tensor "v" of megabytes.
func tensors(t *testing.T) (prefix string, values []float32) {
	prefix, values = filepath.Join(t.TempDir(), "m"), large(3)
	w := must(NewWriter(prefix, &WriteOptions{Durability: DurabilityNone}))(t)
	defer w.Close()
	check0(t, Add(w, "v", []int64{int64(len(values))}, values))
	check0(t, w.Finish(ctx))
	return prefix, values
}

func TestContextsThatMayBeDoneChangeNothingElse(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		prefix, values := tensors(t)
		// One that can be done, but is not: calls run in the background.
		able, stop := context.WithCancel(ctx)
		defer stop()
		for _, c := range []context.Context{nil, ctx, able} {
			r := must(Open(c, prefix, nil))(t)
			v := must(r.Get("v"))(t)
			same(t, values, must(Read[float32](c, v))(t))
			same(t, values[5:7], must(ReadRegion[float32](c, v, Region{[]int64{5}, []int64{2}}, nil))(t))
			into := make([]float32, len(values))
			check0(t, r.ReadManyBytes(c, []Tensor{v}, [][]byte{bytesOf(into)}, nil))
			same(t, values, into)
			_, err := Open(c, prefix+"-none", nil)
			is(t, err, fs.ErrNotExist)
			because(t, r.ReadManyBytes(c, []Tensor{v}, [][]byte{make([]byte, 1)}, nil), InvalidArgument, ReasonShape)
			r.Close()
			because(t, r.ReadManyBytes(c, []Tensor{v}, [][]byte{bytesOf(into)}, nil), InvalidArgument, ReasonArgument)
			equal(t, VerdictWhole, must(Verify(c, prefix, nil))(t).Verdict)
			latest, _, err := LatestValid(c, filepath.Dir(prefix), nil)
			check0(t, err)
			equal(t, prefix, latest)
			check0(t, Merge(c, prefix+"-merged", []string{prefix}, &MergeOptions{KeepInputs: true, Durability: DurabilityNone}))
			check0(t, Remove(prefix+"-merged", nil))
		}
	})
}

func TestADoneContextStopsWhatTakesLong(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		prefix, values := tensors(t)
		p := newProgram(t)
		defer p.close()
		value := []float32{1}
		p.variable(p.root, "v", &value)
		saved := must(p.ckpt.Save(ctx, filepath.Join(t.TempDir(), "s"), nil))(t)
		value[0] = 2
		r := must(Open(ctx, prefix, nil))(t)
		defer r.Close()
		v := must(r.Get("v"))(t)
		m := must(NewManager(p.ckpt, filepath.Dir(saved), nil))(t)
		defer m.Close()
		why, reached := errors.New("no more time"), make(chan context.CancelCauseFunc, 1)
		done, stop := context.WithCancelCause(ctx)
		stop(why)
		for name, call := range map[string]func(context.Context) error{
			"open":      func(c context.Context) error { _, err := Open(c, prefix, nil); return err },
			"read":      func(c context.Context) error { _, err := Read[float32](c, v); return err },
			"read many": func(c context.Context) error { return r.ReadManyBytes(c, []Tensor{v}, [][]byte{bytesOf(values)}, nil) },
			"restore":   func(c context.Context) error { _, err := p.ckpt.Restore(c, saved, nil); return err },
			"resume":    func(c context.Context) error { _, _, err := m.RestoreOrInitialize(c, nil); return err },
			"verify":    func(c context.Context) error { _, err := Verify(c, prefix, nil); return err },
			"valid":     func(c context.Context) error { _, _, err := m.LatestValid(c); return err },
			"in the middle": func(context.Context) error {
				c, stop := context.WithCancelCause(ctx)
				reached <- stop
				_, err := Verify(c, prefix, &VerifyOptions{Progress: func(done, total uint64) error {
					select {
					case stop := <-reached:
						stop(why)
						for c.Err() == nil {
							runtime.Gosched()
						}
						time.Sleep(10 * time.Millisecond) // until the goroutine that waits has seen it
					default:
					}
					return nil
				}})
				return err
			},
		} {
			err := call(done)
			if !errors.Is(err, Cancelled) || !errors.Is(err, why) {
				t.Errorf("%s: %v", name, err)
			}
		}
		equal(t, float32(2), value[0])
	})
}

func TestNoGoroutineIsParkedForASave(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		values := large(1)
		p.variable(p.root, "v", &values)
		g := newGate()
		before := runtime.NumGoroutine()
		pending := must(p.ckpt.SaveAsync(ctx, filepath.Join(t.TempDir(), "s"), g.options()))(t)
		<-g.reached
		if now := runtime.NumGoroutine(); now > before+2 { // those of the progress function: the library's thread, and a coroutine of it
			t.Errorf("%d goroutines, %d before", now, before)
		}
		close(g.open)
		<-pending.Done()
		must(pending.Wait(ctx))(t)
		copied := must(pending.Phase(PhaseCopy))(t)
		equal(t, uint64(len(values)*4+8), copied.Bytes) // and the counter
		if written := must(pending.Phase(PhaseWrite))(t); written.Bytes <= copied.Bytes || written.Time <= 0 {
			t.Error(written)
		}
		pending.Close()
		_, err := p.ckpt.SaveAsync(ctx, filepath.Join(t.TempDir(), "s"), &SaveOptions{SnapshotLimit: 100})
		because(t, err, ResourceExhausted, ReasonLimit)

		m := must(NewManager(p.ckpt, t.TempDir(), nil))(t)
		defer m.Close()
		equal(t, PhaseCost{}, must(m.Phase(PhaseWrite))(t))
		must(m.Save(ctx, nil))(t)
		if cost := must(m.Phase(PhaseSync))(t); cost.Bytes == 0 || cost.Time <= 0 {
			t.Error(cost)
		}
	})
}
