package checkpoint

/*
#include <checkpoint.h>
#include "callbacks.h"
*/
import "C"

import (
	"context"
	"strconv"
	"strings"
)

// Tensor is a tensor of an open checkpoint. It keeps its reader open unless that is closed by
// Close; then reading it fails.
type Tensor struct {
	reader  *Reader
	pointer *C.ckpt_tensor
	key     string
	dtype   DType
	shape   []int64
	count   int // of elements
}

// Key gives the key: bytes, UTF-8 in every checkpoint that TensorFlow's Python can list.
func (t Tensor) Key() string { return t.key }

// DType gives the type of the elements.
func (t Tensor) DType() DType { return t.dtype }

// Shape gives a copy of the dimensions; none of a scalar.
func (t Tensor) Shape() []int64 { return append([]int64{}, t.shape...) }

// Len gives the number of elements.
func (t Tensor) Len() int { return t.count }

// shapeText gives a shape as messages have it: [2,3].
func shapeText(shape []int64) string {
	parts := make([]string, len(shape))
	for i, dim := range shape {
		parts[i] = strconv.FormatInt(dim, 10)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// Region is a part of a tensor: where it begins, and how much it takes of each dimension; a length
// of -1 takes a dimension to its end.
type Region struct{ Start, Length []int64 }

// Size gives the bytes of the value; of strings and variants those that are stored, or -1 when that
// is not known without reading.
func (t Tensor) Size() int64 {
	var size int64
	if t.use(func() { size = int64(C.ckpt_tensor_byte_size(t.pointer)) }) != nil {
		return -1
	}
	return size
}

// Place says in which data file the tensor lies, and where in it; -1 of partitioned tensors and in
// V1 checkpoints.
func (t Tensor) Place() (shard, offset int64) {
	shard, offset = -1, -1
	t.use(func() { shard, offset = int64(C.ckpt_tensor_shard(t.pointer)), int64(C.ckpt_tensor_offset(t.pointer)) })
	return shard, offset
}

// Slices gives the slices in which a partitioned tensor is stored; none of a tensor stored whole.
func (t Tensor) Slices() ([]Region, error) {
	var slices []Region
	var failed error
	err := t.use(func() {
		for i := range int(C.ckpt_tensor_slice_count(t.pointer)) {
			// One more than the rank, so that there is an address to give.
			region := Region{make([]int64, len(t.shape)+1), make([]int64, len(t.shape)+1)}
			start, _ := dims(region.Start)
			length, _ := dims(region.Length)
			var e *C.ckpt_error
			if C.ckpt_tensor_slice(t.pointer, C.size_t(i), start, length, &e) != C.CKPT_CODE_OK {
				failed = takeError(e)
				return
			}
			slices = append(slices, Region{region.Start[:len(t.shape)], region.Length[:len(t.shape)]})
		}
	})
	if err == nil {
		err = failed
	}
	return slices, err
}

// use does something with the tensor while its reader stays open.
func (t Tensor) use(f func()) error {
	if t.reader == nil {
		return argument("the tensor is the zero value")
	}
	p := t.reader.hold()
	if p == nil {
		return argument("the reader was closed")
	}
	defer t.reader.drop(p)
	f()
	return nil
}

// Read gives the value of a tensor of a fixed-size dtype. T has to be the tensor's type; uint8,
// uint16 and uint32 also stand for types of their size that Go does not have.
// (CheckpointReader.get_tensor)
//
// InvalidArgument for another type; fs.ErrNotExist when a data file is missing; DataLoss when it is
// too short or a checksum does not match; Cancelled, and what the context says, when that is done.
func Read[T Element](ctx context.Context, t Tensor) ([]T, error) { return ReadAs[T](ctx, t, nil) }

// ReadAs is Read with options. With a conversion T may be another type than the tensor's, and its
// values are converted.
func ReadAs[T Element](ctx context.Context, t Tensor, options *ReadOptions) ([]T, error) {
	values, err := room[T](t, nil, options)
	if err != nil {
		return nil, err
	}
	if err := t.ReadBytes(ctx, bytesOf(values), as[T](options)); err != nil {
		return nil, err
	}
	return values, nil
}

// as gives the options with which a tensor is read as elements of T.
func as[T Element](options *ReadOptions) *ReadOptions {
	if !options.converts() {
		return options
	}
	as := *options
	as.DType = DTypeOf[T]()
	return &as
}

func (o *ReadOptions) converts() bool { return o != nil && o.Conversion != ConversionNone }

// room makes memory for the value of a tensor or for a part of it, once the library has found that
// the data files hold so much: what an index claims may be more than there is in the world. It
// fails for elements that the tensor does not hold, unless the options convert.
func room[T Element](t Tensor, region *Region, options *ReadOptions) ([]T, error) {
	var count C.uint64_t
	var e *C.ckpt_error
	elements := C.ckpt_dtype(DTypeOf[T]())
	if options.converts() {
		elements = C.CKPT_DTYPE_INVALID
	}
	err := t.use(func() {
		if region == nil {
			C.ckpt_reader_measure(t.reader.pointer, t.pointer, elements, &count, nil, &e)
			return
		}
		start, rank := dims(region.Start)
		length, _ := dims(region.Length)
		C.ckpt_reader_measure_slice(t.reader.pointer, t.pointer, start, length, rank, elements, &count, nil, &e)
	})
	if err == nil {
		err = takeError(e)
	}
	if err != nil {
		return nil, err
	}
	return make([]T, count), nil
}

// ReadInto reads the value of a tensor into memory, which has exactly as many elements, straight
// and with several threads.
func ReadInto[T Element](ctx context.Context, t Tensor, values []T, options *ReadOptions) error {
	if !options.converts() {
		if err := t.check(DTypeOf[T]()); err != nil {
			return err
		}
	}
	return t.ReadBytes(ctx, bytesOf(values), as[T](options))
}

// check fails when elements of a type are not what the tensor holds.
func (t Tensor) check(elements DType) error {
	if t.dtype == elements {
		return nil
	}
	var e *C.ckpt_error
	if err := t.use(func() { C.ckpt_tensor_check_elements(t.pointer, C.ckpt_dtype(elements), &e) }); err != nil {
		return err
	}
	return takeError(e)
}

// ReadRegion reads a part of a tensor.
func ReadRegion[T Element](ctx context.Context, t Tensor, region Region, options *ReadOptions) ([]T, error) {
	if err := region.check(); err != nil {
		return nil, err
	}
	values, err := room[T](t, &region, options)
	if err != nil {
		return nil, err
	}
	if err := t.ReadRegionBytes(ctx, region, bytesOf(values), as[T](options)); err != nil {
		return nil, err
	}
	return values, nil
}

// check fails when a region has not as many starts as lengths, so that C cannot be told of it.
func (r Region) check() error {
	if len(r.Start) != len(r.Length) {
		return &Error{Code: InvalidArgument, Reason: ReasonShape, Message: "a region has a start and a length for each dimension"}
	}
	return nil
}

// ReadBytes reads the value of a tensor of a fixed-size dtype as bytes in native order into a
// buffer of exactly their size.
func (t Tensor) ReadBytes(ctx context.Context, buffer []byte, options *ReadOptions) error {
	return t.reading(ctx, options, func(made *C.ckpt_read_options, e **C.ckpt_error) {
		data, size := memory(buffer)
		C.go_reader_read(t.reader.pointer, t.pointer, made, data, size, e)
	})
}

// reading runs what reads the tensor with these options until the context is done.
func (t Tensor) reading(ctx context.Context, options *ReadOptions, read func(*C.ckpt_read_options, **C.ckpt_error)) error {
	return withFlag(ctx, func(flag *C.ckpt_cancel) error {
		made, err := options.make(flag)
		if err != nil {
			return err
		}
		defer C.ckpt_read_options_free(made)
		var e *C.ckpt_error
		if err := t.use(func() { read(made, &e) }); err != nil {
			return err
		}
		return takeError(e)
	})
}

// ReadRegionBytes does the same with a part of a tensor.
func (t Tensor) ReadRegionBytes(ctx context.Context, region Region, buffer []byte, options *ReadOptions) error {
	if err := region.check(); err != nil {
		return err
	}
	return t.reading(ctx, options, func(made *C.ckpt_read_options, e **C.ckpt_error) {
		start, rank := dims(region.Start)
		length, _ := dims(region.Length)
		data, size := memory(buffer)
		C.go_reader_read_slice(t.reader.pointer, t.pointer, start, length, rank, made, data, size, e)
	})
}

// ReadStrings gives the elements of a string tensor; of a variant tensor the serialized elements.
func (t Tensor) ReadStrings(options *ReadOptions) ([]string, error) {
	return t.strings(options, nil)
}

// ReadRegionStrings does the same with a part of a tensor.
func (t Tensor) ReadRegionStrings(region Region, options *ReadOptions) ([]string, error) {
	if err := region.check(); err != nil {
		return nil, err
	}
	return t.strings(options, &region)
}

func (t Tensor) strings(options *ReadOptions, region *Region) ([]string, error) {
	made, err := options.make(nil)
	if err != nil {
		return nil, err
	}
	defer C.ckpt_read_options_free(made)
	var found *C.ckpt_strings
	var e *C.ckpt_error
	err = t.use(func() {
		if region == nil {
			C.ckpt_reader_read_strings(t.reader.pointer, t.pointer, made, &found, &e)
			return
		}
		start, rank := dims(region.Start)
		length, _ := dims(region.Length)
		C.ckpt_reader_read_strings_slice(t.reader.pointer, t.pointer, start, length, rank, made, &found, &e)
	})
	if err == nil {
		err = takeError(e)
	}
	if err != nil {
		return nil, err
	}
	return takeStrings(found), nil
}

// of fails when a region has not as many dimensions as a tensor.
func (r Region) of(shape []int64) error {
	if len(r.Start) != len(shape) || len(r.Length) != len(shape) {
		return &Error{Code: InvalidArgument, Reason: ReasonShape, Message: "the region has not the dimensions of the tensor"}
	}
	return nil
}
