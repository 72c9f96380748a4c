package checkpoint

import (
	"path/filepath"
	"testing"
)

type layer struct {
	Kernel []float32 `ckpt:"kernel" shape:"1,2"`
	Bias   [2]BF16   `ckpt:"bias"`
	note   string
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

func TestTrackStructRefuses(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		for _, wrong := range []any{
			nil, 5, layer{}, (*layer)(nil),
			&struct {
				A string `ckpt:"a"`
			}{},
			&struct {
				a float32 `ckpt:"a"`
			}{},
			&struct {
				A []float32 `ckpt:"a" shape:"x"`
			}{},
			&struct {
				A []float32 `ckpt:"a,omitempty"` // an option, not a part of the name
			}{A: []float32{1}},
			&struct {
				A map[int]*layer `ckpt:"a"`
			}{A: map[int]*layer{}},
			&struct {
				A map[string]float32 `ckpt:"a"`
			}{A: map[string]float32{"x": 1}},
		} {
			_, err := TrackStruct(p.Graph, p.root, wrong)
			is(t, err, InvalidArgument)
		}
		p.close()
	})
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
