package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"errors"
	"io"
	"time"
)

// WriteOptions says how files are written. The zero value, and nil, are the defaults.
type WriteOptions struct {
	Shards       uint32         // data files; 0 for the library's choice by the size
	MaxShardSize uint64         // most bytes of a data file, in place of Shards; 0 for no limit
	Alignment    uint64         // begins each value at a multiple of this many bytes; 0 is 1, as in TensorFlow
	Threads      uint32         // the caller's among them; 0 for the library's choice
	Durability   Durability     // what survives a power cut; all by default
	Locking      Locking        // whether the directory is locked; if the file system can, by default
	LockWait     *time.Duration // how long to wait for a lock that somebody else holds; nil for a minute
	ReadBack     bool           // reads the files back, past the page cache, and compares before they are published

	// Log hears, when a Writer finishes, that the file system has no locks and the like. A checkpoint,
	// manager or saver has a log of its own.
	Log func(Severity, string)

	// Progress hears how many bytes of how many were written. Its error stops the call, which
	// returns Cancelled, and that unwraps to it.
	Progress func(done, total uint64) error
}

func (o *WriteOptions) make(w *cancellation) (*C.ckpt_write_options, error) {
	if o == nil {
		o = &WriteOptions{}
	}
	made := C.ckpt_write_options_new()
	var e *C.ckpt_error
	ok := o.set(made, &e)
	if ok && o.Log != nil {
		ok = C.go_write_options_set_log(made, newValue(&callbackValue{value: o.Log}), &e) == C.CKPT_CODE_OK
	}
	if ok && o.Progress != nil {
		ok = C.go_write_options_set_progress(made, newValue(&callbackValue{value: w.stopper}), &e) == C.CKPT_CODE_OK
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

func (o *WriteOptions) cancellation() *cancellation {
	if o == nil {
		return newCancellation(nil)
	}
	return newCancellation(o.Progress)
}

// Writer puts a checkpoint of named tensors together, without an object graph (tf.raw_ops.SaveV2).
// For one goroutine at a time: a call during another one adds nothing and fails with
// FailedPrecondition and ReasonConcurrentUse.
type Writer struct {
	*handle[*C.ckpt_writer]
	pins         *sharedPins // the memory of what was added
	cancellation *cancellation
}

// NewWriter makes a writer of the checkpoint prefix. Nothing is written before Finish.
func NewWriter(prefix string, options *WriteOptions) (*Writer, error) {
	c, free, err := path(prefix)
	if err != nil {
		return nil, err
	}
	defer free()
	cancellation := options.cancellation()
	made, err := options.make(cancellation)
	if err != nil {
		return nil, err
	}
	defer C.ckpt_write_options_free(made)
	var writer *C.ckpt_writer
	var e *C.ckpt_error
	if C.ckpt_writer_new(c, made, &writer, &e) != C.CKPT_CODE_OK {
		cancellation.close()
		return nil, takeError(e)
	}
	held := &sharedPins{}
	return &Writer{own(writer, func(w *C.ckpt_writer) {
		C.ckpt_writer_free(w)
		held.unpin()
		cancellation.close()
	}), held, cancellation}, nil
}

// Add adds a tensor. Its memory is the writer's until Finish or Close, and must stay as it is.
func Add[T Element](w *Writer, key string, shape []int64, values []T) error {
	return w.AddBytes(key, DTypeOf[T](), shape, bytesOf(values))
}

// AddBytes adds a tensor of any fixed-size dtype, given as bytes in native order, as Add does.
func (w *Writer) AddBytes(key string, dtype DType, shape []int64, data []byte) error {
	return w.borrow(data, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		b, size := memory(data)
		return C.go_writer_add(p, k, n, C.ckpt_dtype(dtype), d, rank, b, size, e)
	})
}

// AddSlice adds a slice of a partitioned tensor: shape is that of the whole tensor, region what the
// slice takes of it. Slices of one tensor do not overlap, and are stored in the order in which they
// were added.
func AddSlice[T Element](w *Writer, key string, shape []int64, region Region, values []T) error {
	return w.AddSliceBytes(key, DTypeOf[T](), shape, region, bytesOf(values))
}

// AddSliceBytes does the same with a slice given as bytes.
func (w *Writer) AddSliceBytes(key string, dtype DType, shape []int64, region Region, data []byte) error {
	if err := region.of(shape); err != nil {
		return err
	}
	return w.borrow(data, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		start, _ := dims(region.Start)
		length, _ := dims(region.Length)
		b, size := memory(data)
		return C.go_writer_add_slice(p, k, n, C.ckpt_dtype(dtype), d, start, length, rank, b, size, e)
	})
}

// AddShapeAndSlice adds a tensor or a slice of one as SaveV2 takes it: shape is that of values,
// shapeAndSlice empty for a whole tensor, else the whole tensor's shape and the slice, "5 10
// -:0,1".
func AddShapeAndSlice[T Element](w *Writer, key string, shape []int64, shapeAndSlice string, values []T) error {
	data := bytesOf(values)
	return w.borrow(data, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		s, sn := name(shapeAndSlice)
		b, size := memory(data)
		return C.go_writer_add_shape_and_slice(p, k, n, C.ckpt_dtype(DTypeOf[T]()), d, rank, s, sn, b, size, e)
	})
}

// borrow adds a tensor whose memory is pinned until the writer is freed; if that has happened
// already, it is not pinned.
func (w *Writer) borrow(data []byte, add func(*C.ckpt_writer, **C.ckpt_error) C.ckpt_code) error {
	return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		if p != nil {
			w.pins.bytes(data)
		}
		return add(p, e)
	})
}

// AddReader adds a tensor whose bytes, in native order, are asked for while it is written: each
// once, by several goroutines' threads at once. What the reader fails with is what Finish's error
// unwraps to.
func (w *Writer) AddReader(key string, dtype DType, shape []int64, reader io.ReaderAt) error {
	if reader == nil {
		return argument("there is no reader")
	}
	return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code {
		k, n := name(key)
		d, rank := dims(shape)
		return C.go_writer_add_read(p, k, n, C.ckpt_dtype(dtype), d, rank, newValue(&callbackValue{value: reader}), e)
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
	var pinner pinnedMemory
	defer pinner.Unpin()
	all, count := texts(values, &pinner.Pinner)
	return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code { return add(p, all, count, e) })
}

// Finish writes everything that was added, and publishes it: the checkpoint that the prefix had
// before stays until the new one takes its place at one stroke. Then memory is the caller's again,
// and the writer is used up, whether this succeeds or not; unless another call was using the writer
// (ReasonConcurrentUse).
//
// InvalidArgument when two tensors have one key; ResourceExhausted when there is no space;
// Unavailable when another process writes in the directory; Cancelled, and what the context says,
// when that is done; Aborted when a reader fails.
func (w *Writer) Finish(ctx context.Context) error {
	if w.cancellation == nil {
		return argument("the writer is the zero value")
	}
	err := w.cancellation.run(ctx, func() error {
		return call(w.handle, func(p *C.ckpt_writer, e **C.ckpt_error) C.ckpt_code { return C.ckpt_writer_finish(p, e) })
	})
	var e *Error
	if !errors.As(err, &e) || e.Reason != ReasonConcurrentUse {
		w.Close()
	}
	return err
}
