package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

// ObjectGraph is the objects of an object-based checkpoint and the named edges between them,
// copied. Nodes are numbered from 0, which is the root.
type ObjectGraph struct{ Nodes []SavedNode }

// SavedNode is an object of a checkpoint.
type SavedNode struct {
	Children        []SavedEdge
	Values          []SavedValue
	Slots           []SavedSlot
	SaverName       string // the registered name of the saver that it was saved with
	SaverObjectName string // the name under which that saved it
	HasValues       *bool  // whether it or anything below it has values; nil when the writer, an older one, did not say
}

// SavedEdge is a named edge of a checkpoint.
type SavedEdge struct {
	Name string
	Node int
}

// SavedValue is a value of an object of a checkpoint.
type SavedValue struct {
	Name     string // within its object, VARIABLE_VALUE of a variable
	FullName string // the name that a name-based checkpoint gives it; may be empty
	Key      string // the key of the tensor that holds it
}

// SavedSlot is a slot variable of a checkpoint.
type SavedSlot struct {
	Name     string // what it is, e.g. m
	Original int    // the node of the variable that it is kept for
	Node     int    // its own node
}

// ObjectGraph gives the object graph of an object-based checkpoint. fs.ErrNotExist with
// ReasonNoObjectGraph when it was saved by names.
func (r *Reader) ObjectGraph() (*ObjectGraph, error) {
	var found *C.ckpt_object_graph
	err := call(r.handle, func(p *C.ckpt_reader, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_reader_object_graph(p, &found, e)
	})
	return takeObjectGraph(found), err
}

func takeObjectGraph(g *C.ckpt_object_graph) *ObjectGraph {
	if g == nil {
		return nil
	}
	defer C.ckpt_object_graph_free(g)
	graph := &ObjectGraph{make([]SavedNode, C.ckpt_object_graph_count(g))}
	for id := range graph.Nodes {
		graph.Nodes[id] = savedNodeOf(g, C.uint32_t(id))
	}
	return graph
}

func savedNodeOf(g *C.ckpt_object_graph, id C.uint32_t) SavedNode {
	node := SavedNode{
		SaverName:       text(C.ckpt_object_graph_saver_name(g, id)),
		SaverObjectName: text(C.ckpt_object_graph_saver_object_name(g, id)),
	}
	for i := range C.ckpt_object_graph_child_count(g, id) {
		node.Children = append(node.Children, SavedEdge{
			text(C.ckpt_object_graph_child_name(g, id, i)), int(C.ckpt_object_graph_child_node(g, id, i)),
		})
	}
	for i := range C.ckpt_object_graph_attribute_count(g, id) {
		node.Values = append(node.Values, SavedValue{
			text(C.ckpt_object_graph_attribute_name(g, id, i)), text(C.ckpt_object_graph_attribute_full_name(g, id, i)),
			text(C.ckpt_object_graph_attribute_key(g, id, i)),
		})
	}
	for i := range C.ckpt_object_graph_slot_count(g, id) {
		node.Slots = append(node.Slots, SavedSlot{
			text(C.ckpt_object_graph_slot_name(g, id, i)), int(C.ckpt_object_graph_slot_original(g, id, i)),
			int(C.ckpt_object_graph_slot_node(g, id, i)),
		})
	}
	if has := C.ckpt_object_graph_has_values(g, id); has >= 0 {
		yes := has == 1
		node.HasValues = &yes
	}
	return node
}
