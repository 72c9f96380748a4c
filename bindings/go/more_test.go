//go:build cgo

package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// doubling saves variables with twice their value, by a registered saver.
type doubling struct {
	*program
	value *[]float32
	only  Node
	paths []string
}

func (d *doubling) Accepts(node Node) bool { return node == d.only }

func (d *doubling) Save(objects []Edge, sink *Sink) error {
	for _, object := range objects {
		d.paths = append(d.paths, object.Name)
		if err := Put(sink, object.Name+"/doubled", []int64{1}, []float32{2 * (*d.value)[0]}); err != nil {
			return err
		}
	}
	return nil
}

func (d *doubling) Wants(_ []Edge, key string) bool { return strings.HasSuffix(key, "/doubled") }

func (d *doubling) Restore(objects []Edge, source *Source) error {
	for _, object := range objects {
		doubled, err := SourceValue[float32](source.Find(object.Name + "/doubled"))
		if err != nil {
			return err
		}
		(*d.value)[0] = doubled[0] / 2
	}
	return nil
}

func TestRegisteredSaver(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		value, plain := []float32{3}, []float32{4}
		d := &doubling{program: p, value: &value}
		d.only = p.variable(p.root, "special", &value)
		p.variable(p.root, "plain", &plain)
		check0(t, p.RegisterSaver("Test", "Doubling", true, d))
		is(t, p.RegisterSaver("Test", "Doubling", true, d), AlreadyExists)
		path := p.save(filepath.Join(t.TempDir(), "s"))
		same(t, []string{"special"}, d.paths)
		r := must(Open(ctx, path, nil))(t)
		same(t, []float32{6}, must(Read[float32](ctx, must(r.Get("special/doubled"))(t)))(t))
		graph := must(r.ObjectGraph())(t)
		equal(t, "Test.Doubling", graph.Nodes[graph.Nodes[0].Children[0].Node].SaverName+graph.Nodes[graph.Nodes[0].Children[1].Node].SaverName)
		r.Close()
		value[0], plain[0] = 0, 0
		must(p.ckpt.Restore(ctx, path, nil))(t).Close()
		equal(t, 3, value[0])
		equal(t, 4, plain[0])
		p.close()
	})
}

func TestListsAndEdgesChange(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		a, b := must(p.AddObject(NodeOptions{DebugName: "a"}))(t), must(p.AddObject())(t)
		list := must(p.AddList())(t)
		check0(t, p.Append(list, a))
		check0(t, p.Repeat(list, 2))
		same(t, []Node{a, a}, must(p.Elements(list))(t))
		check0(t, p.SetElement(list, -1, b))
		check0(t, p.Insert(list, 0, b))
		same(t, []Node{b, a, b}, must(p.Elements(list))(t))
		check0(t, p.Splice(list, 0, 1, []Node{a, a}))
		check0(t, p.Reorder(list, []uint{3, 2, 1, 0}))
		same(t, []Node{b, a, a, a}, must(p.Elements(list))(t))
		is(t, p.SetElement(list, 9, a), OutOfRange)

		check0(t, p.Track(p.root, "x", a))
		is(t, p.Track(p.root, "x", b), AlreadyExists)
		check0(t, p.TrackOverwrite(p.root, "x", b))
		same(t, []Edge{{"x", b}}, must(p.Children(p.root))(t))
		same(t, []Node{p.root, b}, must(p.Descendants(p.root))(t))
		equal(t, b, must(p.Untrack(p.root, "x"))(t))
		dict := must(p.AddDict())(t)
		check0(t, p.Set(dict, "k", a))
		equal(t, a, must(p.Delete(dict, "k"))(t))
		check0(t, p.Remove(a))
		equal(t, false, must(p.Contains(a))(t))

		owned := must(AddOwned(p.Graph, []int64{2}, []int32{1, 2}))(t)
		check0(t, Assign(p.Graph, owned, []int64{2}, []int32{3, 4}))
		same(t, []int32{3, 4}, must(Value[int32](p.Graph, owned))(t))
		check0(t, p.Use(owned, func(value []byte) { value[0] = 9 }))
		same(t, []int32{9, 4}, must(Value[int32](p.Graph, owned))(t))
		words := must(p.AddStrings([]int64{2}, []string{"a", ""}))(t)
		check0(t, p.AssignStrings(words, []int64{2}, []string{"", "b"}))
		same(t, []string{"", "b"}, must(p.Strings(words))(t))
		step := int64(5)
		equal(t, 5, must(p.Integer(must(AddScalar(p.Graph, &step))(t)))(t))
		check0(t, p.SetDebugName(owned, "owned"))
		check0(t, p.SetName(owned, "owned"))
		p.close()
	})
}

func TestManagerSavesBySteps(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		directory := filepath.Join(t.TempDir(), "steps")
		p := newProgram(t)
		step := int64(0)
		counter := must(AddScalar(p.Graph, &step))(t)
		check0(t, p.Track(p.root, "step", counter))
		now := time.Unix(1_000_000, 0)
		m := must(NewManager(p.ckpt, directory, &ManagerOptions{
			MaxToKeep: 1, StepCounter: counter, Interval: 10, Name: "step",
			Clock: func() time.Time { return now }, Log: func(Severity, string) {},
		}))(t)
		for step = range int64(25) {
			path := must(m.Save(ctx, nil))(t)
			equal(t, step%10 == 0, path != "")
		}
		interval, bySteps := m.Interval()
		equal(t, 10, interval)
		equal(t, true, bySteps)
		equal(t, directory+"/step-3", m.Latest())
		equal(t, 1_000_000, must(ReadState(directory, "", nil))(t).Timestamps[0].Unix())
		number := int64(77)
		equal(t, directory+"/step-77", must(m.Save(ctx, &ManagerSaveOptions{IgnoreInterval: true, Number: &number}))(t))
		m.Close()
		failing := errors.New("no first values")
		m = must(NewManager(p.ckpt, filepath.Join(t.TempDir(), "x"), &ManagerOptions{Init: func() error { return failing }}))(t)
		_, _, err := m.RestoreOrInitialize(ctx, nil)
		is(t, err, Aborted)
		is(t, err, failing)
		m.Close()
		_, err = NewManager(p.ckpt, directory, &ManagerOptions{MaxToKeep: -1})
		is(t, err, InvalidArgument)
		p.close()
	})
}

// lending is state that is saved without a copy.
type lending struct{ values []float64 }

func (l *lending) Save(sink *Sink) error { return PutBorrowed(sink, "v", []int64{2}, l.values) }
func (l *lending) Restore(source *Source) (err error) {
	l.values, err = SourceValue[float64](source.Find("v"))
	return err
}

func TestBorrowedStateAndSlotsOnDevices(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		prefix := filepath.Join(t.TempDir(), "b")
		for restore := range 2 {
			p := newProgram(t)
			l := &lending{[]float64{1, 2}}
			check0(t, p.Track(p.root, "l", must(p.AddState(l))(t)))
			value, slot := []float32{1}, []float32{2}
			v := p.variable(p.root, "v", &value)
			d := &device{bytes: make([]byte, 4)}
			owner := must(p.AddSlotOwner(func(r *SlotRequest) error { return r.MakeDevice(d, true) }))(t)
			check0(t, p.Track(p.root, "o", owner))
			if restore == 0 {
				check0(t, p.SetSlot(owner, v, "m", must(AddVariable(p.Graph, &slot, []int64{1}))(t)))
				p.save(prefix)
			} else {
				l.values = nil
				status := must(p.ckpt.Restore(ctx, prefix+"-1", nil))(t)
				check0(t, status.AssertConsumed())
				status.Close()
				same(t, []float64{1, 2}, l.values)
				same(t, bytesOf(slot), d.bytes)
			}
			p.close()
		}
	})
}

func TestIteratorOfCheckpointsEnds(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		asked, millisecond := 0, time.Millisecond
		done := func() bool { asked++; return asked == 3 }
		for path, err := range Checkpoints(ctx, t.TempDir(), &WaitOptions{Timeout: &millisecond, PollInterval: millisecond}, done) {
			t.Error(path, err)
		}
		equal(t, 3, asked)
	})
}

func TestSmallFloatsAreFloatsAndBack(t *testing.T) {
	equal(t, float32(1.5), ToFloat32(BF16(0x3fc0)))
	equal(t, float32(-2), ToFloat32(F16(0xc000)))
	equal(t, float32(448), ToFloat32(F8E4M3FN(0x7e)))
	equal(t, float32(57344), ToFloat32(F8E5M2(0x7b)))
	equal(t, float32(240), ToFloat32(F8E4M3FNUZ(0x7f)))
	equal(t, float32(30), ToFloat32(F8E4M3B11FNUZ(0x7f)))
	equal(t, float32(57344), ToFloat32(F8E5M2FNUZ(0x7f)))
	equal(t, BF16(0x3fc0), FromFloat32[BF16](1.5))
	equal(t, F16(0x7c00), FromFloat32[F16](1e30))
	equal(t, F8E4M3FN(0xfe), FromFloat32[F8E4M3FN](-448))
	narrow := make([]int32, 2)
	if err := Convert([]int64{1, -2}, narrow, ConversionExact); err != nil {
		t.Fatal(err)
	}
	same(t, []int32{1, -2}, narrow)
	var e *Error
	for _, err := range []error{
		Convert([]int64{1, 1 << 40}, narrow, ConversionExact),
		Convert([]float32{1, 2}, narrow, ConversionLossy),
		Convert([]int64{1}, narrow, ConversionExact),
	} {
		if !errors.As(err, &e) || e.Code != InvalidArgument {
			t.Error(err)
		}
	}
	same(t, []int32{1, -2}, narrow)
}

func TestValuesAreReadAndRestoredAsAnotherType(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "small")
		w := must(NewWriter(path, nil))(t)
		check0(t, Add(w, "v", []int64{3}, []BF16{0x3f80, 0xc000, 0x3fc0}))
		check0(t, w.Finish(nil))
		w.Close()
		r := must(Open(ctx, path, nil))(t)
		defer r.Close()
		v := must(r.Get("v"))(t)
		exact := &ReadOptions{Conversion: ConversionExact}
		floats := []float32{1, -2, 1.5}
		same(t, floats, must(ReadAs[float32](ctx, v, exact))(t))
		same(t, []BF16{0x3f80, 0xc000, 0x3fc0}, must(ReadAs[BF16](ctx, v, exact))(t))
		same(t, []uint16{0x3f80, 0xc000, 0x3fc0}, must(ReadAs[uint16](ctx, v, exact))(t)) // the bits
		same(t, []float64{-2, 1.5}, must(ReadRegion[float64](ctx, v, Region{[]int64{1}, []int64{2}}, exact))(t))
		into := make([]float32, 3)
		check0(t, ReadInto(ctx, v, into, exact))
		same(t, floats, into)
		check0(t, r.ReadManyBytes(ctx, []Tensor{v}, [][]byte{bytesOf(into)}, &ReadOptions{DType: Float32, Conversion: ConversionExact}))
		same(t, floats, into)
		var e *Error
		if _, err := Read[float32](ctx, v); !errors.As(err, &e) || e.Reason != ReasonDType {
			t.Error(err)
		}
		if _, err := ReadAs[int32](ctx, v, exact); !errors.As(err, &e) || e.Reason != ReasonDType {
			t.Error(err)
		}
	})
}

func TestTensorsAreFoundByTheNamesThatPeopleUse(t *testing.T) {
	r := must(Open(ctx, data+"guide/ckpt-5", nil))(t)
	defer r.Close()
	key := "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"
	for _, name := range []string{key, "net/l1/kernel", "net/dense/kernel", "net/dense/kernel:0"} {
		equal(t, key, must(r.Get(name))(t).Key())
		equal(t, name == key, r.Has(name))
	}
	several := must(Open(ctx, data+"containers/c-1", nil))(t)
	defer several.Close()
	var e *Error
	if _, err := several.Get("Variable"); !errors.As(err, &e) || e.Reason != ReasonAmbiguous {
		t.Error(err)
	}
}

func TestCloseWhileOthersRead(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		r := must(Open(ctx, data+"guide/ckpt-5", nil))(t)
		kernel := must(r.Get("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"))(t)
		var wait sync.WaitGroup
		for range 8 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for range 1000 {
					if _, err := Read[float32](ctx, kernel); err != nil {
						if !errors.Is(err, InvalidArgument) {
							t.Error(err)
						}
						return
					}
				}
			}()
		}
		time.Sleep(time.Millisecond)
		r.Close()
		wait.Wait()
	})
}

func TestGoroutinesThatAddToOneWriterAreRefused(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		const goroutines, tensors = 4, 300
		prefix := filepath.Join(t.TempDir(), "m")
		w := must(NewWriter(prefix, nil))(t)
		var wait sync.WaitGroup
		var added [goroutines][tensors]bool
		key := func(g, i int) string { return fmt.Sprintf("t%d/%d", g, i) }
		value := func(g, i int) []float32 { return []float32{float32(g), float32(i)} }
		for g := range goroutines {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for i := range tensors {
					err := Add(w, key(g, i), []int64{2}, value(g, i))
					var e *Error
					if err != nil && (!errors.As(err, &e) || e.Code != FailedPrecondition || e.Reason != ReasonConcurrentUse) {
						t.Error(err)
					}
					added[g][i] = err == nil
				}
			}()
		}
		wait.Wait()
		check0(t, w.Finish(ctx))
		problems := must(Verify(ctx, prefix, nil))(t)
		if len(problems.Problems) != 0 || problems.Verdict != VerdictWhole {
			t.Error(problems.Problems)
		}
		r := must(Open(ctx, prefix, nil))(t)
		defer r.Close()
		for g := range goroutines {
			for i := range tensors {
				if r.Has(key(g, i)) != added[g][i] {
					t.Fatalf("%s: added is %v", key(g, i), added[g][i])
				}
				if added[g][i] {
					same(t, value(g, i), must(Read[float32](ctx, must(r.Get(key(g, i)))(t)))(t))
				}
			}
		}
	})
}

func TestSeveralGoroutinesSaveOneGraph(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		value := []float32{1, 2}
		p.variable(p.root, "v", &value)
		directory := t.TempDir()
		var wait sync.WaitGroup
		for i := range 4 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for range 5 {
					if _, err := p.ckpt.Write(ctx, filepath.Join(directory, string(rune('a'+i)), "m"), nil); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		wait.Wait()
		p.close()
	})
}

func TestErrnoIsKnown(t *testing.T) {
	err := &Error{Code: PermissionDenied, Errno: 13, Message: "m"}
	is(t, err, PermissionDenied)
	is(t, err, error(err.Errno))
	equal(t, "PERMISSION_DENIED", PermissionDenied.Error())
	equal(t, HeaderVersion, Version())
}

func TestCollectingTellsWhatItDid(t *testing.T) {
	directory := t.TempDir()
	left := filepath.Join(directory, ".ckpt-tmp-0123456789abcdef-0123456789abcdef-index")
	check0(t, os.WriteFile(left, nil, 0o600))
	for _, dry := range []bool{true, false} {
		collected := must(CollectWithDetails(ctx, directory, &CollectOptions{Keep: 1, DryRun: dry}))(t)
		if len(collected.Leftovers) != 1 || len(collected.Removed)+len(collected.Kept)+len(collected.Failed)+len(collected.Warnings) != 0 {
			t.Errorf("%+v", collected)
		}
	}
}

// Of two managers of one directory one is refused; a writer of another checkpoint waits for nobody.
func TestLocks(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		p.variable(p.root, "v", &[]float32{1})
		directory, atOnce := t.TempDir(), time.Duration(0)
		options := &ManagerOptions{Locking: LockingRequired, LockWait: &atOnce}
		owner, other := must(NewManager(p.ckpt, directory, options))(t), must(NewManager(p.ckpt, directory, options))(t)
		defer owner.Close()
		defer other.Close()
		must(owner.Save(ctx, nil))(t)
		_, err := other.Save(ctx, nil)
		because(t, err, Unavailable, ReasonLocked)
		write := &SaveOptions{Write: WriteOptions{Locking: LockingNone, LockWait: &atOnce}}
		must(p.ckpt.Write(ctx, filepath.Join(directory, "beside"), write))(t)
		negative := -time.Second
		_, err = p.ckpt.Write(ctx, filepath.Join(directory, "never"), &SaveOptions{Write: WriteOptions{LockWait: &negative}})
		because(t, err, InvalidArgument, ReasonArgument)
		_, err = Collect(ctx, directory, &CollectOptions{Keep: 1, LockWait: &atOnce, OlderThan: &atOnce})
		because(t, err, Unavailable, ReasonLocked)
	})
}

// TestShare uses a graph by a handle of its own, when the first one is closed.
func TestShare(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		g := NewGraph()
		value := []float32{1}
		variable := must(AddVariable(g, &value, []int64{1}))(t)
		other := g.Share()
		g.Close()
		value = []float32{2} // followed by any handle
		same(t, []float32{2}, must(Value[float32](other, variable))(t))
		_, err := g.AddObject()
		is(t, err, InvalidArgument)
		closed := g.Share()
		_, err = closed.AddObject()
		is(t, err, InvalidArgument)
		check0(t, closed.Close())
		check0(t, other.Close())
	})
}
