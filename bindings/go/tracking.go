package checkpoint

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// TrackStruct adds the objects that a Go value holds to a graph, and tracks them below root by
// names, as tf.Module does with its attributes. model is a pointer to a struct; its fields are
// tracked under the names of their tags:
//
//	type model struct {
//		Kernel []float32 `ckpt:"kernel" shape:"2,3"` // without a shape it has one dimension
//		Step   int64     `ckpt:"step"`               // a scalar
//		Layers []*layer  `ckpt:"layers"`             // a list
//		Heads  map[string]*layer `ckpt:"heads"`      // a dict, in the order of its keys
//		Table  State     `ckpt:"table"`              // state of its own
//		Inner  layer     `ckpt:"inner"`              // an object
//	}
//
// A tag is a name alone: there are no options. Fields without a tag, and nil pointers, are left
// out. What two fields point to is one object, as in TensorFlow. It gives the objects of all
// variables and objects by their paths, as "layers/0/kernel". The model is the graph's until that
// is closed: slices may be moved, but structs, lists and dicts that change later have to be tracked
// by hand. Values wait for what is tracked after a restore as they do for Track. When it fails,
// what was tracked before stays tracked.
func TrackStruct(g *Graph, root Node, model any) (map[string]Node, error) {
	v := reflect.ValueOf(model)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, argument("what is tracked is a pointer to a struct")
	}
	w := &structWalk{g: g, visited: map[visitedValue]Node{{v.UnsafePointer(), v.Type()}: root}, found: map[string]Node{}}
	return w.found, w.fields(root, "", v.Elem())
}

type visitedValue struct {
	at   unsafe.Pointer
	kind reflect.Type
}

type structWalk struct {
	g       *Graph
	visited map[visitedValue]Node
	found   map[string]Node
}

func join(path, edge string) string {
	if path == "" {
		return edge
	}
	return path + "/" + edge
}

func (w *structWalk) fields(parent Node, path string, v reflect.Value) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		edge, tagged := field.Tag.Lookup("ckpt")
		if !tagged || edge == "-" {
			continue
		}
		if !field.IsExported() {
			return argument(fmt.Sprintf("the field %s of %s has a tag and is not exported", field.Name, v.Type()))
		}
		if name, option, has := strings.Cut(edge, ","); has {
			return &Error{
				Code: InvalidArgument, Reason: ReasonArgument, Expected: strconv.Quote(name), Found: strconv.Quote(edge),
				Message: fmt.Sprintf("the tag ckpt:%q of the field %s of %s has the option %q: expected a name alone, %q", edge, field.Name, v.Type(), option, name),
			}
		}
		shape, err := shapeTag(field)
		if err != nil {
			return err
		}
		track := func(child Node) error { return w.g.Track(parent, edge, child) }
		if err := w.value(join(path, edge), v.Field(i), shape, track); err != nil {
			return err
		}
	}
	return nil
}

func shapeTag(field reflect.StructField) ([]int64, error) {
	tag, ok := field.Tag.Lookup("shape")
	if !ok {
		return nil, nil
	}
	shape := []int64{}
	for _, dim := range strings.Split(tag, ",") {
		n, err := strconv.ParseInt(dim, 10, 64)
		if err != nil || n < 0 {
			return nil, argument(fmt.Sprintf("the shape %q of the field %s is none", tag, field.Name))
		}
		shape = append(shape, n)
	}
	return shape, nil
}

var stateType = reflect.TypeFor[State]()

// value adds what a value is to the graph, has it tracked, and goes on below it: parents first, as
// a restore wants it.
func (w *structWalk) value(path string, v reflect.Value, shape []int64, track func(Node) error) error {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && !v.Type().Implements(stateType) {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	key := visitedValue{kind: v.Type()}
	switch {
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Map:
		key.at = v.UnsafePointer()
	case v.CanAddr() && v.Type().Size() > 0: // things without a size may all be at one address
		key.at = v.Addr().UnsafePointer()
	}
	if node, ok := w.visited[key]; ok && key.at != nil {
		w.found[path] = node
		return track(node)
	}
	node, below, err := w.add(path, v, shape)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if key.at != nil {
		w.visited[key] = node
	}
	w.found[path] = node
	if err := track(node); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if below != nil {
		return below(node)
	}
	return nil
}

// add adds one object, and says how to go on below it.
func (w *structWalk) add(path string, v reflect.Value, shape []int64) (Node, func(Node) error, error) {
	if v.Type().Implements(stateType) {
		node, err := w.g.AddState(v.Interface().(State))
		return node, nil, err
	}
	if v.CanAddr() && v.Addr().Type().Implements(stateType) {
		node, err := w.g.AddState(v.Addr().Interface().(State))
		return node, nil, err
	}
	if dtype := dtypeOf(v.Type()); dtype != Invalid {
		if !v.CanAddr() {
			return 0, nil, argument("a variable has to be where it can be pointed to")
		}
		node, err := w.g.borrow(dtype, shape, func() []byte { return valueBytes(v, 1) }, nil)
		return node, nil, err
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		if dtype := dtypeOf(v.Type().Elem()); dtype != Invalid {
			if !v.CanAddr() {
				return 0, nil, argument("a variable has to be where it can be pointed to")
			}
			if shape == nil {
				shape = []int64{int64(v.Len())}
			}
			node, err := w.g.borrow(dtype, shape, func() []byte {
				if v.Len() == 0 {
					return nil
				}
				return valueBytes(v.Index(0), v.Len())
			}, nil)
			return node, nil, err
		}
		node, err := w.g.AddList()
		return node, func(list Node) error { return w.list(list, path, v) }, err
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			return 0, nil, argument("a dict has strings for keys")
		}
		node, err := w.g.AddDict()
		return node, func(dict Node) error { return w.dict(dict, path, v) }, err
	case reflect.Struct:
		node, err := w.g.AddObject()
		return node, func(object Node) error { return w.fields(object, path, v) }, err
	}
	return 0, nil, argument(fmt.Sprintf("a value of %s cannot be tracked", v.Type()))
}

func (w *structWalk) list(list Node, path string, v reflect.Value) error {
	for i := range v.Len() {
		appended := false
		track := func(element Node) error {
			appended = true
			return w.g.Append(list, element)
		}
		if err := w.value(join(path, strconv.Itoa(i)), v.Index(i), nil, track); err != nil {
			return err
		}
		if !appended { // nil takes a place, too
			if err := w.g.Append(list, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *structWalk) dict(dict Node, path string, v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		set := func(child Node) error { return w.g.Set(dict, key.String(), child) }
		if err := w.value(join(path, key.String()), v.MapIndex(key), nil, set); err != nil {
			return err
		}
	}
	return nil
}

// valueBytes gives the memory of count values, the first of them v.
func valueBytes(v reflect.Value, count int) []byte {
	return unsafe.Slice((*byte)(v.Addr().UnsafePointer()), count*int(v.Type().Size()))
}

// dtypeOf gives the dtype of a type; Invalid of what is no element.
func dtypeOf(t reflect.Type) DType {
	switch t {
	case reflect.TypeFor[F16]():
		return Float16
	case reflect.TypeFor[BF16]():
		return Bfloat16
	}
	switch t.Kind() {
	case reflect.Bool:
		return Bool
	case reflect.Int8:
		return Int8
	case reflect.Int16:
		return Int16
	case reflect.Int32:
		return Int32
	case reflect.Int64:
		return Int64
	case reflect.Uint8:
		return Uint8
	case reflect.Uint16:
		return Uint16
	case reflect.Uint32:
		return Uint32
	case reflect.Uint64:
		return Uint64
	case reflect.Float32:
		return Float32
	case reflect.Float64:
		return Float64
	case reflect.Complex64:
		return Complex64
	case reflect.Complex128:
		return Complex128
	}
	return Invalid
}
