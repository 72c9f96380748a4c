//go:build cgo

package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Values of a type are read as another, many at once, or refused as one would be.
func TestManyTensorsAreReadAsOneType(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		prefix := filepath.Join(t.TempDir(), "m")
		w := must(NewWriter(prefix, nil))(t)
		check0(t, Add(w, "half", []int64{2}, []F16{FromFloat32[F16](1.5), FromFloat32[F16](-2)}))
		check0(t, Add(w, "brain", []int64{1}, []BF16{FromFloat32[BF16](3)}))
		check0(t, Add(w, "single", []int64{}, []float32{0.1}))
		check0(t, w.Finish(ctx))
		r := must(Open(ctx, prefix, nil))(t)
		defer r.Close()
		half, brain, single := must(r.Get("half"))(t), must(r.Get("brain"))(t), must(r.Get("single"))(t)

		for _, c := range []context.Context{ctx, must1(context.WithCancel(ctx))(t)} {
			exact := must(ReadMany[float32](c, []Tensor{half, brain, single}, &ReadOptions{Conversion: ConversionExact}))(t)
			same(t, [][]float32{{1.5, -2}, {3}, {0.1}}, exact)
		}
		lossy := must(ReadMany[BF16](ctx, []Tensor{single}, &ReadOptions{Conversion: ConversionLossy}))(t)
		equal(t, FromFloat32[BF16](0.1), lossy[0][0])
		_, err := ReadMany[BF16](ctx, []Tensor{single}, &ReadOptions{Conversion: ConversionExact})
		because(t, err, InvalidArgument, ReasonDType)
		_, err = ReadMany[float32](ctx, []Tensor{half}, nil)
		because(t, err, InvalidArgument, ReasonDType)
		equal(t, 0, len(must(ReadMany[float32](ctx, nil, nil))(t)))
		_, err = ReadMany[float32](ctx, make([]Tensor, 1), nil)
		is(t, err, InvalidArgument)
		other := must(Open(ctx, prefix, nil))(t)
		defer other.Close()
		_, err = ReadMany[float32](ctx, []Tensor{single, must(other.Get("single"))(t)}, nil)
		is(t, err, InvalidArgument)
		done, cancel := context.WithCancel(ctx)
		cancel()
		_, err = ReadMany[float32](done, []Tensor{single}, nil)
		is(t, err, context.Canceled)
		_, err = ReadMany[float32](done, nil, nil)
		is(t, err, context.Canceled)
	})
}

func must1[A any](a A, _ context.CancelFunc) func(testing.TB) A {
	return func(testing.TB) A { return a }
}

// Views and values in place are of the tensor's own type, and views where they lie as in memory.
func TestElementsInPlace(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		prefix := filepath.Join(t.TempDir(), "m")
		w := must(NewWriter(prefix, nil))(t)
		check0(t, Add(w, "a", []int64{1}, []uint8{1})) // so that the other begins at an odd byte
		check0(t, Add(w, "b", []int64{2}, []float64{1, 2}))
		check0(t, w.Finish(ctx))
		r := must(Open(ctx, prefix, nil))(t)
		defer r.Close()
		view := must(must(r.Get("b"))(t).View(nil))(t)
		defer view.Close()
		never := func([]float64) { t.Error("a view that is not aligned is given") }
		is(t, UseView(view, never), FailedPrecondition)
		because(t, UseView(view, func([]int64) {}), InvalidArgument, ReasonDType)
		is(t, UseView[float64](nil, never), InvalidArgument)
		is(t, UseView[float64](new(View), never), InvalidArgument)

		p := newProgram(t)
		defer p.close()
		v := must(AddOwned(p.Graph, []int64{2}, []int32{1, 2}))(t)
		check0(t, UseValues(p.Graph, v, func(values []int32) { values[1] = 5 }))
		same(t, []int32{1, 5}, must(Value[int32](p.Graph, v))(t))
		is(t, UseValues(p.Graph, v, func([]float64) {}), InvalidArgument)
		is(t, UseValues(p.Graph, 0, func([]float64) {}), InvalidArgument)
	})
}

// Times go to the state file and back; the zero time is none.
func TestTimes(t *testing.T) {
	now := time.Unix(1_700_000_000, 123_456_000)
	if found := timeOf(secondsOf(now)); !found.Equal(now) {
		t.Errorf("expected %v, found %v", now, found)
	}
	if !timeOf(math.NaN()).IsZero() || !math.IsNaN(secondsOf(time.Time{})) {
		t.Error("the zero time is not none")
	}
	directory := t.TempDir()
	prefix := must(Write(ctx, filepath.Join(directory, "m"), &ofScalar{1}, nil))(t)
	check0(t, UpdateState(directory, "", CheckpointState{
		Latest: prefix, Paths: []string{prefix}, Timestamps: []time.Time{now}, LastPreserved: now.Add(-time.Hour),
	}, nil))
	state := must(ReadState(directory, "", nil))(t)
	if len(state.Timestamps) != 1 || !state.Timestamps[0].Equal(now) || !state.LastPreserved.Equal(now.Add(-time.Hour)) {
		t.Errorf("expected %v, found %+v", now, state)
	}
	written := must(Mtimes([]string{prefix}))(t)[0]
	if age := time.Since(written); age < -time.Minute || age > time.Minute {
		t.Errorf("written %v ago", age)
	}
}

// Collecting begins nothing when its context is done, and waits for no lock beyond its deadline.
func TestCollectHeedsItsContext(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		directory := t.TempDir()
		p := newProgram(t)
		defer p.close()
		m := must(NewManager(p.ckpt, directory, nil))(t)
		defer m.Close()
		must(m.Save(ctx, nil))(t)
		must(m.Save(ctx, nil))(t)
		done, cancel := context.WithCancel(ctx)
		cancel()
		_, err := Collect(done, directory, &CollectOptions{Keep: 1})
		is(t, err, context.Canceled)
		equal(t, 2, len(m.Checkpoints()))
		equal(t, time.Second, *(&CollectOptions{LockWait: ptr(time.Second)}).until(ctx).LockWait)
		soon, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		equal(t, time.Second, *(&CollectOptions{LockWait: ptr(time.Second)}).until(soon).LockWait)
		equal(t, time.Minute, *(*CollectOptions)(nil).until(soon).LockWait)
		past, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
		defer cancel()
		equal(t, 0, *(&CollectOptions{Keep: 1}).until(past).LockWait)
		check0(t, m.Close())
		equal(t, 1, len(must(Collect(soon, directory, &CollectOptions{Keep: 1}))(t)))
	})
}

func ptr[T any](value T) *T { return &value }

// What a program gives a logger is a group of what it is made of.
func TestValuesForLoggers(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	said := func(parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(out.String(), part) {
				t.Errorf("expected %q, found %s", part, &out)
			}
		}
		out.Reset()
	}
	_, err := Open(ctx, data+"none", nil)
	logger.Info("", "e", err)
	said("e.code=NOT_FOUND", "e.reason=NO_CHECKPOINT", "e.file=")
	r := must(Open(ctx, data+"guide/ckpt-5", nil))(t)
	tensor := must(r.Get("net/l1/kernel"))(t)
	logger.Info("", "r", r, "t", tensor, "x", r.String(), "nil", (*Reader)(nil), "report", (*Report)(nil))
	said("r.tensors=12", "t.dtype=float32", "t.shape=", "(12 tensors)")
	r.Close()
	LogTo(logger)(SeverityWarning, "careful")
	said("level=WARN", "msg=careful", "library=checkpoint")
	if LogTo(nil) != nil {
		t.Error("no logger is not no log")
	}
	var missing struct {
		Net struct {
			Other []float32 `ckpt:"other"`
		} `ckpt:"net"`
	}
	report, err := Load(ctx, data+"guide/ckpt-5", &missing, nil)
	because(t, err, FailedPrecondition, ReasonAssertion)
	logger.Info("", "report", report)
	said("report.missing_in_the_checkpoint=1")
	var rows int
	for row := range report.Of(RowMissing) {
		logger.Info("", "row", row)
		said("row.key=net/other", `row.state="missing in the checkpoint"`)
		rows++
	}
	equal(t, 1, rows)
	report = must(LoadPartial(ctx, data+"guide/ckpt-5", &missing, nil))(t)
	equal(t, 1, report.Count(RowMissing))
}

// Load makes what the checkpoint has: elements of lists, what pointers lead to.
func TestLoadTakesNumbersOfTheCheckpoint(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		type layers struct {
			Kernel []float32 `ckpt:"kernel"`
		}
		type block struct {
			Layers []layers   `ckpt:"layers"`
			Extra  *caseLayer `ckpt:"extra"`
		}
		type blocks struct {
			Blocks []*block `ckpt:"blocks"`
		}
		written := &blocks{[]*block{
			{Layers: []layers{{[]float32{1}}, {[]float32{2, 3}}}}, {Layers: []layers{{[]float32{4}}}, Extra: kernelOf(5)},
		}}
		path := must(Write(ctx, filepath.Join(t.TempDir(), "m"), written, nil))(t)
		var loaded blocks
		must(Load(ctx, path, &loaded, nil))(t)
		equal(t, 2, len(loaded.Blocks))
		same(t, []layers{{[]float32{1}}, {[]float32{2, 3}}}, loaded.Blocks[0].Layers)
		same(t, []layers{{[]float32{4}}}, loaded.Blocks[1].Layers)
		if loaded.Blocks[0].Extra != nil || loaded.Blocks[1].Extra == nil || loaded.Blocks[1].Extra.Kernel != [1]float32{5} {
			t.Errorf("expected an extra object in the second block, found %+v, %+v", loaded.Blocks[0].Extra, loaded.Blocks[1].Extra)
		}
		_, err := Load(ctx, path+"-none", &loaded, nil)
		is(t, err, fs.ErrNotExist)
		_, err = Load(ctx, path, loaded, nil)
		is(t, err, InvalidArgument)
		done, cancel := context.WithCancel(ctx)
		cancel()
		_, err = Load(done, path, &blocks{}, nil)
		if is(t, err, context.Canceled); !errors.Is(err, Cancelled) {
			t.Errorf("expected a code, found %v", err)
		}
	})
}

// A save in the background has copied the slices of a model when it begins: the program may replace
// and change them.
func TestModelsAreSavedInTheBackground(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		m := &ofSlice{make([]float32, 100_000)}
		p := newProgram(t)
		defer p.close()
		must(TrackStruct(p.Graph, p.root, m))(t)
		prefix := filepath.Join(t.TempDir(), "m")
		for step := range 5 {
			for i := range m.Value {
				m.Value[i] = float32(step)
			}
			pending := must(p.ckpt.WriteAsync(ctx, prefix, nil))(t)
			m.Value = append(m.Value[:0:0], make([]float32, 100_000+step)...)
			path := must(pending.Wait(ctx))(t)
			pending.Close()
			r := must(Open(ctx, path, nil))(t)
			values := must(Read[float32](ctx, must(r.Get("value"))(t)))(t)
			r.Close()
			equal(t, 100_000+max(0, step-1), len(values))
			equal(t, float32(step), values[0])
			equal(t, float32(step), values[len(values)-1])
		}
	})
}
