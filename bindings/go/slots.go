package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import "io"

// AddSlotOwner adds an object that may have slot variables, as an optimizer does. create, which may
// be nil, makes slots for which a checkpoint has values; without it the values wait for SetSlot. It
// must not use the graph.
func (g *Graph) AddSlotOwner(create func(*SlotRequest) error, options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		var value C.go_value
		if create != nil {
			value = newValue(&callbackValue{value: create})
		}
		return C.go_graph_add_slot_owner(p, value, o, n, e)
	})
}

// SlotRequest asks for a slot variable for which a checkpoint has a value. If it is not answered by
// MakeOwned or MakeSlot, the value waits until the program makes the slot.
type SlotRequest struct {
	Owner    Node    // the object that is to have the slot
	Variable Node    // the variable that the slot is kept for
	Name     string  // what the slot is, e.g. m
	DType    DType   // the type of the value's elements
	Shape    []int64 // the dimensions of the value

	pointer *C.ckpt_slot_request
}

func slotRequestOf(p *C.ckpt_slot_request) *SlotRequest {
	return &SlotRequest{
		Owner: Node(C.ckpt_slot_request_owner(p)), Variable: Node(C.ckpt_slot_request_variable(p)),
		Name: text(C.ckpt_slot_request_name(p)), DType: DType(C.ckpt_slot_request_dtype(p)),
		Shape: shapeOf(C.ckpt_slot_request_shape(p), int(C.ckpt_slot_request_rank(p))), pointer: p,
	}
}

func (r *SlotRequest) end() { r.pointer = nil }

// MakeOwned makes the slot a variable whose memory is the graph's.
func (r *SlotRequest) MakeOwned() error {
	var e *C.ckpt_error
	C.ckpt_slot_request_set_owned(r.pointer, nil, &e)
	return takeError(e)
}

// MakeSlot makes the slot a variable whose value is the program's memory, which is pinned until the
// variable is gone: unlike a variable of AddVariable's it is not followed when the slice is moved.
func MakeSlot[T Element](r *SlotRequest, values []T) error {
	if err := check[T](r.DType, r.Name); err != nil {
		return err
	}
	var e *C.ckpt_error
	data, size := memory(bytesOf(values))
	C.go_slot_request_set_borrowed(r.pointer, data, size, lend(bytesOf(values)), nil, &e)
	return takeError(e)
}

// MakeDevice makes the slot a variable whose value is on a device, as AddDevice does.
func (r *SlotRequest) MakeDevice(device io.ReaderAt, concurrent bool) error {
	if device == nil {
		return argument("there is no device")
	}
	made, err := newDevice(device, concurrent)
	if err != nil {
		return err
	}
	defer C.ckpt_device_free(made)
	var e *C.ckpt_error
	C.ckpt_slot_request_set_device(r.pointer, made, nil, &e)
	return takeError(e)
}

// SetSlot makes slot the slot that owner keeps for variable. If a restore has a value for it, it is
// restored here and now. fs.ErrExist when there is another.
func (g *Graph) SetSlot(owner, variable Node, slotName string, slot Node) error {
	g.shared.rememberSlot(owner, variable, slot)
	return g.touchBelow(slot, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(slotName)
		return C.ckpt_graph_set_slot(p, C.ckpt_node(owner), C.ckpt_node(variable), c, n, C.ckpt_node(slot), e)
	})
}

// Slot gives the slot that owner keeps for variable; 0 if there is none.
func (g *Graph) Slot(owner, variable Node, slotName string) (Node, error) {
	return g.found(func(p *C.ckpt_graph, node *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		c, n := name(slotName)
		return C.ckpt_graph_slot(p, C.ckpt_node(owner), C.ckpt_node(variable), c, n, node, e)
	})
}

// RemoveSlot takes a slot from its owner. The slot variable stays, and is given back.
func (g *Graph) RemoveSlot(owner, variable Node, slotName string) (Node, error) {
	return g.found(func(p *C.ckpt_graph, node *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		c, n := name(slotName)
		return C.ckpt_graph_remove_slot(p, C.ckpt_node(owner), C.ckpt_node(variable), c, n, node, e)
	})
}

// SlotNames gives the names of an owner's slots, in the order in which the first of each was made.
func (g *Graph) SlotNames(owner Node) ([]string, error) {
	var found *C.ckpt_strings
	err := call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		return C.ckpt_graph_slot_names(p, C.ckpt_node(owner), &found, e)
	})
	if err != nil {
		return nil, err
	}
	return takeStrings(found), nil
}

//export goCreateSlot
func goCreateSlot(value C.go_value, request *C.ckpt_slot_request, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		r := slotRequestOf(request)
		defer r.end()
		return g.value.(func(*SlotRequest) error)(r)
	})
}
