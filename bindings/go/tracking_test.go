//go:build cgo

package checkpoint

import (
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

type layer struct {
	Kernel []float32 `ckpt:"kernel" shape:"1,2"`
	Bias   [2]BF16   `ckpt:"bias"`
}

type model struct {
	Step   int64             `ckpt:"step"`
	L1     layer             `ckpt:"l1"`
	Shared *layer            `ckpt:"shared"`
	Again  *layer            `ckpt:"again"`
	Layers []*layer          `ckpt:"layers"`
	Heads  map[string]*layer `ckpt:"heads"`
	Table  *table            `ckpt:"table"`
	Absent *layer            `ckpt:"absent"`
	Name   string
}

func newModel(of float32) *model {
	l := func(x float32) *layer { return &layer{Kernel: []float32{of * x, of}, Bias: [2]BF16{BF16(of), 2}} }
	shared := l(2)
	return &model{
		Step: int64(of), L1: *l(1), Shared: shared, Again: shared, Layers: []*layer{l(3), nil, l(4)},
		Heads: map[string]*layer{"b": l(5), "a": l(6)}, Table: &table{keys: []int64{int64(of)}},
	}
}

func TestTrackStruct(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		prefix := filepath.Join(t.TempDir(), "m")
		one := newModel(1)
		p := newProgram(t)
		found := must(TrackStruct(p.Graph, p.root, one))(t)
		equal(t, found["shared"], found["again"])
		if _, ok := found["absent"]; ok {
			t.Error("nil is tracked")
		}
		same(t, []int64{1, 2}, must(p.Describe(found["layers/2/kernel"]))(t).Shape)
		equal(t, Bfloat16, must(p.Describe(found["heads/a/bias"]))(t).DType)
		one.Shared.Kernel = append([]float32{}, 77, 78) // moved
		path := p.save(prefix)
		p.close()

		two := newModel(0)
		p = newProgram(t)
		must(TrackStruct(p.Graph, p.root, two))(t)
		status := must(p.ckpt.Restore(ctx, path, nil))(t)
		check0(t, status.AssertConsumed())
		status.Close()
		p.close()
		equal(t, 1, two.Step)
		same(t, one.L1.Kernel, two.L1.Kernel)
		equal(t, one.L1.Bias, two.L1.Bias)
		same(t, []float32{77, 78}, two.Again.Kernel)
		same(t, one.Layers[2].Kernel, two.Layers[2].Kernel)
		same(t, one.Heads["b"].Kernel, two.Heads["b"].Kernel)
		same(t, one.Table.keys, two.Table.keys)

		// After the restore, what is tracked is restored, too.
		three := newModel(0)
		p = newProgram(t)
		status = must(p.ckpt.Restore(ctx, path, nil))(t)
		must(TrackStruct(p.Graph, p.root, three))(t)
		check0(t, status.AssertConsumed())
		status.Close()
		same(t, one.Layers[0].Kernel, three.Layers[0].Kernel)
		p.close()
	})
}

// valueState saves what it leads to, by methods of the value.
type valueState struct{ count *int64 }

func (s valueState) Save(sink *Sink) error { return Put(sink, "count", nil, []int64{*s.count}) }

func (s valueState) Restore(source *Source) error {
	count, err := SourceValue[int64](source.Find("count"))
	if err == nil {
		*s.count = count[0]
	}
	return err
}

// Structs that have the methods of what they embed.
type (
	promoted struct {
		caseState
		X float32 `ckpt:"x"`
	}
	promotedArray struct {
		Array[float32]
		X float32 `ckpt:"x"`
	}
)

// What is refused, and what the message says to do about it.
func TestTrackStructRefuses(t *testing.T) {
	type tagless struct{ X float32 }
	for _, of := range []struct {
		model any
		says  string
	}{
		{nil, "a pointer to a struct: found <nil>"},
		{5, "a pointer to a struct: found int"},
		{layer{}, "a pointer to a struct: found checkpoint.layer"},
		{(*layer)(nil), "a pointer to a struct"},
		{&tagless{}, "no field of checkpoint.tagless has a tag"},
		{&struct {
			A string `ckpt:"a"`
		}{}, "a: a value of type string cannot be tracked: a string is no tensor: track it with Graph.AddText"},
		{&struct {
			a float32 `ckpt:"a"`
		}{}, "the field a of struct"},
		{&struct {
			A []float32 `ckpt:"a" shape:"x"`
		}{}, `has "x": expected a length, or -1 for any`},
		{&struct {
			A []float32 `ckpt:"a" shape:"-1,-1"`
		}{}, "has more than one -1"},
		{&struct {
			A [2]float32 `ckpt:"a" shape:"-1"`
		}{}, "only a slice has any length"},
		{&struct {
			A []float32 `ckpt:"a,omitempty"`
		}{A: []float32{1}}, `has the option "omitempty": expected a name alone, "a"`},
		{&struct {
			A []float32 `ckpt:""`
		}{}, "has no name"},
		{&struct {
			A map[int]*layer `ckpt:"a"`
		}{A: map[int]*layer{}}, "a dict has strings for keys"},
		{&struct {
			A map[string]layer `ckpt:"a"`
		}{A: map[string]layer{"x": {}}}, "a/x: a checkpoint.layer in a map has no address: keep a pointer to it there, *"},
		{&struct {
			A any `ckpt:"a"`
		}{A: []float32{1}}, "a: a []float32 in an interface has no address"},
		{&struct {
			A func() `ckpt:"a"`
		}{A: func() {}}, "it means nothing in another process"},
		{&struct {
			*layer
		}{}, "the embedded pointer *checkpoint.layer has fields to track"},
		{&struct {
			A []*tagless `ckpt:"a"`
		}{A: []*tagless{{}}}, "a/0: no field of checkpoint.tagless has a tag"},
		{&struct {
			A map[string]valueState `ckpt:"a"`
		}{A: map[string]valueState{"x": {}}}, "a/x: a checkpoint.valueState in a map has no address: keep a pointer to it there"},
		{&struct {
			A State `ckpt:"a"`
		}{A: valueState{}}, "a: a checkpoint.valueState in an interface has no address: keep a pointer to it there"},
		{&struct {
			A promoted `ckpt:"a"`
		}{}, `a: a checkpoint.promoted is a State, and its field X has a tag ckpt:"x"`},
		{&struct {
			A *promoted `ckpt:"a"`
		}{A: &promoted{}}, `a: a checkpoint.promoted is a State, and its field X has a tag ckpt:"x"`},
		{&struct {
			A promotedArray `ckpt:"a"`
		}{}, `a: a checkpoint.promotedArray is an Array, and its field X has a tag ckpt:"x"`},
		{&promoted{}, "the embedded checkpoint.caseState has a value of its own, and no name"},
		{&struct {
			A map[string][]float32 `ckpt:"a" shape:"2"`
		}{}, "means nothing for a map[string][]float32: only a number, an array, a slice of these or an Array has a shape"},
		{&struct {
			A []layer `ckpt:"a" shape:"2"`
		}{}, "means nothing for a []checkpoint.layer"},
		{&struct {
			A *layer `ckpt:"a" shape:"2"`
		}{}, "means nothing for a *checkpoint.layer"},
		{&struct {
			A *caseState `ckpt:"a" shape:"2"`
		}{}, "means nothing for a *checkpoint.caseState"},
		{&struct {
			A any `ckpt:"a" shape:"2"`
		}{A: &layer{}}, "a: the tag shape of the field A means nothing for a checkpoint.layer"},
	} {
		withoutLeaks(t, func(t *testing.T) {
			p := newProgram(t)
			defer p.close()
			_, err := TrackStruct(p.Graph, p.root, of.model)
			is(t, err, InvalidArgument)
			if !strings.Contains(err.Error(), of.says) {
				t.Errorf("%T: expected %q, found %q", of.model, of.says, err)
			}
		})
	}
	_, err := TrackStruct(new(Graph), 0, &layer{})
	is(t, err, InvalidArgument)
	_, err = TrackStruct(nil, 0, &layer{})
	is(t, err, InvalidArgument)
}

type embedded struct {
	Rate float64 `ckpt:"rate"`
}

type varied struct {
	embedded
	Int     int                       `ckpt:"int"`
	Uints   []uint                    `ckpt:"uints"`
	Flag    *bool                     `ckpt:"flag"`
	Grids   [][2][2]int16             `ckpt:"grids"`
	Rows    []float32                 `ckpt:"rows" shape:"-1,2"`
	Eights  []F8E4M3FN                `ckpt:"eights"`
	Nested  map[string]map[string]int `ckpt:"nested"`
	Vectors [][]float32               `ckpt:"vectors"`
	Tables  []table                   `ckpt:"tables"`
	Any     any                       `ckpt:"any"`
	Pairs   map[string][2]float32     `ckpt:"pairs"`
	Arrays  map[string]*Array[int8]   `ckpt:"arrays"`
}

func newVaried(of int) *varied {
	flag := of != 0
	return &varied{
		embedded: embedded{float64(of)}, Int: of, Uints: []uint{uint(of)}, Flag: &flag,
		Grids: [][2][2]int16{{{int16(of), 2}, {3, 4}}}, Rows: []float32{float32(of), 2, 3, 4},
		Eights: []F8E4M3FN{F8E4M3FN(of)}, Nested: map[string]map[string]int{"a": {"b": of}}, Vectors: [][]float32{{float32(of)}, {}},
		Tables: []table{{keys: []int64{int64(of)}}}, Any: &embedded{float64(of)}, Pairs: map[string][2]float32{"p": {float32(of), 1}},
		Arrays: map[string]*Array[int8]{"x": {[]int64{}, []int8{int8(of)}}},
	}
}

// All kinds of members, in places that move: what is saved is what stands there then, and what is
// restored stands there afterwards.
func TestMembersOfAllKindsAreFollowed(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		type models struct {
			All []varied `ckpt:"all"`
		}
		prefix := filepath.Join(t.TempDir(), "m")
		one := &models{[]varied{*newVaried(0)}}
		p := newProgram(t)
		found := must(TrackStruct(p.Graph, p.root, one))(t)
		equal(t, Int64, must(p.Describe(found["all/0/int"]))(t).DType)
		equal(t, Uint64, must(p.Describe(found["all/0/uints"]))(t).DType)
		same(t, []int64{1, 2, 2}, must(p.Describe(found["all/0/grids"]))(t).Shape)
		same(t, []int64{2, 2}, must(p.Describe(found["all/0/rows"]))(t).Shape)
		equal(t, Float8E4M3FN, must(p.Describe(found["all/0/eights"]))(t).DType)
		one.All = append(make([]varied, 0, 100), one.All...) // everything is elsewhere now
		runtime.GC()
		check0(t, Assign(p.Graph, found["all/0/int"], nil, []int64{9}))
		equal(t, 9, one.All[0].Int)
		check0(t, Assign(p.Graph, found["all/0/pairs/p"], []int64{2}, []float32{4, 5}))
		equal(t, [2]float32{4, 5}, one.All[0].Pairs["p"])
		*one.All[0].Flag = true
		one.All[0].Tables[0].keys = []int64{6}
		one.All = append(one.All, *newVaried(7))
		path := p.save(prefix)
		same(t, []int64{2}, shapeOfValue(t, p, p.root, "all", "1", "pairs", "p"))
		p.close()

		two := &models{[]varied{*newVaried(1), *newVaried(2)}}
		p = newProgram(t)
		must(TrackStruct(p.Graph, p.root, two))(t)
		two.All = append([]varied{}, two.All...)
		status := must(p.ckpt.Restore(ctx, path, nil))(t)
		check0(t, status.AssertConsumed())
		status.Close()
		p.close()
		for i := range one.All { // which the program of the test makes empty or nil
			one.All[i].Tables[0].values, two.All[i].Tables[0].values = nil, nil
		}
		if !reflect.DeepEqual(one, two) {
			t.Errorf("expected %+v, found %+v", one, two)
		}
	})
}

func shapeOfValue(t *testing.T, p *program, at Node, edges ...string) []int64 {
	for _, edge := range edges {
		at = must(p.Lookup(at, edge))(t)
	}
	return must(p.Describe(at))(t).Shape
}

// A model that changed in a way that no checkpoint can tell is not saved until it is mended.
func TestModelsThatLoseSomethingAreNotSaved(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		type models struct {
			Layers []*caseLayer          `ckpt:"layers"`
			Heads  map[string]*caseLayer `ckpt:"heads"`
			One    *caseLayer            `ckpt:"one"`
			Same   *caseLayer            `ckpt:"same"`
		}
		shared := kernelOf(5)
		m := &models{[]*caseLayer{kernelOf(1), nil}, map[string]*caseLayer{"a": kernelOf(2)}, shared, shared}
		p := newProgram(t)
		defer p.close()
		must(TrackStruct(p.Graph, p.root, m))(t)
		prefix := filepath.Join(t.TempDir(), "m")
		p.save(prefix)
		whole := *m
		for _, of := range []struct {
			change func()
			says   string
		}{
			{func() { m.Layers = m.Layers[:1] }, "layers: a list may only grow: expected 2 elements or more, found 1"},
			{func() { m.Layers = nil }, "layers: a list may only grow"},
			{func() { m.Layers = []*caseLayer{kernelOf(1), nil} }, "layers/0: another object has taken the place"},
			{func() { m.Heads = map[string]*caseLayer{} }, "heads: another object has taken the place"},
			{func() { m.Heads = nil }, "heads: there is nothing in place"},
			{func() { m.One = nil }, "one: there is nothing in place"},
			{func() { m.Same = kernelOf(5) }, "same: another object has taken the place"},
		} {
			of.change()
			_, err := p.ckpt.Write(ctx, prefix, nil)
			because(t, err, FailedPrecondition, ReasonUnsavable)
			if !strings.Contains(err.Error(), of.says) {
				t.Errorf("expected %q, found %q", of.says, err)
			}
			*m = whole
			p.save(prefix)
		}
		delete(m.Heads, "a")
		_, err := p.ckpt.Write(ctx, prefix, nil)
		because(t, err, FailedPrecondition, ReasonUnsavable)
		m.Heads["a"] = kernelOf(2)
		_, err = p.ckpt.Write(ctx, prefix, nil)
		because(t, err, FailedPrecondition, ReasonUnsavable) // another one
		m.Heads = nil
	})
	// What is set in a place that was kept free is saved, as is what is new and is there already.
	withoutLeaks(t, func(t *testing.T) {
		m := &ofPointers{[]*caseLayer{kernelOf(1), nil}}
		p := newProgram(t)
		defer p.close()
		must(TrackStruct(p.Graph, p.root, m))(t)
		m.Layers[1] = kernelOf(2)
		m.Layers = append(m.Layers, m.Layers[0])
		same(t, []string{"layers/0/kernel float32 [1] 1", "layers/1/kernel float32 [1] 2"},
			tensorsOf(t, p.save(filepath.Join(t.TempDir(), "m"))))
	})
}

// A callback of the graph that saves it gets an error, also while another goroutine looks at the
// model.
func TestCallbacksThatLookAtTheModelFail(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		state := &savesItself{}
		must(TrackStruct(p.Graph, p.root, &struct {
			State *savesItself `ckpt:"state"`
		}{state}))(t)
		state.save = func() error {
			_, err := p.ckpt.Write(ctx, "never", nil)
			return err
		}
		_, err := p.ckpt.Write(ctx, filepath.Join(t.TempDir(), "m"), nil)
		is(t, err, Aborted)
		is(t, err, FailedPrecondition)
		state.save = nil
	})
}

type savesItself struct{ save func() error }

func (s *savesItself) Save(*Sink) error      { return s.save() }
func (s *savesItself) Restore(*Source) error { return nil }

// Four times as many layers take four times as many calls of the library and allocations; a
// quadratic part would make it sixteen.
func TestTrackingTakesTimeInProportion(t *testing.T) {
	type one struct {
		Kernel []float32  `ckpt:"kernel"`
		Bias   [2]float32 `ckpt:"bias"`
	}
	type models struct {
		Layers []one `ckpt:"layers"`
	}
	type cost struct{ calls, allocations float64 }
	costOf := func(count int) cost {
		p := newProgram(t)
		defer p.close()
		m := &models{make([]one, count/2)}
		for i := range m.Layers {
			m.Layers[i].Kernel = []float32{1}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		calls := runtime.NumCgoCall()
		must(TrackStruct(p.Graph, p.root, m))(t)
		for len(m.Layers) < count { // half of it grows, and is found by a call that saves
			m.Layers = append(m.Layers, one{Kernel: []float32{2}})
		}
		must(p.ckpt.SaveCount())(t)
		calls = runtime.NumCgoCall() - calls
		runtime.ReadMemStats(&after)
		equal(t, count, len(must(p.Elements(must(p.Lookup(p.root, "layers"))(t)))(t)))
		return cost{float64(calls), float64(after.Mallocs - before.Mallocs)}
	}
	few, many := costOf(4000), costOf(16000)
	if many.calls > 4.2*few.calls || many.allocations > 4.5*few.allocations {
		t.Errorf("4000 layers: %+v, 16000: %+v", few, many)
	}
	t.Logf("4000 layers: %+v, 16000: %+v", few, many)
}

// Of an object that was removed, the graph's memory of slots keeps nothing, on either side.
func TestRemovedSlotsAreForgotten(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		add := func() Node { return must(AddVariable(p.Graph, &[]float32{0}, []int64{1}))(t) }
		owner, variable := must(p.AddSlotOwner(nil))(t), add()
		for range 10 {
			slot := add()
			check0(t, p.SetSlot(owner, variable, "m", slot))
			equal(t, 1, len(p.shared.slots[owner]))
			check0(t, p.Remove(slot))
		}
		equal(t, 0, len(p.shared.slots)+len(p.shared.slotOf))
		other := add()
		check0(t, p.SetSlot(owner, variable, "m", add()))
		check0(t, p.SetSlot(owner, other, "m", add()))
		check0(t, p.Remove(variable))
		equal(t, 2, len(p.shared.slots[owner])) // the slot of what was removed is still the owner's
		check0(t, p.Remove(owner))
		equal(t, 1, len(p.shared.slots))
		check0(t, p.Remove(other))
		equal(t, 0, len(p.shared.slots)+len(p.shared.slotOf))
	})
}
