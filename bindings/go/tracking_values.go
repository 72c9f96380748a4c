//go:build cgo

package checkpoint

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"unsafe"
)

// make adds what stands at a place to the graph.
func (p *place) make(g *Graph, v reflect.Value) (Node, placeKind, error) {
	t := v.Type()
	if p.tagged() != nil && !takesShape(t) {
		return 0, 0, argument(fmt.Sprintf("the tag shape of the field %s means nothing for a %s: %s", p.field.name, t, shapeHint))
	}
	if err := checkSelf(t); err != nil {
		return 0, 0, err
	}
	if isState(t) {
		switch {
		case t.Kind() == reflect.Pointer || t.Kind() == reflect.Map && !v.CanAddr():
			node, err := g.AddState(v.Interface().(State))
			return node, placeLeaf, err
		case !v.CanAddr():
			return 0, 0, p.unreachable(t)
		}
		node, err := g.AddState(placeState{p})
		return node, placeLeaf, err
	}
	if reflect.PointerTo(t).Implements(adopterType) {
		if !v.CanAddr() {
			return 0, 0, p.unreachable(t)
		}
		memory := &arrayMemory{at: p.adopter}
		node, err := g.addResizable(memory.at().elementType(), p.tagged(), memory, nil)
		return node, placeLeaf, err
	}
	if dtype, shape := tensorOf(t); dtype != Invalid {
		node, err := p.makeFixed(g, v, dtype, shape)
		return node, placeLeaf, err
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if dtype, shape := tensorOf(t.Elem()); dtype != Invalid {
			node, err := p.makeSlice(g, v, dtype, shape)
			return node, placeLeaf, err
		}
		node, err := g.AddList()
		return node, placeList, err
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return 0, 0, refusal(t)
		}
		node, err := g.AddDict()
		return node, placeDict, err
	case reflect.Struct:
		if !v.CanAddr() {
			return 0, 0, p.unreachable(t)
		}
		if _, err := p.model.structOf(t); err != nil {
			return 0, 0, err
		}
		node, err := g.AddObject()
		return node, placeObject, err
	}
	return 0, 0, refusal(t)
}

func (p *place) unreachable(t reflect.Type) error {
	in := "an interface"
	if p.key.IsValid() && !p.boxed {
		in = "a map"
	}
	return argument(fmt.Sprintf("a %s in %s has no address: keep a pointer to it there, *%s", t, in, t))
}

func (p *place) tagged() []int64 {
	if p.field == nil {
		return nil
	}
	return p.field.shape
}

// makeFixed adds a variable whose memory has one size.
func (p *place) makeFixed(g *Graph, v reflect.Value, dtype DType, shape []int64) (Node, error) {
	if tag := p.tagged(); tag != nil {
		shape = tag
	}
	if v.CanAddr() {
		return g.borrow(dtype, shape, func() []byte {
			if now := p.value(); now.IsValid() {
				return valueBytes(now, 1)
			}
			return nil // the list that it was in has shrunk
		}, nil)
	}
	if !p.key.IsValid() || p.boxed {
		return 0, p.unreachable(v.Type())
	}
	return g.AddDevice(dtype, shape, &mapValue{p: p, shape: shape}, false)
}

// makeSlice adds a variable that has whatever length the slice has.
func (p *place) makeSlice(g *Graph, v reflect.Value, dtype DType, inner []int64) (Node, error) {
	if !v.CanAddr() && (!p.key.IsValid() || p.boxed) {
		return 0, p.unreachable(v.Type())
	}
	s := &sliceValue{p: p, elements: v.Type(), inner: inner, tag: p.tagged()}
	accepts := append([]int64{-1}, inner...)
	switch {
	case s.tag != nil:
		accepts = s.tag
	default:
		p.model.look(func() {
			if v.IsNil() && len(inner) == 0 {
				accepts = nil
			}
		})
	}
	return g.addResizable(dtype, accepts, s, nil)
}

// valueBytes gives the memory of count values, the first of them v.
func valueBytes(v reflect.Value, count int) []byte {
	return unsafe.Slice((*byte)(v.Addr().UnsafePointer()), count*int(v.Type().Size()))
}

// sliceBytes gives the memory of a slice's elements.
func sliceBytes(v reflect.Value) []byte {
	if v.Len() == 0 {
		return []byte{}
	}
	return valueBytes(v.Index(0), v.Len())
}

// sliceValue is a slice of a model: of elements, or of arrays of these.
type sliceValue struct {
	p        *place
	elements reflect.Type // of the slice
	inner    []int64      // the dimensions of an element of the slice
	tag      []int64      // the shape that its tag says; nil if there is none
	adopted  []int64      // the shape of a checkpoint that it has taken, while it has as many elements
	next     reflect.Value
	shape    []int64
}

func (s *sliceValue) locate() ([]byte, []int64, bool) {
	v := s.p.value()
	if !v.IsValid() || v.IsNil() {
		return nil, nil, false
	}
	if s.adopted != nil && elements(s.adopted) == v.Len()*elements(s.inner) {
		return sliceBytes(v), s.adopted, true
	}
	if s.tag == nil {
		return sliceBytes(v), append([]int64{int64(v.Len())}, s.inner...), true
	}
	shape, all, open := slices.Clone(s.tag), elements(s.inner)*v.Len(), slices.Index(s.tag, -1)
	if open >= 0 {
		shape[open] = 1
		if rest := elements(shape); rest > 0 {
			shape[open] = int64(all / rest) // what is left over is an error of the library's
		} else {
			shape[open] = 0
		}
	}
	return sliceBytes(v), shape, true
}

func (s *sliceValue) resize(shape []int64) []byte {
	count := elements(shape)
	if inner := elements(s.inner); inner > 0 {
		count /= inner
	}
	s.next, s.shape = reflect.MakeSlice(s.elements, count, count), shape
	return sliceBytes(s.next)
}

func (s *sliceValue) resized(complete bool) {
	if complete {
		s.p.set(s.next)
		if s.adopted = nil; s.tag == nil && len(s.shape) != 1+len(s.inner) {
			s.adopted = s.shape
		}
	}
	s.next, s.shape = reflect.Value{}, nil
}

// adopter gives the Array at a place.
func (p *place) adopter() adopter {
	if v := p.value(); v.IsValid() {
		return v.Addr().Interface().(adopter)
	}
	return nil
}

// placeState is state that lies where a slice may move it.
type placeState struct{ p *place }

func (s placeState) state() (State, error) {
	if v := s.p.value(); v.IsValid() {
		return v.Addr().Interface().(State), nil
	}
	return nil, s.p.changed("there is nothing in place of the state that is tracked")
}

func (s placeState) Save(sink *Sink) error {
	state, err := s.state()
	if err != nil {
		return err
	}
	return state.Save(sink)
}

func (s placeState) Restore(source *Source) error {
	state, err := s.state()
	if err != nil {
		return err
	}
	return state.Restore(source)
}

// mapValue is a number or an array that a map holds, which has no address: it is copied out and in.
type mapValue struct {
	p     *place
	shape []int64
	next  reflect.Value
}

func (m *mapValue) Describe() ([]int64, bool) { return m.shape, m.p.raw().IsValid() }

func (m *mapValue) ReadAt(buffer []byte, offset int64) (int, error) {
	v := m.p.raw()
	if !v.IsValid() {
		return 0, m.p.changed("the map has no such key any more")
	}
	copied := reflect.New(v.Type()).Elem()
	copied.Set(v)
	n := copy(buffer, valueBytes(copied, 1)[offset:])
	if n < len(buffer) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

func (m *mapValue) Prepare(DType, []int64) error {
	m.next = reflect.New(m.p.parent.value().Type().Elem()).Elem()
	return nil
}

func (m *mapValue) WriteAt(bytes []byte, offset int64) (int, error) {
	return copy(valueBytes(m.next, 1)[offset:], bytes), nil
}

func (m *mapValue) Finish(complete bool) error {
	if complete {
		m.p.set(m.next)
	}
	m.next = reflect.Value{}
	return nil
}
