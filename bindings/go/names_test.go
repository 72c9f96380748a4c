//go:build cgo

package checkpoint

import (
	"io/fs"
	"path/filepath"
	"testing"
	"time"
)

func nameBased(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "n")
	g := NewGraph()
	v, w := []float32{1, 2}, []float32{3}
	a := must(AddVariable(g, &v, []int64{2}, NodeOptions{Name: "dense/kernel"}))(t)
	b := must(AddVariable(g, &w, []int64{1}, NodeOptions{Name: "dense/bias"}))(t)
	two := 2
	s := must(NewSaver(g, []NamedNode{{"k", a}, {"b", b}}, &SaverOptions{MaxToKeep: &two}))(t)
	same(t, []string{"b", "k"}, must(s.Names())(t))
	var saved []string
	for step := range int64(3) {
		saved = append(saved, must(s.Save(ctx, prefix, &SaverSaveOptions{GlobalStep: &step}))(t))
	}
	equal(t, prefix+"-2", saved[2])
	same(t, saved[1:], must(s.LastCheckpoints())(t))
	_, err := Open(ctx, saved[0], nil)
	is(t, err, fs.ErrNotExist)
	r := must(Open(ctx, saved[2], nil))(t)
	same(t, []float32{1, 2}, must(Read[float32](ctx, must(r.Get("k"))(t)))(t))
	_, err = r.ObjectGraph()
	because(t, err, NotFound, ReasonNoObjectGraph)
	r.Close()
	v = []float32{0, 0} // the saver follows slices, too
	report := must(s.Restore(ctx, saved[2], nil))(t)
	equal(t, 2, report.Count(RowRestored))
	same(t, []float32{1, 2}, v)
	equal(t, 2, must(s.LastReport())(t).Count(RowRestored))
	check0(t, s.SetLastCheckpoints(saved[1:], nil))
	check0(t, s.RecoverLastCheckpoints(saved[1:]))
	_, err = NewSaver(g, []NamedNode{{"k", a}, {"k", b}}, nil)
	is(t, err, fs.ErrExist)
	v = []float32{0, 0}
	wide := must(AddOwned(g, []int64{2, 1}, []float32{0, 0}))(t)
	asked := 0
	only := must(NewSaver(g, []NamedNode{{"k", a}, {"k", wide}}, &SaverOptions{
		RestoreOnly: true, Reshape: true, Clock: func() time.Time { asked++; return time.Unix(0, 0) },
	}))(t)
	must(only.Restore(ctx, saved[2], nil))(t)
	same(t, []float32{1, 2}, v)
	same(t, []float32{1, 2}, must(Value[float32](g, wide))(t))
	equal(t, 1, asked)
	_, err = only.Save(ctx, prefix, nil)
	is(t, err, FailedPrecondition)
	only.Close()

	own := must(NewSaverOfVariables(g, []Node{a, b}, nil))(t)
	same(t, []string{"dense/bias", "dense/kernel"}, must(own.Names())(t))
	root := must(g.AddObject())(t)
	check0(t, g.Track(root, "a", a))
	all := must(NewSaverOfRoot(g, root, nil))(t)
	same(t, []string{"dense/kernel"}, must(all.Names())(t))
	g.Close() // a saver keeps its graph
	path := must(own.Save(ctx, prefix, &SaverSaveOptions{NoState: true}))(t)
	v[0] = 7
	must(all.Restore(ctx, path, nil))(t)
	same(t, []float32{1, 2}, v)
	s.Close()
	own.Close()
	all.Close()
	is(t, s.RecoverLastCheckpoints(nil), InvalidArgument)
}

func views(t *testing.T) {
	view := must(OpenView(data+"guide_slots", nil))(t)
	r := must(Open(ctx, view.Prefix(), nil))(t)
	graph := must(r.ObjectGraph())(t)
	equal(t, len(graph.Nodes), len(must(view.ObjectGraph())(t).Nodes))
	found := map[string]int{}
	for _, node := range view.Descendants() {
		found[node.Name] = node.Node
	}
	equal(t, 0, found["root"])
	kernel := found["root.net.l1.kernel"]
	equal(t, "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE", graph.Nodes[kernel].Values[0].Key)
	if len(graph.Nodes[found["root.optimizer"]].Slots) != 4 {
		t.Error("there are not four slots")
	}
	expected := must(Read[float32](ctx, must(r.Get(graph.Nodes[kernel].Values[0].Key))(t)))(t)
	r.Close()

	p := newProgram(t)
	value, other := make([]float32, 5), []float32{1}
	net, l1 := must(p.AddObject())(t), must(p.AddObject())(t)
	check0(t, p.Track(p.root, "net", net))
	check0(t, p.Track(net, "l1", l1))
	k := must(AddVariable(p.Graph, &value, []int64{1, 5}))(t)
	check0(t, p.Track(l1, "kernel", k))
	o := p.variable(p.root, "other", &other)
	diff := must(view.Diff(p.Graph, p.root))(t)
	equal(t, 4, len(diff.Matches))
	equal(t, Match{kernel, k}, diff.Matches[3])
	same(t, []Node{o}, diff.ProgramOnly)
	equal(t, len(found)-4, len(diff.CheckpointOnly))
	equal(t, 4, len(must(view.DiffCheckpoint(p.ckpt))(t).Matches))
	check0(t, p.RestoreNodes(view.Prefix(), []Match{{kernel, k}}, nil))
	same(t, expected, value)
	is(t, p.RestoreNodes(view.Prefix(), []Match{{-1, k}}, nil), InvalidArgument)
	view.Close()
	_, err := view.Diff(p.Graph, p.root)
	is(t, err, InvalidArgument)
	p.close()
}
