//go:build cgo

package checkpoint

import "context"

// Load loads a struct from the checkpoint at a path, which may be anything that Open takes. model
// is a pointer to a struct with tags, as for TrackStruct; each field is found by its name. What has
// no size yet takes that of the checkpoint: nil slices and Arrays the shape of their values, lists
// the number of elements, maps the keys, and what nil pointers and maps are to lead to is made,
// where the checkpoint has something for it. What the struct has no field for is left alone.
//
// A slice does not say of which shape it was when it had more dimensions than one: to write such a
// value again, keep it in an Array, or in a field with a shape tag.
//
// FailedPrecondition with ReasonAssertion when the checkpoint has no value for a field; the report,
// which is returned with it, says for which. The same when it has values for a field, and nothing
// that Load could make is there to take them: for a nil interface, or an element that an array
// lacks. If Load fails, the struct may be loaded in part, unless a context or an error of the
// checkpoint ended it before the first value was assigned.
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
	a, err := newAdoption(ctx, m.Graph, status.Path(), options)
	if err != nil {
		return nil, err
	}
	a.note(m.model.root, 0)
	// What is new is restored when it is tracked, which no flag stops.
	m.model.stopped = func() error { return finished(ctx) }
	for {
		a.grown, a.left = false, nil
		if err := a.adopt(m.model.root, 0); err != nil {
			return nil, err
		}
		if !a.grown {
			break
		}
		if err := m.model.sync(m.Graph); err != nil {
			return nil, err
		}
	}
	report, err := status.Report()
	if err == nil && whole {
		if err = status.AssertRestMatched(); err == nil {
			err = a.left
		}
	}
	return report, err
}
