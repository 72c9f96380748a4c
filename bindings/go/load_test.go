//go:build cgo

package checkpoint

import (
	"context"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"
)

type everything struct {
	Heads    map[string]*layer              `ckpt:"heads"`
	Moments  map[string][]float32           `ckpt:"moments"`
	Rates    map[string]float64             `ckpt:"rates"`
	Pairs    map[string][2]float32          `ckpt:"pairs"`
	Arrays   map[string]*Array[int8]        `ckpt:"arrays"`
	Nested   map[string]map[string]int      `ckpt:"nested"`
	Numbers  map[string]*int64              `ckpt:"numbers"`
	Rate     *float32                       `ckpt:"rate"`
	Flag     *bool                          `ckpt:"flag"`
	Slice    *[]float32                     `ckpt:"slice"`
	Far      **caseLayer                    `ckpt:"far"`
	State    *caseState                     `ckpt:"state"`
	Layers   []*caseLayer                   `ckpt:"layers"`
	Two      [2]*caseLayer                  `ckpt:"two"`
	Dicts    []map[string]*caseLayer        `ckpt:"dicts"`
	Pointers []*float32                     `ckpt:"pointers"`
	States   []*caseState                   `ckpt:"states"`
	Lists    map[string]*[]*caseLayer       `ckpt:"lists"`
	Named    map[caseName]map[caseName]*F16 `ckpt:"named"`
	Absent   map[string]*caseLayer          `ckpt:"absent"`
}

type caseName string

func newEverything() *everything {
	rate, flag, number, half, far := float32(2), true, int64(3), F16(4), kernelOf(5)
	return &everything{
		Heads:   map[string]*layer{"b": {[]float32{1, 2}, [2]BF16{3, 4}}, "a/.b": {[]float32{5, 6}, [2]BF16{7, 8}}},
		Moments: map[string][]float32{"x": {1, 2}, "y": {}},
		Rates:   map[string]float64{"r": 1}, Pairs: map[string][2]float32{"p": {1, 2}},
		Arrays: map[string]*Array[int8]{"x": {[]int64{1, 2}, []int8{3, 4}}}, Nested: map[string]map[string]int{"a": {"b": 6}},
		Numbers: map[string]*int64{"n": &number}, Rate: &rate, Flag: &flag, Slice: &[]float32{1, 2, 3}, Far: &far,
		State: &caseState{7}, Layers: []*caseLayer{kernelOf(1), nil, nil, kernelOf(2)}, Two: [2]*caseLayer{nil, kernelOf(3)},
		Dicts: []map[string]*caseLayer{{"a": kernelOf(8)}, nil, {"b": kernelOf(9)}}, Pointers: []*float32{&rate, nil, new(float32)},
		States: []*caseState{nil, {11}}, Lists: map[string]*[]*caseLayer{"l": {nil, kernelOf(12)}},
		Named: map[caseName]map[caseName]*F16{"x": {"y": &half}},
	}
}

// What Write takes of a struct, Load gives to one that has nothing.
func TestLoadMakesWhatTheCheckpointHas(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		written := newEverything()
		path := must(Write(ctx, filepath.Join(t.TempDir(), "m"), written, nil))(t)
		var loaded everything
		report := must(Load(ctx, path, &loaded, nil))(t)
		equal(t, len(report.Rows), report.Count(RowRestored))
		written.Dicts[1] = loaded.Dicts[1] // nil or empty
		if !reflect.DeepEqual(written, &loaded) {
			t.Errorf("expected %+v, found %+v", written, &loaded)
		}
		if loaded.Pointers[0] != loaded.Rate {
			t.Error("one object has become two")
		}
		// What is there already is loaded into.
		kept := newEverything()
		before := kept.Heads["b"]
		delete(kept.Heads, "a/.b")
		before.Kernel = []float32{0, 0}
		must(Load(ctx, path, kept, nil))(t)
		if kept.Heads["b"] != before || !reflect.DeepEqual(written.Heads, kept.Heads) {
			t.Errorf("expected %+v, found %+v", written.Heads, kept.Heads)
		}
	})
}

// What was one object is one again, also when it leads to itself.
func TestLoadMakesOneObjectOfOne(t *testing.T) {
	type ring struct {
		Value int64            `ckpt:"value"`
		Next  *ring            `ckpt:"next"`
		Known map[string]*ring `ckpt:"known"`
	}
	withoutLeaks(t, func(t *testing.T) {
		a, b := &ring{Value: 1}, &ring{Value: 2, Known: map[string]*ring{}}
		a.Next, b.Next, b.Known["a"], b.Known["b"] = b, a, a, b
		path := must(Write(ctx, filepath.Join(t.TempDir(), "m"), a, nil))(t)
		var loaded ring
		must(Load(ctx, path, &loaded, nil))(t)
		next := loaded.Next
		if loaded.Value != 1 || next.Value != 2 || next.Next != &loaded || next.Known["a"] != &loaded || next.Known["b"] != next {
			t.Errorf("found %+v, %+v", loaded, next)
		}
	})
}

// A part of a checkpoint, and renamed parts, have other edges than those that were saved.
func TestLoadMakesWhatWasRenamed(t *testing.T) {
	type heads struct {
		Heads map[string]*caseLayer `ckpt:"heads"`
	}
	type models struct {
		Model heads `ckpt:"model"`
	}
	written := heads{map[string]*caseLayer{"a": kernelOf(1), "b": kernelOf(2)}}
	path := must(Write(ctx, filepath.Join(t.TempDir(), "m"), &models{written}, nil))(t)
	var loaded heads
	must(Load(ctx, path, &loaded, &RestoreOptions{Subtree: "model"}))(t)
	equal(t, true, reflect.DeepEqual(written, loaded))
	var renamed models
	must(Load(ctx, path, &renamed, &RestoreOptions{Renames: []Rename{{"model/heads/a", "model/heads/other"}}}))(t)
	equal(t, true, reflect.DeepEqual(map[string]*caseLayer{"other": kernelOf(1), "b": kernelOf(2)}, renamed.Model.Heads))
	var some models
	must(Load(ctx, path, &some, &RestoreOptions{Exclude: []string{"model/heads/a/**"}}))(t)
	equal(t, true, reflect.DeepEqual(kernelOf(2), some.Model.Heads["b"]))
}

// Values for which Load can make nothing are an error, and what LoadPartial leaves.
func TestLoadSaysWhatItCannotMake(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		path := must(Write(ctx, filepath.Join(t.TempDir(), "m"), newEverything(), nil))(t)
		for _, of := range []struct {
			model any
			says  string
		}{
			{&struct {
				State State `ckpt:"state"`
			}{}, "state: the checkpoint has values for this, and there is nothing in the checkpoint.State to take them: set it before"},
			{&struct {
				Heads any `ckpt:"heads"`
			}{}, "heads: the checkpoint has values for this"},
			{&struct {
				Heads map[string]any `ckpt:"heads"`
			}{}, "heads/a/.b: the checkpoint has values for this"},
			{&struct {
				States []State `ckpt:"states"`
			}{}, "states/1: the checkpoint has values for this"},
			{&struct {
				Two [1]*caseLayer `ckpt:"two"`
			}{}, "two: the checkpoint has values for this, and the array is too short: expected 2 elements, found 1"},
		} {
			_, err := Load(ctx, path, of.model, nil)
			because(t, err, FailedPrecondition, ReasonAssertion)
			if !strings.HasPrefix(err.(*Error).Message, of.says) {
				t.Errorf("expected %q, found %q", of.says, err)
			}
			must(LoadPartial(ctx, path, of.model, nil))(t)
		}
		_, err := Load(ctx, path, &struct {
			Heads map[string]layer `ckpt:"heads"`
		}{}, nil)
		is(t, err, InvalidArgument)
	})
}

// A checkpoint that says that a list has its millionth element gets no memory for a million.
func TestLoadMakesNoListOfAbsentElements(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		file := newProgram(t)
		defer file.close()
		list, layer := must(file.AddObject())(t), must(file.AddObject())(t)
		check0(t, file.Track(file.root, "layers", list))
		check0(t, file.Track(list, "1000000000", layer))
		check0(t, file.Track(layer, "kernel", must(AddOwned(file.Graph, []int64{1}, []float32{1}))(t)))
		var loaded ofPointers
		_, err := Load(ctx, file.save(filepath.Join(t.TempDir(), "m")), &loaded, nil)
		because(t, err, FailedPrecondition, ReasonAssertion)
		equal(t, 0, len(loaded.Layers))
	})
}

// doneAfter is a context that is done when it has been asked some times.
type doneAfter struct {
	context.Context
	asked, most int
}

func (d *doneAfter) Err() error {
	if d.asked++; d.asked > d.most {
		return context.Canceled
	}
	return nil
}

func (*doneAfter) Done() <-chan struct{}       { return nil }
func (*doneAfter) Deadline() (time.Time, bool) { return time.Time{}, false }

// A context ends a load also between the objects that it makes.
func TestLoadHeedsItsContext(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		written := &ofPointers{}
		for i := range 100 {
			written.Layers = append(written.Layers, kernelOf(float32(i)))
		}
		path := must(Write(ctx, filepath.Join(t.TempDir(), "m"), written, nil))(t)
		d := &doneAfter{Context: ctx, most: 50}
		var loaded ofPointers
		_, err := Load(d, path, &loaded, nil)
		is(t, err, context.Canceled)
		is(t, err, Cancelled)
		if d.asked > 60 || loaded.Layers == nil {
			t.Errorf("asked %d times, with %d layers", d.asked, len(loaded.Layers))
		}
	})
}

// A tensor without elements is read into a buffer without memory, also one within other memory.
func TestReadManyIntoNothing(t *testing.T) {
	withoutLeaks(t, func(t *testing.T) {
		path := must(Write(ctx, filepath.Join(t.TempDir(), "m"), &ofSlice{[]float32{}}, nil))(t)
		r := must(Open(ctx, path, nil))(t)
		defer r.Close()
		tensor := must(r.Get("value"))(t)
		memory := []*int64{new(int64)} // which has pointers, so that cgo would look into it
		within := unsafe.Slice((*byte)(unsafe.Pointer(&memory[0])), 8)
		for _, buffer := range [][]byte{nil, {}, within[:0]} {
			check0(t, r.ReadManyBytes(ctx, []Tensor{tensor}, [][]byte{buffer}, nil))
		}
	})
}
