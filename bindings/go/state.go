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

// State is an object with state of its own that is saved as named tensors, whose number and shapes
// are known only then: a hash table, an iterator, a random number generator. Its methods must not
// use the graph; their errors and panics end the call with an error that unwraps to theirs.
// (_serialize_to_tensors and _restore_from_tensors of TensorFlow's Trackable)
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
		return C.go_graph_add_state(p, newValue(&callbackValue{value: state}), o, n, e)
	})
}

// Sink takes the tensors of an object that is being saved. It can be used until the method that got
// it returns.
type Sink struct {
	mutex   sync.Mutex
	pointer *C.ckpt_sink
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

// PutBorrowed does the same without copying: the values must stay as they are until the save is
// over.
func PutBorrowed[T Element](s *Sink, key string, shape []int64, values []T) error {
	return s.put(func(p *C.ckpt_sink, e **C.ckpt_error) {
		k, n := name(key)
		d, rank := dims(shape)
		b, size := memory(bytesOf(values))
		C.go_sink_put_borrowed(p, k, n, C.ckpt_dtype(DTypeOf[T]()), d, rank, b, size, lend(bytesOf(values)), e)
	})
}

// PutReader puts a tensor whose bytes, in native order, are asked for while it is written, by
// several threads at once.
func (s *Sink) PutReader(key string, dtype DType, shape []int64, reader io.ReaderAt) error {
	if reader == nil {
		return argument("there is no reader")
	}
	return s.put(func(p *C.ckpt_sink, e **C.ckpt_error) {
		k, n := name(key)
		d, rank := dims(shape)
		C.go_sink_put_read(p, k, n, C.ckpt_dtype(dtype), d, rank, newValue(&callbackValue{value: reader}), e)
	})
}

// PutStrings puts a string tensor.
func (s *Sink) PutStrings(key string, shape []int64, values []string) error {
	var pinner pinnedMemory
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
	var pinner pinnedMemory
	defer pinner.Unpin()
	return s.put(func(p *C.ckpt_sink, e **C.ckpt_error) {
		k, n := name(key)
		d, rank := dims(shape)
		all, count := texts(values, &pinner.Pinner)
		C.ckpt_sink_put_variants(p, k, n, d, rank, all, count, e)
	})
}

// Source has the tensors that a checkpoint has for an object. It can be used until the method that
// got it returns.
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
		for i := range s.Len() {
			s.mutex.Lock()
			tensor := sourceTensorOf(C.ckpt_source_get(s.pointer, C.size_t(i)))
			s.mutex.Unlock()
			if tensor == nil || !yield(tensor.Name, tensor) {
				return
			}
		}
	}
}

// Len says how many tensors there are.
func (s *Source) Len() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return int(C.ckpt_source_count(s.pointer))
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

// SourceValue gives the value of a tensor of a fixed-size dtype, which has to be T's; of no tensor,
// fs.ErrNotExist.
func SourceValue[T Element](t *SourceTensor) ([]T, error) {
	if t == nil {
		return nil, &Error{Code: NotFound, Reason: ReasonNoTensor, Message: "the checkpoint has no such tensor for this object"}
	}
	if err := check[T](t.DType, t.Name); err != nil {
		return nil, err
	}
	values := make([]T, len(t.Bytes)/t.DType.Size())
	copy(bytesOf(values), t.Bytes)
	return values, nil
}

//export goSave
func goSave(value C.go_value, sink *C.ckpt_sink, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		s := &Sink{pointer: sink}
		defer s.end()
		return g.value.(State).Save(s)
	})
}

//export goRestore
func goRestore(value C.go_value, source *C.ckpt_source, failure *C.ckpt_failure) C.ckpt_code {
	g := valueOf(value)
	return guard(g, failure, func() error {
		s := &Source{pointer: source}
		defer s.end()
		return g.value.(State).Restore(s)
	})
}
