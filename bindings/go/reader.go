package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"fmt"
	"iter"
	"unsafe"
)

// Reader is an open checkpoint: a sorted list of tensors whose values are read on demand
// (tf.train.CheckpointReader). It does not change; several goroutines may use it at once.
type Reader struct {
	*handle[*C.ckpt_reader]
}

// ReadOptions says how values are read. The zero value, and nil, are the defaults.
type ReadOptions struct {
	Threads    uint32     // the caller's among them; 0 for the library's choice
	Checksums  Checksums  // when checksums are compared; always by default
	DType      DType      // what values are read as by calls without a type; as they are stored by default
	Conversion Conversion // which values are converted to the type that they are read as; none by default
}

// OpenOptions says how a checkpoint is opened. The zero value, and nil, are the defaults.
type OpenOptions struct {
	MemoryLimit uint64 // most bytes that listing may take; 0 for the default: 16 MiB and 24 for each byte of the index

	// Log hears how a path was understood where that may surprise: the directory was moved, the
	// path is a directory and a prefix, or the state file names a checkpoint that does not exist.
	Log func(Severity, string)
}

// make gives options to be freed; nil for the defaults.
func (o *OpenOptions) make() (*C.ckpt_open_options, error) {
	if o == nil {
		return nil, nil
	}
	made := C.ckpt_open_options_new()
	var e *C.ckpt_error
	ok := o.set(made, &e)
	if ok && o.Log != nil {
		ok = C.go_open_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_open_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// Open opens the checkpoint at a path: a prefix, one of its files, a directory with a state file
// (its latest checkpoint), a SavedModel, a V1 file or pattern. The error is fs.ErrNotExist when
// there is none, DataLoss when the index is damaged, Cancelled, and what the context says, when
// that is done. (tf.train.load_checkpoint)
func Open(ctx context.Context, p string, options *OpenOptions) (*Reader, error) {
	c, free, err := path(p)
	if err != nil {
		return nil, err
	}
	defer free()
	made, err := options.make()
	if err != nil {
		return nil, err
	}
	defer C.ckpt_open_options_free(made)
	var e *C.ckpt_error
	var reader *C.ckpt_reader
	if doneOf(ctx) == nil {
		C.ckpt_reader_open(c, made, &reader, &e)
	} else {
		pending, err := await(ctx, func(pending **C.ckpt_pending, e **C.ckpt_error) { C.ckpt_reader_open_async(c, made, pending, e) })
		if err != nil {
			return nil, err
		}
		defer C.ckpt_pending_free(pending)
		C.ckpt_pending_take_reader(pending, &reader, &e)
	}
	if err := stopped(ctx, takeError(e)); err != nil {
		return nil, err
	}
	return &Reader{own(reader, func(r *C.ckpt_reader) { C.ckpt_reader_free(r) })}, nil
}

// Prefix gives the prefix of the files.
func (r *Reader) Prefix() string {
	p := r.hold()
	defer r.drop(p)
	return text(C.ckpt_reader_prefix(p))
}

// Resolution says how the path of a checkpoint was understood.
type Resolution struct {
	Entry       string // the path in the state file that led to the checkpoint; "" if none was needed
	IsMoved     bool   // that path leads to nothing, and the same name beside the state file was opened: the directory was moved
	IsAmbiguous bool   // the path is a directory, whose checkpoint was opened, and also the prefix of another checkpoint
}

// Resolved says how the path that was opened was understood.
func (r *Reader) Resolved() Resolution {
	p := r.hold()
	defer r.drop(p)
	return Resolution{
		Entry:       text(C.ckpt_reader_resolved(p)),
		IsMoved:     bool(C.ckpt_reader_resolved_is_moved(p)),
		IsAmbiguous: bool(C.ckpt_reader_resolved_is_ambiguous(p)),
	}
}

// Format says how the checkpoint is stored.
func (r *Reader) Format() Format {
	p := r.hold()
	defer r.drop(p)
	return Format(C.ckpt_reader_format(p))
}

// Versions gives the version that the writer gave the checkpoint, and the least version of a reader
// that may read it.
func (r *Reader) Versions() (producer, minConsumer int) {
	p := r.hold()
	defer r.drop(p)
	return int(C.ckpt_reader_producer_version(p)), int(C.ckpt_reader_min_consumer_version(p))
}

// BigEndian says whether the values in the data files are big-endian. What is read is always in
// native order.
func (r *Reader) BigEndian() bool {
	p := r.hold()
	defer r.drop(p)
	return bool(C.ckpt_reader_is_big_endian(p))
}

// MemorySize says about how many bytes of memory the reader takes while it is open: what it knows
// of the tensors, not their values. The garbage collector does not see them.
func (r *Reader) MemorySize() uint64 {
	p := r.hold()
	defer r.drop(p)
	return uint64(C.ckpt_reader_memory_size(p))
}

// Shards gives the paths of the data files, whether or not they are there.
func (r *Reader) Shards() ([]string, error) {
	p := r.hold()
	defer r.drop(p)
	shards := make([]string, C.ckpt_reader_shard_count(p))
	for i := range shards {
		var s *C.ckpt_string
		var e *C.ckpt_error
		if C.ckpt_reader_shard_path(p, C.uint32_t(i), &s, &e) != C.CKPT_CODE_OK {
			return nil, takeError(e)
		}
		shards[i] = takeString(s)
	}
	return shards, nil
}

// Len gives the number of tensors.
func (r *Reader) Len() int {
	p := r.hold()
	defer r.drop(p)
	return int(C.ckpt_reader_count(p))
}

// Has says whether there is a tensor with this key. Names that are no keys do not count.
func (r *Reader) Has(key string) bool {
	p := r.hold()
	defer r.drop(p)
	c, n := name(key)
	return bool(C.ckpt_reader_has(p, c, n))
}

// String gives the prefix and the number of tensors.
func (r *Reader) String() string {
	if r == nil || r.handle == nil {
		return "no checkpoint"
	}
	return fmt.Sprintf("%s (%d tensors)", r.Prefix(), r.Len())
}

// Listing lists the tensors: key, type and shape in a line each. (debug_string)
func (r *Reader) Listing() string {
	var s *C.ckpt_string
	err := call(r.handle, func(p *C.ckpt_reader, e **C.ckpt_error) C.ckpt_code { return C.ckpt_reader_debug_string(p, &s, e) })
	if err != nil {
		return err.Error()
	}
	return takeString(s)
}

func (r *Reader) tensor(t *C.ckpt_tensor) Tensor {
	// One call for all of it, which is what listing costs.
	var about C.go_tensor
	C.go_tensor_about(t, &about)
	return Tensor{
		reader: r, pointer: t, key: text(about.key), dtype: DType(about.dtype), shape: shapeOf(about.shape, int(about.rank)),
		count: int(about.count),
	}
}

// Get finds the tensor with this key or name: the path of a variable, which is its key without
// /.ATTRIBUTES/VARIABLE_VALUE, or its full name, with or without :0. The error is fs.ErrNotExist
// when there is none, and names what was perhaps meant; it has ReasonAmbiguous when several tensors
// have the name, and names their keys.
func (r *Reader) Get(key string) (Tensor, error) {
	p := r.hold()
	defer r.drop(p)
	var t *C.ckpt_tensor
	var e *C.ckpt_error
	c, n := name(key)
	if C.ckpt_reader_find(p, c, n, &t, &e) != C.CKPT_CODE_OK {
		return Tensor{}, takeError(e)
	}
	return r.tensor(t), nil
}

// All goes over the tensors by key, in the order of the keys.
func (r *Reader) All() iter.Seq2[string, Tensor] {
	return func(yield func(string, Tensor) bool) {
		p := r.hold()
		defer r.drop(p)
		for i := 0; ; i++ {
			t := C.ckpt_reader_tensor(p, C.size_t(i))
			if t == nil {
				return
			}
			tensor := r.tensor(t)
			if !yield(tensor.key, tensor) {
				return
			}
		}
	}
}

// make gives options with a flag, which may be nil.
func (o *ReadOptions) make(flag *C.ckpt_cancel) (*C.ckpt_read_options, error) {
	if flag == nil && (o == nil || *o == (ReadOptions{})) {
		return nil, nil
	}
	if o == nil {
		o = &ReadOptions{}
	}
	made := C.ckpt_read_options_new()
	var e *C.ckpt_error
	if !o.set(made, &e) || C.ckpt_read_options_set_cancel(made, flag, &e) != C.CKPT_CODE_OK {
		C.ckpt_read_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

// ReadMany reads tensors of one reader at once, with several threads, as Read and ReadAs do:
// element i of the answer is the value of tensors[i]. Memory is made for all of them, once the
// library has found that the data files hold so much.
func ReadMany[T Element](ctx context.Context, tensors []Tensor, options *ReadOptions) ([][]T, error) {
	if len(tensors) == 0 {
		return nil, finished(ctx)
	}
	values, buffers := make([][]T, len(tensors)), make([][]byte, len(tensors))
	for i, t := range tensors {
		var err error
		if values[i], err = room[T](t, nil, options); err != nil {
			return nil, err
		}
		buffers[i] = bytesOf(values[i])
	}
	if err := tensors[0].reader.ReadManyBytes(ctx, tensors, buffers, as[T](options)); err != nil {
		return nil, err
	}
	return values, nil
}

// ReadManyBytes reads tensors of one reader at once, with several threads: tensor i into
// buffers[i], which has exactly its size. The buffers must not overlap. Cancelled, and what the
// context says, when that is done; what is in the buffers is then unspecified.
func (r *Reader) ReadManyBytes(ctx context.Context, tensors []Tensor, buffers [][]byte, options *ReadOptions) error {
	if len(tensors) != len(buffers) {
		return argument("there is a buffer for each tensor")
	}
	pointers := make([]*C.ckpt_tensor, len(tensors))
	for i, t := range tensors {
		if t.reader != r {
			return argument("the tensor " + t.key + " is of another reader")
		}
		pointers[i] = t.pointer
	}
	made, err := options.make(nil)
	if err != nil {
		return err
	}
	defer C.ckpt_read_options_free(made)
	var pinner pinnedMemory
	defer pinner.Unpin()
	data, sizes := pinner.buffers(buffers)
	if doneOf(ctx) == nil {
		return call(r.handle, func(p *C.ckpt_reader, e **C.ckpt_error) C.ckpt_code {
			return C.go_reader_read_many(p, unsafe.SliceData(pointers), C.size_t(len(tensors)), made, data, sizes, e)
		})
	}
	p := r.hold()
	defer r.drop(p)
	pending, err := await(ctx, func(pending **C.ckpt_pending, e **C.ckpt_error) {
		C.go_reader_read_many_async(p, unsafe.SliceData(pointers), C.size_t(len(tensors)), made, data, sizes, pending, e)
	})
	if err != nil {
		return err
	}
	defer C.ckpt_pending_free(pending)
	var e *C.ckpt_error
	C.ckpt_pending_wait(pending, nil, &e)
	return stopped(ctx, takeError(e))
}
