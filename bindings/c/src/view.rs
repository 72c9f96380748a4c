//! Mapped tensors.

use super::{ask, ckpt_bytes, handle, release};
use ::checkpoint::View;

/// A tensor as it lies in its data file, mapped into memory. It does not change: several threads may use it at once.
pub struct ckpt_view(pub(super) View);

/// The bytes of the value: row-major, little-endian. Lent.
#[no_mangle]
pub extern "C" fn ckpt_view_bytes(view: *const ckpt_view) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(view).map(|v| &v.0[..]).into())
}

/// The largest power of two, up to 4096, that the address of the bytes is a multiple of. TensorFlow packs tensors without gaps, so it can
/// be 1: look before using the bytes as numbers.
#[no_mangle]
pub extern "C" fn ckpt_view_alignment(view: *const ckpt_view) -> usize {
    ask(0, || handle(view).map_or(0, |v| v.0.alignment()))
}

/// Unmaps a view. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_view_free(view: *mut ckpt_view) {
    release(view);
}
