package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// View is a tensor as it lies in its data file, mapped into memory. It outlives its reader. It has
// to be closed: the garbage collector does not see its size.
type View struct {
	*handle[*C.ckpt_view]
	tensor Tensor
}

// View maps the value of a fixed-size tensor without copying it. While the view is open nobody may
// truncate or rewrite the data file in place; replacing it by rename is harmless.
//
// FailedPrecondition for strings, partitioned tensors, V1 checkpoints and values of the other byte
// order.
func (t Tensor) View(options *ReadOptions) (*View, error) {
	made, err := options.make(nil)
	if err != nil {
		return nil, err
	}
	defer C.ckpt_read_options_free(made)
	var view *C.ckpt_view
	var e *C.ckpt_error
	if err := t.use(func() { C.ckpt_reader_view(t.reader.pointer, t.pointer, made, &view, &e) }); err != nil {
		return nil, err
	}
	if e != nil {
		return nil, takeError(e)
	}
	return &View{own(view, func(v *C.ckpt_view) { C.ckpt_view_free(v) }), Tensor{key: t.key, dtype: t.dtype, shape: t.shape, count: t.count}}, nil
}

// Use gives f the bytes, row-major and little-endian, which must not be changed, nor used when f
// has returned; and the largest power of two, up to 4096, that their address is a multiple of.
func (v *View) Use(f func(bytes []byte, alignment int)) error {
	p := v.hold()
	if p == nil {
		return argument("the view was closed")
	}
	defer v.drop(p)
	bytes := C.ckpt_view_bytes(p)
	f(unsafe.Slice((*byte)(bytes.data), int(bytes.len)), int(C.ckpt_view_alignment(p)))
	return nil
}

// UseView gives f the elements of a view, which must not be changed, nor used when f has returned.
// InvalidArgument when T is not the tensor's type; FailedPrecondition when the value does not lie
// in its file as Go would have it in memory: at a multiple of the size of T (WriteOptions.Alignment
// sees to that), and little-endian, as the machine is.
func UseView[T Element](v *View, f func(values []T)) error {
	if v == nil || v.handle == nil {
		return argument("there is no view")
	}
	if err := check[T](v.tensor.dtype, v.tensor.key); err != nil {
		return err
	}
	var failed error
	err := v.Use(func(bytes []byte, alignment int) {
		var zero T
		if need := int(unsafe.Alignof(zero)); alignment < need && len(bytes) > 0 || !littleEndian {
			failed = &Error{
				Code: FailedPrecondition, Reason: ReasonArgument, Tensor: v.tensor.key,
				Expected: fmt.Sprintf("an address that is a multiple of %d", need), Found: fmt.Sprint(alignment),
				Message: fmt.Sprintf("%s does not lie in its file as in memory: read it with Read", v.tensor.key),
			}
			return
		}
		f(unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), v.tensor.count))
	})
	if err == nil {
		err = failed
	}
	return err
}

var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()
