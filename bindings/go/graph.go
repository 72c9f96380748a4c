package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Node is an object of a graph. It stands for that object alone: when the object was removed, and in other graphs, it is an
// error. The zero value is none.
type Node uint64

// Kind says what an object of a graph is.
type Kind int32

// The kinds of objects.
const (
	KindObject    Kind = C.CKPT_KIND_OBJECT     // an object without values
	KindVariable  Kind = C.CKPT_KIND_VARIABLE   // a variable
	KindState     Kind = C.CKPT_KIND_STATE      // an object with tensors of its own
	KindText      Kind = C.CKPT_KIND_TEXT       // one string (TensorFlow's PythonState)
	KindList      Kind = C.CKPT_KIND_LIST       // a list
	KindDict      Kind = C.CKPT_KIND_DICT       // a dict
	KindTuple     Kind = C.CKPT_KIND_TUPLE      // a tuple
	KindSlotOwner Kind = C.CKPT_KIND_SLOT_OWNER // an optimizer: an object with slot variables
)

// Graph is a graph of objects with named edges: what a program saves and restores. Several goroutines may use it at once.
//
// What it borrows of the program's (slices, values with methods) it keeps until the object is removed, or the graph and all
// checkpoints, managers and savers of it are closed.
type Graph struct {
	*handle[*C.ckpt_graph]
	world *world
}

// NewGraph makes a graph without objects.
func NewGraph() *Graph { return graphOf(C.ckpt_graph_new(), &world{lent: map[Node]*lent{}}) }

func graphOf(g *C.ckpt_graph, w *world) *Graph {
	return &Graph{own(g, func(g *C.ckpt_graph) { C.ckpt_graph_free(g) }), w}
}

// again gives another handle of the graph, which C gives by way of a checkpoint.
func (g *Graph) again() (*Graph, error) {
	root, err := g.AddObject()
	if err != nil {
		return nil, err
	}
	defer g.Remove(root)
	checkpoint, err := NewCheckpoint(g, root)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	return checkpoint.Graph(), nil
}

// NodeOptions says more about an object that is added to a graph. What is not for its kind is an error.
type NodeOptions struct {
	DebugName   string   // a name for messages
	Name        string   // of a variable: its name in name-based checkpoints
	ReadOnly    bool     // of a variable: it is only saved
	Part        *Part    // of a variable: the part of a larger tensor that it is
	TensorNames []string // of state: the tensors that it needs to be restored
	LegacyName  string   // of state: the attribute under which it is saved, as ITERATOR or table
}

// Part says that a variable is a part of a larger tensor, which several variables make up, mostly one in each process. The variable
// is added with the shape of the part; it is saved as this slice of the tensor, and restored from it however that was cut, or whole,
// when it was saved.
type Part struct {
	Shape []int64 // of the whole tensor
	Region
}

func (o NodeOptions) make() (*C.ckpt_node_options, error) {
	made := C.ckpt_node_options_new()
	var e *C.ckpt_error
	ok := true
	if o.DebugName != "" {
		c, n := name(o.DebugName)
		ok = C.ckpt_node_options_set_debug_name(made, c, n, &e) == C.CKPT_CODE_OK
	}
	if ok && o.Name != "" {
		c, n := name(o.Name)
		ok = C.ckpt_node_options_set_name(made, c, n, &e) == C.CKPT_CODE_OK
	}
	if ok && o.ReadOnly {
		ok = C.ckpt_node_options_set_read_only(made, true, &e) == C.CKPT_CODE_OK
	}
	if ok && o.Part != nil {
		if err := o.Part.of(o.Part.Shape); err != nil {
			C.ckpt_node_options_free(made)
			return nil, err
		}
		shape, rank := dims(o.Part.Shape)
		start, _ := dims(o.Part.Start)
		length, _ := dims(o.Part.Length)
		ok = C.ckpt_node_options_set_part(made, shape, start, length, rank, &e) == C.CKPT_CODE_OK
	}
	if ok && len(o.TensorNames) > 0 {
		var pinner runtime.Pinner
		defer pinner.Unpin()
		all, count := texts(o.TensorNames, &pinner)
		ok = C.ckpt_node_options_set_tensor_names(made, all, count, &e) == C.CKPT_CODE_OK
	}
	if ok && o.LegacyName != "" {
		c, n := name(o.LegacyName)
		ok = C.ckpt_node_options_set_legacy_name(made, c, n, &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_node_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// add calls a function that adds an object.
func (g *Graph) add(
	options []NodeOptions, f func(*C.ckpt_graph, *C.ckpt_node_options, *C.ckpt_node, **C.ckpt_error) C.ckpt_code,
) (Node, error) {
	var made *C.ckpt_node_options
	if len(options) > 1 {
		return 0, argument("an object takes options once")
	}
	if len(options) == 1 {
		var err error
		if made, err = options[0].make(); err != nil {
			return 0, err
		}
		defer C.ckpt_node_options_free(made)
	}
	var node C.ckpt_node
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code { return f(p, made, &node, e) })
	return Node(node), err
}

// touch calls a function that may touch the values of variables: slices that moved are followed first.
func (g *Graph) touch(f func(*C.ckpt_graph, **C.ckpt_error) C.ckpt_code) error {
	if err := g.world.follow(g.handle); err != nil {
		return err
	}
	return g.world.because(call(g.handle, f))
}

// AddObject adds an object without values of its own.
func (g *Graph) AddObject(options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_add_object(p, o, n, e)
	})
}

// AddText adds an object that is saved as one string (TensorFlow's PythonState). Strings and AssignStrings get at it.
func (g *Graph) AddText(s string, options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		c, size := name(s)
		return C.ckpt_graph_add_text(p, c, size, o, n, e)
	})
}

// AddList adds an empty list, whose elements are tracked under their indices. A list may only grow: whatever else changes it
// makes it unsavable for good.
func (g *Graph) AddList(options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_add_list(p, o, n, e)
	})
}

// AddDict adds an empty dict, whose elements are tracked under their keys.
func (g *Graph) AddDict(options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_add_dict(p, o, n, e)
	})
}

// AddTuple adds a tuple; 0 for elements that are not tracked.
func (g *Graph) AddTuple(elements []Node, options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		all, count := nodes(elements)
		return C.ckpt_graph_add_tuple(p, all, count, o, n, e)
	})
}

// AddNamedTuple adds a named tuple: each element is tracked under its field's name and its index.
func (g *Graph) AddNamedTuple(fields []string, elements []Node, options ...NodeOptions) (Node, error) {
	if len(fields) != len(elements) {
		return 0, argument("a named tuple has a name for each element")
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		names, _ := texts(fields, &pinner)
		all, count := nodes(elements)
		return C.ckpt_graph_add_named_tuple(p, names, all, count, o, n, e)
	})
}

// Remove removes an object, with all edges and slots from and to it. Its children stay. What it borrowed is released.
func (g *Graph) Remove(node Node) error {
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_remove(p, C.ckpt_node(node), e)
	})
	if err == nil {
		g.world.forget(node)
	}
	return err
}

// Contains says whether the object is there: not removed, and of this graph.
func (g *Graph) Contains(node Node) (bool, error) {
	var contains C.bool
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_contains(p, C.ckpt_node(node), &contains, e)
	})
	return bool(contains), err
}

// Description is what an object was when it was asked about.
type Description struct {
	Kind  Kind
	DType DType   // of a variable; Invalid of one that takes it from the checkpoint, and of other objects
	Shape []int64 // of a variable with a value; nil otherwise
}

// Describe says what an object is.
func (g *Graph) Describe(node Node) (Description, error) {
	var found *C.ckpt_description
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_describe(p, C.ckpt_node(node), &found, e)
	})
	if err != nil {
		return Description{}, err
	}
	defer C.ckpt_description_free(found)
	d := Description{Kind: Kind(C.ckpt_description_kind(found)), DType: DType(C.ckpt_description_dtype(found))}
	if rank := C.ckpt_description_rank(found); rank >= 0 {
		d.Shape = shapeOf(C.ckpt_description_shape(found), int(rank))
	}
	return d, nil
}

// SetDebugName gives an object another name for messages.
func (g *Graph) SetDebugName(node Node, to string) error {
	return call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(to)
		return C.ckpt_graph_set_debug_name(p, C.ckpt_node(node), c, n, e)
	})
}

// SetName gives a variable another name in name-based checkpoints.
func (g *Graph) SetName(variable Node, to string) error {
	return call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(to)
		return C.ckpt_graph_set_name(p, C.ckpt_node(variable), c, n, e)
	})
}

// Track makes the edge from parent to child. If a restore has values for it, the child and what it leads to are restored here
// and now, and errors of that come from here: the edge stands all the same. fs.ErrExist when the name leads to another object.
func (g *Graph) Track(parent Node, edge string, child Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(edge)
		return C.ckpt_graph_track(p, C.ckpt_node(parent), c, n, C.ckpt_node(child), e)
	})
}

// TrackOverwrite does the same, but has a name that leads to another object lead to this one, which is then not restored.
func (g *Graph) TrackOverwrite(parent Node, edge string, child Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(edge)
		return C.ckpt_graph_track_overwrite(p, C.ckpt_node(parent), c, n, C.ckpt_node(child), e)
	})
}

// found calls a function that finds an object.
func (g *Graph) found(f func(*C.ckpt_graph, *C.ckpt_node, **C.ckpt_error) C.ckpt_code) (Node, error) {
	var node C.ckpt_node
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code { return f(p, &node, e) })
	return Node(node), err
}

// Untrack removes an edge; the object that it led to stays, and is given back.
func (g *Graph) Untrack(parent Node, edge string) (Node, error) {
	return g.found(func(p *C.ckpt_graph, node *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		c, n := name(edge)
		return C.ckpt_graph_untrack(p, C.ckpt_node(parent), c, n, node, e)
	})
}

// Lookup gives the object that an edge leads to; 0 if there is none.
func (g *Graph) Lookup(parent Node, edge string) (Node, error) {
	return g.found(func(p *C.ckpt_graph, node *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		c, n := name(edge)
		return C.ckpt_graph_lookup(p, C.ckpt_node(parent), c, n, node, e)
	})
}

// Waiting says how many restores wait for an edge of an object.
func (g *Graph) Waiting(node Node, edge string) (int, error) {
	var count C.size_t
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(edge)
		return C.ckpt_graph_waiting(p, C.ckpt_node(node), c, n, &count, e)
	})
	return int(count), err
}

// Edge is an object with the name under which it was found.
type Edge struct {
	Name  string
	Child Node
}

// edges calls a function that finds many objects.
func (g *Graph) edges(f func(*C.ckpt_graph, **C.ckpt_nodes, **C.ckpt_error) C.ckpt_code) ([]Edge, error) {
	var found *C.ckpt_nodes
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code { return f(p, &found, e) })
	if err != nil {
		return nil, err
	}
	defer C.ckpt_nodes_free(found)
	return edgesOf(found), nil
}

// Children gives the edges of an object in the order in which they were made.
func (g *Graph) Children(node Node) ([]Edge, error) {
	return g.edges(func(p *C.ckpt_graph, found **C.ckpt_nodes, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_children(p, C.ckpt_node(node), found, e)
	})
}

// Descendants gives the objects that edges lead to from root, breadth first, root the first of them.
func (g *Graph) Descendants(root Node) ([]Node, error) {
	found, err := g.edges(func(p *C.ckpt_graph, found **C.ckpt_nodes, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_descendants(p, C.ckpt_node(root), found, e)
	})
	return children(found), err
}

// Elements gives the elements of a list; 0 for those that are not tracked.
func (g *Graph) Elements(list Node) ([]Node, error) {
	found, err := g.edges(func(p *C.ckpt_graph, found **C.ckpt_nodes, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_elements(p, C.ckpt_node(list), found, e)
	})
	return children(found), err
}

// Append appends an element to a list; 0 for one that is not tracked but takes a place. It is restored as by Track.
func (g *Graph) Append(list, element Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_append(p, C.ckpt_node(list), C.ckpt_node(element), e)
	})
}

// Repeat repeats a list in place; less than 1 empties it.
func (g *Graph) Repeat(list Node, times int64) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_repeat(p, C.ckpt_node(list), C.int64_t(times), e)
	})
}

// SetElement replaces an element of a list; a negative index counts from the end. If that was an object, the list cannot be
// saved any more.
func (g *Graph) SetElement(list Node, index int64, element Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_set(p, C.ckpt_node(list), C.int64_t(index), C.ckpt_node(element), e)
	})
}

// Insert inserts an element before index, as Python does. A list that has any object cannot be saved any more then.
func (g *Graph) Insert(list Node, index int64, element Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_insert(p, C.ckpt_node(list), C.int64_t(index), C.ckpt_node(element), e)
	})
}

// RemoveElement removes an element of a list, which cannot be saved any more if it held any object.
func (g *Graph) RemoveElement(list Node, index int64) (Node, error) {
	return g.found(func(p *C.ckpt_graph, node *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_remove(p, C.ckpt_node(list), C.int64_t(index), node, e)
	})
}

// Splice replaces the elements from start up to end by others. A list that held any object cannot be saved any more.
func (g *Graph) Splice(list Node, start, end uint, elements []Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		all, count := nodes(elements)
		return C.ckpt_graph_list_splice(p, C.ckpt_node(list), C.size_t(start), C.size_t(end), all, count, e)
	})
}

// Reorder puts the elements of a list into another order: the old index of each. A list that has any object cannot be saved any
// more.
func (g *Graph) Reorder(list Node, order []uint) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_reorder(
			p, C.ckpt_node(list), (*C.size_t)(unsafe.Pointer(unsafe.SliceData(order))), C.size_t(len(order)), e)
	})
}

// Set sets what a key of a dict leads to. Where the key is new it is restored as by Track.
func (g *Graph) Set(dict Node, key string, child Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(key)
		return C.ckpt_graph_dict_set(p, C.ckpt_node(dict), c, n, C.ckpt_node(child), e)
	})
}

// Delete removes a key of a dict, and gives back the object that it led to.
func (g *Graph) Delete(dict Node, key string) (Node, error) {
	return g.found(func(p *C.ckpt_graph, node *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		c, n := name(key)
		return C.ckpt_graph_dict_remove(p, C.ckpt_node(dict), c, n, node, e)
	})
}

// nodes gives objects as C takes them.
func nodes(all []Node) (*C.ckpt_node, C.size_t) {
	return (*C.ckpt_node)(unsafe.Pointer(unsafe.SliceData(all))), C.size_t(len(all))
}

// edgesOf copies objects that are lent.
func edgesOf(found *C.ckpt_nodes) []Edge {
	all := make([]Edge, C.ckpt_nodes_count(found))
	for i := range all {
		at := C.size_t(i)
		all[i] = Edge{text(C.ckpt_nodes_name(found, at)), Node(C.ckpt_nodes_get(found, at))}
	}
	return all
}

func children(edges []Edge) []Node {
	all := make([]Node, len(edges))
	for i, edge := range edges {
		all[i] = edge.Child
	}
	return all
}
