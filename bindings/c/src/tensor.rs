//! Tensors, lent by their reader.

use super::constants::{ckpt_code, ckpt_dtype, known_dtype, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::{array_mut, ask, call, ckpt_bytes, handle, required};
use ::checkpoint::{Error, Reader, Result, Tensor};

/// A tensor of an open checkpoint. Lent by its reader and valid until that is freed. Immutable:
/// several threads may use it at once.
pub struct ckpt_tensor {
    reader: *const Reader,
    index: usize,
}

impl ckpt_tensor {
    /// A tensor of `reader`, which is shared beside it and outlives it.
    pub(super) fn new(reader: &Reader, index: usize) -> ckpt_tensor {
        ckpt_tensor { reader, index }
    }

    pub(super) fn is_of(&self, reader: &Reader) -> bool {
        std::ptr::eq(self.reader, reader)
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    #[inline(always)]
    fn tensor(&self) -> Option<Tensor<'_>> {
        handle(self.reader).and_then(|reader| reader.tensor(self.index))
    }
}

#[inline(always)]
fn resolve<'a>(tensor: *const ckpt_tensor) -> Option<Tensor<'a>> {
    handle(tensor).and_then(ckpt_tensor::tensor)
}

/// Returns the key. Keys are bytes; they are UTF-8 in every checkpoint that TensorFlow's Python API
/// can list. Lent by the reader.
#[no_mangle]
pub extern "C" fn ckpt_tensor_key(tensor: *const ckpt_tensor) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || resolve(tensor).map(|t| t.key()).into())
}

/// Returns the dtype of the elements; `CKPT_DTYPE_INVALID` for NULL.
#[no_mangle]
pub extern "C" fn ckpt_tensor_dtype(tensor: *const ckpt_tensor) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || resolve(tensor).map_or(CKPT_DTYPE_INVALID, |t| t.dtype().number() as ckpt_dtype))
}

/// Fails unless memory with elements of dtype `elements` can hold the tensor's elements, as
/// `ckpt_dtype_check_elements` does. The error names file and tensor.
#[no_mangle]
pub extern "C" fn ckpt_tensor_check_elements(
    tensor: *const ckpt_tensor,
    elements: ckpt_dtype,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || of_open_reader(tensor)?.check_elements(known_dtype(elements)?))
}

/// Returns the number of dimensions, at most `CKPT_MAX_RANK`; 0 for a scalar and for NULL.
#[no_mangle]
pub extern "C" fn ckpt_tensor_rank(tensor: *const ckpt_tensor) -> usize {
    ask(0, || resolve(tensor).map_or(0, |t| t.shape().len()))
}

/// Returns the dimensions, an array of `ckpt_tensor_rank` values. Lent by the reader.
#[no_mangle]
pub extern "C" fn ckpt_tensor_shape(tensor: *const ckpt_tensor) -> *const i64 {
    ask(std::ptr::null(), || resolve(tensor).map_or(std::ptr::null(), |t| t.shape().as_ptr()))
}

/// Returns the number of elements; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_tensor_element_count(tensor: *const ckpt_tensor) -> u64 {
    ask(0, || resolve(tensor).map_or(0, |t| t.element_count()))
}

/// Returns the size of the value in bytes: element count times element size. For strings and
/// variants it is the stored size, or -1 if that cannot be known without reading them, as in V1
/// checkpoints and partitioned tensors. -1 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_tensor_byte_size(tensor: *const ckpt_tensor) -> i64 {
    ask(-1, || signed(resolve(tensor).and_then(|t| t.byte_size())))
}

/// Returns the shard (data file) that holds the tensor, counted from 0; -1 for partitioned tensors
/// and in V1 checkpoints.
#[no_mangle]
pub extern "C" fn ckpt_tensor_shard(tensor: *const ckpt_tensor) -> i64 {
    ask(-1, || signed(resolve(tensor).and_then(|t| t.shard()).map(u64::from)))
}

/// Returns the offset of the value in its shard, in bytes; -1 for partitioned tensors and in V1
/// checkpoints.
#[no_mangle]
pub extern "C" fn ckpt_tensor_offset(tensor: *const ckpt_tensor) -> i64 {
    ask(-1, || signed(resolve(tensor).and_then(|t| t.offset())))
}

/// Returns the number of slices that a partitioned tensor is stored in; 0 for a tensor stored
/// whole.
#[no_mangle]
pub extern "C" fn ckpt_tensor_slice_count(tensor: *const ckpt_tensor) -> usize {
    ask(0, || resolve(tensor).map_or(0, |t| t.slice_count()))
}

/// Gives stored slice `index` of a partitioned tensor. `start` and `length` are arrays of
/// `ckpt_tensor_rank` values each, which the call fills; a length of -1 means the whole dimension.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_tensor_slice(
    tensor: *const ckpt_tensor,
    index: usize,
    start: *mut i64,
    length: *mut i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let tensor = of_open_reader(tensor)?;
        let rank = tensor.shape().len();
        let (start, length) = (array_mut(start, rank, "the starts")?, array_mut(length, rank, "the lengths")?);
        start.fill(0);
        length.fill(0);
        let slice = tensor.slice(index).ok_or_else(|| {
            Error::argument("the tensor has no such slice")
                .expecting(format_args!("an index below {}", tensor.slice_count()), index)
                .for_tensor(tensor.key())
        })?;
        for (i, extent) in slice.extents().iter().enumerate() {
            (start[i], length[i]) = (extent.start, extent.length.unwrap_or(-1));
        }
        Result::Ok(())
    })
}

fn of_open_reader<'a>(tensor: *const ckpt_tensor) -> Result<Tensor<'a>> {
    required(tensor, "the tensor")?.tensor().ok_or_else(|| Error::argument("the tensor's reader was freed"))
}

fn signed(value: Option<u64>) -> i64 {
    value.and_then(|v| i64::try_from(v).ok()).unwrap_or(-1)
}
