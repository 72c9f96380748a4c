//go:build cgo

package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestTrackingCases runs tests/tracking/cases.txt, which C++ and Go share.

type caseLayer struct {
	Kernel [1]float32 `ckpt:"kernel"`
}

func kernelOf(x float32) *caseLayer { return &caseLayer{[1]float32{x}} }

type caseState struct{ count int64 }

func (s *caseState) Save(sink *Sink) error { return Put(sink, "count", nil, []int64{s.count}) }

func (s *caseState) Restore(source *Source) error {
	count, err := SourceValue[int64](source.Find("count"))
	if err == nil {
		s.count = count[0]
	}
	return err
}

// trackingCase is the model of a case, and what change does.
type trackingCase struct {
	model  any
	change func()
}

type (
	ofScalar struct {
		Value int64 `ckpt:"value"`
	}
	ofArray struct {
		Value [2]float32 `ckpt:"value"`
	}
	ofMatrix struct {
		Value [2][3]float32 `ckpt:"value"`
	}
	ofSlice struct {
		Value []float32 `ckpt:"value"`
	}
	ofPairs struct {
		Value [][2]int32 `ckpt:"value"`
	}
	ofShape struct {
		Value []float32 `ckpt:"value" shape:"2,2"`
	}
	ofAnyShape struct {
		Value Array[float32] `ckpt:"value"`
	}
	ofObject struct {
		Inner caseLayer `ckpt:"inner"`
	}
	ofLayers struct {
		Layers []caseLayer `ckpt:"layers"`
	}
	ofPointers struct {
		Layers []*caseLayer `ckpt:"layers"`
	}
	ofHeads struct {
		Heads map[string]*caseLayer `ckpt:"heads"`
	}
	ofMoments struct {
		Moments map[string][]float32 `ckpt:"moments"`
	}
	ofRates struct {
		Rates map[string]float64 `ckpt:"rates"`
	}
	ofState struct {
		State *caseState `ckpt:"state"`
	}
	ofText struct {
		Value string `ckpt:"value"`
	}
	ofNothing struct {
		Inner struct{ X float32 } `ckpt:"inner"`
	}
	ofTwo struct {
		First *caseLayer `ckpt:"first"`
		Again *caseLayer `ckpt:"again"`
	}
	ofAbsent struct {
		Value  int64      `ckpt:"value"`
		Absent *caseLayer `ckpt:"absent"`
	}
)

func shaped() trackingCase {
	m := &ofShape{[]float32{1, 2, 3, 4}}
	return trackingCase{m, func() { m.Value = append(m.Value, 5) }}
}

func sliced(change func(*ofSlice)) func() trackingCase {
	return func() trackingCase {
		m := &ofSlice{[]float32{1, 2}}
		return trackingCase{m, func() { change(m) }}
	}
}

func appended(m *ofSlice) { m.Value = append(m.Value, 3) }

func layered() trackingCase {
	m := &ofLayers{[]caseLayer{*kernelOf(1), *kernelOf(2)}}
	return trackingCase{m, func() { m.Layers = append(m.Layers, *kernelOf(3)) }}
}

func headed() trackingCase {
	m := &ofHeads{map[string]*caseLayer{"b": kernelOf(1), "a": kernelOf(2)}}
	return trackingCase{m, func() { m.Heads["c"] = kernelOf(3) }}
}

func scalar() trackingCase {
	m := &ofScalar{3}
	return trackingCase{m, func() { m.Value = 5 }}
}

func held(model any) func() trackingCase {
	return func() trackingCase { return trackingCase{model: model} }
}

var trackingCases = map[string]func() trackingCase{
	"scalar":                                                 scalar,
	"scalar_is_saved_as_it_is":                               scalar,
	"scalar_is_restored":                                     scalar,
	"array":                                                  held(&ofArray{[2]float32{1, 2}}),
	"array_of_arrays_is_a_matrix":                            held(&ofMatrix{[2][3]float32{{1, 2, 3}, {4, 5, 6}}}),
	"array_refuses_another_length":                           held(&ofArray{[2]float32{1, 2}}),
	"sequence_is_saved_as_it_is":                             sliced(appended),
	"sequence_is_replaced":                                   sliced(func(m *ofSlice) { m.Value = []float32{7} }),
	"sequence_takes_the_length_of_the_checkpoint":            sliced(appended),
	"sequence_refuses_another_rank":                          sliced(appended),
	"sequence_of_arrays":                                     held(&ofPairs{[][2]int32{{1, 2}, {3, 4}}}),
	"sequence_with_a_shape":                                  shaped,
	"sequence_with_a_shape_refuses_another":                  shaped,
	"sequence_with_a_shape_that_grew":                        shaped,
	"any_shape_is_saved_as_it_is":                            held(&ofAnyShape{Array[float32]{[]int64{1, 2}, []float32{1, 2}}}),
	"any_shape_takes_that_of_the_checkpoint":                 held(&ofAnyShape{Array[float32]{[]int64{1, 2}, []float32{1, 2}}}),
	"any_shape_without_a_value_is_not_saved":                 held(&ofAnyShape{}),
	"any_shape_without_a_value_takes_that_of_the_checkpoint": held(&ofAnyShape{}),
	"absent_sequence_takes_any_shape":                        held(&ofSlice{}),
	"absent_sequence_is_not_saved":                           held(&ofSlice{}),
	"object":                                                 held(&ofObject{*kernelOf(1)}),
	"list_of_objects":                                        layered,
	"list_grows":                                             layered,
	"list_that_grows_takes_what_waits":                       layered,
	"list_that_lost_an_element_is_not_saved": func() trackingCase {
		m := &ofLayers{[]caseLayer{*kernelOf(1), *kernelOf(2)}}
		return trackingCase{m, func() { m.Layers = m.Layers[:1] }}
	},
	"nothing_takes_a_place_in_a_list": held(&ofPointers{[]*caseLayer{kernelOf(1), nil, kernelOf(2)}}),
	"dict":                            headed,
	"dict_grows":                      headed,
	"dict_of_variables":               held(&ofMoments{map[string][]float32{"x": {1, 2}}}),
	"dict_of_scalars":                 held(&ofRates{map[string]float64{"x": 1}}),
	"one_object_in_two_places": func() trackingCase {
		one := kernelOf(1)
		return trackingCase{model: &ofTwo{one, one}}
	},
	"another_object_in_its_place_is_not_saved": func() trackingCase {
		m := &ofTwo{First: kernelOf(1)}
		return trackingCase{m, func() { m.First = kernelOf(1) }}
	},
	"nothing_is_left_out":               held(&ofAbsent{Value: 3}),
	"state":                             held(&ofState{&caseState{3}}),
	"tracked_after_the_restore":         sliced(appended),
	"text_is_refused":                   held(&ofText{}),
	"object_without_members_is_refused": held(&ofNothing{}),
}

func TestTrackingCases(t *testing.T) {
	text := string(must(os.ReadFile("../../tests/tracking/cases.txt"))(t))
	ran := map[string]bool{}
	for _, block := range strings.Split(text, "\ncase ")[1:] {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		name, steps := lines[0], lines[1:]
		if strings.Contains(block, "\n  not go: ") {
			continue
		}
		ran[name] = true
		t.Run(name, func(t *testing.T) {
			made := trackingCases[name]
			if made == nil {
				t.Fatal("the table has a case that has no model here")
			}
			withoutLeaks(t, func(t *testing.T) { runTrackingCase(t, made(), steps) })
		})
	}
	equal(t, len(trackingCases), len(ran))
}

func runTrackingCase(t *testing.T, model trackingCase, steps []string) {
	directory := t.TempDir()
	p, file := newProgram(t), newProgram(t)
	defer p.close()
	defer file.close()
	made, has := map[string]Node{"": file.root}, false
	var saved []string
	compare := func() {
		if len(saved) == 0 {
			return
		}
		path := must(p.ckpt.Write(ctx, filepath.Join(directory, "saved"), nil))(t)
		same(t, saved, tensorsOf(t, path))
		saved = nil
	}
	for _, line := range steps {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] != "saved" {
			compare()
		}
		var err error
		switch words[0] {
		case "holds", "not":
			continue
		case "file":
			addToFile(t, file, made, words[1:])
			has = true
			continue
		case "change":
			model.change()
			continue
		case "saved":
			saved = append(saved, strings.Join(words[1:], " "))
			continue
		case "track":
			_, err = TrackStruct(p.Graph, p.root, model.model)
		case "restore":
			if !has {
				t.Fatal("there is no file")
			}
			var status *Status
			status, err = p.ckpt.Read(ctx, must(file.ckpt.Write(ctx, filepath.Join(directory, "file"), nil))(t), nil)
			if err == nil {
				status.ExpectPartial()
				check0(t, status.Close())
			}
		case "save":
			_, err = p.ckpt.Write(ctx, filepath.Join(directory, "saved"), nil)
		default:
			t.Fatalf("no such step: %s", line)
		}
		if len(words) == 1 {
			check0(t, err)
			continue
		}
		if len(words) != 4 || words[1] != "fails" {
			t.Fatalf("expected fails CODE REASON: %s", line)
		}
		var e *Error
		if !errors.As(err, &e) || e.Code.String() != words[2] || e.Reason.String() != words[3] {
			t.Errorf("expected %s, found %#v", line, err)
		}
	}
	compare()
}

// addToFile adds a variable, or a tensor of state, and the objects that lead to it.
func addToFile(t *testing.T, file *program, made map[string]Node, words []string) {
	path, state, isState := strings.Cut(words[0], "/.ATTRIBUTES/")
	var shape []int64
	for _, dim := range strings.FieldsFunc(words[2], func(r rune) bool { return strings.ContainsRune("[],", r) }) {
		shape = append(shape, must(strconv.ParseInt(dim, 10, 64))(t))
	}
	values := make([]float64, len(words)-3)
	for i, word := range words[3:] {
		values[i] = must(strconv.ParseFloat(word, 64))(t)
	}
	var leaf Node
	switch {
	case isState:
		equal(t, "count", state)
		leaf = must(file.AddState(&caseState{int64(values[0])}))(t)
	case words[1] == "float32":
		leaf = addOwned[float32](t, file, shape, values)
	case words[1] == "float64":
		leaf = addOwned[float64](t, file, shape, values)
	case words[1] == "int32":
		leaf = addOwned[int32](t, file, shape, values)
	case words[1] == "int64":
		leaf = addOwned[int64](t, file, shape, values)
	default:
		t.Fatalf("no such dtype: %s", words[1])
	}
	parts, at := strings.Split(path, "/"), ""
	for i, part := range parts {
		below := join(at, part)
		if i == len(parts)-1 {
			check0(t, file.Track(made[at], part, leaf))
		} else if made[below] == 0 {
			made[below] = must(file.AddObject())(t)
			check0(t, file.Track(made[at], part, made[below]))
		}
		at = below
	}
}

func addOwned[T int32 | int64 | float32 | float64](t *testing.T, file *program, shape []int64, values []float64) Node {
	out := make([]T, len(values))
	for i, value := range values {
		out[i] = T(value)
	}
	return must(AddOwned(file.Graph, shape, out))(t)
}

// tensorsOf gives the tensors of a checkpoint, as the table has them.
func tensorsOf(t *testing.T, path string) []string {
	r := must(Open(ctx, path, nil))(t)
	defer r.Close()
	var all []string
	for key, tensor := range r.All() {
		if tensor.DType() == String || key == "save_counter/.ATTRIBUTES/VARIABLE_VALUE" {
			continue
		}
		var values any
		switch tensor.DType() {
		case Float32:
			values = must(Read[float32](ctx, tensor))(t)
		case Float64:
			values = must(Read[float64](ctx, tensor))(t)
		case Int32:
			values = must(Read[int32](ctx, tensor))(t)
		case Int64:
			values = must(Read[int64](ctx, tensor))(t)
		}
		all = append(all, fmt.Sprintf("%s %s %s %s", strings.TrimSuffix(key, "/.ATTRIBUTES/VARIABLE_VALUE"), tensor.DType(),
			shapeText(tensor.Shape()), strings.Trim(fmt.Sprint(values), "[]")))
	}
	return all
}
