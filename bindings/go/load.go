//go:build cgo

package checkpoint

import (
	"context"
	"reflect"
	"strconv"
)

// Load loads a struct from the checkpoint at a path, which may be anything that Open takes. model
// is a pointer to a struct with tags, as for TrackStruct; each field is found by its name. What has
// no size yet takes that of the checkpoint: nil slices and Arrays the shape of their values, slices
// of structs the number of elements, and nil pointers to structs are made where the checkpoint has
// something for them. What the struct has no field for is left alone.
//
// FailedPrecondition with ReasonAssertion when the checkpoint has no value for a field; the report,
// which is returned with it, says for which. If Load fails, the struct may be loaded in part,
// unless a context or an error of the checkpoint ended it before the first value was assigned.
func Load(ctx context.Context, path string, model any, options *RestoreOptions) (*Report, error) {
	return load(ctx, path, model, options, true)
}

// LoadPartial loads what the checkpoint has for the fields of a struct, as Load does, and leaves
// the others as they are: they are RowMissing in the report.
func LoadPartial(ctx context.Context, path string, model any, options *RestoreOptions) (*Report, error) {
	return load(ctx, path, model, options, false)
}

// Write writes a struct with tags, as for TrackStruct, as the checkpoint prefix, and returns its
// path. It neither counts nor tells the state file, as Checkpoint.Write.
func Write(ctx context.Context, prefix string, model any, options *SaveOptions) (string, error) {
	m, c, err := programOf(model)
	if err != nil {
		return "", err
	}
	defer m.close()
	defer c.Close()
	return c.Write(ctx, prefix, options)
}

// structProgram is a graph of one struct.
type structProgram struct {
	*Graph
	model *trackedStruct
}

func (m *structProgram) close() { m.Graph.Close() }

func programOf(of any) (*structProgram, *Checkpoint, error) {
	g := NewGraph()
	root, err := g.AddObject()
	if err == nil {
		_, err = TrackStruct(g, root, of)
	}
	var c *Checkpoint
	if err == nil {
		c, err = New(g, root)
	}
	if err != nil {
		g.Close()
		return nil, nil, err
	}
	return &structProgram{g, g.shared.models[0]}, c, nil
}

func load(ctx context.Context, path string, of any, options *RestoreOptions, whole bool) (*Report, error) {
	m, c, err := programOf(of)
	if err != nil {
		return nil, err
	}
	defer m.close()
	defer c.Close()
	status, err := c.Read(ctx, path, options)
	if err != nil {
		return nil, err
	}
	defer status.Close()
	status.ExpectPartial()
	for {
		grown, err := m.model.root.adopt(m.Graph)
		if err != nil {
			return nil, err
		}
		if !grown {
			break
		}
		if err := m.model.sync(m.Graph); err != nil { // restores what is new
			return nil, err
		}
	}
	report, err := status.Report()
	if err == nil && whole {
		err = status.AssertRestMatched()
	}
	return report, err
}

// adopt makes what the checkpoint has more of than the program: elements of lists, and objects that
// nil pointers are to lead to. It says whether there was any.
func (p *place) adopt(g *Graph) (bool, error) {
	if p.node == 0 {
		return p.adoptPointer(g)
	}
	if p.object != nil {
		return false, nil
	}
	any := false
	if v := p.value(); p.kind == placeList && v.Kind() == reflect.Slice {
		count := v.Len()
		for {
			waiting, err := g.Waiting(p.node, strconv.Itoa(count))
			if err != nil {
				return false, err
			}
			if waiting == 0 {
				break
			}
			count++
		}
		if count > v.Len() {
			p.set(grown(v, count))
			any = true
		}
	}
	for _, child := range p.children {
		more, err := child.adopt(g)
		if err != nil {
			return false, err
		}
		any = any || more
	}
	return any, nil
}

// grown gives a slice with more elements, of pointers with what these lead to.
func grown(v reflect.Value, count int) reflect.Value {
	more := reflect.MakeSlice(v.Type(), count, count)
	reflect.Copy(more, v)
	for i := v.Len(); i < count && v.Type().Elem().Kind() == reflect.Pointer; i++ {
		more.Index(i).Set(reflect.New(v.Type().Elem().Elem()))
	}
	return more
}

func (p *place) adoptPointer(g *Graph) (bool, error) {
	v := p.raw()
	if p.field == nil || v.Kind() != reflect.Pointer || v.Type().Elem().Kind() != reflect.Struct {
		return false, nil
	}
	waiting, err := g.Waiting(p.parent.node, p.field.edge)
	if err != nil || waiting == 0 {
		return false, err
	}
	p.set(reflect.New(v.Type().Elem()))
	return true, nil
}
