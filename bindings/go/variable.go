package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import "unsafe"

// borrowedMemory is memory of the program's that a graph borrows by way of something that may lead
// elsewhere later, as a slice does after append.
type borrowedMemory struct {
	where func() []byte  // where the memory is now
	last  unsafe.Pointer // where the graph thinks it is; not followed, only compared
	size  int
}

// memoryMove is a slice that moved since the graph was told where it is.
type memoryMove struct {
	node Node
	to   []byte
}

func (l *borrowedMemory) moved(node Node, moves []memoryMove) []memoryMove {
	if now := l.where(); unsafe.Pointer(unsafe.SliceData(now)) != l.last || len(now) != l.size {
		return append(moves, memoryMove{node, now})
	}
	return moves
}

// follow tells a graph of slices that moved since the last call. From now on, a call that tracks an
// object may restore into any of them.
func (w *sharedState) follow(g *Graph) error {
	if w == nil {
		return nil // of the zero value, which the library refuses
	}
	w.mutex.Lock()
	models := w.models
	w.mutex.Unlock()
	for _, m := range models {
		if err := m.sync(g); err != nil {
			return err
		}
	}
	w.mayWait.Store(true)
	return w.followAll(g)
}

// followAll does the same, and does not look at models.
func (w *sharedState) followAll(g *Graph) error {
	var moves []memoryMove
	w.mutex.Lock()
	for node, l := range w.borrowed {
		moves = l.moved(node, moves)
	}
	w.mutex.Unlock()
	return w.tell(g, moves)
}

// followSome does the same for the memory of some objects and of their slots. It does not look at
// any other, so that a graph of n objects is made in time in proportion to n.
func (w *sharedState) followSome(g *Graph, some []Node) error {
	if w == nil {
		return nil
	}
	var moves []memoryMove
	w.mutex.Lock()
	for _, node := range some {
		if l := w.borrowed[node]; l != nil {
			moves = l.moved(node, moves)
		}
		for slot := range w.slots[node] {
			if l := w.borrowed[slot]; l != nil {
				moves = l.moved(slot, moves)
			}
		}
	}
	w.mutex.Unlock()
	return w.tell(g, moves)
}

func (w *sharedState) tell(g *Graph, moves []memoryMove) error {
	// Without the mutex, since the call waits for the graph and the one who has that may want the
	// mutex.
	for _, m := range moves {
		err := call(g, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
			data, size := memory(m.to)
			return C.go_graph_set_borrowed(p, C.ckpt_node(m.node), data, size, lend(m.to), e)
		})
		if err != nil {
			return err
		}
		w.mutex.Lock()
		if l := w.borrowed[m.node]; l != nil {
			l.last, l.size = unsafe.Pointer(unsafe.SliceData(m.to)), len(m.to)
		}
		w.mutex.Unlock()
	}
	return nil
}

// lend pins memory until the library releases it.
func lend(b []byte) C.go_value {
	g := &callbackValue{value: b}
	g.pins.bytes(b)
	return newValue(g)
}

func (w *sharedState) remember(node Node, l *borrowedMemory) {
	if w == nil {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.borrowed[node] = l
}

func (w *sharedState) forget(node Node) {
	if w == nil {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.borrowed, node)
	unlink(w.slots, w.slotOf, node)
	unlink(w.slotOf, w.slots, node)
}

// unlink removes what a map has for a node, and the node from what the reverse of the map has.
func unlink(forward, back map[Node]map[Node]struct{}, node Node) {
	for other := range forward[node] {
		delete(back[other], node)
		if len(back[other]) == 0 {
			delete(back, other)
		}
	}
	delete(forward, node)
}

func link(forward map[Node]map[Node]struct{}, node, other Node) {
	if forward[node] == nil {
		forward[node] = map[Node]struct{}{}
	}
	forward[node][other] = struct{}{}
}

// rememberSlot notes a slot variable: it is restored with its variable or its owner.
func (w *sharedState) rememberSlot(owner, variable, slot Node) {
	if w == nil {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, node := range []Node{owner, variable} {
		link(w.slots, node, slot)
		link(w.slotOf, slot, node)
	}
}

// AddVariable adds a variable whose value is the program's slice: it is saved from there and
// restored into it, in place. The graph looks at *values at each call, so that it may be moved (by
// append, say) or replaced by another slice of the same length. The memory is used during calls
// that reach the graph, and never in between.
//
// The shape is that of a tensor with as many elements as the slice.
func AddVariable[T Element](g *Graph, values *[]T, shape []int64, options ...NodeOptions) (Node, error) {
	if values == nil {
		return 0, argument("there is no slice")
	}
	return g.borrow(DTypeOf[T](), shape, func() []byte { return bytesOf(*values) }, options)
}

// AddScalar adds a variable without dimensions whose value is the program's.
func AddScalar[T Element](g *Graph, value *T, options ...NodeOptions) (Node, error) {
	if value == nil {
		return 0, argument("there is no value")
	}
	return g.borrow(DTypeOf[T](), nil, func() []byte { return bytesOf(unsafe.Slice(value, 1)) }, options)
}

// AddBytes adds a variable of any fixed-size dtype whose value is the program's bytes, in native
// order, as AddVariable does.
func (g *Graph) AddBytes(dtype DType, values *[]byte, shape []int64, options ...NodeOptions) (Node, error) {
	if values == nil {
		return 0, argument("there is no slice")
	}
	return g.borrow(dtype, shape, func() []byte { return *values }, options)
}

func (g *Graph) borrow(dtype DType, shape []int64, where func() []byte, options []NodeOptions) (Node, error) {
	now := where()
	node, err := g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(shape)
		data, size := memory(now)
		return C.go_graph_add_borrowed(p, C.ckpt_dtype(dtype), d, rank, data, size, lend(now), o, n, e)
	})
	if err == nil {
		g.shared.remember(node, &borrowedMemory{where, unsafe.Pointer(unsafe.SliceData(now)), len(now)})
	}
	return node, err
}

// AddOwned adds a variable whose memory is the graph's; values, which are copied, may be nil for
// zeros.
func AddOwned[T Element](g *Graph, shape []int64, values []T, options ...NodeOptions) (Node, error) {
	return g.AddOwnedBytes(DTypeOf[T](), shape, bytesOf(values), options...)
}

// AddOwnedBytes does the same for any fixed-size dtype, with bytes in native order.
func (g *Graph) AddOwnedBytes(dtype DType, shape []int64, values []byte, options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(shape)
		data, size := memory(values)
		return C.go_graph_add_owned(p, C.ckpt_dtype(dtype), d, rank, data, size, o, n, e)
	})
}

// AddWithoutValue adds a variable that has no value before it is restored or assigned, and takes
// its shape from that (restore on create). dtype: Invalid for whatever the checkpoint has. shape:
// what shapes it takes, -1 for a dimension that may be anything.
func (g *Graph) AddWithoutValue(dtype DType, shape []int64, options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(shape)
		return C.ckpt_graph_add_without_value(p, C.ckpt_dtype(dtype), d, C.int32_t(rank), o, n, e)
	})
}

// AddOfAnyShape does the same with a variable of any shape at all.
func (g *Graph) AddOfAnyShape(dtype DType, options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_add_without_value(p, C.ckpt_dtype(dtype), nil, -1, o, n, e)
	})
}

// AddStrings adds a string variable, whose elements are copied.
func (g *Graph) AddStrings(shape []int64, values []string, options ...NodeOptions) (Node, error) {
	var pinner pinnedMemory
	defer pinner.Unpin()
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(shape)
		all, count := texts(values, &pinner.Pinner)
		return C.ckpt_graph_add_strings(p, d, rank, all, count, o, n, e)
	})
}

func elements(shape []int64) int {
	n := 1
	for _, dim := range shape {
		n *= int(dim)
	}
	return n
}

// Value copies the value of a variable, wherever it is. FailedPrecondition when it has none yet.
func Value[T Element](g *Graph, variable Node) ([]T, error) {
	about, err := g.Describe(variable)
	if err != nil {
		return nil, err
	}
	if about.DType != Invalid || about.Kind != KindVariable {
		if err := check[T](about.DType, ""); err != nil {
			return nil, err
		}
	}
	values := make([]T, elements(about.Shape))
	if err := g.ReadBytes(variable, bytesOf(values)); err != nil {
		return nil, err
	}
	return values, nil
}

// ReadBytes copies the value of a variable, in native order, to a buffer of exactly its size.
func (g *Graph) ReadBytes(variable Node, buffer []byte) error {
	return g.touchOne(variable, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		data, size := memory(buffer)
		return C.go_graph_read(p, C.ckpt_node(variable), data, size, e)
	})
}

// Use gives f the memory of a variable, owned or borrowed, in native order, to be read and changed
// while no other call reaches the graph; it must not be used when f has returned.
// FailedPrecondition when the variable has no value yet, or has it on a device.
func (g *Graph) Use(variable Node, f func(value []byte)) error {
	return g.touchOne(variable, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		var data unsafe.Pointer
		var size C.size_t
		code := C.ckpt_graph_data(p, C.ckpt_node(variable), &data, &size, e)
		if code == C.CKPT_CODE_OK {
			f(unsafe.Slice((*byte)(data), int(size)))
		}
		return code
	})
}

// UseValues is Graph.Use with the elements of a variable. InvalidArgument when T is not the
// variable's type.
func UseValues[T Element](g *Graph, variable Node, f func(values []T)) error {
	about, err := g.Describe(variable)
	if err != nil {
		return err
	}
	if err := check[T](about.DType, ""); err != nil {
		return err
	}
	var zero T
	return g.Use(variable, func(bytes []byte) {
		f(unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/int(unsafe.Sizeof(zero))))
	})
}

// Assign gives a variable, wherever it is, a value of its type and shape. One without a value takes
// them from this.
func Assign[T Element](g *Graph, variable Node, shape []int64, values []T) error {
	return g.AssignBytes(variable, DTypeOf[T](), shape, bytesOf(values))
}

// AssignBytes does the same for any fixed-size dtype, with bytes in native order.
func (g *Graph) AssignBytes(variable Node, dtype DType, shape []int64, values []byte) error {
	return g.touchOne(variable, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(shape)
		data, size := memory(values)
		return C.go_graph_assign(p, C.ckpt_node(variable), C.ckpt_dtype(dtype), d, rank, data, size, e)
	})
}

// Strings gives the elements of a string variable; of a text, the one.
func (g *Graph) Strings(node Node) ([]string, error) {
	var found *C.ckpt_strings
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_read_strings(p, C.ckpt_node(node), &found, e)
	})
	if err != nil {
		return nil, err
	}
	return takeStrings(found), nil
}

// AssignStrings gives a string variable, or a text (no dimensions, one element), a value.
func (g *Graph) AssignStrings(node Node, shape []int64, values []string) error {
	var pinner pinnedMemory
	defer pinner.Unpin()
	return call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(shape)
		all, count := texts(values, &pinner.Pinner)
		return C.ckpt_graph_assign_strings(p, C.ckpt_node(node), d, rank, all, count, e)
	})
}

// WasRestored says whether a restore has assigned a value to an object: a variable, state or text.
// A program that initializes what it adds after a restore asks this first.
func (g *Graph) WasRestored(node Node) (bool, error) {
	var restored C.bool
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_was_restored(p, C.ckpt_node(node), &restored, e)
	})
	return bool(restored), err
}

// Integer gives the value of an integer scalar of any integer dtype: a step, a counter.
func (g *Graph) Integer(variable Node) (int64, error) {
	var value C.int64_t
	err := g.touchOne(variable, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_read_integer(p, C.ckpt_node(variable), &value, e)
	})
	return int64(value), err
}
