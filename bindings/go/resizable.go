package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"slices"
	"unsafe"
)

// Array is a tensor of any shape: the type of a variable that takes its shape from the checkpoint.
// The zero value has no value yet. Values are row-major; there are as many as the shape says.
type Array[T Element] struct {
	Shape  []int64 // the dimensions: empty for a scalar, nil for one dimension of len(Values)
	Values []T     // the elements
}

// AddResizable adds a variable of one dimension whose value is the program's slice, as it is at
// each call: a save takes all of its elements, a restore gives it the length of the stored value. A
// nil slice has no value yet, and cannot be saved.
//
// The variable takes values of one dimension alone; AddVariable is for those of a fixed shape,
// AddArray for those of any.
func AddResizable[T Element](g *Graph, values *[]T, options ...NodeOptions) (Node, error) {
	if values == nil {
		return 0, argument("there is no slice")
	}
	return g.addResizable(DTypeOf[T](), []int64{-1}, &sliceMemory[T]{current: values}, options)
}

// AddArray adds a variable whose value is the program's array, as it is at each call. A restore
// gives it the shape of the stored value. One without a value cannot be saved.
func AddArray[T Element](g *Graph, array *Array[T], options ...NodeOptions) (Node, error) {
	if array == nil {
		return 0, argument("there is no array")
	}
	return g.addResizable(DTypeOf[T](), nil, &arrayMemory{at: func() adopter { return array }}, options)
}

// resizable is a value of the program's that may move and change its shape between calls. Its
// methods are called with the graph's lock held.
type resizable interface {
	// locate gives the value and its shape as they are now; false while there is no value.
	locate() ([]byte, []int64, bool)
	// resize makes memory for a value of this shape. The value stays as it is.
	resize(shape []int64) []byte
	// resized makes that memory the value, or drops it.
	resized(complete bool)
}

// resizableValue is what the library has of one: with the pins of the memory that it was given.
type resizableValue struct {
	resizable
	pins, next pinnedMemory
	last       unsafe.Pointer
}

// addResizable adds a variable that accepts a shape, with -1 for any length; any shape if that is
// nil.
func (g *Graph) addResizable(dtype DType, accepts []int64, value resizable, options []NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(accepts)
		accepted := C.int32_t(rank)
		if accepts == nil {
			accepted = -1
		}
		kept := newValue(&callbackValue{value: &resizableValue{resizable: value}})
		return C.go_graph_add_resizable(p, C.ckpt_dtype(dtype), d, accepted, kept, o, n, e)
	})
}

// release lets the memory go that the library was given.
func (r *resizableValue) release() {
	r.pins.Unpin()
	r.next.Unpin()
	r.last = nil
}

// sliceMemory is a slice, whose shape is its length.
type sliceMemory[T Element] struct {
	current *[]T
	next    []T
}

func (m *sliceMemory[T]) locate() ([]byte, []int64, bool) {
	return bytesOf(*m.current), []int64{int64(len(*m.current))}, *m.current != nil
}

func (m *sliceMemory[T]) resize(shape []int64) []byte {
	m.next = make([]T, elements(shape))
	return bytesOf(m.next)
}

func (m *sliceMemory[T]) resized(complete bool) {
	if complete {
		*m.current = m.next
	}
	m.next = nil
}

// adopter is a pointer to an Array.
type adopter interface {
	elementType() DType
	memory() ([]byte, []int64, bool)
	ofShape(shape []int64) adopter
	take(adopter)
}

func (a *Array[T]) elementType() DType { return DTypeOf[T]() }

func (a *Array[T]) memory() ([]byte, []int64, bool) {
	if a.Shape == nil {
		return bytesOf(a.Values), []int64{int64(len(a.Values))}, a.Values != nil
	}
	return bytesOf(a.Values), a.Shape, true
}

func (a *Array[T]) ofShape(shape []int64) adopter {
	return &Array[T]{slices.Clone(shape), make([]T, elements(shape))}
}

func (a *Array[T]) take(other adopter) { *a = *other.(*Array[T]) }

// arrayMemory is an Array, wherever it is.
type arrayMemory struct {
	at   func() adopter // nil when it is nowhere
	next adopter
}

func (m *arrayMemory) locate() ([]byte, []int64, bool) {
	if array := m.at(); array != nil {
		return array.memory()
	}
	return nil, nil, false
}

func (m *arrayMemory) resize(shape []int64) []byte {
	m.next = m.at().ofShape(shape)
	bytes, _, _ := m.next.memory()
	return bytes
}

func (m *arrayMemory) resized(complete bool) {
	if complete {
		m.at().take(m.next)
	}
	m.next = nil
}

//export goLocate
func goLocate(value C.go_value, data *C.uintptr_t, size *C.size_t, dimensions *C.int64_t) C.int32_t {
	r := valueOf(value).value.(*resizableValue)
	var bytes []byte
	var shape []int64
	ok := answered(false, func() (ok bool) {
		bytes, shape, ok = r.locate()
		return ok
	})
	if !ok || len(shape) > C.CKPT_MAX_RANK {
		return -1
	}
	// It stays pinned from call to call, since a call may ask more than once.
	if now := unsafe.Pointer(unsafe.SliceData(bytes)); now != r.last || len(bytes) == 0 {
		r.pins.Unpin()
		r.pins.bytes(bytes)
		r.last = now
	}
	*data, *size = C.uintptr_t(uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))), C.size_t(len(bytes))
	copy(unsafe.Slice((*int64)(unsafe.Pointer(dimensions)), C.CKPT_MAX_RANK), shape)
	return C.int32_t(len(shape))
}

//export goResize
func goResize(
	value C.go_value, shape *C.int64_t, rank C.size_t, size C.size_t, data *C.uintptr_t, failure *C.ckpt_failure,
) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		r := g.value.(*resizableValue)
		bytes := r.resize(shapeOf(shape, int(rank)))
		if len(bytes) != int(size) {
			return argument("the memory of a variable has another size than its shape says")
		}
		r.next.bytes(bytes)
		*data = C.uintptr_t(uintptr(unsafe.Pointer(unsafe.SliceData(bytes))))
		return nil
	})
}

//export goResized
func goResized(value C.go_value, complete C.bool) {
	r := valueOf(value).value.(*resizableValue)
	_ = contained(func() error { // there is nobody to tell
		r.resized(bool(complete))
		return nil
	})
	r.next.Unpin()
}
