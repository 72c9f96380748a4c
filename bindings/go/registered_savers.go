package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

// ObjectSaver saves objects in its own way (tf.train.experimental.register_checkpoint_saver).
// Objects come with the paths under which they are saved; the names of tensors in sinks and sources
// are their keys. Its methods must not use the graph.
type ObjectSaver interface {
	// Accepts says whether the saver saves this object.
	Accepts(node Node) bool
	// Save puts the tensors of objects into a sink.
	Save(objects []Edge, sink *Sink) error
	// Wants says whether the saver needs the tensor of this key to restore objects.
	Wants(objects []Edge, key string) bool
	// Restore restores objects from the tensors that the saver wanted.
	Restore(objects []Edge, source *Source) error
}

// RegisterSaver registers a saver for the objects that it accepts; in checkpoints its name is
// package.name, and no package means Custom. If it is not strict, an object that it saved and does
// not accept any more is left as it is.
func (g *Graph) RegisterSaver(pkg, saverName string, strict bool, saver ObjectSaver) error {
	if saver == nil {
		return argument("there is no saver")
	}
	return call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(pkg)
		s, sn := name(saverName)
		return C.go_graph_register_saver(p, c, n, s, sn, C.bool(strict), newValue(&callbackValue{value: saver}), e)
	})
}

//export goAccepts
func goAccepts(value C.go_value, node C.ckpt_node) C.bool {
	saver := valueOf(value).value.(ObjectSaver)
	return C.bool(answered(false, func() bool { return saver.Accepts(Node(node)) }))
}

//export goSaveObjects
func goSaveObjects(value C.go_value, objects *C.ckpt_nodes, sink *C.ckpt_sink, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		s := &Sink{pointer: sink}
		defer s.end()
		return g.value.(ObjectSaver).Save(edgesOf(objects), s)
	})
}

//export goWants
func goWants(value C.go_value, objects *C.ckpt_nodes, key *C.char, size C.size_t) C.bool {
	saver := valueOf(value).value.(ObjectSaver)
	return C.bool(answered(false, func() bool { return saver.Wants(edgesOf(objects), C.GoStringN(key, C.int(size))) }))
}

//export goRestoreObjects
func goRestoreObjects(value C.go_value, objects *C.ckpt_nodes, source *C.ckpt_source, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		s := &Source{pointer: source}
		defer s.end()
		return g.value.(ObjectSaver).Restore(edgesOf(objects), s)
	})
}
