package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

// Graph is a graph of objects with named edges: what a program saves and restores. Several
// goroutines may use it at once.
//
// What it borrows of the program's (slices, values with methods) it keeps until the object is
// removed, or the graph and all checkpoints, managers and savers of it are closed.
type Graph struct {
	*handle[*C.ckpt_graph]
	shared *sharedState
}

// NewGraph makes a graph without objects.
func NewGraph() *Graph {
	return graphOf(C.ckpt_graph_new(), &sharedState{
		borrowed: map[Node]*borrowedMemory{},
		slots:    map[Node]map[Node]struct{}{}, slotOf: map[Node]map[Node]struct{}{},
	})
}

func graphOf(g *C.ckpt_graph, w *sharedState) *Graph {
	return &Graph{own(g, func(g *C.ckpt_graph) { C.ckpt_graph_free(g) }), w}
}

// Share gives another handle of the same graph, to be closed; the graph lives until all are.
func (g *Graph) Share() *Graph {
	p := g.hold()
	defer g.drop(p)
	return graphOf(C.ckpt_graph_share(p), g.shared)
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

// touch calls a function that may touch the values of variables: slices that moved are followed
// first.
func (g *Graph) touch(f func(*C.ckpt_graph, **C.ckpt_error) C.ckpt_code) error {
	if err := g.shared.follow(g); err != nil {
		return err
	}
	return call(g.handle, f)
}

// touchOne calls a function that may touch the value of one variable, and no other.
func (g *Graph) touchOne(variable Node, f func(*C.ckpt_graph, **C.ckpt_error) C.ckpt_code) error {
	if err := g.shared.followSome(g, []Node{variable}); err != nil {
		return err
	}
	return call(g.handle, f)
}

// touchBelow calls a function that makes an edge or a slot that leads to an object. A restore that
// waits for it restores that object, what it leads to, and the slots of these.
func (g *Graph) touchBelow(object Node, f func(*C.ckpt_graph, **C.ckpt_error) C.ckpt_code) error {
	if g.shared != nil && g.shared.mayWait.Load() && object != 0 {
		below := []Node{object}
		edges, err := g.Children(object)
		if err == nil && len(edges) > 0 { // looking below takes time in proportion to the whole graph
			below, err = g.Descendants(object)
		}
		if err != nil { // a list that cannot be saved any more is among them
			return g.touch(f)
		}
		if err := g.shared.followSome(g, below); err != nil {
			return err
		}
	}
	return call(g.handle, f)
}

// AddObject adds an object without values of its own.
func (g *Graph) AddObject(options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_add_object(p, o, n, e)
	})
}

// AddText adds an object that is saved as one string (TensorFlow's PythonState). Strings and
// AssignStrings get at it.
func (g *Graph) AddText(s string, options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		c, size := name(s)
		return C.ckpt_graph_add_text(p, c, size, o, n, e)
	})
}

// Remove removes an object, with all edges and slots from and to it. Its children stay. What it
// borrowed is released.
func (g *Graph) Remove(node Node) error {
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_remove(p, C.ckpt_node(node), e)
	})
	if err == nil {
		g.shared.forget(node)
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

// Track makes the edge from parent to child. If a restore has values for it, the child and what it
// leads to are restored here and now, and errors of that come from here: the edge stands all the
// same. fs.ErrExist when the name leads to another object.
func (g *Graph) Track(parent Node, edge string, child Node) error {
	return g.touchBelow(child, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(edge)
		return C.ckpt_graph_track(p, C.ckpt_node(parent), c, n, C.ckpt_node(child), e)
	})
}

// TrackOverwrite does the same, but has a name that leads to another object lead to this one, which
// is then not restored.
func (g *Graph) TrackOverwrite(parent Node, edge string, child Node) error {
	return g.touchBelow(child, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
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

// Descendants gives the objects that edges lead to from root, breadth first, root the first of
// them.
func (g *Graph) Descendants(root Node) ([]Node, error) {
	found, err := g.edges(func(p *C.ckpt_graph, found **C.ckpt_nodes, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_descendants(p, C.ckpt_node(root), found, e)
	})
	return children(found), err
}
