package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"
)

// TrackStruct adds the objects that a Go value holds to a graph, and tracks them below root by
// names, as tf.Module does with its attributes. model is a pointer to a struct; its fields are
// tracked under the names of their tags:
//
//	type model struct {
//		Step    int64                 `ckpt:"step"`               // a scalar
//		Kernel  []float32             `ckpt:"kernel" shape:"2,3"` // of this shape; -1: any length
//		Bias    []float32             `ckpt:"bias"`               // of one dimension, of any length
//		Matrix  [2][3]float32         `ckpt:"matrix"`             // of two dimensions
//		Table   Array[float32]        `ckpt:"table"`              // of any shape
//		Layers  []layer               `ckpt:"layers"`             // a list
//		Heads   map[string]*layer     `ckpt:"heads"`              // a dict, in the order of its keys
//		Moments map[string][]float32  `ckpt:"moments"`            // a dict of variables
//		Index   State                 `ckpt:"index"`              // state of its own
//		Inner   layer                 `ckpt:"inner"`              // an object
//	}
//
// Elements are numbers and bools; int and uint are int64 and uint64. Fields without a tag are left
// out, those of embedded structs without a tag belong to the struct around them. A tag is a name
// alone: options are refused. What two places point to is one object, as in TensorFlow.
//
// Each call that saves or restores looks at the model again. Slices may be moved, replaced and
// resized: they are saved as they are then. A nil slice has no value: it takes the shape of the
// value in the checkpoint, and cannot be saved before. Slices of other things, and maps, may grow,
// and nil pointers may be set: what is new is tracked then, and restored if a value waits for it.
// An error of that call, FailedPrecondition with ReasonUnsavable, is a list or dict that lost an
// element, or a pointer or map that leads to another object than before. What is new and cannot be
// tracked is InvalidArgument; what is new and takes no value that waits for it has the error of a
// restore, once, and is tracked. The program may mend either, and call again.
//
// It returns the nodes of all variables and objects by their paths, as "layers/0/kernel". The
// model is the graph's until that is closed. InvalidArgument for what cannot be tracked, with its
// path; what was tracked before stays tracked then, and the graph is best closed.
func TrackStruct(g *Graph, root Node, model any) (map[string]Node, error) {
	m, err := newTrackedStruct(g, root, model)
	if err != nil {
		return nil, err
	}
	found := map[string]Node{}
	m.found = func(path string, node Node) { found[path] = node }
	if err := m.sync(g); err != nil {
		return nil, err
	}
	m.found = nil
	g.shared.mutex.Lock()
	defer g.shared.mutex.Unlock()
	g.shared.models = append(g.shared.models, m)
	return found, nil
}

// trackedStruct is a struct that is tracked: what of it the graph knows.
type trackedStruct struct {
	mutex  sync.Mutex
	shared *sharedState
	root   *place
	found  func(string, Node)
	types  map[reflect.Type]*structType
	// stopped says why no more is to be tracked; nil for a model that nothing stops.
	stopped func() error

	// Of one look at it: the objects by where they are, what has yet to be tracked, and the first
	// error of a restore into what is new.
	seen   map[identity]*place
	todo   []func(*Graph) error
	failed error
}

// identity tells one object from another.
type identity struct {
	at   unsafe.Pointer
	kind reflect.Type
}

func newTrackedStruct(g *Graph, root Node, of any) (*trackedStruct, error) {
	v := reflect.ValueOf(of)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, argument(fmt.Sprintf("what is tracked is a pointer to a struct: found %T", of))
	}
	if g == nil || g.shared == nil {
		return nil, argument("the graph is the zero value")
	}
	m := &trackedStruct{shared: g.shared, types: map[reflect.Type]*structType{}}
	m.root = &place{model: m, node: root, base: v.Elem(), own: identity{v.UnsafePointer(), v.Elem().Type()}, kind: placeObject}
	return m, m.root.makeFields(v.Elem().Type())
}

// sync looks at the model, and tracks what is new.
func (m *trackedStruct) sync(g *Graph) error {
	// A callback of this graph would wait here for a call that waits for the callback.
	if _, err := g.Contains(m.root.node); err != nil {
		return err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.seen, m.todo, m.failed = map[identity]*place{}, nil, nil
	defer func() { m.seen, m.todo, m.failed = nil, nil, nil }()
	var err error
	if m.look(func() { err = m.root.check() }); err != nil {
		return err // of the program's, which may mend it
	}
	for len(m.todo) > 0 {
		all := m.todo
		m.todo = nil
		for _, f := range all {
			if err := f(g); err != nil {
				if m.failed != nil {
					err = errors.Join(m.failed, err)
				}
				return err // what is not tracked yet is tried again by the next call
			}
		}
	}
	return m.failed
}

// look looks at the program's values while no restore sets any of them. f must not call the
// library.
func (m *trackedStruct) look(f func()) {
	m.shared.mutex.Lock()
	defer m.shared.mutex.Unlock()
	f()
}

// placeKind is what stands at a place.
type placeKind int

const (
	placeNothing placeKind = iota
	placeLeaf              // a variable or state
	placeObject
	placeList
	placeDict
)

// place is where a model holds something: the model itself, a field, an element.
type place struct {
	model  *trackedStruct
	parent *place
	path   string
	field  *fieldType    // of a child of an object
	index  int           // of a child of a list
	key    reflect.Value // of a child of a dict
	taken  bool          // of a child of a list: the list has an element for it
	boxed  bool          // it is in an interface

	node     Node
	kind     placeKind
	object   *place        // the place where the object was found first; nil if that is this one
	base     reflect.Value // what a pointer, an interface or a map leads to, for good; invalid where there is none
	own      identity      // of what base is
	children []*place
	keys     map[string]*place
}

// raw gives what stands at a place now, whether or not it is a pointer; the zero Value when the
// place is gone.
func (p *place) raw() reflect.Value {
	if p.parent == nil {
		return p.base
	}
	in := p.parent.value()
	switch {
	case !in.IsValid():
	case p.field != nil:
		return in.FieldByIndex(p.field.index)
	case p.key.IsValid():
		return in.MapIndex(p.key)
	case p.index < in.Len():
		return in.Index(p.index)
	}
	return reflect.Value{}
}

// value gives what the object of a place is in: where pointers and interfaces lead.
func (p *place) value() reflect.Value {
	if p.base.IsValid() {
		return p.base
	}
	return p.raw()
}

// set gives a variable of a place another value.
func (p *place) set(v reflect.Value) {
	p.model.shared.mutex.Lock()
	defer p.model.shared.mutex.Unlock()
	if !p.base.IsValid() && p.key.IsValid() {
		p.parent.value().SetMapIndex(p.key, v)
	} else {
		p.value().Set(v)
	}
}

// follow goes where a value leads: past interfaces and pointers, up to what is tracked. It says
// whether there is anything, and whether that stays where it is for good.
func follow(v reflect.Value) (to reflect.Value, fixed, ok bool) {
	for v.IsValid() && (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && !v.Type().Implements(stateType)) {
		if v.IsNil() {
			return v, false, false
		}
		v, fixed = v.Elem(), true
	}
	switch {
	case !v.IsValid():
		return v, false, false
	case v.Kind() == reflect.Pointer:
		return v, true, !v.IsNil()
	case v.Kind() == reflect.Map:
		return v, true, !v.IsNil()
	}
	return v, fixed, true
}

// identityOf gives what tells an object from others; none of values that only a map or an interface
// holds.
func identityOf(v reflect.Value) identity {
	switch {
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Map:
		return identity{v.UnsafePointer(), v.Type()}
	case v.CanAddr() && v.Type().Size() > 0: // things without a size may all be at one address
		return identity{v.Addr().UnsafePointer(), v.Type()}
	}
	return identity{}
}
