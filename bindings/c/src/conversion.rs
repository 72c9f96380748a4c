//! Conversions of values in memory.

use std::ffi::c_void;

use super::constants::{ckpt_code, ckpt_conversion, ckpt_dtype, conversion_of, known_dtype};
use super::error::ckpt_error;
use super::{array, array_mut, call};
use ::checkpoint::{convert_values, Error, Result};

/// Converts `values`, elements of the dtype `from`, to elements of the dtype `to` in `result`, as
/// tensors are converted that are read or restored. Both are in native byte order, at any address,
/// and do not overlap; the sizes are in bytes. If the dtypes are the same, the values are copied.
///
/// With `CKPT_CONVERSION_LOSSY` this makes floats of bfloat16 and other small numbers, and back.
///
/// Errors; `result` is unchanged:
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_DTYPE`): the conversion does not convert between
///   the dtypes, or an integer does not fit.
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_SHAPE`): the sizes are not those of as many whole
///   elements.
#[no_mangle]
pub extern "C" fn ckpt_convert_values(
    conversion: ckpt_conversion,
    from: ckpt_dtype,
    values: *const c_void,
    values_size: usize,
    to: ckpt_dtype,
    result: *mut c_void,
    result_size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        check_apart(values.addr(), values_size, result.addr(), result_size)?;
        let values = array(values.cast(), values_size, "the values")?;
        let out = array_mut(result.cast(), result_size, "the result")?;
        convert_values(conversion_of(conversion)?, known_dtype(from)?, values, known_dtype(to)?, out)
    })
}

/// Fails if two pieces of memory overlap.
fn check_apart(a: usize, a_size: usize, b: usize, b_size: usize) -> Result<()> {
    if a_size > 0 && b_size > 0 && a < b.saturating_add(b_size) && b < a.saturating_add(a_size) {
        return Err(
            Error::argument("the result overlaps the values").expecting("disjoint memory", format_args!("{a:#x} and {b:#x}"))
        );
    }
    Ok(())
}
