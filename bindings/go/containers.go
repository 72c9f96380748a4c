package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// AddList adds an empty list, whose elements are tracked under their indices. A list may only grow:
// whatever else changes it makes it unsavable for good.
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

// Elements gives the elements of a list; 0 for those that are not tracked.
func (g *Graph) Elements(list Node) ([]Node, error) {
	found, err := g.edges(func(p *C.ckpt_graph, found **C.ckpt_nodes, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_elements(p, C.ckpt_node(list), found, e)
	})
	return children(found), err
}

// Append appends an element to a list; 0 for one that is not tracked but takes a place. It is
// restored as by Track.
func (g *Graph) Append(list, element Node) error {
	return g.touchBelow(element, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_append(p, C.ckpt_node(list), C.ckpt_node(element), e)
	})
}

// Repeat repeats a list in place; less than 1 empties it.
func (g *Graph) Repeat(list Node, times int64) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_repeat(p, C.ckpt_node(list), C.int64_t(times), e)
	})
}

// SetElement replaces an element of a list; a negative index counts from the end. If that was an
// object, the list cannot be saved any more.
func (g *Graph) SetElement(list Node, index int64, element Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_set(p, C.ckpt_node(list), C.int64_t(index), C.ckpt_node(element), e)
	})
}

// Insert inserts an element before index, as Python does. A list that has any object cannot be
// saved any more then.
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

// Splice replaces the elements from start up to end by others. A list that held any object cannot
// be saved any more.
func (g *Graph) Splice(list Node, start, end uint, elements []Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		all, count := nodes(elements)
		return C.ckpt_graph_list_splice(p, C.ckpt_node(list), C.size_t(start), C.size_t(end), all, count, e)
	})
}

// Reorder puts the elements of a list into another order: the old index of each. A list that has
// any object cannot be saved any more.
func (g *Graph) Reorder(list Node, order []uint) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_list_reorder(
			p, C.ckpt_node(list), (*C.size_t)(unsafe.Pointer(unsafe.SliceData(order))), C.size_t(len(order)), e)
	})
}

// Set sets what a key of a dict leads to. Where the key is new it is restored as by Track.
func (g *Graph) Set(dict Node, key string, child Node) error {
	return g.touchBelow(child, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
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
