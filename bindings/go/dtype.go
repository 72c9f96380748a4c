package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// DType is the type of a tensor's elements: TensorFlow's number.
type DType int32

// The types. Those without a Go type of their own are handled as the bytes of their elements.
const (
	Invalid           DType = C.CKPT_DTYPE_INVALID            // not a dtype
	Float32           DType = C.CKPT_DTYPE_FLOAT              // float32
	Float64           DType = C.CKPT_DTYPE_DOUBLE             // float64
	Int32             DType = C.CKPT_DTYPE_INT32              // int32
	Uint8             DType = C.CKPT_DTYPE_UINT8              // uint8
	Int16             DType = C.CKPT_DTYPE_INT16              // int16
	Int8              DType = C.CKPT_DTYPE_INT8               // int8
	String            DType = C.CKPT_DTYPE_STRING             // byte strings, each of its own length
	Complex64         DType = C.CKPT_DTYPE_COMPLEX64          // complex64
	Int64             DType = C.CKPT_DTYPE_INT64              // int64
	Bool              DType = C.CKPT_DTYPE_BOOL               // bool
	Qint8             DType = C.CKPT_DTYPE_QINT8              // quantized, 1 byte
	Quint8            DType = C.CKPT_DTYPE_QUINT8             // quantized, 1 byte
	Qint32            DType = C.CKPT_DTYPE_QINT32             // quantized, 4 bytes
	Bfloat16          DType = C.CKPT_DTYPE_BFLOAT16           // the upper half of a float32, BF16 in Go
	Qint16            DType = C.CKPT_DTYPE_QINT16             // quantized, 2 bytes
	Quint16           DType = C.CKPT_DTYPE_QUINT16            // quantized, 2 bytes
	Uint16            DType = C.CKPT_DTYPE_UINT16             // uint16
	Complex128        DType = C.CKPT_DTYPE_COMPLEX128         // complex128
	Float16           DType = C.CKPT_DTYPE_HALF               // IEEE half precision, F16 in Go
	Variant           DType = C.CKPT_DTYPE_VARIANT            // serialized objects
	Uint32            DType = C.CKPT_DTYPE_UINT32             // uint32
	Uint64            DType = C.CKPT_DTYPE_UINT64             // uint64
	Float8E5M2        DType = C.CKPT_DTYPE_FLOAT8_E5M2        // 1 byte
	Float8E4M3FN      DType = C.CKPT_DTYPE_FLOAT8_E4M3FN      // 1 byte
	Float8E4M3FNUZ    DType = C.CKPT_DTYPE_FLOAT8_E4M3FNUZ    // 1 byte
	Float8E4M3B11FNUZ DType = C.CKPT_DTYPE_FLOAT8_E4M3B11FNUZ // 1 byte
	Float8E5M2FNUZ    DType = C.CKPT_DTYPE_FLOAT8_E5M2FNUZ    // 1 byte
	Int4              DType = C.CKPT_DTYPE_INT4               // the low four bits of a byte
	Uint4             DType = C.CKPT_DTYPE_UINT4              // the low four bits of a byte
	Int2              DType = C.CKPT_DTYPE_INT2               // the low two bits of a byte
	Uint2             DType = C.CKPT_DTYPE_UINT2              // the low two bits of a byte
	Float4E2M1FN      DType = C.CKPT_DTYPE_FLOAT4_E2M1FN      // the low four bits of a byte
)

// String gives TensorFlow's name, e.g. float32.
func (d DType) String() string { return C.GoString(C.ckpt_dtype_name(C.ckpt_dtype(d))) }

// Size gives the bytes of an element; 0 for strings and variants, whose elements have lengths of their own.
func (d DType) Size() int { return int(C.ckpt_dtype_size(C.ckpt_dtype(d))) }

// F16 holds the bits of an IEEE half-precision number.
type F16 uint16

// BF16 holds the bits of a bfloat16 number: the upper half of a float32.
type BF16 uint16

// Element is any Go type whose slices are tensors of a fixed-size dtype.
type Element interface {
	bool | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64 | complex64 | complex128 | F16 | BF16
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
	}
	return Invalid
}

// bytesOf gives the memory of a slice.
func bytesOf[T Element](values []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(zero)))
}

// sizedBytes gives the memory of a slice whose elements a tensor of dtype holds.
func sizedBytes[T Element](dtype DType, values []T) ([]byte, error) {
	return bytesOf(values), check[T](dtype)
}

// check fails when elements of T are not what a tensor of dtype holds. Types of one byte that Go lacks are read as uint8, those of
// two as uint16, and so on.
func check[T Element](dtype DType) error {
	own := DTypeOf[T]()
	if own == dtype {
		return nil
	}
	var zero T
	switch own {
	case Uint8, Uint16, Uint32:
		switch dtype {
		case Float32, Float64, Int32, Int16, Int8, Complex64, Int64, Bool, Complex128, Uint16, Uint32, Uint64, Uint8, String, Variant:
		default:
			if dtype.Size() == int(unsafe.Sizeof(zero)) {
				return nil
			}
		}
	}
	return &Error{
		Code: InvalidArgument, Reason: ReasonDType, Expected: own.String(), Found: dtype.String(),
		Message: fmt.Sprintf("the elements have another type: expected %v, found %v", own, dtype),
	}
}
