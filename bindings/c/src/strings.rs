//! Text and string tensors, owned by the caller.

use std::ffi::c_char;
use std::path::{Path, PathBuf};

use super::{ask, bytes_at, ckpt_bytes, handle, list_at, own, release};
use ::checkpoint::{Error, Reason, Result, Strings};

/// Text returned by a call. Immutable: several threads may use it at once.
pub struct ckpt_string {
    /// The text, and a NUL.
    bytes: Vec<u8>,
}

impl ckpt_string {
    pub(super) fn new(mut bytes: Vec<u8>) -> ckpt_string {
        bytes.push(0);
        ckpt_string { bytes }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - 1]
    }
}

/// A path as text that the caller owns; NULL if there is none.
pub(super) fn text_of(path: impl Into<Option<PathBuf>>) -> *mut ckpt_string {
    path.into().map_or(std::ptr::null_mut(), |path| own(ckpt_string::new(path.into_os_string().into_encoded_bytes())))
}

/// The same for a caller who may not want it.
pub(super) fn give_path(out: Option<&mut *mut ckpt_string>, path: impl Into<Option<PathBuf>>) {
    if let Some(out) = out {
        *out = text_of(path);
    }
}

/// A path, lent.
pub(super) fn lend_path(path: &Path) -> ckpt_bytes {
    path.as_os_str().as_encoded_bytes().into()
}

/// Returns the bytes of the text, after which there is a NUL. Lent by `string`.
#[no_mangle]
pub extern "C" fn ckpt_string_bytes(string: *const ckpt_string) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(string).map(ckpt_string::text).into())
}

/// Returns the text with a NUL at its end, as functions take paths; NULL for NULL. Lent by
/// `string`. A text that contains NUL seems to end there; paths contain none.
#[no_mangle]
pub extern "C" fn ckpt_string_text(string: *const ckpt_string) -> *const c_char {
    ask(std::ptr::null(), || handle(string).map_or(std::ptr::null(), |s| s.bytes.as_ptr().cast()))
}

/// Frees text. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_string_free(string: *mut ckpt_string) {
    release(string);
}

/// The elements of a string or variant tensor, or a list of names. Immutable: several threads may
/// use it at once.
pub struct ckpt_strings(pub(super) Strings);

/// Returns the number of elements; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_strings_count(strings: *const ckpt_strings) -> usize {
    ask(0, || handle(strings).map_or(0, |s| s.0.len()))
}

/// Returns the element at `index`, counted in row-major order. Lent by `strings`; no value (NULL,
/// 0) if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_strings_get(strings: *const ckpt_strings, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(strings).and_then(|s| s.0.get(index)).into())
}

/// Frees strings. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_strings_free(strings: *mut ckpt_strings) {
    release(strings);
}

/// The variable-length elements of an array passed by the caller, for a tensor of this shape or a
/// slice of it.
pub(super) fn elements_of<'a>(shape: &[i64], elements: *const ckpt_bytes, count: usize) -> Result<Vec<&'a [u8]>> {
    let most = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(usize::try_from(dim).ok()?));
    if let Some(most) = most.filter(|&most| count > most) {
        return Err(Error::argument("the shape asks for another number of elements")
            .because(Reason::Shape)
            .expecting(format_args!("at most {most} elements"), format_args!("{count} elements")));
    }
    list_at(elements, count, "the elements", |element| bytes_at(element.data.cast(), element.len, "an element"))
}
