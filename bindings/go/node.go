package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Node is an object of a graph. It stands for that object alone: when the object was removed, and
// in other graphs, it is an error. The zero value is none.
type Node uint64

// NodeOptions says more about an object that is added to a graph. What is not for its kind is an
// error.
type NodeOptions struct {
	DebugName   string   // a name for messages
	Name        string   // of a variable: its name in name-based checkpoints
	ReadOnly    bool     // of a variable: it is only saved
	Part        *Part    // of a variable: the part of a larger tensor that it is
	TensorNames []string // of state: the tensors that it needs to be restored
	LegacyName  string   // of state: the attribute under which it is saved, as ITERATOR or table
}

// Part says that a variable is a part of a larger tensor, which several variables make up, mostly
// one in each process. The variable is added with the shape of the part; it is saved as this slice
// of the tensor, and restored from it however that was cut, or whole, when it was saved.
type Part struct {
	Shape []int64 // of the whole tensor
	Region
}

func (o NodeOptions) make() (*C.ckpt_node_options, error) {
	made := C.ckpt_node_options_new()
	var e *C.ckpt_error
	ok := o.set(made, &e)
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
	if !ok {
		C.ckpt_node_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// Description is what an object was when it was asked about.
type Description struct {
	Kind  Kind
	DType DType   // of a variable; Invalid of one that takes it from the checkpoint, and of other objects
	Shape []int64 // of a variable with a value; nil otherwise
}

// Edge is an object with the name under which it was found.
type Edge struct {
	Name  string
	Child Node
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
