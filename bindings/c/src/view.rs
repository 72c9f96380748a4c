//! Mapped tensors.

use super::{ask, ckpt_bytes, handle, release};
use ::checkpoint::View;

/// The value of a tensor, mapped from its shard into memory. Immutable: several threads may use it
/// at once.
pub struct ckpt_view(pub(super) View);

/// Returns the value: row-major, little-endian. Lent by the view.
#[no_mangle]
pub extern "C" fn ckpt_view_bytes(view: *const ckpt_view) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(view).map(|v| &v.0[..]).into())
}

/// Returns the largest power of two, at most 4096, that divides the address of the bytes; 0 for
/// NULL. TensorFlow packs tensors without gaps, so it can be 1: check it before you access the
/// bytes as numbers.
#[no_mangle]
pub extern "C" fn ckpt_view_alignment(view: *const ckpt_view) -> usize {
    ask(0, || handle(view).map_or(0, |v| v.0.alignment()))
}

/// Unmaps and frees a view. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_view_free(view: *mut ckpt_view) {
    release(view);
}
