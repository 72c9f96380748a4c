//! Tensors, lent by their reader.

use super::constants::{ckpt_code, ckpt_dtype, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::{array_mut, ask, call, ckpt_bytes, handle, required};
use ::checkpoint::{Error, Reader, Result, Tensor};

/// A tensor of an open checkpoint. It is lent by the reader, lives as long as that, and does not change.
pub struct ckpt_tensor {
    reader: *const Reader,
    index: usize,
}

impl ckpt_tensor {
    /// A tensor of `reader`, which is boxed beside it and outlives it.
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

/// The key: bytes, UTF-8 in every checkpoint that TensorFlow's Python can list. Lent.
#[no_mangle]
pub extern "C" fn ckpt_tensor_key(tensor: *const ckpt_tensor) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || resolve(tensor).map(|t| t.key()).into())
}

/// The type of the elements; `CKPT_DTYPE_INVALID` of NULL.
#[no_mangle]
pub extern "C" fn ckpt_tensor_dtype(tensor: *const ckpt_tensor) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || resolve(tensor).map_or(CKPT_DTYPE_INVALID, |t| t.dtype().number() as ckpt_dtype))
}

/// The number of dimensions, at most 254; 0 of a scalar.
#[no_mangle]
pub extern "C" fn ckpt_tensor_rank(tensor: *const ckpt_tensor) -> usize {
    ask(0, || resolve(tensor).map_or(0, |t| t.shape().len()))
}

/// The dimensions, as many as `ckpt_tensor_rank` says. Lent.
#[no_mangle]
pub extern "C" fn ckpt_tensor_shape(tensor: *const ckpt_tensor) -> *const i64 {
    ask(std::ptr::null(), || resolve(tensor).map_or(std::ptr::null(), |t| t.shape().as_ptr()))
}

/// The number of elements.
#[no_mangle]
pub extern "C" fn ckpt_tensor_element_count(tensor: *const ckpt_tensor) -> u64 {
    ask(0, || resolve(tensor).map_or(0, |t| t.element_count()))
}

/// The bytes of the value: elements times element size. Of strings and variants the bytes that are stored, or -1 when that is not
/// known without reading them, as in V1 checkpoints and partitioned tensors.
#[no_mangle]
pub extern "C" fn ckpt_tensor_byte_size(tensor: *const ckpt_tensor) -> i64 {
    ask(-1, || signed(resolve(tensor).and_then(|t| t.byte_size())))
}

/// The data file that holds the tensor, counted from 0; -1 of a partitioned tensor, or in a V1 checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_tensor_shard(tensor: *const ckpt_tensor) -> i64 {
    ask(-1, || signed(resolve(tensor).and_then(|t| t.shard()).map(u64::from)))
}

/// Where in the data file the tensor begins, in bytes; -1 of a partitioned tensor, or in a V1 checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_tensor_offset(tensor: *const ckpt_tensor) -> i64 {
    ask(-1, || signed(resolve(tensor).and_then(|t| t.offset())))
}

/// The number of slices in which a partitioned tensor is stored; 0 of a tensor stored whole.
#[no_mangle]
pub extern "C" fn ckpt_tensor_slice_count(tensor: *const ckpt_tensor) -> usize {
    ask(0, || resolve(tensor).map_or(0, |t| t.slice_count()))
}

/// Stored slice `index` of a partitioned tensor: `start` and `length` have room for `ckpt_tensor_rank` values each. A length of -1
/// is the whole dimension.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when there are not so many slices.
#[no_mangle]
pub extern "C" fn ckpt_tensor_slice(
    tensor: *const ckpt_tensor,
    index: usize,
    start: *mut i64,
    length: *mut i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let tensor = required(tensor, "the tensor")?.tensor().ok_or_else(|| Error::argument("the tensor's reader is gone"))?;
        let rank = tensor.shape().len();
        let (start, length) = (array_mut(start, rank, "the starts")?, array_mut(length, rank, "the lengths")?);
        start.fill(0);
        length.fill(0);
        let slices = tensor.slices();
        let slice = slices.get(index).ok_or_else(|| {
            Error::argument("no such slice")
                .expecting(format_args!("an index below {}", slices.len()), index)
                .for_tensor(tensor.key())
        })?;
        for (i, extent) in slice.extents().iter().enumerate() {
            (start[i], length[i]) = (extent.start, extent.length.unwrap_or(-1));
        }
        Result::Ok(())
    })
}

fn signed(value: Option<u64>) -> i64 {
    value.and_then(|v| i64::try_from(v).ok()).unwrap_or(-1)
}
