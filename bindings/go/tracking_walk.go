package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

func join(path, edge string) string {
	if path == "" {
		return edge
	}
	return path + "/" + edge
}

// at has an error begin with the path of what it is about.
func (p *place) at(err error) error {
	var e *Error
	if err == nil || p.path == "" {
		return err
	}
	if errors.As(err, &e) && e.cause == nil {
		about := *e
		about.Message = p.path + ": " + e.Message
		return &about
	}
	return fmt.Errorf("%s: %w", p.path, err)
}

// changed is the error of a model that is not what it was in a way that no checkpoint can tell.
func (p *place) changed(why string) error {
	return p.at(&Error{Code: FailedPrecondition, Reason: ReasonUnsavable, Message: why})
}

// makeFields makes the places of an object's fields.
func (p *place) makeFields(t reflect.Type) error {
	known, err := p.model.structOf(t)
	if err != nil {
		return p.at(err)
	}
	p.children = make([]*place, len(known.fields))
	for i := range known.fields {
		field := &known.fields[i]
		p.children[i] = &place{model: p.model, parent: p, path: join(p.path, field.edge), field: field}
	}
	return nil
}

// check looks at what is tracked already, changes nothing, and notes what is new.
func (p *place) check() error {
	if p.node == 0 {
		// An element that was refused, and is nil now, takes a place.
		if _, _, ok := follow(p.raw()); ok || p.parent.kind == placeList && !p.taken {
			p.model.todo = append(p.model.todo, p.add)
		}
		return nil
	}
	if p.parent != nil {
		if err := p.checkIdentity(); err != nil {
			return err
		}
	} else {
		p.model.seen[p.own] = p
	}
	if p.object != nil {
		return nil // what is below is looked at where the object was found first
	}
	switch p.kind {
	case placeObject:
		for _, child := range p.children {
			if err := child.check(); err != nil {
				return err
			}
		}
	case placeList:
		return p.checkList()
	case placeDict:
		return p.checkDict()
	}
	return nil
}

// checkIdentity fails when another object stands at a place than before.
func (p *place) checkIdentity() error {
	v, fixed, ok := follow(p.raw())
	if !ok {
		return p.changed("there is nothing in place of the object that is tracked: expected the same object")
	}
	now := identityOf(v)
	if fixed && now != p.own {
		return p.changed("another object has taken the place of the one that is tracked: expected the same object")
	}
	if p.object == nil {
		if now.at != nil {
			p.model.seen[now] = p
		}
	} else if first := identityOf(p.object.value()); first != now {
		return p.changed("this and " + p.object.path + " were one object when they were tracked, and are not any more")
	}
	return nil
}

func (p *place) checkList() error {
	n := p.value().Len()
	for last := len(p.children) - 1; last >= n && p.children[last].node == 0 && !p.children[last].taken; last-- {
		p.children = p.children[:last] // it was refused
	}
	if n < len(p.children) {
		return p.changed(fmt.Sprintf("a list may only grow: expected %d elements or more, found %d", len(p.children), n))
	}
	for _, child := range p.children {
		if err := child.check(); err != nil {
			return err
		}
	}
	if n > len(p.children) {
		p.model.todo = append(p.model.todo, p.grow)
	}
	return nil
}

func (p *place) checkDict() error {
	p.children = slices.DeleteFunc(p.children, func(child *place) bool {
		refused := child.node == 0 && !child.raw().IsValid()
		if refused {
			delete(p.keys, child.key.String())
		}
		return refused
	})
	for _, child := range p.children {
		if !child.raw().IsValid() {
			return child.changed("a dict may only grow: expected this key, found none")
		}
		if err := child.check(); err != nil {
			return err
		}
	}
	if p.value().Len() > len(p.children) {
		p.model.todo = append(p.model.todo, p.grow)
	}
	return nil
}

// grow tracks the elements that a list or dict has got.
func (p *place) grow(g *Graph) error {
	if p.kind == placeList {
		var n int
		p.model.look(func() { n = p.value().Len() })
		for i := len(p.children); i < n; i++ {
			child := &place{model: p.model, parent: p, path: join(p.path, strconv.Itoa(i)), index: i}
			p.children = append(p.children, child)
			if err := child.add(g); err != nil {
				return err
			}
		}
		return nil
	}
	keys := map[string]reflect.Value{}
	p.model.look(func() {
		for _, key := range p.value().MapKeys() {
			if p.keys[key.String()] == nil {
				keys[key.String()] = key
			}
		}
	})
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		child := &place{model: p.model, parent: p, path: join(p.path, key), key: keys[key]}
		p.children, p.keys[key] = append(p.children, child), child
		if err := child.add(g); err != nil {
			return err
		}
	}
	return nil
}

// add tracks what stands at a place, and what is below: parents first, as a restore wants it.
func (p *place) add(g *Graph) error {
	if stopped := p.model.stopped; stopped != nil {
		if err := stopped(); err != nil {
			return err
		}
	}
	var v reflect.Value
	var fixed, ok bool
	p.model.look(func() {
		raw := p.raw()
		p.boxed = raw.Kind() == reflect.Interface
		v, fixed, ok = follow(raw)
	})
	if !ok {
		if p.parent.kind == placeList && !p.taken { // nil takes a place, too
			err := call(g.handle, func(l *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
				return C.ckpt_graph_list_append(l, C.ckpt_node(p.parent.node), 0, e)
			})
			p.taken = err == nil
			return p.at(err)
		}
		return nil
	}
	p.base, p.own = reflect.Value{}, identity{} // of what was refused
	now := identityOf(v)
	if fixed {
		p.base, p.own = v, now
	}
	if first := p.model.seen[now]; first != nil && now.at != nil {
		p.node, p.object, p.kind = first.node, first, first.kind
		if p.model.found != nil {
			p.model.found(p.path, p.node)
		}
		below, err := g.Descendants(p.node)
		if err == nil {
			err = g.shared.followSome(g, below)
		} else { // a list that cannot be saved any more is among them
			err = g.shared.followAll(g)
		}
		if err != nil {
			return err
		}
		return p.link(g)
	}
	node, kind, err := p.make(g, v)
	if err != nil {
		return p.at(err)
	}
	p.node, p.kind = node, kind
	if now.at != nil {
		p.model.seen[now] = p
	}
	if p.model.found != nil {
		p.model.found(p.path, node)
	}
	if err := p.link(g); err != nil {
		return err
	}
	switch kind {
	case placeObject:
		if err := p.makeFields(v.Type()); err != nil {
			return err
		}
		for _, child := range p.children {
			if err := child.add(g); err != nil {
				return err
			}
		}
	case placeList, placeDict:
		p.keys = map[string]*place{}
		return p.grow(g)
	}
	return nil
}

// link makes the edge that leads to the object of a place. If a value that waits for it cannot be
// restored, the edge stands all the same, and what is below is tracked: the error comes at the end.
func (p *place) link(g *Graph) error {
	err := p.makeEdge(g)
	if err == nil {
		p.taken = true
		return nil
	}
	if to, unknown := g.Lookup(p.parent.node, p.edge()); unknown == nil && to == p.node {
		p.taken = true
		if p.model.failed == nil {
			p.model.failed = p.at(err)
		}
		return nil
	}
	if p.object == nil {
		for at, first := range p.model.seen {
			if first == p {
				delete(p.model.seen, at)
			}
		}
		_ = g.Remove(p.node) // nothing leads to it
	}
	p.node, p.object, p.kind = 0, nil, placeNothing
	return p.at(err)
}

// edge gives the name of the edge that leads to a place.
func (p *place) edge() string {
	switch {
	case p.field != nil:
		return p.field.edge
	case p.key.IsValid():
		return p.key.String()
	}
	return strconv.Itoa(p.index)
}

func (p *place) makeEdge(g *Graph) error {
	parent, child := C.ckpt_node(p.parent.node), C.ckpt_node(p.node)
	return call(g.handle, func(l *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		switch {
		case p.field != nil:
			c, n := name(p.field.edge)
			return C.ckpt_graph_track(l, parent, c, n, child, e)
		case p.key.IsValid():
			c, n := name(p.key.String())
			return C.ckpt_graph_dict_set(l, parent, c, n, child, e)
		case p.taken:
			return C.ckpt_graph_list_set(l, parent, C.int64_t(p.index), child, e)
		}
		return C.ckpt_graph_list_append(l, parent, child, e)
	})
}
