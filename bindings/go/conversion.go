package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

import "unsafe"

// Convert converts values to as many elements of another type, as tensors are converted that are
// read or restored. InvalidArgument when the conversion does not convert between the types, an
// integer does not fit, or there are not as many; out is unchanged then.
func Convert[From, To Element](values []From, out []To, conversion Conversion) error {
	from, to := bytesOf(values), bytesOf(out)
	var e *C.ckpt_error
	C.ckpt_convert_values(C.ckpt_conversion(conversion), C.ckpt_dtype(DTypeOf[From]()), unsafe.Pointer(unsafe.SliceData(from)),
		C.size_t(len(from)), C.ckpt_dtype(DTypeOf[To]()), unsafe.Pointer(unsafe.SliceData(to)), C.size_t(len(to)), &e)
	return takeError(e)
}

// ToFloat32 gives a small floating-point number as a float32, which has all of their values.
func ToFloat32[T SmallFloat](value T) float32 {
	var out [1]float32
	_ = Convert([]T{value}, out[:], ConversionExact) // cannot fail
	return out[0]
}

// FromFloat32 gives the small floating-point number that is nearest to a float32, ties to even.
func FromFloat32[T SmallFloat](value float32) T {
	var out [1]T
	_ = Convert([]float32{value}, out[:], ConversionLossy) // cannot fail
	return out[0]
}
