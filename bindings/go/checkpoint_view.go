package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import "unsafe"

// CheckpointView is the objects of a checkpoint (tf.train.CheckpointView). No file is open. Several
// goroutines may use it at once.
type CheckpointView struct {
	*handle[*C.ckpt_checkpoint_view]
}

// OpenView reads the objects of the checkpoint at a path. fs.ErrNotExist when there is
// none or, with ReasonNoObjectGraph, it has no objects.
func OpenView(p string, options *OpenOptions) (*CheckpointView, error) {
	c, free, err := path(p)
	if err != nil {
		return nil, err
	}
	defer free()
	made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_open_options_free(made)
	var view *C.ckpt_checkpoint_view
	var e *C.ckpt_error
	if C.ckpt_checkpoint_view_open(c, made, &view, &e) != C.CKPT_CODE_OK {
		return nil, takeError(e)
	}
	return &CheckpointView{own(view, func(v *C.ckpt_checkpoint_view) { C.ckpt_checkpoint_view_free(v) })}, nil
}

// Prefix gives the prefix of the checkpoint.
func (v *CheckpointView) Prefix() string {
	p := v.hold()
	defer v.drop(p)
	return text(C.ckpt_checkpoint_view_prefix(p))
}

// ObjectGraph gives all objects, with what is known of each.
func (v *CheckpointView) ObjectGraph() (*ObjectGraph, error) {
	var found *C.ckpt_object_graph
	err := call(v.handle, func(p *C.ckpt_checkpoint_view, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_view_object_graph(p, &found, e)
	})
	return takeObjectGraph(found), err
}

// Descendants gives the nodes that edges lead to from the root, breadth first, the root among them;
// each with the way by which it was found, as root.leaf.v. Slot variables are not among them.
func (v *CheckpointView) Descendants() []SavedEdge {
	p := v.hold()
	defer v.drop(p)
	all := make([]SavedEdge, C.ckpt_checkpoint_view_descendant_count(p))
	for i := range all {
		at := C.size_t(i)
		all[i] = SavedEdge{text(C.ckpt_checkpoint_view_descendant_path(p, at)), int(C.ckpt_checkpoint_view_descendant(p, at))}
	}
	return all
}

// Match is a node of a checkpoint and the object of the program that has its place.
type Match struct {
	Node   int
	Object Node
}

// Comparison is what a checkpoint and a program have in common, and what not. Slot variables are in
// none of it.
type Comparison struct {
	Matches        []Match
	CheckpointOnly []int  // nodes that match no object, breadth first
	ProgramOnly    []Node // objects that match no node, breadth first
	Warnings       []string
}

// Diff compares the checkpoint with the objects below root, without restoring anything.
func (v *CheckpointView) Diff(g *Graph, root Node) (*Comparison, error) {
	if g == nil {
		return nil, argument("the graph is nil")
	}
	var found *C.ckpt_comparison
	graph := g.hold()
	defer g.drop(graph)
	err := call(v.handle, func(p *C.ckpt_checkpoint_view, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_view_diff(p, graph, C.ckpt_node(root), &found, e)
	})
	return takeComparison(found), err
}

// DiffCheckpoint does the same with what a checkpoint of a program leads to, also by the edges that
// it attaches to its root.
func (v *CheckpointView) DiffCheckpoint(c *Checkpoint) (*Comparison, error) {
	if c == nil {
		return nil, argument("the checkpoint is nil")
	}
	var found *C.ckpt_comparison
	checkpoint := c.hold()
	defer c.drop(checkpoint)
	err := call(v.handle, func(p *C.ckpt_checkpoint_view, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_checkpoint_view_diff_checkpoint(p, checkpoint, &found, e)
	})
	return takeComparison(found), err
}

func takeComparison(d *C.ckpt_comparison) *Comparison {
	if d == nil {
		return nil
	}
	defer C.ckpt_comparison_free(d)
	c := &Comparison{}
	for i := range C.ckpt_comparison_match_count(d) {
		c.Matches = append(c.Matches, Match{int(C.ckpt_comparison_match_node(d, i)), Node(C.ckpt_comparison_match_object(d, i))})
	}
	for i := range C.ckpt_comparison_checkpoint_only_count(d) {
		c.CheckpointOnly = append(c.CheckpointOnly, int(C.ckpt_comparison_checkpoint_only_node(d, i)))
	}
	for i := range C.ckpt_comparison_program_only_count(d) {
		c.ProgramOnly = append(c.ProgramOnly, Node(C.ckpt_comparison_program_only_object(d, i)))
	}
	for i := range C.ckpt_comparison_warning_count(d) {
		c.Warnings = append(c.Warnings, text(C.ckpt_comparison_warning(d, i)))
	}
	return c
}

// RestoreNodes restores single objects of a graph from nodes of the checkpoint at a path, without
// looking at edges. All that can be known is checked before the first value is assigned.
func (g *Graph) RestoreNodes(p string, matches []Match, options *RestoreOptions) error {
	c, free, err := path(p)
	if err != nil {
		return err
	}
	defer free()
	made, err := options.make(nil)
	if err != nil {
		return err
	}
	defer C.ckpt_restore_options_free(made)
	ids, objects := make([]uint32, len(matches)), make([]Node, len(matches))
	for i, match := range matches {
		if match.Node < 0 || int64(match.Node) > 1<<32-1 {
			return argument("a node is numbered from 0")
		}
		ids[i], objects[i] = uint32(match.Node), match.Object
	}
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		all, count := nodes(objects)
		return C.ckpt_restore_nodes(p, c, (*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(ids))), all, count, made, e)
	})
}
