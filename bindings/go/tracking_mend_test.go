//go:build cgo

package checkpoint

import (
	"path/filepath"
	"strings"
	"testing"
)

// What is new and is refused fails the calls until the program has mended it, and no longer.
func TestWhatIsRefusedCanBeMended(t *testing.T) {
	type models struct {
		List  []any          `ckpt:"list"`
		Heads map[string]any `ckpt:"heads"`
		Any   any            `ckpt:"any"`
		Inner struct {
			In any `ckpt:"in"`
		} `ckpt:"inner"`
	}
	for name, of := range map[string]struct {
		spoil, mend func(*models)
		saved       string
	}{
		"an element": {func(m *models) { m.List = append(m.List, "text", kernelOf(5)) },
			func(m *models) { m.List[1] = kernelOf(4) },
			"list/1/kernel float32 [1] 4, list/2/kernel float32 [1] 5"},
		"an element that becomes nil": {func(m *models) { m.List = append(m.List, "text", kernelOf(5)) },
			func(m *models) { m.List[1] = nil },
			"list/2/kernel float32 [1] 5"},
		"an element that goes": {func(m *models) { m.List = append(m.List, "text") },
			func(m *models) { m.List = m.List[:1] }, ""},
		"a key": {func(m *models) { m.Heads["b"] = "text" },
			func(m *models) { m.Heads["b"] = kernelOf(4) }, "heads/b/kernel float32 [1] 4"},
		"a key that goes": {func(m *models) { m.Heads["b"] = "text" },
			func(m *models) { delete(m.Heads, "b") }, ""},
		"a field": {func(m *models) { m.Any = "text" },
			func(m *models) { m.Any = kernelOf(4) }, "any/kernel float32 [1] 4"},
		"a pointer": {func(m *models) { s := "text"; m.Any = &s },
			func(m *models) { m.Any = kernelOf(4) }, "any/kernel float32 [1] 4"},
		"below": {func(m *models) { m.Inner.In = "text" },
			func(m *models) { m.Inner.In = kernelOf(4) }, "inner/in/kernel float32 [1] 4"},
	} {
		t.Run(name, func(t *testing.T) {
			withoutLeaks(t, func(t *testing.T) {
				m := &models{List: []any{kernelOf(1)}, Heads: map[string]any{"a": kernelOf(2)}}
				p := newProgram(t)
				defer p.close()
				must(TrackStruct(p.Graph, p.root, m))(t)
				prefix := filepath.Join(t.TempDir(), "m")
				of.spoil(m)
				for range 2 {
					_, err := p.ckpt.Write(ctx, prefix, nil)
					because(t, err, InvalidArgument, ReasonArgument)
				}
				of.mend(m)
				expected := []string{"list/0/kernel float32 [1] 1", "heads/a/kernel float32 [1] 2"}
				if of.saved != "" {
					expected = append(expected, strings.Split(of.saved, ", ")...)
				}
				found := tensorsOf(t, p.save(prefix))
				equal(t, len(expected), len(found))
				for _, tensor := range expected {
					if !strings.Contains(strings.Join(found, ", "), tensor) {
						t.Errorf("expected %s, found %q", tensor, found)
					}
				}
			})
		})
	}
}

// A value that waits and does not fit what is new is the error of one call. What is new is tracked
// then, as is what is below it.
func TestWhatCannotBeRestoredIsTracked(t *testing.T) {
	type inner struct {
		Kernel [2]float32 `ckpt:"kernel"`
		Bias   *caseLayer `ckpt:"bias"`
	}
	type models struct {
		Inner *inner `ckpt:"inner"`
	}
	withoutLeaks(t, func(t *testing.T) {
		directory := t.TempDir()
		file := newProgram(t)
		must(TrackStruct(file.Graph, file.root, &ofObject{*kernelOf(7)}))(t)
		path := file.save(filepath.Join(directory, "file"))
		file.close()
		m := &models{}
		p := newProgram(t)
		defer p.close()
		must(TrackStruct(p.Graph, p.root, m))(t)
		status := must(p.ckpt.Read(ctx, path, nil))(t)
		defer status.Close()
		status.ExpectPartial()
		m.Inner = &inner{[2]float32{1, 2}, kernelOf(3)}
		_, err := p.ckpt.Write(ctx, filepath.Join(directory, "m"), nil)
		because(t, err, InvalidArgument, ReasonShape)
		saved := tensorsOf(t, p.save(filepath.Join(directory, "m")))
		same(t, []string{"inner/bias/kernel float32 [1] 3", "inner/kernel float32 [2] 1 2"}, saved)
	})
}

// State is looked up at each call, also when its methods are those of the value.
func TestStateOfAValueIsFollowed(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		one, two := int64(1), int64(2)
		m := &struct {
			State valueState `ckpt:"state"`
		}{valueState{&one}}
		p := newProgram(t)
		defer p.close()
		must(TrackStruct(p.Graph, p.root, m))(t)
		m.State = valueState{&two}
		path := p.save(filepath.Join(t.TempDir(), "m"))
		same(t, []string{"state/.ATTRIBUTES/count int64 [] 2"}, tensorsOf(t, path))
		two = 0
		check0(t, must(p.ckpt.Read(ctx, path, nil))(t).Close())
		equal(t, 2, two)
	})
}

// A nil slice takes the shape of the checkpoint, and has it for as long as it has as many elements.
func TestAShapeThatWasTakenGoesWithTheElements(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		directory := t.TempDir()
		path := must(Write(ctx, filepath.Join(directory, "file"), &ofShape{[]float32{1, 2, 3, 4}}, nil))(t)
		m := &ofSlice{}
		p := newProgram(t)
		defer p.close()
		must(TrackStruct(p.Graph, p.root, m))(t)
		check0(t, must(p.ckpt.Read(ctx, path, nil))(t).Close())
		saved := func() []string { return tensorsOf(t, p.save(filepath.Join(directory, "m"))) }
		same(t, []string{"value float32 [2,2] 1 2 3 4"}, saved())
		m.Value = append(m.Value, 5)
		same(t, []string{"value float32 [5] 1 2 3 4 5"}, saved())
		m.Value = []float32{6}
		same(t, []string{"value float32 [1] 6"}, saved())
	})
}

// A value that panics when it is looked at has no value; nothing leaves the callback.
func TestResizableValuesThatPanic(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		p := newProgram(t)
		defer p.close()
		node := must(p.addResizable(Float32, nil, panics{}, nil))(t)
		check0(t, p.Track(p.root, "value", node))
		_, err := p.ckpt.Write(ctx, filepath.Join(t.TempDir(), "m"), nil)
		because(t, err, FailedPrecondition, ReasonNotShaped)
		because(t, Assign(p.Graph, node, []int64{1}, []float32{1}), Aborted, ReasonCallback)
	})
}

type panics struct{}

func (panics) locate() ([]byte, []int64, bool) { panic("locate") }
func (panics) resize([]int64) []byte           { panic("resize") }
func (panics) resized(bool)                    { panic("resized") }
