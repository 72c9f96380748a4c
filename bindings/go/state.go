package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"io"
	"iter"
	"sync"
	"unsafe"
)

// State is an object with state of its own that is saved as named tensors, whose number and shapes are known only then: a hash
// table, an iterator, a random number generator. Its methods must not use the graph; their errors and panics end the call with
// an error that unwraps to theirs. (_serialize_to_tensors and _restore_from_tensors of TensorFlow's Trackable)
type State interface {
	// Save puts the tensors into a sink, in the order in which they are to be stored.
	Save(sink *Sink) error
	// Restore takes the tensors from a source.
	Restore(source *Source) error
}

// AddState adds an object with state of its own.
func (g *Graph) AddState(state State, options ...NodeOptions) (Node, error) {
	if state == nil {
		return 0, argument("there is no state")
	}
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		return C.go_graph_add_state(p, give(&given{value: state, world: g.world}), o, n, e)
	})
}

// Sink takes the tensors of an object that is being saved. It can be used until the method that got it returns.
type Sink struct {
	mutex   sync.Mutex
	pointer *C.ckpt_sink
	world   *world
}

func (s *Sink) end() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.pointer = nil
}

func (s *Sink) put(f func(p *C.ckpt_sink, e **C.ckpt_error)) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.pointer == nil {
		return argument("the sink is used when the save is over")
	}
	var e *C.ckpt_error
	f(s.pointer, &e)
	return takeError(e)
}

// Put puts a tensor into a sink; its values are copied.
func Put[T Element](s *Sink, key string, shape []int64, values []T) error {
	return s.PutBytes(key, DTypeOf[T](), shape, bytesOf(values))
}

// PutBytes puts a tensor of any fixed-size dtype, given as bytes in native order.
func (s *Sink) PutBytes(key string, dtype DType, shape []int64, data []byte) error {
	return s.put(func(p *C.ckpt_sink, e **C.ckpt_error) {
		k, n := name(key)
		d, rank := dims(shape)
		b, size := memory(data)
		C.go_sink_put(p, k, n, C.ckpt_dtype(dtype), d, rank, b, size, e)
	})
}

// PutBorrowed does the same without copying: the values must stay as they are until the save is over.
func PutBorrowed[T Element](s *Sink, key string, shape []int64, values []T) error {
	return s.put(func(p *C.ckpt_sink, e **C.ckpt_error) {
		k, n := name(key)
		d, rank := dims(shape)
		b, size := memory(bytesOf(values))
		C.go_sink_put_borrowed(p, k, n, C.ckpt_dtype(DTypeOf[T]()), d, rank, b, size, lend(bytesOf(values)), e)
	})
}

// PutReader puts a tensor whose bytes, in native order, are asked for while it is written, by several threads at once.
func (s *Sink) PutReader(key string, dtype DType, shape []int64, reader io.ReaderAt) error {
	if reader == nil {
		return argument("there is no reader")
	}
	return s.put(func(p *C.ckpt_sink, e **C.ckpt_error) {
		k, n := name(key)
		d, rank := dims(shape)
		C.go_sink_put_read(p, k, n, C.ckpt_dtype(dtype), d, rank, give(&given{value: reader, world: s.world}), e)
	})
}

// PutStrings puts a string tensor.
func (s *Sink) PutStrings(key string, shape []int64, values []string) error {
	var pinner pins
	defer pinner.Unpin()
	return s.put(func(p *C.ckpt_sink, e **C.ckpt_error) {
		k, n := name(key)
		d, rank := dims(shape)
		all, count := texts(values, &pinner.Pinner)
		C.ckpt_sink_put_strings(p, k, n, d, rank, all, count, e)
	})
}

// PutVariants puts a variant tensor of serialized elements, as SourceTensor.Strings gave them.
func (s *Sink) PutVariants(key string, shape []int64, values []string) error {
	var pinner pins
	defer pinner.Unpin()
	return s.put(func(p *C.ckpt_sink, e **C.ckpt_error) {
		k, n := name(key)
		d, rank := dims(shape)
		all, count := texts(values, &pinner.Pinner)
		C.ckpt_sink_put_variants(p, k, n, d, rank, all, count, e)
	})
}

// Source has the tensors that a checkpoint has for an object. It can be used until the method that got it returns.
type Source struct {
	mutex   sync.Mutex
	pointer *C.ckpt_source
}

func (s *Source) end() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.pointer = nil
}

// SourceTensor is a tensor that a checkpoint has for an object. It is a copy, and lives on.
type SourceTensor struct {
	Name    string
	DType   DType
	Shape   []int64
	Bytes   []byte   // row-major, in native order; of strings and variants none
	Strings []string // the elements of a string or variant tensor
}

// Find gives the tensor of this name; nil if there is none.
func (s *Source) Find(key string) *SourceTensor {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	k, n := name(key)
	return sourceTensorOf(C.ckpt_source_find(s.pointer, k, n))
}

// All goes over the tensors by name, in the order of their keys.
func (s *Source) All() iter.Seq2[string, *SourceTensor] {
	return func(yield func(string, *SourceTensor) bool) {
		for i := C.size_t(0); ; i++ {
			s.mutex.Lock()
			tensor := sourceTensorOf(C.ckpt_source_get(s.pointer, i))
			s.mutex.Unlock()
			if tensor == nil || !yield(tensor.Name, tensor) {
				return
			}
		}
	}
}

func sourceTensorOf(t *C.ckpt_source_tensor) *SourceTensor {
	if t == nil {
		return nil
	}
	tensor := &SourceTensor{
		Name: text(C.ckpt_source_tensor_name(t)), DType: DType(C.ckpt_source_tensor_dtype(t)),
		Shape: shapeOf(C.ckpt_source_tensor_shape(t), int(C.ckpt_source_tensor_rank(t))),
	}
	for i := range C.ckpt_source_tensor_string_count(t) {
		tensor.Strings = append(tensor.Strings, text(C.ckpt_source_tensor_string(t, i)))
	}
	if bytes := C.ckpt_source_tensor_bytes(t); bytes.len > 0 {
		// Words, so that they are aligned for any type.
		words := make([]complex128, (int(bytes.len)+15)/16)
		tensor.Bytes = bytesOf(words)[:bytes.len:bytes.len]
		copy(tensor.Bytes, unsafe.Slice((*byte)(bytes.data), int(bytes.len)))
	}
	return tensor
}

// SourceValue gives the value of a tensor of a fixed-size dtype, which has to be T's; of no tensor, fs.ErrNotExist.
func SourceValue[T Element](t *SourceTensor) ([]T, error) {
	if t == nil {
		return nil, &Error{Code: NotFound, Reason: ReasonNoTensor, Message: "the checkpoint has no such tensor for this object"}
	}
	if err := check[T](t.DType); err != nil {
		return nil, err
	}
	values := make([]T, elements(t.Shape))
	copy(bytesOf(values), t.Bytes)
	return values, nil
}

// AddSlotOwner adds an object that may have slot variables, as an optimizer does. create, which may be nil, makes slots for
// which a checkpoint has values; without it the values wait for SetSlot. It must not use the graph.
func (g *Graph) AddSlotOwner(create func(*SlotRequest) error, options ...NodeOptions) (Node, error) {
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		var value C.go_value
		if create != nil {
			value = give(&given{value: create, world: g.world})
		}
		return C.go_graph_add_slot_owner(p, value, o, n, e)
	})
}

// SlotRequest asks for a slot variable for which a checkpoint has a value. If it is not answered by MakeOwned or MakeSlot, the
// value waits until the program makes the slot.
type SlotRequest struct {
	Owner    Node    // the object that is to have the slot
	Variable Node    // the variable that the slot is kept for
	Name     string  // what the slot is, e.g. m
	DType    DType   // the type of the value's elements
	Shape    []int64 // the dimensions of the value

	pointer *C.ckpt_slot_request
	world   *world
}

func slotRequestOf(p *C.ckpt_slot_request, w *world) *SlotRequest {
	return &SlotRequest{
		Owner: Node(C.ckpt_slot_request_owner(p)), Variable: Node(C.ckpt_slot_request_variable(p)),
		Name: text(C.ckpt_slot_request_name(p)), DType: DType(C.ckpt_slot_request_dtype(p)),
		Shape: shapeOf(C.ckpt_slot_request_shape(p), int(C.ckpt_slot_request_rank(p))), pointer: p, world: w,
	}
}

func (r *SlotRequest) end() { r.pointer = nil }

// MakeOwned makes the slot a variable whose memory is the graph's.
func (r *SlotRequest) MakeOwned() error {
	var e *C.ckpt_error
	C.ckpt_slot_request_set_owned(r.pointer, nil, &e)
	return takeError(e)
}

// MakeSlot makes the slot a variable whose value is the program's memory, which is pinned until the variable is gone: unlike a
// variable of AddVariable's it is not followed when the slice is moved.
func MakeSlot[T Element](r *SlotRequest, values []T) error {
	b, err := sizedBytes(r.DType, values)
	if err != nil {
		return err
	}
	var e *C.ckpt_error
	data, size := memory(b)
	C.go_slot_request_set_borrowed(r.pointer, data, size, lend(b), nil, &e)
	return takeError(e)
}

// MakeDevice makes the slot a variable whose value is on a device, as AddDevice does.
func (r *SlotRequest) MakeDevice(device io.ReaderAt, concurrent bool) error {
	if device == nil {
		return argument("there is no device")
	}
	made, err := newDevice(device, concurrent, r.world)
	if err != nil {
		return err
	}
	defer C.ckpt_device_free(made)
	var e *C.ckpt_error
	C.ckpt_slot_request_set_device(r.pointer, made, nil, &e)
	return takeError(e)
}

// SetSlot makes slot the slot that owner keeps for variable. If a restore has a value for it, it is restored here and now.
// fs.ErrExist when there is another.
func (g *Graph) SetSlot(owner, variable Node, slotName string, slot Node) error {
	return g.touch(func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
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

// A device is where a value lives that the processor cannot reach: an io.ReaderAt of its bytes, row-major and in native order.
// If it is an io.WriterAt too, the value can be restored; what else it is is used as well.
type (
	// Describer says what shape the value has now; false when there is none yet.
	Describer interface {
		Describe() (shape []int64, ok bool)
	}
	// Preparer hears that a value is about to be written.
	Preparer interface {
		Prepare(dtype DType, shape []int64) error
	}
	// Finisher hears that a value was written; complete if all bytes came and their checksum was right.
	Finisher interface{ Finish(complete bool) error }
)

// AddDevice adds a variable whose value is on a device. shape: what shapes it takes, -1 for a dimension that may be anything.
// concurrent: whether it may be read by several threads at once.
func (g *Graph) AddDevice(dtype DType, shape []int64, device io.ReaderAt, concurrent bool, options ...NodeOptions) (Node, error) {
	if device == nil {
		return 0, argument("there is no device")
	}
	made, err := newDevice(device, concurrent, g.world)
	if err != nil {
		return 0, err
	}
	defer C.ckpt_device_free(made)
	return g.add(options, func(p *C.ckpt_graph, o *C.ckpt_node_options, n *C.ckpt_node, e **C.ckpt_error) C.ckpt_code {
		d, rank := dims(shape)
		return C.ckpt_graph_add_device(p, C.ckpt_dtype(dtype), d, C.int32_t(rank), made, o, n, e)
	})
}

func newDevice(device io.ReaderAt, concurrent bool, w *world) (*C.ckpt_device, error) {
	made := C.go_device_new(give(&given{value: device, world: w}))
	var e *C.ckpt_error
	ok := C.ckpt_device_set_read(made, C.ckpt_read_callback(C.go_ckpt_read), C.bool(concurrent), &e) == C.CKPT_CODE_OK
	if _, is := device.(io.WriterAt); ok && is {
		ok = C.ckpt_device_set_write(made, C.ckpt_write_at_callback(C.go_ckpt_write_at), &e) == C.CKPT_CODE_OK
	}
	if _, is := device.(Describer); ok && is {
		ok = C.ckpt_device_set_describe(made, C.ckpt_describe_callback(C.go_ckpt_describe), &e) == C.CKPT_CODE_OK
	}
	if _, is := device.(Preparer); ok && is {
		ok = C.ckpt_device_set_prepare(made, C.ckpt_prepare_callback(C.go_ckpt_prepare), &e) == C.CKPT_CODE_OK
	}
	if _, is := device.(Finisher); ok && is {
		ok = C.ckpt_device_set_finish(made, C.ckpt_finish_callback(C.go_ckpt_finish), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_device_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// ObjectSaver saves objects in its own way (tf.train.experimental.register_checkpoint_saver). Objects come with the paths under
// which they are saved; the names of tensors in sinks and sources are their keys. Its methods must not use the graph.
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

// RegisterSaver registers a saver for the objects that it accepts; in checkpoints its name is package.name, and no package means
// Custom. If it is not strict, an object that it saved and does not accept any more is left as it is.
func (g *Graph) RegisterSaver(pkg, saverName string, strict bool, saver ObjectSaver) error {
	if saver == nil {
		return argument("there is no saver")
	}
	return call(g.handle, func(p *C.ckpt_graph, e **C.ckpt_error) C.ckpt_code {
		c, n := name(pkg)
		s, sn := name(saverName)
		return C.go_graph_register_saver(p, c, n, s, sn, C.bool(strict), give(&given{value: saver, world: g.world}), e)
	})
}
