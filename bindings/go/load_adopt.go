//go:build cgo

package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// adoption makes what a checkpoint has more of than a struct: elements of lists, keys of maps, and
// what nil pointers and maps are to lead to.
type adoption struct {
	ctx   context.Context
	graph *Graph
	saved *ObjectGraph // nil of a checkpoint that has none
	// anywhere has the names of all edges, for a restore that looks for them elsewhere than they
	// were saved; nil for any other.
	anywhere []string
	edges    map[int]map[string]int // the edges of nodes of the checkpoint, of those that were asked for
	// made has what leads to each node of the checkpoint, so that what was one object is one again.
	made map[int]reflect.Value

	grown bool  // something was made
	left  error // of the first place that has values to take, and nothing could be made in
}

// mostAbsent is how many elements a list may lack ahead of one that it has: a checkpoint that says
// that it has the millionth and no other gets no memory for a million.
const mostAbsent = 4096

func newAdoption(ctx context.Context, g *Graph, path string, options *RestoreOptions) (*adoption, error) {
	a := &adoption{ctx: ctx, graph: g, edges: map[int]map[string]int{}, made: map[int]reflect.Value{}}
	r, err := Open(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if a.saved, err = r.ObjectGraph(); err != nil {
		var e *Error
		if errors.As(err, &e) && e.Reason == ReasonNoObjectGraph {
			return a, nil
		}
		return nil, err
	}
	if options != nil && (len(options.Renames) > 0 || options.Subtree != "") {
		names := map[string]bool{}
		for _, node := range a.saved.Nodes {
			for _, edge := range node.Children {
				names[edge.Name] = true
			}
		}
		for _, rename := range options.Renames {
			for _, edge := range strings.Split(rename.To, "/") {
				names[edge] = true
			}
		}
		a.anywhere = slices.Sorted(maps.Keys(names))
	}
	return a, nil
}

// below gives the node of a checkpoint that an edge leads to; -1 if there is none.
func (a *adoption) below(saved int, edge string) int {
	known := a.edges[saved]
	if known == nil {
		known = map[string]int{}
		for _, child := range a.children(saved) {
			known[child.Name] = child.Node
		}
		a.edges[saved] = known
	}
	if node, ok := known[edge]; ok {
		return node
	}
	return -1
}

// children gives the edges of a node of a checkpoint, where it is known which node that is.
func (a *adoption) children(saved int) []SavedEdge {
	if a.saved == nil || a.anywhere != nil || saved < 0 || saved >= len(a.saved.Nodes) {
		return nil
	}
	return a.saved.Nodes[saved].Children
}

// note notes what leads to the objects that are there already.
func (a *adoption) note(p *place, saved int) {
	if p.node == 0 || p.object != nil {
		return
	}
	v := p.raw()
	if p.parent == nil {
		v = v.Addr()
	}
	if saved >= 0 && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Map) {
		a.made[saved] = reflect.ValueOf(v.Interface())
	}
	for _, child := range p.children {
		a.note(child, a.below(saved, child.edge()))
	}
}

// waiting gives the names of the edges of a list or dict that have values to take, or lead to what
// is there already, in their order.
func (a *adoption) waiting(p *place, saved int) ([]string, error) {
	names := a.anywhere
	if names == nil {
		for _, child := range a.children(saved) {
			names = append(names, child.Name)
		}
		slices.Sort(names)
	}
	var found []string
	for _, name := range names {
		waits, err := a.waits(p.node, name)
		if err != nil {
			return nil, err
		}
		if waits || a.isMade(a.below(saved, name), p.value().Type().Elem()) {
			found = append(found, name)
		}
	}
	return found, nil
}

// isMade says whether what leads to a node of the checkpoint is there already, and is of a type.
func (a *adoption) isMade(saved int, t reflect.Type) bool {
	made, ok := a.made[saved]
	return ok && made.Type() == t
}

func (a *adoption) waits(node Node, edge string) (bool, error) {
	count, err := a.graph.Waiting(node, edge)
	return count > 0, err
}

// adopt looks at a place, which is where the checkpoint has the node saved, and below it.
func (a *adoption) adopt(p *place, saved int) error {
	if err := finished(a.ctx); err != nil {
		return err
	}
	if p.node == 0 {
		return a.fill(p, saved)
	}
	if p.object != nil {
		return nil // it is looked at where it was found first
	}
	var err error
	switch p.kind {
	case placeList:
		err = a.lengthen(p, saved)
	case placeDict:
		err = a.addKeys(p, saved)
	}
	for _, child := range p.children {
		if err == nil {
			err = a.adopt(child, a.below(saved, child.edge()))
		}
	}
	return err
}

// leave notes that a place has values to take that it cannot.
func (a *adoption) leave(p *place, why string) {
	if a.left == nil {
		why = "the checkpoint has values for this, and " + why
		a.left = p.at(&Error{Code: FailedPrecondition, Reason: ReasonAssertion, Message: why})
	}
}

// lengthen gives a list the elements that the checkpoint has.
func (a *adoption) lengthen(p *place, saved int) error {
	v := p.value()
	had := v.Len()
	count := had
	for {
		waits, err := a.waits(p.node, strconv.Itoa(count))
		if err != nil {
			return err
		}
		if !waits {
			break
		}
		count++
	}
	names, err := a.waiting(p, saved)
	if err != nil {
		return err
	}
	var after []int // elements after one that is absent
	for _, name := range names {
		if i, err := strconv.Atoi(name); err == nil && i >= count && strconv.Itoa(i) == name {
			after = append(after, i)
		}
	}
	slices.Sort(after)
	for _, i := range after {
		if i > count+mostAbsent {
			a.leave(p, fmt.Sprintf("the element after %d others is %d: make the list as long before", count, i))
			break
		}
		count = i + 1
	}
	switch {
	case count == had:
	case v.Kind() != reflect.Slice:
		a.leave(p, fmt.Sprintf("the array is too short: expected %d elements, found %d", count, had))
	default:
		more := reflect.MakeSlice(v.Type(), count, count)
		reflect.Copy(more, v)
		p.value().Set(more)
		a.grown = true
	}
	return nil
}

// addKeys gives a map the keys that the checkpoint has.
func (a *adoption) addKeys(p *place, saved int) error {
	names, err := a.waiting(p, saved)
	if err != nil {
		return err
	}
	v := p.value()
	for _, name := range names {
		if p.keys[name] != nil {
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		if !a.makeAt(element, a.below(saved, name)) {
			below := &place{model: p.model, parent: p, path: join(p.path, name)}
			a.leave(below, cannotMake(element.Type()))
			continue
		}
		v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), element)
		a.grown = true
	}
	return nil
}

// fill makes what a place that has nothing is to lead to.
func (a *adoption) fill(p *place, saved int) error {
	waits, err := a.waits(p.parent.node, p.edge())
	raw := p.raw()
	if err != nil || !waits && !a.isMade(saved, raw.Type()) {
		return err
	}
	if p.key.IsValid() { // what a map holds cannot be set in its place
		element := reflect.New(raw.Type()).Elem()
		element.Set(raw)
		raw = element
	}
	if !a.makeAt(raw, saved) {
		a.leave(p, cannotMake(raw.Type()))
		return nil
	}
	if p.key.IsValid() {
		p.parent.value().SetMapIndex(p.key, raw)
	}
	a.grown = true
	return nil
}

func cannotMake(t reflect.Type) string {
	return fmt.Sprintf("there is nothing in the %s to take them: set it before", t)
}

// makeAt makes what leads to a node of the checkpoint, or gives what leads to it elsewhere.
func (a *adoption) makeAt(v reflect.Value, saved int) bool {
	if v.CanSet() && a.isMade(saved, v.Type()) {
		v.Set(a.made[saved])
		return true
	}
	if !makeTarget(v) {
		return false
	}
	if saved >= 0 && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Map) {
		a.made[saved] = reflect.ValueOf(v.Interface())
	}
	return true
}

// makeTarget makes what the nil pointers and maps on the way from a value are to lead to. It says
// whether something is there then that can be tracked.
func makeTarget(v reflect.Value) bool {
	for range 16 { // a type may be a pointer to itself
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() {
				if !v.CanSet() {
					return false
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			if v.Type().Implements(stateType) {
				return true
			}
			v = v.Elem()
		case reflect.Interface:
			if v.IsNil() {
				return false
			}
			v = v.Elem()
		case reflect.Map:
			if v.IsNil() {
				if !v.CanSet() {
					return false
				}
				v.Set(reflect.MakeMap(v.Type()))
			}
			return true
		default:
			return true
		}
	}
	return false
}
