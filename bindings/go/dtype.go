package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"unsafe"
)

// Size gives the bytes of an element; 0 for strings and variants, whose elements have lengths of
// their own.
func (d DType) Size() int { return int(C.ckpt_dtype_size(C.ckpt_dtype(d))) }

// Small floating-point numbers, as their bits. ToFloat32 and FromFloat32 convert them; Convert does
// that for many at once.
type (
	F16           uint16 // IEEE half precision
	BF16          uint16 // bfloat16: the upper half of a float32
	F8E5M2        uint8  // 5 bits of exponent, 2 of mantissa
	F8E4M3FN      uint8  // finite, with NaN
	F8E4M3FNUZ    uint8  // finite, without negative zero
	F8E4M3B11FNUZ uint8  // the same with bias 11
	F8E5M2FNUZ    uint8  // finite, without negative zero
)

// Element is any Go type whose slices are tensors of a fixed-size dtype.
type Element interface {
	bool | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64 | complex64 | complex128 | SmallFloat
}

// SmallFloat is a floating-point number of one or two bytes.
type SmallFloat interface {
	F16 | BF16 | F8E5M2 | F8E4M3FN | F8E4M3FNUZ | F8E4M3B11FNUZ | F8E5M2FNUZ
}

// DTypeOf gives the dtype of slices of T.
func DTypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case bool:
		return Bool
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case float32:
		return Float32
	case float64:
		return Float64
	case complex64:
		return Complex64
	case complex128:
		return Complex128
	case F16:
		return Float16
	case BF16:
		return Bfloat16
	case F8E5M2:
		return Float8E5M2
	case F8E4M3FN:
		return Float8E4M3FN
	case F8E4M3FNUZ:
		return Float8E4M3FNUZ
	case F8E4M3B11FNUZ:
		return Float8E4M3B11FNUZ
	case F8E5M2FNUZ:
		return Float8E5M2FNUZ
	}
	return Invalid
}

// bytesOf gives the memory of a slice.
func bytesOf[T Element](values []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(zero)))
}

// check fails when elements of T are not what a tensor of dtype holds.
func check[T Element](dtype DType, tensor string) error {
	own := DTypeOf[T]()
	if own == dtype {
		return nil
	}
	var e *C.ckpt_error
	c, n := name(tensor)
	C.ckpt_dtype_check_elements(C.ckpt_dtype(dtype), C.ckpt_dtype(own), c, n, &e)
	return takeError(e)
}
