package checkpoint

/*
#include <stdlib.h>
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"io"
	"unsafe"
)

// Durability says what of a checkpoint survives a power cut.
type Durability int32

// What survives.
const (
	DurabilityFull Durability = C.CKPT_DURABILITY_FULL // all of it, when the call returns
	DurabilityData Durability = C.CKPT_DURABILITY_DATA // what there is is whole, but a new checkpoint may be gone again
	DurabilityNone Durability = C.CKPT_DURABILITY_NONE // there may be anything
)

// WriteOptions says how files are written. The zero value, and nil, are the defaults.
type WriteOptions struct {
	Shards       uint32     // data files; 0 for the library's choice by the size
	MaxShardSize uint64     // most bytes of a data file, in place of Shards; 0 for no limit
	Alignment    uint64     // begins each value at a multiple of so many bytes; 0 is 1, as in TensorFlow
	Threads      uint32     // the caller's among them; 0 for the library's choice
	Durability   Durability // what survives a power cut; all by default

	// Progress hears how many bytes of how many were written. Its error stops the call, which returns Cancelled, and that
	// unwraps to it.
	Progress func(done, total uint64) error
}

// watch makes what stops a call: a flag that is raised when the context is done, and the progress function.
type watch struct {
	stopper *stopper
	cancel  *handle[*C.ckpt_cancel]
}

func newWatch(progress func(done, total uint64) error) *watch {
	return &watch{
		stopper: &stopper{progress: progress},
		cancel:  own(C.ckpt_cancel_new(), func(c *C.ckpt_cancel) { C.ckpt_cancel_free(c) }),
	}
}

// run makes a call that a context can stop.
func (w *watch) run(ctx context.Context, f func() error) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if ctx.Err() != nil {
		w.raise(ctx) // a goroutine might come too late
	}
	defer context.AfterFunc(ctx, func() { w.raise(ctx) })()
	return w.stopper.because(f())
}

// raise stops the call since the context is done.
func (w *watch) raise(ctx context.Context) {
	w.stopper.stop(context.Cause(ctx))
	c := w.cancel.hold()
	defer w.cancel.drop(c)
	C.ckpt_cancel_raise(c)
}

func (w *watch) close() { w.cancel.Close() }

func (o *WriteOptions) make(w *watch) (*C.ckpt_write_options, error) {
	if o == nil {
		o = &WriteOptions{}
	}
	made := C.ckpt_write_options_new()
	var e *C.ckpt_error
	ok := C.ckpt_write_options_set_shards(made, C.uint32_t(o.Shards), &e) == C.CKPT_CODE_OK &&
		C.ckpt_write_options_set_threads(made, C.uint32_t(o.Threads), &e) == C.CKPT_CODE_OK &&
		C.ckpt_write_options_set_durability(made, C.ckpt_durability(o.Durability), &e) == C.CKPT_CODE_OK
	if ok && o.MaxShardSize != 0 {
		ok = C.ckpt_write_options_set_max_shard_size(made, C.uint64_t(o.MaxShardSize), &e) == C.CKPT_CODE_OK
	}
	if ok && o.Alignment != 0 {
		ok = C.ckpt_write_options_set_alignment(made, C.uint64_t(o.Alignment), &e) == C.CKPT_CODE_OK
	}
	if ok && o.Progress != nil {
		ok = C.go_write_options_set_progress(made, give(&given{value: w.stopper}), &e) == C.CKPT_CODE_OK
	}
	if ok {
		c := w.cancel.hold()
		defer w.cancel.drop(c)
		ok = C.ckpt_write_options_set_cancel(made, c, &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_write_options_free(made)
		return nil, takeError(e)
	}
	return made, nil
}

func (o *WriteOptions) watch() *watch {
	if o == nil {
		return newWatch(nil)
	}
	return newWatch(o.Progress)
}

// Writer puts a checkpoint of named tensors together, without an object graph (tf.raw_ops.SaveV2). For one goroutine at a time.
type Writer struct {
	*handle[*C.ckpt_writer]
	pins  *pins // the memory of what was added
	watch *watch
	world *world // what the readers that were added say
}

// NewWriter makes a writer of the checkpoint prefix. Nothing is written before Finish.
func NewWriter(prefix string, options *WriteOptions) (*Writer, error) {
	c, free, err := path(prefix)
	if err != nil {
		return nil, err
	}
	defer free()
	watch := options.watch()
	made, err := options.make(watch)
	if err != nil {
		return nil, err
	}
	defer C.ckpt_write_options_free(made)
	var writer *C.ckpt_writer
	var e *C.ckpt_error
	if C.ckpt_writer_new(c, made, &writer, &e) != C.CKPT_CODE_OK {
		watch.close()
		return nil, takeError(e)
	}
	held := &pins{}
	return &Writer{own(writer, func(w *C.ckpt_writer) {
		C.ckpt_writer_free(w)
		held.Unpin()
		watch.close()
	}), held, watch, &world{}}, nil
}

// Add adds a tensor. Its memory is the writer's until Finish or Close, and must stay as it is.
func Add[T Element](w *Writer, key string, shape []int64, values []T) error {
	return w.AddBytes(key, DTypeOf[T](), shape, bytesOf(values))
}

// AddBytes adds a tensor of any fixed-size dtype, given as bytes in native order, as Add does.
func (w *Writer) AddBytes(key string, dtype DType, shape []int64, data []byte) error {
	w.pins.bytes(data)
	return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		b, size := memory(data)
		return C.go_writer_add(p, k, n, C.ckpt_dtype(dtype), d, rank, b, size, e)
	})
}

// AddSlice adds a slice of a partitioned tensor: shape is that of the whole tensor, region what the slice takes of it. Slices
// of one tensor do not overlap, and are stored in the order in which they were added.
func AddSlice[T Element](w *Writer, key string, shape []int64, region Region, values []T) error {
	return w.AddSliceBytes(key, DTypeOf[T](), shape, region, bytesOf(values))
}

// AddSliceBytes does the same with a slice given as bytes.
func (w *Writer) AddSliceBytes(key string, dtype DType, shape []int64, region Region, data []byte) error {
	if err := region.of(shape); err != nil {
		return err
	}
	w.pins.bytes(data)
	return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		start, _ := dims(region.Start)
		length, _ := dims(region.Length)
		b, size := memory(data)
		return C.go_writer_add_slice(p, k, n, C.ckpt_dtype(dtype), d, start, length, rank, b, size, e)
	})
}

// of fails when a region has not as many dimensions as a tensor.
func (r Region) of(shape []int64) error {
	if len(r.Start) != len(shape) || len(r.Length) != len(shape) {
		return &Error{Code: InvalidArgument, Reason: ReasonShape, Message: "the region has not the dimensions of the tensor"}
	}
	return nil
}

// AddShapeAndSlice adds a tensor or a slice of one as SaveV2 takes it: shape is that of values, shapeAndSlice empty for a whole
// tensor, else the whole tensor's shape and the slice, "5 10 -:0,1".
func AddShapeAndSlice[T Element](w *Writer, key string, shape []int64, shapeAndSlice string, values []T) error {
	data := bytesOf(values)
	w.pins.bytes(data)
	return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		s, sn := name(shapeAndSlice)
		b, size := memory(data)
		return C.go_writer_add_shape_and_slice(p, k, n, C.ckpt_dtype(DTypeOf[T]()), d, rank, s, sn, b, size, e)
	})
}

// AddReader adds a tensor whose bytes, in native order, are asked for while it is written: each once, by several goroutines'
// threads at once. What the reader fails with is what Finish's error unwraps to.
func (w *Writer) AddReader(key string, dtype DType, shape []int64, reader io.ReaderAt) error {
	if reader == nil {
		return argument("there is no reader")
	}
	return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		return C.go_writer_add_read(p, k, n, C.ckpt_dtype(dtype), d, rank, give(&given{value: reader, world: w.world}), e)
	})
}

// AddStrings adds a string tensor, whose elements are copied.
func (w *Writer) AddStrings(key string, shape []int64, values []string) error {
	return w.addStrings(values, func(p *C.ckpt_writer, all *C.ckpt_bytes, count C.size_t, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		return C.ckpt_writer_add_strings(p, k, n, d, rank, all, count, e)
	})
}

// AddStringsSlice adds a slice of a partitioned string tensor.
func (w *Writer) AddStringsSlice(key string, shape []int64, region Region, values []string) error {
	if err := region.of(shape); err != nil {
		return err
	}
	return w.addStrings(values, func(p *C.ckpt_writer, all *C.ckpt_bytes, count C.size_t, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		start, _ := dims(region.Start)
		length, _ := dims(region.Length)
		return C.ckpt_writer_add_strings_slice(p, k, n, d, start, length, rank, all, count, e)
	})
}

// AddVariants adds a variant tensor; its elements are serialized, as ReadStrings gives them.
func (w *Writer) AddVariants(key string, shape []int64, values []string) error {
	return w.addStrings(values, func(p *C.ckpt_writer, all *C.ckpt_bytes, count C.size_t, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		return C.ckpt_writer_add_variants(p, k, n, d, rank, all, count, e)
	})
}

func (w *Writer) addStrings(
	values []string, add func(*C.ckpt_writer, *C.ckpt_bytes, C.size_t, **C.ckpt_error) C.ckpt_code,
) error {
	var pinner pins
	defer pinner.Unpin()
	all, count := texts(values, &pinner.Pinner)
	return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code { return add(p, all, count, e) })
}

// Finish writes everything that was added, and publishes it: the checkpoint that the prefix had before stays until the new one
// takes its place at one stroke. Then memory is the caller's again, and the writer is used up, whether this succeeds or not.
//
// InvalidArgument when two tensors have one key; ResourceExhausted when there is no space; Unavailable when another process
// writes in the directory; Cancelled, and what the context says, when that is done; Aborted when a reader fails.
func (w *Writer) Finish(ctx context.Context) error {
	defer w.Close()
	return w.world.because(w.watch.run(ctx, func() error {
		return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code { return C.ckpt_writer_finish(p, e) })
	}))
}

// MergeOptions says how checkpoints are merged. The zero value, and nil, are the defaults.
type MergeOptions struct {
	AllowMissing bool       // whether sections may be missing: those that are there are merged
	KeepInputs   bool       // whether the sections stay
	Durability   Durability // what survives a power cut; all by default

	// Progress hears how many bytes of how many are done; its error stops the call.
	Progress func(done, total uint64) error
}

// Merge merges checkpoints, given by their prefixes, into one, as the workers of a distributed program do with the sections
// that each of them wrote (tf.raw_ops.MergeV2Checkpoints). Sections are removed in the end, unless the options keep them.
func Merge(ctx context.Context, destination string, sections []string, options *MergeOptions) error {
	if options == nil {
		options = &MergeOptions{}
	}
	c, free, err := path(destination)
	if err != nil {
		return err
	}
	defer free()
	prefixes, freeAll, err := paths(sections)
	if err != nil {
		return err
	}
	defer freeAll()
	watch := newWatch(options.Progress)
	defer watch.close()
	made := C.ckpt_merge_options_new()
	defer C.ckpt_merge_options_free(made)
	var e *C.ckpt_error
	ok := C.ckpt_merge_options_set_allow_missing(made, C.bool(options.AllowMissing), &e) == C.CKPT_CODE_OK &&
		C.ckpt_merge_options_set_keep_inputs(made, C.bool(options.KeepInputs), &e) == C.CKPT_CODE_OK &&
		C.ckpt_merge_options_set_durability(made, C.ckpt_durability(options.Durability), &e) == C.CKPT_CODE_OK &&
		C.ckpt_merge_options_set_cancel(made, watch.cancel.pointer, &e) == C.CKPT_CODE_OK
	if ok && options.Progress != nil {
		ok = C.go_merge_options_set_progress(made, give(&given{value: watch.stopper}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		return takeError(e)
	}
	return watch.run(ctx, func() error {
		C.ckpt_merge(c, unsafe.SliceData(prefixes), C.size_t(len(sections)), made, &e)
		return takeError(e)
	})
}

// paths copies paths for C, to be freed by the second result.
func paths(all []string) ([]*C.char, func(), error) {
	made := make([]*C.char, 0, len(all))
	free := func() {
		for _, c := range made {
			C.free(unsafe.Pointer(c))
		}
	}
	for _, p := range all {
		c, _, err := path(p)
		if err != nil {
			free()
			return nil, nil, err
		}
		made = append(made, c)
	}
	return made, free, nil
}

// VerifyOptions says how a checkpoint is verified. The zero value, and nil, are the defaults.
type VerifyOptions struct {
	Threads  uint32                         // 0 for the library's choice
	Progress func(done, total uint64) error // hears how many bytes of how many were checked; its error stops the call
}

// Verification is what verifying found.
type Verification struct {
	Problems []*Error // at most 10 000; none when the checkpoint is whole
	Tensors  int      // tensors listed
	Bytes    uint64   // bytes of values that were checked
	Files    int      // files that were there
}

// Verify checks every checksum of every block and tensor of a checkpoint, and goes on after a fault: no error says that it came
// to the end, not that the checkpoint is whole.
func Verify(ctx context.Context, p string, options *VerifyOptions) (*Verification, error) {
	var found *C.ckpt_verification
	err := options.verifying(ctx, p, func(c *C.char, made *C.ckpt_verify_options, e **C.ckpt_error) {
		C.ckpt_verify(c, made, &found, e)
	})
	if err != nil {
		return nil, err
	}
	defer C.ckpt_verification_free(found)
	v := &Verification{
		Tensors: int(C.ckpt_verification_tensor_count(found)), Bytes: uint64(C.ckpt_verification_byte_count(found)),
		Files: int(C.ckpt_verification_file_count(found)),
	}
	for i := range C.ckpt_verification_problem_count(found) {
		v.Problems = append(v.Problems, errorOf(C.ckpt_verification_problem(found, i)))
	}
	return v, nil
}

// verifying runs what takes a path and these options.
func (o *VerifyOptions) verifying(ctx context.Context, p string, run func(*C.char, *C.ckpt_verify_options, **C.ckpt_error)) error {
	c, free, err := path(p)
	if err != nil {
		return err
	}
	defer free()
	watch, made, err := o.make()
	if err != nil {
		return err
	}
	defer watch.close()
	defer C.ckpt_verify_options_free(made)
	return watch.run(ctx, func() error {
		var e *C.ckpt_error
		run(c, made, &e)
		return takeError(e)
	})
}

func (o *VerifyOptions) make() (*watch, *C.ckpt_verify_options, error) {
	if o == nil {
		o = &VerifyOptions{}
	}
	watch := newWatch(o.Progress)
	made := C.ckpt_verify_options_new()
	var e *C.ckpt_error
	ok := C.ckpt_verify_options_set_threads(made, C.uint32_t(o.Threads), &e) == C.CKPT_CODE_OK &&
		C.ckpt_verify_options_set_cancel(made, watch.cancel.pointer, &e) == C.CKPT_CODE_OK
	if ok && o.Progress != nil {
		ok = C.go_verify_options_set_progress(made, give(&given{value: watch.stopper}), &e) == C.CKPT_CODE_OK
	}
	if !ok {
		C.ckpt_verify_options_free(made)
		watch.close()
		return nil, nil, takeError(e)
	}
	return watch, made, nil
}
