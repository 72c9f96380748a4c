//go:build cgo

package checkpoint

import (
	"path/filepath"
	"strconv"
	"testing"
)

// What is tracked later is restored into slices that were moved meanwhile: those of the object
// that is tracked, of what it leads to, and of their slots.
func TestLaterRestoresFollowMovedSlices(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		prefix := filepath.Join(t.TempDir(), "m")
		build := func(p *program, x float32) (tracks []func() error, values []*[]float32) {
			add := func(x float32) Node {
				value := []float32{x}
				values = append(values, &value)
				return must(AddVariable(p.Graph, &value, []int64{1}))(t)
			}
			layer, list, dict := must(p.AddObject())(t), must(p.AddList())(t), must(p.AddDict())(t)
			owner := must(p.AddSlotOwner(nil))(t)
			kernel := add(x)
			check0(t, p.Track(layer, "kernel", kernel))
			check0(t, p.SetSlot(owner, kernel, "m", add(x+1)))
			element, entry, late := add(x+2), add(x+3), add(x+4)
			return []func() error{
				func() error { return p.Track(p.root, "layer", layer) },
				func() error { return p.Track(p.root, "list", list) },
				func() error { return p.Track(p.root, "dict", dict) },
				func() error { return p.Track(p.root, "optimizer", owner) },
				func() error { return p.Append(list, element) },
				func() error { return p.Set(dict, "key", entry) },
				func() error { return p.SetSlot(owner, entry, "m", late) },
			}, values
		}
		one := newProgram(t)
		tracks, _ := build(one, 1)
		for _, track := range tracks {
			check0(t, track())
		}
		path := one.save(prefix)
		one.close()

		two := newProgram(t)
		tracks, values := build(two, 0)
		status := must(two.ckpt.Restore(ctx, path, nil))(t)
		for _, value := range values {
			*value = make([]float32, 1)
		}
		for _, track := range tracks {
			check0(t, track())
		}
		check0(t, status.AssertConsumed())
		status.Close()
		for i, value := range values {
			same(t, []float32{float32(i) + 1}, *value)
		}
		two.close()
	})
}

// Eight times as many layers have their slices looked at eight times as often, or 64 times if each
// call looks at all slices; so too when a restore waits for them.
func TestMakingAGraphLooksAtEachSliceAFewTimes(t *testing.T) {
	for _, restored := range []bool{false, true} {
		prefix := filepath.Join(t.TempDir(), "empty")
		p := newProgram(t)
		path := p.save(prefix)
		p.close()
		looksOf := func(count int) (looks int) {
			p := newProgram(t)
			defer p.close()
			if restored {
				must(p.ckpt.Restore(ctx, path, nil))(t).Close()
			}
			values := make([][]float32, count)
			for i := range values {
				values[i] = []float32{1}
				layer := must(p.AddObject())(t)
				check0(t, p.Track(p.root, strconv.Itoa(i), layer))
				look := func() []byte {
					looks++
					return bytesOf(values[i])
				}
				kernel := must(p.borrow(Float32, []int64{1}, look, nil))(t)
				check0(t, p.Track(layer, "kernel", kernel))
				must(Value[float32](p.Graph, kernel))(t)
			}
			return looks
		}
		few, many := looksOf(100), looksOf(800)
		if few < 200 || many != 8*few {
			t.Errorf("restored %v: the slices of 100 layers are looked at %d times, those of 800 %d times", restored, few, many)
		}
	}
}
